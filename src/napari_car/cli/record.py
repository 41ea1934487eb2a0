"""What a result was asked for, stored with it: by this a rerun tells what is done."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_car.config import CaRConfig
from napari_car.errors import ImageError, OutputError
from napari_car.queries import Query

from .folders import SUMMARY

_SAID = {
    "image": "another image",
    "queries": "other queries",
    "f": "another checkpoint as f",
    "g": "another checkpoint as g",
    "sam": "another SAM",
    "precision": "another precision",
    "labels": "another format of label maps",
}


def make_request(
    image: Path,
    queries: Sequence[Query],
    config: CaRConfig,
    *,
    networks: Mapping[str, str],
    precision: str,
    labels: str,
) -> dict[str, Any]:
    """Return all that decides what is in a folder of results, fit for JSON.

    Networks are named by their part, ``f``, ``g`` or ``sam``, with architecture and hash.

    Of the bounds on size and memory only ``max_side_px`` counts: the others change no result, so that a run that ended
    for lack of memory can go on with smaller batches.

    Raises
    ------
    ImageError
        If the image cannot be read.
    """
    parameters = config.to_dict()
    parameters["compute"] = {"max_side_px": config.compute.max_side_px}
    del parameters["video"]  # an image stands alone
    return {
        "image": _hash_image(image),
        "queries": [{"text": query.text, "synonyms": list(query.synonyms), "group": query.group} for query in queries],
        "config": parameters,
        **networks,
        "precision": precision,
        "labels": labels,
    }


def read_summary(folder: Path) -> dict[str, Any] | None:
    """Return the summary in a folder of results, or None if there is no such folder.

    Raises
    ------
    OutputError
        If the folder is there but no result: it must not be replaced.
    """
    if not folder.exists():
        return None
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        if isinstance(summary["request"], dict) and isinstance(summary["files"], list):
            return summary  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise OutputError(f"{folder} is there already and is no result of napari-car: move it, or choose another --out.")


def describe_difference(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Name what a stored request has that the wanted one has not; empty if they are the same."""
    said = [text for key, text in _SAID.items() if stored.get(key) != wanted.get(key)]
    changed = [key for key, value in _flat(wanted["config"]).items() if _flat(stored.get("config")).get(key) != value]
    if changed:
        said.append(f"other parameters ({', '.join(changed[:3])}{', …' if len(changed) > 3 else ''})")
    return " and ".join(said)


def _flat(mapping: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in mapping.items() if isinstance(mapping, Mapping) else ():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _hash_image(image: Path) -> str:
    """Return the SHA-256 of an image file in hexadecimal; of an OME-Zarr image, that of its list of files."""
    from napari_car.io.find import is_zarr  # image libraries take longer to load than the help takes to print

    try:
        if is_zarr(image):
            files = sorted(path for path in image.rglob("*") if path.is_file())
            lines = [f"{_hash_image(path)} {path.relative_to(image).as_posix()}\n" for path in files]
            return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
        with image.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"{image} cannot be read: {error.strerror}.") from error
