"""Pascal VOC 2012: twenty classes, all of them things, with background (VOC-21) or without (VOC-20)."""

from pathlib import Path

from .index_masks import MaskFolders, open_pairs
from .publication import Publication
from .semantic import SemanticBenchmark

VOC_2012 = Publication(
    title="Pascal VOC 2012",
    holds="VOCdevkit/VOC2012 with JPEGImages, SegmentationClass and ImageSets/Segmentation",
    site="host.robots.ox.ac.uk/pascal/VOC/voc2012",
)


def open_voc(root: Path, *, split: str = "val", background: bool = True) -> SemanticBenchmark:
    """Open the segmentation task of Pascal VOC 2012.

    Masks are palette PNG: 0 background, 1 to 20 classes, 255 borders and what is hard to tell, which is not scored.

    Parameters
    ----------
    root : Path
        Holds ``VOCdevkit``.
    split : str
        A list of ``ImageSets/Segmentation``: ``train``, ``val`` or ``trainval``.
    background : bool
        Whether background is scored: VOC-21. If not, its pixels are not scored at all: VOC-20.

    Raises
    ------
    DocumentError
        If a folder, the list, or a file that it names is missing.
    """
    folder = root / "VOCdevkit" / "VOC2012"
    keys = VOC_2012.read_names(folder / "ImageSets" / "Segmentation" / f"{split}.txt")
    folders = MaskFolders(
        images=folder / "JPEGImages",
        image_ending=".jpg",
        masks=folder / "SegmentationClass",
        mask_ending=".png",
        stored_as="a palette PNG with the indices 0 to 20 and 255 as published, not converted to RGB",
    )
    name = "voc" if background else "voc-20"
    return open_pairs(name, VOC_2012, split, folders, "voc", has_background=background, keys=keys)
