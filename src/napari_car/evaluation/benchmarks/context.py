"""Pascal Context: 59 classes with background (60) or without (59), and all 459 classes."""

from pathlib import Path

from .index_masks import MaskFolders, open_pairs
from .publication import Publication
from .semantic import SemanticBenchmark

PASCAL_CONTEXT = Publication(
    title="Pascal Context",
    holds=(
        "VOCdevkit/VOC2010 with JPEGImages, and with SegmentationClassContext and ImageSets/SegmentationContext as "
        "MMSegmentation's tools/dataset_converters/pascal_context.py makes them"
    ),
    site="host.robots.ox.ac.uk/pascal/VOC/voc2010 and cs.stanford.edu/~roozbeh/pascal-context",
)
PASCAL_CONTEXT_459 = Publication(
    title="Pascal Context 459",
    holds=(
        "images/validation and annotations_ctx459/validation, as the script prepare_pascal_ctx_full_sem_seg.py of "
        "github.com/bytedance/fc-clip makes them"
    ),
    site="host.robots.ox.ac.uk/pascal/VOC/voc2010 and cs.stanford.edu/~roozbeh/pascal-context",
)


def open_context(root: Path, *, split: str = "val", background: bool = True) -> SemanticBenchmark:
    """Open Pascal Context with its 59 most frequent classes.

    Masks are grey PNG: 0 all that is outside of the 59 classes, 1 to 59 classes. (FC-CLIP's annotations_ctx59, which
    hold the id less 1 and 255, are another layout.)

    Parameters
    ----------
    root : Path
        Holds ``VOCdevkit``.
    split : str
        A list of ``ImageSets/SegmentationContext``: ``train`` or ``val``.
    background : bool
        Whether what is outside of the classes is scored as background: Context-60. If not, its pixels are not scored
        at all: Context-59.

    Raises
    ------
    DocumentError
        If a folder, the list, or a file that it names is missing.
    """
    folder = root / "VOCdevkit" / "VOC2010"
    keys = PASCAL_CONTEXT.read_names(folder / "ImageSets" / "SegmentationContext" / f"{split}.txt")
    folders = MaskFolders(
        images=folder / "JPEGImages",
        image_ending=".jpg",
        masks=folder / "SegmentationClassContext",
        mask_ending=".png",
        stored_as="a grey or palette PNG with the values 0 to 59, as MMSegmentation's pascal_context.py makes it",
    )
    name = "context-60" if background else "context-59"
    return open_pairs(name, PASCAL_CONTEXT, split, folders, "context_59", has_background=background, keys=keys)


def open_context_459(root: Path, *, split: str = "validation") -> SemanticBenchmark:
    """Open Pascal Context with all of its 459 classes.

    Masks are TIFF of 16 bits: 0 to 458 is the id less 1, 65535 is not scored. There is no background; the class
    "unknown" is one like the others.

    Parameters
    ----------
    root : Path
        Holds ``images`` and ``annotations_ctx459``: FC-CLIP's ``pascal_ctx_d2``.
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
        masks=root / "annotations_ctx459" / split,
        mask_ending=".tif",
        stored_as="a TIFF of 16 bits with the values 0 to 458 and 65535, as FC-CLIP's script makes it",
    )
    return open_pairs("context-459", PASCAL_CONTEXT_459, split, folders, "context_459", has_background=False)
