"""Who works in a project: one window at a time, and others are told."""

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from napari_car.io.outputs import explained, write_bytes

LOCK_FILE, HOLDER_FILE = ".in-use.lock", ".in-use.json"


class ProjectLock:
    """Says that a project is worked in; the system takes it back when the program ends, however that happens.

    Parameters
    ----------
    folder : Path
        Of the project.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / LOCK_FILE, is_singleton=False)

    @property
    def is_held(self) -> bool:
        """Whether this one has it."""
        return bool(self._lock.is_locked)

    def take(self) -> str:
        """Take the project.

        Returns
        -------
        str
            Empty if it was free; otherwise a sentence on who works in it.

        Raises
        ------
        OutputError
            If the folder cannot be written to.
        """
        with explained(self._folder):
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return self._describe_holder()
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": _now()}
        write_bytes(self._folder / HOLDER_FILE, json.dumps(holder).encode())
        return ""

    def release(self) -> None:
        """Give the project back."""
        if self.is_held:
            with suppress(OSError):
                (self._folder / HOLDER_FILE).unlink()
            self._lock.release()

    def _describe_holder(self) -> str:
        """Say who works in the project."""
        try:
            holder = json.loads((self._folder / HOLDER_FILE).read_text(encoding="utf-8"))
            who = f"by process {holder['pid']} on {holder['host']}, since {holder['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            who = "in another window"
        return f"{self._folder} is open {who}. You can look at it; what is saved there is not overwritten."


def _now() -> str:
    """Return the time, to the minute, with its zone."""
    return datetime.now(tz=UTC).astimezone().isoformat(sep=" ", timespec="minutes")
