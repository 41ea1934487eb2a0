"""``napari-car demo``, and what is said wherever its checkpoint is used."""

import json
from pathlib import Path

import pytest
from command_line import Command, fast_options, write_image

from napari_car import scenes as scenes_module
from napari_car.checkpoints import folder as folder_module
from napari_car.cli.checkpoints import DEMO_NOTICE
from napari_car.scenes import load_scenes

OUT = Path("demo-output")
QUERIES = {"shapes": ["red circle | red disc", "blue star"], "cells": ["nucleus"]}


@pytest.fixture
def tiny_demo(tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tiny checkpoint in the place of the demo checkpoint."""
    of_others = folder_module.checkpoint_folder

    def checkpoint_folder(checkpoint: folder_module.Checkpoint, folder: Path) -> Path:
        return tiny_clip if checkpoint.name == "demo" else of_others(checkpoint, folder)

    monkeypatch.setattr(folder_module, "checkpoint_folder", checkpoint_folder)


@pytest.fixture
def scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put two small pictures in the place of the sample scenes."""
    folder = tmp_path / "scenes"
    entries = [{"file": f"{name}.png", "queries": queries} for name, queries in QUERIES.items()]
    for seed, entry in enumerate(entries):
        write_image(folder / str(entry["file"]), seed=seed)
    (folder / "scenes.json").write_text(json.dumps({"scenes": entries}))
    monkeypatch.setattr(scenes_module, "scenes_folder", lambda: folder)
    return folder


@pytest.mark.usefixtures("tiny_demo", "scenes")
def test_demo_segments_all_scenes_and_says_where(command: Command) -> None:
    result = command("demo")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert result.stdout.count(DEMO_NOTICE) == 1
    summary = json.loads((OUT / "summary.json").read_text(encoding="utf-8"))
    assert summary["checkpoint"] == DEMO_NOTICE
    for name, queries in QUERIES.items():
        assert (OUT / name / "labels.tif").is_file()
        assert str(OUT / name / "overlay.png") in result.stdout
        texts = [query["text"] for query in summary["scenes"][name]["queries"]]
        assert texts == [query.split(" | ")[0] for query in queries]
        for text in texts:
            assert text in result.stdout
    assert str(OUT / "summary.json") in result.stdout


@pytest.mark.usefixtures("tiny_demo", "scenes")
def test_second_demo_shows_the_same_and_computes_nothing(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def table(printed: str) -> list[str]:
        lines = printed.splitlines()
        return lines[next(i for i, line in enumerate(lines) if line.startswith("scene")) : -1]

    first = command("demo", "--out", "out")
    monkeypatch.setattr("napari_car.cli.checkpoints.Networks.load", lambda _: pytest.fail("nothing is to be done"))
    second = command("demo", "--out", "out")
    assert "2 images: 0 segmented, 2 skipped" in second.stdout
    assert table(first.stdout) == table(second.stdout)


@pytest.mark.usefixtures("tiny_demo", "scenes")
def test_demo_can_be_done_again(command: Command) -> None:
    command("demo")
    assert "2 images: 2 segmented." in command("demo", "--overwrite").stdout


def test_missing_scenes_are_one_sentence(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes_module, "scenes_folder", lambda: tmp_path / "none")
    result = command("demo")
    assert result.exit_code == 1
    assert result.stderr == "Error: The sample scenes are missing: install napari-car again, they are part of it.\n"


@pytest.mark.usefixtures("tiny_demo")
@pytest.mark.parametrize("roles", [["--model", "demo"], ["--f", "demo", "--g", "demo"]])
def test_demo_checkpoint_is_named_as_such_once(command: Command, tmp_path: Path, roles: list[str]) -> None:
    images = [write_image(tmp_path / f"{seed}.png", seed=seed) for seed in range(2)]
    options = fast_options(tmp_path)[2:]
    result = command("segment", *images, "-q", "cat", *roles, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout.count(DEMO_NOTICE) == 1


def test_other_checkpoints_are_not(segment: Command, tmp_path: Path) -> None:
    assert "demo checkpoint" not in segment(write_image(tmp_path / "a.png"), "-q", "cat").output


def test_scenes_of_the_package_are_there() -> None:
    scenes = load_scenes()
    assert scenes
    for scene in scenes:
        assert scene.image.is_file()
        assert scene.queries


@pytest.mark.timeout(300)
def test_demo_of_the_package(command: Command) -> None:
    result = command("demo")
    assert result.exit_code == 0, result.output
    summary = json.loads((OUT / "summary.json").read_text(encoding="utf-8"))
    verdicts = {query["verdict"] for scene in summary["scenes"].values() for query in scene["queries"]}
    assert {"present", "absent"} <= verdicts
