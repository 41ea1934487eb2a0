"""A folder with the files that the pages name, and a hub from which their checkpoints can be downloaded.

The packaged demo checkpoint stands in for the real ones, which are too large for tests: open_clip is told that their
architectures are its own. So every command of the pages does all its work: download, loading, segmentation, writing.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import open_clip
import pytest
from benchmark_miniatures import MINIATURES
from hub_server import run_hub
from PIL import Image
from random_sam import write_random_sam

from napari_car.checkpoints import download
from napari_car.io.video_writing import VideoFile

sys.path.append(str(Path(__file__).parent))  # conftest files of several folders have no package
sys.path.append(str(Path(__file__).parents[2] / "docs" / "hooks"))

from evaluation_tables import FOLDERS

REPOSITORIES = (
    "timm/vit_base_patch16_clip_224.openai",
    "timm/vit_large_patch14_clip_224.openai",
    "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
)
ARCHITECTURES = ("ViT-B-16-quickgelu", "ViT-L-14-quickgelu")
SAM = ("lkeab/hq-sam", "sam_hq_vit_tiny.pth")
CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a reader of the pages works."""

    folder: Path
    models: Path

    def add_paper_networks(self) -> None:
        """Put the networks of the paper where a download would have put them."""
        for name in ("ViT-B-16/openai", "ViT-L-14/openai"):
            (self.models / name).mkdir(parents=True)
            shutil.copy(demo_folder() / "clip" / WEIGHTS, self.models / name / WEIGHTS)

    def add_benchmarks(self) -> None:
        """Put miniatures of the benchmarks where the pages have them, and a folder of somebody's own."""
        for name, folder in FOLDERS.items():
            MINIATURES[name](self.folder / folder)
        MINIATURES["folder"](self.folder / "plots")


def demo_folder() -> Path:
    """Return the folder of the demo checkpoint and the sample scenes in the package."""
    return Path(str(files("napari_car"))) / "demo"


@pytest.fixture(autouse=True)
def _in_one_thread(one_thread: None) -> None:
    """All tests here."""


@pytest.fixture(scope="session")
def sam_content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SAM with random weights."""
    return write_random_sam(tmp_path_factory.mktemp("sam") / SAM[1]).read_bytes()


def _write_video(folder: Path, image: Path) -> None:
    """Write ``clip.mp4`` and ``frames/``: a picture that moves."""
    (folder / "frames").mkdir()
    with Image.open(image) as scene, VideoFile(folder / "clip.mp4", 10.0) as clip:
        picture = np.asarray(scene.convert("RGB"))
        for number in range(3):
            moved = np.ascontiguousarray(np.roll(picture, 4 * number, axis=1))
            Image.fromarray(moved).save(folder / "frames" / f"{number}.png")
            clip.append(moved)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sam_content: bytes) -> Iterator[Workplace]:
    """A folder with ``scene.png``, ``photo.jpg``, ``cells/``, ``clip.mp4`` and ``frames/``; the test changes to it."""
    folder, models = tmp_path / "work", tmp_path / "models"
    monkeypatch.setenv("NAPARI_CAR_MODELS", str(models))
    scenes = json.loads((demo_folder() / "scenes" / "scenes.json").read_text(encoding="utf-8"))["scenes"]
    images = [demo_folder() / "scenes" / scene["file"] for scene in scenes]
    (folder / "cells").mkdir(parents=True)
    for name in ("scene.png", "photo.jpg"):
        Image.open(images[0]).convert("RGB").save(folder / name)
    (folder / SAM[1]).write_bytes(sam_content)
    _write_video(folder, images[0])
    for image in images[-2:]:
        shutil.copy(image, folder / "cells")
    monkeypatch.chdir(folder)
    config = json.loads((demo_folder() / "clip" / CONFIG).read_text(encoding="utf-8"))
    for architecture in ARCHITECTURES:
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, architecture, config["model_cfg"])
    with run_hub() as hub:
        for repository in REPOSITORIES:
            for name in (CONFIG, WEIGHTS):
                hub.put(repository, name, (demo_folder() / "clip" / name).read_bytes())
        hub.put(*SAM, sam_content)
        real_url = download.hf_hub_url
        monkeypatch.setattr(download, "hf_hub_url", lambda *a, **k: real_url(*a, **k | {"endpoint": hub.endpoint}))
        yield Workplace(folder, models)
