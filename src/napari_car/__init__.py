"""Segment images by text: CLIP as RNN (Sun et al., CVPR 2024), training-free and open-vocabulary."""

__version__ = "0.1.0"
