"""Correcting labels by pointing at the image: clicks, a box and strokes, and what a predictor makes of them."""
