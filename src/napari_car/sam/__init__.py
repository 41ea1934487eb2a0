"""Segment Anything: objects that it finds by itself, their matching with the masks of text queries, and corrections."""

from typing import TYPE_CHECKING, Any

from .mask_set import MaskSet
from .matching import SamMatch, match_each, match_sam_masks

if TYPE_CHECKING:
    from .automatic import ObjectFinder
    from .loading import SamModel

__all__ = ["MaskSet", "SamMatch", "match_each", "match_sam_masks", "open_object_finder"]


def open_object_finder(sam: "str | SamModel", **options: Any) -> "ObjectFinder":
    """Load SAM by name, or take one; its library takes its time, and most runs do without."""
    from .automatic import ObjectFinder
    from .loading import load_sam

    return ObjectFinder(load_sam(sam, **options) if isinstance(sam, str) else sam)
