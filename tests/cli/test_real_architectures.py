"""The command start to finish on photographs, with random weights of the real architectures.

The files have the formats that users download: a folder of open_clip, and a bare state dict as OpenAI publishes it.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import open_clip
import pytest
import tifffile
import torch
from command_line import run_process
from PIL import Image
from random_clip import randomise, write_folder


def random_state(architecture: str) -> dict[str, torch.Tensor]:
    """Return random weights without open_clip's initialisation, which takes ten times longer."""
    config = open_clip.get_model_config(architecture)
    with torch.device("meta"):
        model = open_clip.CLIP(**config)
    model = model.to_empty(device="cpu").requires_grad_(False)
    randomise(model, seed=0)
    return model.state_dict()


def write_openai_file(file: Path, architecture: str) -> Path:
    """Write a bare state dict with OpenAI's names: half precision, and three entries that are no weights."""
    state = {name: weight.half() for name, weight in random_state(architecture).items()}
    side = open_clip.get_model_config(architecture)["vision_cfg"]["image_size"]
    sizes = {"input_resolution": side, "context_length": 77, "vocab_size": 49408}
    torch.save(state | {name: torch.tensor(size) for name, size in sizes.items()}, file)
    return file


@pytest.fixture
def photos(photo_folder: Path) -> list[Path]:
    return sorted((photo_folder / "voc2011" / "JPEGImages").glob("*.jpg"))[:2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is emptied at once: pytest keeps those of three runs, and these hold gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture
def f(folder: Path) -> str:
    return f"ViT-B-16-quickgelu:{write_openai_file(folder / 'ViT-B-16.pt', 'ViT-B-16-quickgelu')}"


def segment_photos(photos: list[Path], f: str, g: str, out: Path) -> None:
    """Run the command in a process of its own and look at everything it wrote."""
    small = ("--max-side-px", "128", "--score-threshold", "0", "--classifier-template", "a photo of a {}.")
    few = ("--set", "proposals.background_lists=[]", "--background", "grass", "--crf-iterations", "2")
    done = run_process(
        "segment", *photos, "-q", "person", "-q", "train", "--f", f, "--g", g, "--out", out, *small, *few
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"{len(photos)} images: {len(photos)} segmented." in done.stdout
    for photo in photos:
        result = out / photo.stem
        summary = json.loads((result / "summary.json").read_text(encoding="utf-8"))
        assert [query["text"] for query in summary["queries"]] == ["person", "train"]
        assert sum(query["score"] for query in summary["queries"]) <= 1.001
        assert summary["provenance"]["f"]["name"] == f
        assert summary["provenance"]["g"]["name"] == g
        with Image.open(photo) as picture:
            assert tifffile.imread(result / "labels.tif").shape == (picture.height, picture.width)
        assert {path.name for path in (result / "masks").iterdir()} == {"person.png", "train.png"}
        Image.open(result / "overlay.png").load()


@pytest.mark.timeout(300)
def test_b16_of_openai_and_b32_of_open_clip(photos: list[Path], f: str, folder: Path) -> None:
    config = open_clip.get_model_config("ViT-B-32")
    g = write_folder(folder / "b32", config, random_state("ViT-B-32"))
    segment_photos(photos, f, str(g), folder / "out")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_b16_and_l14_of_openai(photos: list[Path], f: str, folder: Path) -> None:
    file = write_openai_file(folder / "ViT-L-14.pt", "ViT-L-14-quickgelu")
    segment_photos(photos, f, f"ViT-L-14-quickgelu:{file}", folder / "out")
