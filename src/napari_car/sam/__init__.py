"""Segment Anything: objects that it finds by itself, their matching with the masks of text queries, and corrections."""

from .mask_set import MaskSet
from .matching import SamMatch, match_each, match_sam_masks

__all__ = ["MaskSet", "SamMatch", "match_each", "match_sam_masks"]
