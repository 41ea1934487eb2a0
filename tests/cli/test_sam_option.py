"""``napari-car segment --sam``: which SAM, what is stored, and what is said when it is not to be had."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from command_line import Command, write_image
from random_sam import write_random_sam

FEW = ("--sam-points-per-side", "1")


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_sam(tmp_path_factory.mktemp("sam") / "tiny.pth")


def refused(result: Result, *words: str) -> None:
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.strip().splitlines()
    assert all(word in line for word in words), line


def test_naming_a_sam_is_enough(segment: Command, tmp_path: Path, sam_file: Path) -> None:
    image, out = write_image(tmp_path / "blocks.png"), tmp_path / "out"
    arguments = (image, "-q", "cat", "--sam-model", sam_file, *FEW, "--out", out)
    assert segment(*arguments).exit_code == 0
    summary = json.loads((out / "blocks" / "summary.json").read_text())
    assert summary["config"]["sam"]["enabled"]
    assert summary["provenance"]["sam"]["architecture"] == "HQ-SAM vit_tiny"
    assert summary["request"]["sam"] == summary["provenance"]["sam"]["sha256"]
    assert set(summary["queries"][0]["sam"]) == {"n_objects", "iou", "is_replaced"}
    assert "1 skipped" in segment(*arguments).output
    refused(segment(image, "-q", "cat", "--out", out), "another SAM", "sam.enabled", "--overwrite")


def test_it_can_be_switched_off(segment: Command, tmp_path: Path, sam_file: Path) -> None:
    image, out = write_image(tmp_path / "blocks.png"), tmp_path / "out"
    result = segment(image, "-q", "cat", "--no-sam", "--sam-model", sam_file, "--out", out)
    assert result.exit_code == 0
    assert json.loads((out / "blocks" / "summary.json").read_text())["provenance"]["sam"] is None


def test_the_papers_sam_must_be_downloaded(segment: Command, tmp_path: Path) -> None:
    image = write_image(tmp_path / "blocks.png")
    refused(segment(image, "-q", "cat", "--sam"), "sam-hq/vit_h", "napari-car models download sam-hq/vit_h")


def test_a_clip_is_no_sam(segment: Command, tmp_path: Path) -> None:
    image = write_image(tmp_path / "blocks.png")
    refused(segment(image, "-q", "cat", "--sam", "--sam-model", "ViT-B-16/openai"), "ViT-B-16/openai")
