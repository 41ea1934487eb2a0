"""The command line: ``napari-car``. Nothing here loads torch before a command needs it."""

from .app import main

__all__ = ["main"]
