"""Miniatures of all benchmarks in their official layouts, and what was drawn into them.

Each function writes one into a folder and returns it with its ground truth as label maps (-1: not scored) or masks,
which come from the drawing, not from the files. `MINIATURES` has them by the names of the benchmarks.
"""

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_pictures import (
    PICTURES,
    SIZE_PX,
    CocoFile,
    Picture,
    Square,
    coco_name,
    write_grey_png,
    write_jpeg,
    write_palette_png,
    write_text,
    write_tiff,
)
from numpy.typing import NDArray

VOC_IDS = {"red": 1, "blue": 15, "yellow": 20, "grass": 0, "sky": 0, "water": 0}
COCO_IDS = {"red": 1, "blue": 80, "yellow": 12, "grass": 0, "sky": 0, "water": 0}
CONTEXT_IDS = {"red": 1, "blue": 59, "yellow": 0, "grass": 29, "sky": 47, "water": 57}
"""Yellow is outside of the 59 classes."""
CONTEXT_459_IDS = {"red": 1, "blue": 459, "yellow": -1, "grass": 187, "sky": 360, "water": 445}
ADE_IDS = {"red": 150, "blue": 1, "yellow": -1, "grass": 10, "sky": 3, "water": 22}
ADE_847_IDS = {"red": 847, "blue": 1, "yellow": -1, "grass": 13, "sky": 3, "water": 25}
FOLDER_IDS = {"red": 3, "blue": 300, "yellow": 0, "grass": 7, "sky": 0, "water": 0}
"""Yellow squares are switched off in the ontology, the sky is a distractor, and water is in no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticMiniature:
    """A semantic benchmark in a folder."""

    root: Path
    truths: dict[str, NDArray[np.int32]]
    """Label maps by key: class ids, 0 background, -1 not scored."""
    images: tuple[Path, ...]
    masks: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferringItem:
    """What is to be found."""

    expressions: tuple[str, ...]
    truth: NDArray[np.bool_]
    """All pixels of all targets."""
    released: NDArray[np.bool_]
    """What the authors' evaluation takes for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferringMiniature:
    """A referring benchmark in a folder."""

    root: Path
    refs_file: Path
    objects: dict[str, dict[str, ReferringItem]]
    """Items by split and key, one for each object."""
    sentences: dict[str, dict[str, ReferringItem]]
    """Items by split and key, one for each expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoMiniature:
    """A video benchmark in a folder."""

    root: Path
    truths: dict[str, list[NDArray[np.int32]]]
    """Label maps of objects by sequence, one for each frame; -1 not scored."""
    expressions: dict[str, dict[str, dict[int, str]]]
    """By sequence, annotator and object."""


# --- semantic ---------------------------------------------------------------------------------------------------------


def make_voc(root: Path, *, background: bool = True) -> SemanticMiniature:
    """Palette PNG with borders that are not scored; one picture is in no list of this split."""
    folder = root / "VOCdevkit" / "VOC2012"
    sets = folder / "ImageSets" / "Segmentation"
    write_text(sets / "val.txt", "".join(f"2007_{picture.name}\n" for picture in PICTURES[:3]))
    write_text(sets / "train.txt", f"2007_{PICTURES[3].name}\r\n\r\n")
    truths, files = {}, []
    for picture in PICTURES:
        labels = picture.labels(VOC_IDS)
        labels[picture.is_border()] = -1
        key = f"2007_{picture.name}"
        files.append((folder / "JPEGImages" / f"{key}.jpg", folder / "SegmentationClass" / f"{key}.png"))
        write_jpeg(files[-1][0], picture.draw())
        write_palette_png(files[-1][1], np.where(labels == -1, 255, labels))
        truths[key] = labels if background else np.where(labels == 0, -1, labels)
    del truths[f"2007_{PICTURES[3].name}"]
    return _semantic(root, truths, files)


def make_coco_object(root: Path) -> SemanticMiniature:
    """Grey PNG beside which lie the maps that they were made of, as after the conversion."""
    truths, files = {}, []
    for picture in PICTURES:
        labels, key = picture.labels(COCO_IDS), f"{int(picture.name):012}"
        masks = root / "annotations" / "val2017"
        files.append((root / "images" / "val2017" / f"{key}.jpg", masks / f"{key}_instanceTrainIds.png"))
        write_jpeg(files[-1][0], picture.draw())
        write_grey_png(files[-1][1], labels)
        write_grey_png(masks / f"{key}.png", np.where(labels == 0, 255, labels))
        truths[key] = labels
    return _semantic(root, truths, files)


def make_context(root: Path, *, background: bool = True) -> SemanticMiniature:
    """Grey PNG of the 59 classes."""
    folder = root / "VOCdevkit" / "VOC2010"
    keys = [f"2008_{picture.name}" for picture in PICTURES]
    write_text(folder / "ImageSets" / "SegmentationContext" / "val.txt", "\n".join(keys))
    truths, files = {}, []
    for key, picture in zip(keys, PICTURES, strict=True):
        labels = picture.labels(CONTEXT_IDS)
        files.append((folder / "JPEGImages" / f"{key}.jpg", folder / "SegmentationClassContext" / f"{key}.png"))
        write_jpeg(files[-1][0], picture.draw())
        write_grey_png(files[-1][1], labels)
        truths[key] = labels if background else np.where(labels == 0, -1, labels)
    return _semantic(root, truths, files)


def make_context_459(root: Path) -> SemanticMiniature:
    """TIFF of 16 bits with the id less 1."""
    return _tiff_pairs(root, "images", "annotations_ctx459", CONTEXT_459_IDS, "2008_")


def make_ade(root: Path) -> SemanticMiniature:
    """Grey PNG; value 0 is not scored."""
    truths, files = {}, []
    for picture in PICTURES:
        labels, key = picture.labels(ADE_IDS), f"ADE_val_{int(picture.name):08}"
        folder = Path("validation")
        files.append((root / "images" / folder / f"{key}.jpg", root / "annotations" / folder / f"{key}.png"))
        write_jpeg(files[-1][0], picture.draw())
        write_grey_png(files[-1][1], np.where(labels == -1, 0, labels))
        truths[key] = labels
    return _semantic(root, truths, files)


def make_ade_847(root: Path) -> SemanticMiniature:
    """TIFF of 16 bits with the id less 1; class 847, which the authors' evaluation loses, is there."""
    miniature = _tiff_pairs(root, "images_detectron2", "annotations_detectron2", ADE_847_IDS, "ADE_val_00")
    # A value above the classes' that is not 65535 is not scored either.
    key, truth = next(iter(miniature.truths.items()))
    truth[0, :5] = -1
    stored = np.where(truth == -1, 65535, truth - 1)
    stored[0, :5] = 900
    write_tiff(root / "annotations_detectron2" / "validation" / f"{key}.tif", stored)
    return miniature


def make_folder(root: Path, *, beside: bool = False) -> SemanticMiniature:
    """Anybody's own data: PNG, JPEG and TIFF, an ontology with a distractor and a class that is switched off."""
    write_text(
        root / "ontology.toml",
        'format = "napari-car-ontology"\nversion = 1\nnext_id = 400\n'
        + "".join(
            f"[[classes]]\nid = {id_}\ntext = {json.dumps(text)}\ncolour = [{id_ % 256}, 0, 0]\n{more}\n"
            for id_, text, more in (
                (300, "blue square", 'synonyms = ["blue box"]\nname = "Blue, of any size"'),
                (3, "red square", ""),
                (7, "grass", 'group = "stuff"'),
                (8, "purple square", ""),
                (20, "yellow square", "enabled = false"),
                (21, "sky", 'role = "background"'),
            )
        ),
    )
    file_ids = FOLDER_IDS | {"yellow": 20, "sky": 21}
    truths, files = {}, []
    for number, picture in enumerate(PICTURES):
        key = f"plot {picture.name}"
        labels, stored = picture.labels(FOLDER_IDS), picture.labels(file_ids)
        labels[picture.is_border()], stored[picture.is_border()] = -1, 255
        suffix = (".jpg", ".png", ".JPG", ".jpeg")[number]
        image = root / f"{key}{suffix}" if beside else root / "images" / f"{key}{suffix}"
        mask = root / f"{key}_mask.tif" if beside else root / "masks" / f"{key}.tif"
        files.append((image, mask))
        write_jpeg(image, picture.draw())
        write_tiff(mask, stored)
        truths[key] = labels
    return _semantic(root, truths, files)


def _tiff_pairs(root: Path, images: str, masks: str, ids: dict[str, int], prefix: str) -> SemanticMiniature:
    """Write the layout of FC-CLIP's scripts."""
    truths, files = {}, []
    for picture in PICTURES:
        labels, key = picture.labels(ids), f"{prefix}{picture.name}"
        files.append((root / images / "validation" / f"{key}.jpg", root / masks / "validation" / f"{key}.tif"))
        write_jpeg(files[-1][0], picture.draw())
        write_tiff(files[-1][1], np.where(labels == -1, 65535, labels - 1))
        truths[key] = labels
    return _semantic(root, truths, files)


def _semantic(root: Path, truths: dict[str, NDArray[np.int32]], files: list[tuple[Path, Path]]) -> SemanticMiniature:
    """Return a miniature."""
    images, masks = zip(*files, strict=True)
    return SemanticMiniature(root=root, truths=truths, images=images, masks=masks)


# --- referring --------------------------------------------------------------------------------------------------------

_CROWD = {"counts": [0, 96 * 128], "size": [96, 128]}


def make_refcoco(
    root: Path, *, data_set: str = "refcoco", split_by: str = "unc", splits: tuple[str, ...] = ("val", "testA", "testB")
) -> ReferringMiniature:
    """Expressions for single squares; the yellow ones have two polygons that overlap.

    Each split has one object of one picture, and the first split all others.
    """
    coco, refs = CocoFile(), []
    miniature = _referring(root, root / data_set / f"refs({split_by}).p")
    shown = [picture for picture in PICTURES if picture.squares]
    for number, picture in enumerate(shown):
        image_id = coco.add_image(picture)
        write_jpeg(root / "images/mscoco/images/train2014" / coco_name(picture), picture.draw())
        coco.add_object(image_id, _CROWD, is_crowd=True)
        for square in picture.squares:
            twice = [square.polygon, _lower_half(square).polygon] if square.colour == "yellow" else [square.polygon]
            ref_id = 500 + len(refs)
            raws = (f'The "{square.colour.title()}" square', f"{square.colour} square/box", "  ")
            split = splits[number % len(splits)]
            ref = _ref(ref_id, coco.add_object(image_id, twice), image_id, split, raws)
            refs.append(ref)
            mask = square.mask(picture.size_px)
            released = mask & ~_lower_half(square).mask(picture.size_px) if len(twice) == 2 else mask
            texts = (f"the {square.colour} square", f"{square.colour} squarebox")
            _add_items(miniature, split, ref, texts, mask, released)
    coco.add_object(coco.images[0]["id"], [[0, 0, 5, 0, 5, 5]])  # nobody speaks of it
    coco.write(root / data_set / "instances.json")
    _write_pickle(miniature.refs_file, refs)
    return miniature


def make_gres(root: Path, *, as_json: bool = False) -> ReferringMiniature:
    """Expressions for one square, for two, and for none."""
    coco, refs = CocoFile(), []
    miniature = _referring(root, root / "grefcoco" / ("grefs(unc).json" if as_json else "grefs(unc).p"))
    picture = PICTURES[0]
    image_id = coco.add_image(picture)
    write_jpeg(root / "images/mscoco/images/train2014" / coco_name(picture), picture.draw())
    red, blue = picture.squares
    crowd = coco.add_object(image_id, _CROWD, is_crowd=True)
    ids = {square.colour: coco.add_object(image_id, [square.polygon]) for square in picture.squares}
    red_mask, blue_mask = red.mask(SIZE_PX), blue.mask(SIZE_PX)
    nothing = np.zeros(SIZE_PX, dtype=bool)
    for split, targets, raws, truth, released in (
        ("val", [ids["red"]], ("Red square", ""), red_mask, red_mask),
        ("val", [ids["blue"], ids["red"]], ("both Squares",), red_mask | blue_mask, blue_mask),
        ("val", [-1], ("purple square", 'a "cat"'), nothing, nothing),
        ("val", [crowd, ids["blue"]], ("blue square",), blue_mask, blue_mask),
        ("testA", [ids["blue"]], ("the blue one",), blue_mask, blue_mask),
    ):
        ref = _ref(900 + len(refs), targets, image_id, split, raws)
        ref["no_target"] = targets == [-1]
        refs.append(ref)
        _add_items(miniature, split, ref, tuple(filter(None, raws)), truth, released)
    coco.write(root / "grefcoco" / "instances.json")
    if as_json:
        write_text(miniature.refs_file, json.dumps(refs))
    else:
        _write_pickle(miniature.refs_file, refs)
    return miniature


def _lower_half(square: Square) -> Square:
    """Return the lower half of a square."""
    half = square.height // 2
    return Square(
        colour=square.colour, top=square.top + half, left=square.left, height=square.height - half, width=square.width
    )


def _ref(ref_id: int, ann_id: int | list[int], image_id: int, split: str, raws: tuple[str, ...]) -> dict[str, Any]:
    """Return a record as the publishers have it; its file name is no image's."""
    sentences = [
        {"sent_id": 10 * ref_id + number, "raw": raw, "sent": raw.lower(), "tokens": raw.lower().split()}
        for number, raw in enumerate(raws)
    ]
    return {
        "ref_id": ref_id,
        "ann_id": ann_id,
        "category_id": 1,
        "image_id": image_id,
        "file_name": f"COCO_train2014_000000000000_{ref_id}.jpg",
        "split": split,
        "sent_ids": [sentence["sent_id"] for sentence in sentences],
        "sentences": sentences,
    }


def _referring(root: Path, refs_file: Path) -> ReferringMiniature:
    """Return a miniature without items."""
    return ReferringMiniature(root=root, refs_file=refs_file, objects={}, sentences={})


def _add_items(
    miniature: ReferringMiniature,
    split: str,
    ref: dict[str, Any],
    texts: tuple[str, ...],
    truth: NDArray[np.bool_],
    released: NDArray[np.bool_],
) -> None:
    """Add what is to be found, once as an object, and once for each expression that is not empty."""
    ref_id = ref["ref_id"]
    sent_ids = [item["sent_id"] for item in ref["sentences"] if item["raw"].strip()]
    item = ReferringItem(expressions=texts, truth=truth, released=released)
    miniature.objects.setdefault(split, {})[str(ref_id)] = item
    for sent_id, text in zip(sent_ids, texts, strict=True):
        item = ReferringItem(expressions=(text,), truth=truth, released=released)
        miniature.sentences.setdefault(split, {})[f"{ref_id}-{sent_id}"] = item


def _write_pickle(path: Path, value: Any) -> None:
    """Write a pickle of the protocol that Python 2 has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol=2))


# --- video ------------------------------------------------------------------------------------------------------------

N_FRAMES = 4


def make_ref_davis(root: Path) -> VideoMiniature:
    """Two videos of squares that move; one leaves its video, and has a border that is not scored.

    The second annotator's files are in Latin-1, one name is misspelt as in the published files, and the second
    annotator left out an object after having seen the whole video.
    """
    truths: dict[str, list[NDArray[np.int32]]] = {}
    for name, colours in (("dogs-scale", ("red", "blue")), ("lonely", ("yellow",))):
        truths[name] = []
        for frame in range(N_FRAMES):
            squares = [
                Square(colour="red", top=10 + 4 * frame, left=8),
                Square(colour="blue", top=44, left=76 + 13 * frame, width=max(40 - 13 * frame, 0)),
                Square(colour="yellow", top=30, left=20 + 8 * frame),
            ]
            squares = [square for square in squares if square.colour in colours and square.width > 10]
            picture = Picture(name=f"{frame:05}", surface="grass", squares=tuple(squares))
            labels = picture.labels({"grass": 0} | {colour: id_ for id_, colour in enumerate(colours, start=1)})
            if name == "dogs-scale":
                labels[picture.is_border()] = -1
            write_jpeg(root / "JPEGImages/480p" / name / f"{picture.name}.jpg", picture.draw())
            stored = np.where(labels == -1, 255, labels)
            write_palette_png(root / "Annotations/480p" / name / f"{picture.name}.png", stored)
            truths[name].append(labels)
    write_text(root / "ImageSets/2017/val.txt", "dogs-scale\nlonely\n")
    texts: dict[str, dict[str, dict[int, str]]] = {
        "dogs-scale": {
            "annot1": {1: "red square", 2: "blue square"},
            "annot1_full_video": {1: "a red square that sinks", 2: "a square that leaves"},
            "annot2": {1: "the red box", 2: 'a "blue" box'},
            "annot2_full_video": {1: "rosé square"},
        },
        "lonely": {
            "annot1": {1: "yellow square"},
            "annot1_full_video": {1: "yellow square that moves"},
            "annot2": {1: "a yellow box"},
            "annot2_full_video": {1: "the only square"},
        },
    }
    for annotator in texts["lonely"]:
        lines = [
            f'{"dog-scale" if name == "dogs-scale" else name} {id_} "{text}"'
            for name, by_annotator in texts.items()
            for id_, text in by_annotator[annotator].items()
        ]
        path = root / "davis_text_annotations" / f"Davis17_{annotator}.txt"
        write_text(path, "\n".join([*lines, 'elsewhere 1 "not in this split"', ""]), encoding="latin-1")
    return VideoMiniature(root=root, truths=truths, expressions=texts)


def make_davis_2016(root: Path) -> VideoMiniature:
    """One video of one object, which is 255."""
    truths = []
    for frame in range(N_FRAMES):
        square = Square(colour="red", top=10 + 4 * frame, left=8)
        picture = Picture(name=f"{frame:05}", surface="sand", squares=(square,))
        labels = picture.labels({"sand": 0, "red": 1})
        write_jpeg(root / "JPEGImages/480p/solo" / f"{picture.name}.jpg", picture.draw())
        write_grey_png(root / "Annotations/480p/solo" / f"{picture.name}.png", 255 * labels)
        truths.append(labels)
    write_text(root / "ImageSets/2016/val.txt", "solo\n")
    return VideoMiniature(root=root, truths={"solo": truths}, expressions={"solo": {}})


def make_davis_frames(root: Path) -> SemanticMiniature:
    """The same video, frame by frame."""
    (truths,) = make_davis_2016(root).truths.values()
    stems = [f"{frame:05}" for frame in range(N_FRAMES)]
    files = [
        (root / "JPEGImages/480p/solo" / f"{stem}.jpg", root / "Annotations/480p/solo" / f"{stem}.png")
        for stem in stems
    ]
    return _semantic(root, {f"solo-{stem}": truth for stem, truth in zip(stems, truths, strict=True)}, files)


Miniature = SemanticMiniature | ReferringMiniature | VideoMiniature

MINIATURES: dict[str, Callable[[Path], Miniature]] = {
    "voc": make_voc,
    "voc-20": partial(make_voc, background=False),
    "coco-object": make_coco_object,
    "context-60": make_context,
    "context-59": partial(make_context, background=False),
    "context-459": make_context_459,
    "ade-150": make_ade,
    "ade-847": make_ade_847,
    "refcoco": make_refcoco,
    "refcoco+": partial(make_refcoco, data_set="refcoco+"),
    "refcocog-umd": partial(make_refcoco, data_set="refcocog", split_by="umd", splits=("val", "test")),
    "refcocog-google": partial(make_refcoco, data_set="refcocog", split_by="google", splits=("val", "train")),
    "gres": make_gres,
    "ref-davis": make_ref_davis,
    "folder": make_folder,
    "davis-frames": make_davis_frames,
}
"""By the names of the benchmarks."""
