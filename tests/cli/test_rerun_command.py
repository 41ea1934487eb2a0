"""The automatic part of projects and documents is repeated by one command, which says what differs and why not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from PIL import Image

from napari_car import read_image
from napari_car.annotation.document import Document, read_document, write_document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.ontology_file import write_ontology
from napari_car.annotation.sheet import QuerySheet
from napari_car.scenes import load_scenes

LABELS = Path("shapes/labels")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small images and the project that a batch has made of them."""
    from napari_car.cli.app import app

    folder = tmp_path_factory.mktemp("made")
    (folder / "photos/more").mkdir(parents=True)
    files = {scene.name: scene.image for scene in load_scenes()}
    for name, key in (("shapes-on-sand", "sand.png"), ("shapes-by-the-water", "more/water.png")):
        Image.fromarray(read_image(files[name]).rgb).resize((128, 96)).save(folder / "photos" / key)
    write_ontology(folder / "shapes.toml", QuerySheet().added("blue circle, sand, yellow square")[0])
    parts = [str(folder / part) for part in ("photos", "shapes.toml", "shapes")]
    options = ["--preset", "demo", "--set", "crf.n_iterations=2"]
    app(["batch", parts[0], "--ontology", parts[1], "--out", parts[2], *options], standalone_mode=False)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it in the folder in which commands run."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_a_project_is_repeated_exactly_and_nothing_changes(command: Command, project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    result = command("rerun", "shapes")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "more/water.png: exact in 12,288 px",
        "sand.png: exact in 12,288 px",
        "2 label layers: 2 exactly as before.",
    ]
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_a_person_s_work_does_not_count_and_other_labels_do(command: Command, project: Path) -> None:
    path = LABELS / "sand.png.car.json"
    (layer,) = read_document(path).layers
    labels = np.array(layer.labels)
    human = np.zeros(labels.shape, dtype=bool)
    human[:10] = True
    labels[:10] = 3
    labels[50, :7] = 3
    parts = {"name": layer.name, "colours": layer.colours, "features": layer.features, "provenance": layer.provenance}
    automatic = np.array(layer.labels)
    write_document(path, Document(layers=(LabelLayer(labels=labels, human=human, automatic=automatic, **parts),)))
    result = command("rerun", path, "--out", "again")
    assert result.exit_code == 3
    assert "differs in 7 of " in result.stdout
    assert "yellow square 7 px" in result.stdout
    assert "1 label layer: 1 not as before. What was made again is in again." in result.stdout
    (again,) = read_document(Path("again/sand.png.car.json")).layers
    np.testing.assert_array_equal(again.labels, layer.labels)
    assert not np.any(again.human)
    assert again.class_names == layer.class_names
    assert command("rerun", "again/sand.png.car.json", "--image", "photos/sand.png").exit_code == 0
    second = command("rerun", path, "--out", "again")
    assert second.exit_code == 1
    assert "exists: choose an empty folder" in second.stderr


def test_what_cannot_be_repeated_does_not_stop_the_others(command: Command, project: Path) -> None:
    Image.new("RGB", (128, 96)).save("photos/sand.png")
    result = command("rerun", "shapes")
    assert result.exit_code == 3
    assert "more/water.png: exact" in result.stdout
    assert "sand.png: cannot be repeated: the picture of the run is not the one of" in result.stdout
    assert "2 label layers: 1 exactly as before, 1 not repeated." in result.stdout
    (LABELS / "more/water.png.car.json").write_text("{")
    result = command("rerun", "shapes")
    assert result.exit_code == 1
    assert "more/water.png: cannot be repeated: shapes/labels/more/water.png.car.json cannot be opened" in result.stdout


def test_other_checkpoints_are_refused_by_their_content(command: Command, project: Path, tiny_clip: Path) -> None:
    result = command("rerun", "shapes", "--use", f"demo={tiny_clip}")
    assert result.exit_code == 1
    assert "is not the one of the run: its SHA-256 is" in result.stdout
    path = LABELS / "sand.png.car.json"
    text = json.loads(path.read_text())
    for role in ("f", "g"):
        text["layers"][0]["provenance"]["runs"][0][role]["name"] = "ViT-B-16/openai"
    path.write_text(json.dumps(text))
    result = command("rerun", path, "--models-folder", project)
    assert result.exit_code == 1
    assert "sand.png.car.json: cannot be repeated: " in result.stdout
    assert "napari-car models download ViT-B-16/openai" in result.stdout
    assert command("rerun", path, "--use", "ViT-B-16/openai=demo").exit_code == 0


def test_a_document_in_no_project_finds_its_image_beside_it(command: Command, project: Path) -> None:
    alone = project / "alone"
    alone.mkdir()
    for file in LABELS.glob("sand.png.*"):
        shutil.copy(file, alone)
    result = command("rerun", "alone/sand.png.car.json")
    assert result.exit_code == 1
    assert 'its image "sand" is not beside it: name it by --image' in result.stdout
    shutil.copy("photos/sand.png", alone)
    assert command("rerun", "alone/sand.png.car.json").exit_code == 0
    shutil.copy("photos/sand.png", alone / "sand.bmp")
    assert "is 2 times beside it" in command("rerun", "alone/sand.png.car.json").stdout


def test_what_is_typed_wrong_is_said(command: Command, project: Path) -> None:
    assert command("rerun").exit_code == 2
    assert "name only one" in command("rerun", "shapes", "--image", "photos/sand.png").stderr
    assert "NAME=CHECKPOINT" in command("rerun", "shapes", "--use", "demo").stderr
    result = command("rerun", "photos")
    assert result.exit_code == 1
    assert "is no project" in result.stderr
    result = command("rerun", "gone.car.json")
    assert result.exit_code == 1
    assert "there is no such file" in result.stdout
    shutil.rmtree(LABELS)
    assert "has labels yet" in command("rerun", "shapes").stderr
