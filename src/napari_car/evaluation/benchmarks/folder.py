"""Anybody's own data as a benchmark: a folder of images and index masks, and an ontology.

Two layouts are read::

    images/field-1.jpg    masks/field-1.png         (or labels/, as the data sets of napari-car have it)
    field-1.jpg           field-1_mask.png          (masks beside the images)

Masks are grey or palette PNG, or TIFF, and their values are the ids of the classes in the ontology; 0 is background.
"""

from pathlib import Path

from napari_car.annotation.ontology_file import SUFFIXES, read_ontology
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import ConfigError, DocumentError
from napari_car.io.find import IMAGE_SUFFIXES

from .semantic import BenchmarkClass, SemanticBenchmark, SemanticSample
from .truth import BACKGROUND, IGNORED, TruthCode

_IMAGES, _MASKS, _BESIDE = "images", ("masks", "labels"), "_mask"
_MASK_SUFFIXES = (".png", ".tif", ".tiff")
_LAYOUT = (
    f"a folder to evaluate holds images/ and masks/ with files of the same names, or masks named *{_BESIDE}.png beside "
    "the images"
)


def open_folder(
    root: Path, *, split: str = "all", ontology: Path | None = None, ignored: int | None = 255
) -> SemanticBenchmark:
    """Open a folder of images and masks.

    What the ontology asks for is what is scored. Its distractors compete with that as they do in a run; in masks, they
    and classes that are switched off are background. Images are turned as their EXIF orientation says, as napari-car
    shows them: masks must be of the same size.

    Parameters
    ----------
    root : Path
    split : str
        A name for what the folder holds; all of it is read.
    ontology : Path, optional
        None: ``ontology.toml`` or ``ontology.json`` in the folder.
    ignored : int, optional
        Value of pixels that are not scored. 0: background is not. None: all are.

    Raises
    ------
    ConfigError
        If a class has the value that is not scored.
    DocumentError
        If there is no ontology, it asks for nothing, or images or masks are missing.
    """
    if not root.is_dir():
        raise DocumentError(f"There is no folder {root}: {_LAYOUT}.")
    sheet = read_ontology(ontology or _find_ontology(root))
    if not sheet.queries:
        raise DocumentError(f"The ontology of {root} asks for nothing: it needs a class that is switched on.")
    code = _truth_code(sheet, ignored)
    samples = tuple(
        SemanticSample(key=key, image=image, truth=mask, code=code, is_upright=True)
        for key, (image, mask) in _find_pairs(root).items()
    )
    queries = dict(zip(sheet.query_ids, sheet.queries, strict=True))
    return SemanticBenchmark(
        name="folder",
        title=root.resolve().name,
        split=split,
        classes=tuple(
            BenchmarkClass(id=id_, name=sheet.entry(id_).class_name, query=queries[id_]) for id_ in sorted(queries)
        ),
        stuff_order=tuple(id_ for id_, query in queries.items() if query.group == "stuff"),
        has_background=ignored != 0,
        samples=samples,
        background_words=sheet.background_words,
    )


def _find_ontology(root: Path) -> Path:
    """Return the ontology in a folder."""
    there = [path for suffix in SUFFIXES if (path := root / f"ontology{suffix}").is_file()]
    if len(there) != 1:
        count = "both" if there else "neither"
        names = " and " if there else " nor "
        raise DocumentError(
            f"{root} holds {count} {names.join(f'ontology{suffix}' for suffix in SUFFIXES)}: name the ontology whose "
            "classes are in the masks."
        )
    return there[0]


def _truth_code(sheet: QuerySheet, ignored: int | None) -> TruthCode:
    """Return what the values of the masks stand for."""
    wanted = set(sheet.query_ids)
    labels = {0: BACKGROUND} | {entry.id: entry.id if entry.id in wanted else BACKGROUND for entry in sheet.entries}
    stored_as = "a grey or palette PNG or a TIFF whose values are ids of the ontology, or 0"
    if ignored is not None:
        if ignored in sheet.names:
            raise ConfigError(
                f'The class "{sheet.names[ignored]}" has the id {ignored}, which stands for pixels that are not '
                "scored: choose another value for these."
            )
        labels[ignored] = IGNORED
        stored_as += f", or {ignored} where it is not to be scored"
    return TruthCode(labels=labels, stored_as=stored_as)


def _find_pairs(root: Path) -> dict[str, tuple[Path, Path]]:
    """Return image and mask of each name."""
    if (root / _IMAGES).is_dir():
        folders = [root / name for name in _MASKS if (root / name).is_dir()]
        if not folders:
            raise DocumentError(f"There is no folder {root / _MASKS[0]}: {_LAYOUT}.")
        images, masks = _by_name(root / _IMAGES, IMAGE_SUFFIXES), _by_name(folders[0], _MASK_SUFFIXES)
    else:
        files = _by_name(root, IMAGE_SUFFIXES)
        masks = {
            name.removesuffix(_BESIDE): path
            for name, path in files.items()
            if name.endswith(_BESIDE) and path.suffix.lower() in _MASK_SUFFIXES
        }
        images = {name: path for name, path in files.items() if not name.endswith(_BESIDE)}
    if not images:
        raise DocumentError(f"{root} holds no images: {_LAYOUT}.")
    for name in sorted(images.keys() ^ masks.keys()):
        what, other = (images[name], "mask") if name in images else (masks[name], "image")
        raise DocumentError(f"There is no {other} for {what}: {_LAYOUT}.")
    return {name: (images[name], masks[name]) for name in sorted(images)}


def _by_name(folder: Path, suffixes: frozenset[str] | tuple[str, ...]) -> dict[str, Path]:
    """Return the files with certain endings by name without ending."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DocumentError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    found: dict[str, Path] = {}
    for path in paths:
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file():
            if path.stem in found:
                raise DocumentError(f"{found[path.stem]} and {path.name} have the same name: rename one of them.")
            found[path.stem] = path
    return found
