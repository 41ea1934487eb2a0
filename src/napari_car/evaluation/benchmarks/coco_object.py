"""COCO Object: the 80 things of COCO 2017 with all else as background."""

from pathlib import Path

from .index_masks import MaskFolders, open_pairs
from .publication import Publication
from .semantic import SemanticBenchmark

COCO_OBJECT = Publication(
    title="COCO Object",
    holds=(
        "images/val2017 with the photographs and annotations/val2017 with *_instanceTrainIds.png, which the script "
        "convert_coco_object.py of github.com/NVlabs/GroupViT makes of COCO-Stuff's stuffthingmaps"
    ),
    site="cocodataset.org and github.com/nightrome/cocostuff",
)


def open_coco_object(root: Path, *, split: str = "val2017") -> SemanticBenchmark:
    """Open COCO Object.

    Masks are grey PNG: 0 background, 1 to 80 the classes in COCO's order, nothing that is not scored. The gaps of
    COCO's category ids are closed.

    Parameters
    ----------
    root : Path
        Holds ``images`` and ``annotations``.
    split : str
        ``val2017`` or ``train2017``.

    Raises
    ------
    DocumentError
        If a folder is missing, or a mask of an image.
    """
    folders = MaskFolders(
        images=root / "images" / split,
        image_ending=".jpg",
        masks=root / "annotations" / split,
        mask_ending="_instanceTrainIds.png",
        stored_as="a grey PNG with the values 0 to 80, as GroupViT's convert_coco_object.py makes it",
    )
    return open_pairs("coco-object", COCO_OBJECT, split, folders, "coco_object", has_background=True)
