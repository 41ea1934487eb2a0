"""Which SAMs are offered, and what is said of them."""

from pathlib import Path

import pytest
from hub_server import safetensors_bytes

from napari_car.annotation.sams import default_sam, describe_sam, list_sams


def put(folder: Path, name: str = "sam/vit_l") -> Path:
    file = folder / name / "weights.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(safetensors_bytes(1000))
    return file


def test_the_smallest_is_suggested_where_there_is_none(tmp_path: Path) -> None:
    states = list_sams(tmp_path)
    assert {"sam-hq/vit_tiny", "sam-hq/vit_h", "sam/vit_b"} <= {state.name for state in states}
    assert not any(state.is_ready for state in states)
    assert default_sam(tmp_path) == "sam-hq/vit_tiny"
    tiny = describe_sam("sam-hq/vit_tiny", tmp_path)
    assert tiny.title.startswith("sam-hq/vit_tiny (")
    assert "MB to download" in tiny.title
    assert tiny.sentence.startswith("Not on this machine: ")
    assert tiny.licence == "Licence: Apache-2.0."


def test_one_that_is_there_comes_first(tmp_path: Path) -> None:
    put(tmp_path)
    assert list_sams(tmp_path)[0].name == default_sam(tmp_path) == "sam/vit_l"
    state = describe_sam("sam/vit_l", tmp_path)
    assert state.is_ready
    assert (state.title, state.sentence) == ("sam/vit_l", "Installed.")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = put(tmp_path)
    state = describe_sam(str(file), tmp_path)
    assert state.is_ready
    assert state.title == "weights.safetensors"
    assert state.checkpoints == ()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("nowhere/sam.pth", "no checkpoint file"), ("ViT-B-16/openai", "ViT-B-16/openai"), ("sam/vit_x", "sam/vit_b")],
)
def test_what_is_none_is_a_problem(tmp_path: Path, name: str, sentence: str) -> None:
    state = describe_sam(name, tmp_path)
    assert not state.is_ready
    assert sentence in state.problem
    assert state.title == (name if "/" not in name else Path(name).name)
