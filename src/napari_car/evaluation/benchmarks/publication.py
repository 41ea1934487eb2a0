"""Where a benchmark comes from and what its folder holds: files are found, or one sentence says what is missing."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_car.errors import DocumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A data set as its publisher has it."""

    title: str
    """Name of the data set."""
    holds: str
    """What is in the folder that users name, for a sentence."""
    site: str
    """Where it is published, without ``https://``."""

    @property
    def layout(self) -> str:
        """What is expected, and where it comes from, as the end of a sentence."""
        return f"the folder of {self.title} holds {self.holds}; the data set is published at {self.site}"

    def list_files(self, folder: Path) -> list[str]:
        """Return the names of the files in a folder, sorted; those that start with a dot are left out.

        Raises
        ------
        DocumentError
            If there is no such folder, or it may not be read.
        """
        try:
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DocumentError(f"There is no folder {folder}: {self.layout}.") from error
        except OSError as error:
            raise DocumentError(f"The folder {folder} cannot be read: {error.strerror}.") from error

    def check_listed(self, folder: Path, names: Iterable[str]) -> None:
        """Check that files are in a folder, by their names only: none is opened.

        Raises
        ------
        DocumentError
            If there is no such folder, or a file is missing in it.
        """
        names = list(names)
        there = set(self.list_files(folder))
        missing = [name for name in names if name not in there]
        if missing:
            count = f"{len(missing)} of {len(names)} files are missing in {folder}, the first is {missing[0]}"
            raise DocumentError(f"{count}: {self.layout}.")

    def read_bytes(self, path: Path) -> bytes:
        """Return what a file holds.

        Raises
        ------
        DocumentError
            If there is no such file, or it may not be read.
        """
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DocumentError(f"There is no file {path}: {self.layout}.") from error
        except OSError as error:
            raise DocumentError(f"{path} cannot be read: {error.strerror}.") from error

    def read_names(self, path: Path) -> list[str]:
        """Return the lines of a list of images or videos that are not empty, without blanks around them.

        Raises
        ------
        DocumentError
            If there is no such file, it is no text, or it names nothing or one thing twice.
        """
        try:
            text = self.read_bytes(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DocumentError(f"{path} is not a text in UTF-8: {self.layout}.") from error
        names = [line.strip() for line in text.splitlines() if line.strip()]
        if not names:
            raise DocumentError(f"{path} names nothing: {self.layout}.")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DocumentError(f"{path} names {twice} twice.")
        return names
