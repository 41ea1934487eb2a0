"""ADE20K: 150 classes of the scene parsing challenge, and the 847 classes of the full data set."""

from pathlib import Path

from .index_masks import MaskFolders, open_pairs
from .publication import Publication
from .semantic import SemanticBenchmark

ADE_150 = Publication(
    title="ADE20K (ADEChallengeData2016)",
    holds="images/validation with *.jpg and annotations/validation with *.png",
    site="sceneparsing.csail.mit.edu",
)
ADE_847 = Publication(
    title="ADE20K full (ADE20K_2021_17_01)",
    holds=(
        "images_detectron2/validation and annotations_detectron2/validation, as the script "
        "prepare_ade20k_full_sem_seg.py of github.com/bytedance/fc-clip makes them"
    ),
    site="groups.csail.mit.edu/vision/datasets/ADE20K",
)


def open_ade(root: Path, *, split: str = "validation") -> SemanticBenchmark:
    """Open ADE20K with 150 classes.

    Masks are grey PNG: 1 to 150 classes, 0 other objects, which are not scored. There is no background.
    (annotations_detectron2, which hold the id less 1 and 255, are another layout.)

    Parameters
    ----------
    root : Path
        The folder ``ADEChallengeData2016``.
    split : str
        ``training`` or ``validation``.

    Raises
    ------
    DocumentError
        If a folder is missing, or a mask of an image.
    """
    folders = MaskFolders(
        images=root / "images" / split,
        image_ending=".jpg",
        masks=root / "annotations" / split,
        mask_ending=".png",
        stored_as="a grey PNG with the values 0 to 150 as published",
    )
    return open_pairs("ade-150", ADE_150, split, folders, "ade_150", has_background=False)


def open_ade_847(root: Path, *, split: str = "validation") -> SemanticBenchmark:
    """Open ADE20K with 847 classes.

    Masks are TIFF of 16 bits: 0 to 846 is the id less 1; 65535, and whatever else is above 846, is not scored. There
    is no background.

    The authors' evaluation has a histogram of 847 places for the labels 0 to 847: pixels of class 847 are lost in it,
    and one that is predicted as 847 counts in a wrong place. Here class 847 is one like the others. Queries are the
    official names, of which some name one thing in singular and plural, and some share synonyms; they are all distinct.

    Parameters
    ----------
    root : Path
        The folder ``ADE20K_2021_17_01`` with FC-CLIP's folders in it.
    split : str
        ``training`` or ``validation``.

    Raises
    ------
    DocumentError
        If a folder is missing, or a mask of an image.
    """
    folders = MaskFolders(
        images=root / "images_detectron2" / split,
        image_ending=".jpg",
        masks=root / "annotations_detectron2" / split,
        mask_ending=".tif",
        stored_as="a TIFF of 16 bits with the values 0 to 846 and 65535, as FC-CLIP's script makes it",
    )
    return open_pairs("ade-847", ADE_847, split, folders, "ade_847", has_background=False)
