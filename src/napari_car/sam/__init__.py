"""Segment Anything: matching of its masks with the masks of text queries."""

from .matching import SamMatch, match_sam_masks

__all__ = ["SamMatch", "match_sam_masks"]
