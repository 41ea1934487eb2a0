"""The folder of an evaluation: it grows item by item, survives whatever stops it, and is shared by shards.

``run.json`` says what the numbers depend on, ``items-I-of-N.jsonl`` has one line for each item of a shard, in the order
in which they were done, and ``masks`` the predictions. Whatever is computed from these can be computed again.
"""

import io
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile
from filelock import FileLock, Timeout
from jaxtyping import UInt16
from PIL import Image

from napari_car.errors import DocumentError, OutputError
from napari_car.io.outputs import explained, write_bytes

from .items import ItemRecord
from .run_header import RunHeader
from .shard import Shard

HEADER_FILE, MASKS_FOLDER = "run.json", "masks"


class EvaluationStore:
    """What was evaluated so far.

    Parameters
    ----------
    folder : Path
    header : RunHeader
    """

    def __init__(self, folder: Path, header: RunHeader) -> None:
        self.folder, self.header = folder, header

    @classmethod
    def open(cls, folder: Path, header: RunHeader) -> "EvaluationStore":
        """Go on in a folder, or begin.

        Raises
        ------
        OutputError
            If the folder holds an evaluation of something else, or cannot be written.
        DocumentError
            If what it holds cannot be read.
        """
        path = folder / HEADER_FILE
        if path.exists():
            if difference := header.find_difference(read_header(folder)):
                raise OutputError(f"{folder} holds another evaluation ({difference}): choose another folder.")
        else:
            write_bytes(path, (json.dumps(header.to_dict(), indent=2, ensure_ascii=False) + "\n").encode())
        return cls(folder, header)

    def read(self) -> dict[str, ItemRecord]:
        """Return the items of all shards by key.

        Raises
        ------
        DocumentError
            If a line is none. A last line that was cut off is passed over: its item is evaluated again.
        """
        items: dict[str, ItemRecord] = {}
        for path in sorted(self.folder.glob("items-*.jsonl")):
            for record in _read_lines(path):
                items.setdefault(record.key, record)
        return items

    def writer(self, shard: Shard) -> "ShardWriter":
        """Return what adds items of a shard."""
        return ShardWriter(self.folder, shard)

    def read_mask(self, record: ItemRecord) -> UInt16[np.ndarray, "*frames H W"] | None:
        """Return the prediction of an item; None if it is not there any more."""
        path = self.folder / MASKS_FOLDER / record.mask
        if not _is_name(record.mask) or not path.is_file():
            return None
        try:
            return np.asarray(tifffile.imread(path) if path.suffix == ".tif" else Image.open(path)).astype(np.uint16)
        except Exception:  # noqa: BLE001  # decoders raise almost anything, and a picture less is no harm
            return None


class ShardWriter:
    """Adds the items of a shard to a folder, as the only one.

    Parameters
    ----------
    folder : Path
    shard : Shard
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self._folder = folder
        self._path = folder / f"items-{shard.name}.jsonl"
        self._lock = FileLock(folder / f".items-{shard.name}.lock", is_singleton=False)
        self._shard = shard

    def __enter__(self) -> "ShardWriter":
        """Take the shard; OutputError if somebody else has it."""
        with explained(self._folder):
            try:
                self._lock.acquire(timeout=0)
            except Timeout as error:
                raise OutputError(
                    f"Another program evaluates share {self._shard.number} of {self._shard.total} in {self._folder}: "
                    "wait for it, or take another share."
                ) from error
            _cut_off_rest(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def add(self, record: ItemRecord) -> None:
        """Add an item; it is on the disk afterwards.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with explained(self._path), self._path.open("ab") as stream:
            stream.write((record.to_json() + "\n").encode("utf-8", "backslashreplace"))
            stream.flush()
            os.fsync(stream.fileno())

    def write_mask(self, key: str, prediction: UInt16[np.ndarray, "*frames H W"]) -> str:
        """Write a prediction, and return its file's name: PNG, or a TIFF with a page for each frame.

        Raises
        ------
        DocumentError
            If the name of the item, which is from a list of the data set, is a path.
        OutputError
            If it cannot be written.
        """
        if not _is_name(key):
            raise DocumentError(f"{key!r} is a path, but should be the name of an item.")
        stream = io.BytesIO()
        if prediction.ndim == 2:
            name = f"{key}.png"
            is_small = int(prediction.max(initial=0)) < 256
            Image.fromarray(prediction.astype(np.uint8) if is_small else prediction).save(stream, format="PNG")
        else:
            name = f"{key}.tif"
            tifffile.imwrite(stream, prediction, compression="zlib", photometric="minisblack")
        write_bytes(self._folder / MASKS_FOLDER / name, stream.getvalue())
        return name


def read_header(folder: Path) -> RunHeader:
    """Return what an evaluation depends on; DocumentError if there is none that can be read."""
    path = folder / HEADER_FILE
    try:
        return RunHeader.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DocumentError(f"{folder} holds no evaluation: it has no {HEADER_FILE}.") from error
    except (OSError, ValueError) as error:
        raise DocumentError(f"{path} cannot be read: {str(error).rstrip('.')}.") from error


def merge_stores(folders: Iterable[Path], out: Path) -> EvaluationStore:
    """Put shards that were evaluated in different folders into one; items that are in several come once.

    Raises
    ------
    DocumentError
        If one holds no evaluation, or an item has other counts in another folder.
    OutputError
        If they are evaluations of different things, or it cannot be written.
    """
    stores = [EvaluationStore(folder, read_header(folder)) for folder in folders]
    for store in stores:
        if difference := stores[0].header.find_difference(store.header):
            raise OutputError(f"{store.folder} cannot be put to the others: {difference}.")
    merged = EvaluationStore.open(out, stores[0].header)
    with merged.writer(Shard()) as writer:
        done = merged.read()
        for store in stores:
            for key, record in store.read().items():
                if key not in done:
                    done[key] = record
                    mask = store.read_mask(record)
                    if mask is not None:
                        writer.write_mask(key, mask)
                    writer.add(record)
                elif done[key].counts != record.counts:
                    raise DocumentError(f"{store.folder} has other counts of {key} than the folders before it.")
    return merged


def _is_name(text: str) -> bool:
    """Tell a file's name from a path, which might lead out of the folder."""
    return text not in ("", ".", "..") and Path(text).name == text


def _read_lines(path: Path) -> Iterable[ItemRecord]:
    """Yield the records of a file."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror or error}.") from error
    for number, line in enumerate(lines[:-1], start=1):  # behind the last line break is nothing, or what was cut off
        try:
            yield ItemRecord.from_json(line.decode("utf-8"))
        except (DocumentError, UnicodeDecodeError) as error:
            raise DocumentError(f"{path}, line {number}, cannot be read: {str(error).rstrip('.')}.") from error


def _cut_off_rest(path: Path) -> None:
    """Remove a last line that was not finished."""
    if not path.exists():
        return
    with path.open("r+b") as stream:
        content = stream.read()
        stream.truncate(content.rfind(b"\n") + 1)
