"""Drawn scenes with exact masks and true texts: the demo checkpoint's training and test data."""
