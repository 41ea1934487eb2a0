"""A folder of images in the window: one image after another, saved as one goes, and runs over all of them."""
