"""The sample images of the package, and what to look for in them with the demo checkpoint."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from .errors import CaRError
from .queries import Query, parse_query


@dataclass(frozen=True, slots=True)
class Scene:
    """A sample image and what is looked for in it, some of it absent."""

    image: Path
    queries: tuple[Query, ...]

    @property
    def name(self) -> str:
        """Name of the image without its ending, such as ``shapes-on-brick``."""
        return self.image.stem


def load_scenes() -> list[Scene]:
    """Return the sample scenes of the package.

    ``scenes.json`` holds ``{"scenes": [{"file": "shapes.png", "queries": ["red circle", "leaf | foliage"]}]}``.

    Raises
    ------
    CaRError
        If they are not there: the installation is not whole.
    """
    folder = scenes_folder()
    try:
        entries = json.loads((folder / "scenes.json").read_text(encoding="utf-8"))["scenes"]
    except OSError as error:
        raise CaRError("The sample scenes are missing: install napari-car again, they are part of it.") from error
    return [Scene(folder / entry["file"], tuple(map(parse_query, entry["queries"]))) for entry in entries]


def scenes_folder() -> Path:
    """Return the folder of the sample scenes inside the package."""
    return Path(str(files("napari_car"))) / "demo" / "scenes"
