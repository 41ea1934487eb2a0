"""Corrections by pointing: what was pointed at, where a predictor looks, and what becomes of the labels."""
