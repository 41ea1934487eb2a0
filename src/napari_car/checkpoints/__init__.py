"""Checkpoints of all networks: which there are, where they lie, and how they get there and are read."""
