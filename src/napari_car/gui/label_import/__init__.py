"""Labels of a data set for an image that is open."""
