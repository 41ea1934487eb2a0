"""What predictions are worth: exact metrics that are fed image by image."""
