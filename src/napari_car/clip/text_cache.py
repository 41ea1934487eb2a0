"""Text embeddings, kept in memory and on disk, so that a text is encoded once ever."""

import contextlib
import logging
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

MAX_ROWS_ON_DISK = 50_000
"""Embeddings kept on disk; 50,000 of width 768 are about 160 MB."""
MAX_ROWS_IN_MEMORY = 20_000

_logger = logging.getLogger(__name__)


def default_cache_file() -> Path:
    """Return the cache file: ``$NAPARI_CAR_CACHE/texts.sqlite`` or one in the user's cache folder."""
    folder = os.environ.get("NAPARI_CAR_CACHE") or platformdirs.user_cache_dir("napari-car", appauthor=False)
    return Path(folder) / "texts.sqlite"


class TextCache:
    """Embeddings of texts under one checkpoint; safe to share between threads and processes.

    Parameters
    ----------
    checkpoint : str
        Hash that identifies the network and its precision.
    file : Path or None
        SQLite file; None keeps embeddings in memory only. A file that cannot be used is logged and done without:
        a cache must never stop a segmentation.
    """

    def __init__(self, checkpoint: str, file: Path | None) -> None:
        self.checkpoint = checkpoint
        self._rows: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()
        self._file = file
        if file is not None:
            with self._guarded():
                file.parent.mkdir(parents=True, exist_ok=True)
                with self._connect() as connection:
                    connection.execute(
                        "CREATE TABLE IF NOT EXISTS texts (checkpoint TEXT, text TEXT, embedding BLOB, "
                        "PRIMARY KEY (checkpoint, text))"
                    )

    def get(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the known embeddings among texts, each (E,) float32."""
        with self._lock:
            found = {text: self._rows[text] for text in texts if text in self._rows}
            for text in found:
                self._rows.move_to_end(text)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing and self._file is not None:
            with self._guarded(), self._connect() as connection:
                for text in missing:
                    row = connection.execute(
                        "SELECT embedding FROM texts WHERE checkpoint = ? AND text = ?", (self.checkpoint, text)
                    ).fetchone()
                    if row is not None and (embedding := _embedding(row[0])) is not None:
                        found[text] = embedding
            self._remember({text: found[text] for text in missing if text in found})
        return found

    def put(self, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Store embeddings, each (E,) float32."""
        self._remember(embeddings)
        if self._file is None or not embeddings:
            return
        rows = [(self.checkpoint, text, row.astype(np.float32).tobytes()) for text, row in embeddings.items()]
        with self._guarded(), self._connect() as connection:
            connection.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", rows)
            connection.execute(
                "DELETE FROM texts WHERE rowid <= (SELECT MAX(rowid) FROM texts) - ?", (MAX_ROWS_ON_DISK,)
            )

    def _remember(self, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep embeddings in memory, dropping the least recently used."""
        with self._lock:
            self._rows.update(embeddings)
            while len(self._rows) > MAX_ROWS_IN_MEMORY:
                self._rows.popitem(last=False)

    @contextlib.contextmanager
    def _connect(self):  # type: ignore[no-untyped-def]
        """Open the file for one transaction; SQLite connections do not cross threads."""
        connection = sqlite3.connect(str(self._file), timeout=10)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def _guarded(self):  # type: ignore[no-untyped-def]
        """Go on without the file when it cannot be used."""
        try:
            yield
        except (OSError, sqlite3.Error, UnicodeError) as error:
            _logger.warning("Texts are not cached in %s: %s", self._file, error)
            self._file = None


def _embedding(stored: object) -> NDArray[np.float32] | None:
    """Return a stored row as an array; None if it is damaged."""
    whole = isinstance(stored, bytes) and len(stored) % np.dtype(np.float32).itemsize == 0
    return np.frombuffer(stored, dtype=np.float32) if whole else None  # type: ignore[call-overload]
