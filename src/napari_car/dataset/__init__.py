"""Data sets for training: labelled images written in the formats that trainers read, and read back."""
