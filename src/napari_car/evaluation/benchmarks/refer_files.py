"""Files of RefCOCO and its kin: ``refs(*).p`` with the expressions, ``instances.json`` with the objects."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_car.errors import DocumentError
from napari_car.io.images import MAX_PIXELS
from napari_car.schema import is_whole

from .inert_pickle import read_inert_pickle
from .publication import Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One expression as it was written."""

    id: int
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """Expressions for one target in one image."""

    id: int
    image_id: int
    annotation_ids: tuple[int, ...]
    """Objects that are meant; none if nothing is to be found."""
    split: str
    sentences: tuple[Sentence, ...]

    def is_in(self, split: str) -> bool:
        """Tell whether it belongs to a split, as the publishers' interface does: testA stands in "testAB", too."""
        if split in ("testA", "testB", "testC"):
            return split[-1] in self.split
        return "test" in self.split if split == "test" else self.split == split


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image of ``instances.json``."""

    file_name: str
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An object of ``instances.json``."""

    image_id: int
    segmentation: Any
    """Polygons, not yet checked."""
    is_crowd: bool


def read_refs(path: Path, publication: Publication) -> list[Ref]:
    """Read the expressions from a pickle (``.p``), in which nothing is run, or from JSON.

    Raises
    ------
    DocumentError
        If the file is missing, or is something else.
    """
    content = publication.read_bytes(path)
    try:
        record = json.loads(content) if path.suffix == ".json" else read_inert_pickle(content)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, str(error)) from error
    if not isinstance(record, list):
        raise _refusal(path, "it holds no list")
    refs = [_read_ref(path, item) for item in record]
    if len({ref.id for ref in refs}) < len(refs):
        raise _refusal(path, "two entries have the same ref_id")
    return refs


def read_instances(
    path: Path, publication: Publication, image_ids: Collection[int], annotation_ids: Collection[int]
) -> tuple[dict[int, Picture], dict[int, Outline]]:
    """Read images and objects by id; all others are left out.

    Raises
    ------
    DocumentError
        If the file is missing or is something else, or one of them is not in it.
    """
    try:
        record = json.loads(publication.read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise _refusal(path, f"it is not JSON: {error}") from error
    pictures = {id_: _read_picture(path, item) for id_, item in _chosen(path, record, "images", image_ids)}
    outlines = {id_: _read_outline(path, item) for id_, item in _chosen(path, record, "annotations", annotation_ids)}
    return pictures, outlines


def _chosen(path: Path, record: Any, key: str, ids: Collection[int]) -> list[tuple[int, dict[str, Any]]]:
    """Return the items of a list that have one of some ids."""
    items = record.get(key) if isinstance(record, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _refusal(path, f'it has no list of "{key}", as COCO has it')
    wanted = set(ids)
    found = [(item["id"], item) for item in items if is_whole(item.get("id")) and item["id"] in wanted]
    if missing := wanted - {id_ for id_, _ in found}:
        raise _refusal(path, f'of its "{key}", {len(missing)} are missing, the first with the id {min(missing)}')
    return found


def _read_ref(path: Path, item: Any) -> Ref:
    """Check one record of expressions."""
    if not isinstance(item, dict):
        raise _refusal(path, f"an entry is {item!r}, not a table")
    ref_id, image_id, split = item.get("ref_id"), item.get("image_id"), item.get("split")
    annotation_ids, sentences = item.get("ann_id"), item.get("sentences")
    # gRefCOCO has lists of objects, and -1 where there is none.
    annotation_ids = annotation_ids if isinstance(annotation_ids, list) else [annotation_ids]
    if not (is_whole(ref_id) and is_whole(image_id) and all(map(is_whole, annotation_ids))):
        raise _refusal(path, f"the entry with the ref_id {ref_id!r} has ids that are no whole numbers")
    if not isinstance(split, str) or not isinstance(sentences, list):
        raise _refusal(path, f"the entry with the ref_id {ref_id} has no split or no sentences")
    return Ref(
        id=ref_id,
        image_id=image_id,
        annotation_ids=tuple(id_ for id_ in annotation_ids if id_ != -1),
        split=split,
        sentences=tuple(_read_sentence(path, ref_id, sentence) for sentence in sentences),
    )


def _read_sentence(path: Path, ref_id: int, item: Any) -> Sentence:
    """Check one expression."""
    if isinstance(item, dict):
        id_, raw = item.get("sent_id"), item.get("raw")
        if is_whole(id_) and isinstance(raw, str):
            return Sentence(id=id_, raw=raw)
    raise _refusal(path, f"a sentence of the entry with the ref_id {ref_id} has no sent_id or no raw text")


def _read_picture(path: Path, item: Mapping[str, Any]) -> Picture:
    """Check one image."""
    name, height, width = item.get("file_name"), item.get("height"), item.get("width")
    if not isinstance(name, str) or not name or "/" in name or "\\" in name or "\0" in name:
        raise _refusal(path, f"image {item['id']} has the file_name {name!r}, which is no name of a file")
    if not (is_whole(height) and is_whole(width) and min(height, width) > 0 and height * width <= MAX_PIXELS):
        raise _refusal(path, f"image {item['id']} is said to have {height!r} rows and {width!r} columns")
    return Picture(file_name=name, size_px=(height, width))


def _read_outline(path: Path, item: Mapping[str, Any]) -> Outline:
    """Check one object but for its polygons."""
    image_id = item.get("image_id")
    if not is_whole(image_id):
        raise _refusal(path, f"annotation {item['id']} is of no image")
    return Outline(image_id=image_id, segmentation=item.get("segmentation"), is_crowd=bool(item.get("iscrowd", 0)))


def _refusal(path: Path, reason: str) -> DocumentError:
    """Return the error that a file cannot be used."""
    return DocumentError(f"{path} cannot be read: {reason.rstrip('.')}.")
