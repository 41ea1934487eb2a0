"""A folder of images and an ontology become a project: resumed, without losing corrections, past bad files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import Command

from napari_car import PRESETS, Segmenter, read_image
from napari_car.annotation.document import Document, read_document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.ontology_file import write_ontology
from napari_car.annotation.project import Project
from napari_car.annotation.project_lock import ProjectLock
from napari_car.annotation.sheet import QuerySheet
from napari_car.cli.checkpoints import Networks
from napari_car.scenes import load_scenes

NAMES = ("shapes-on-sand", "shapes-on-brick")


@pytest.fixture(scope="module")
def sheet() -> QuerySheet:
    """Classes with gaps between their ids, one switched off, and a distractor."""
    sheet, _ = QuerySheet().added("red ring, blue circle, sand, star, yellow square, not: snow")
    return sheet.removed([1]).changed(4, enabled=False)


@pytest.fixture
def photos(tmp_path: Path, sheet: QuerySheet) -> Path:
    """Two scenes, one in a folder below, and the ontology beside them."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    files = {scene.name: scene.image for scene in load_scenes()}
    shutil.copy(files[NAMES[0]], folder / f"{NAMES[0]}.png")
    shutil.copy(files[NAMES[1]], folder / "more" / f"{NAMES[1]}.png")
    write_ontology(tmp_path / "shapes.toml", sheet)
    return folder


START = ("batch", "photos", "--ontology", "shapes.toml", "--out", "shapes", "--preset", "demo")
AGAIN = ("batch", "--out", "shapes", "--preset", "demo")


def document(key: str) -> Document:
    return read_document(Path("shapes/labels") / f"{key}.car.json")


def test_labels_are_those_of_the_segmenter_with_the_ids_of_the_ontology(
    command: Command, photos: Path, sheet: QuerySheet
) -> None:
    result = command(*START)
    assert result.exit_code == 0, result.output
    assert "2 images: 2 segmented. The project is shapes." in result.output
    words = (*PRESETS["demo"].config.proposals.background_words, "snow")
    config = PRESETS["demo"].config.changed({"proposals.background_words": tuple(dict.fromkeys(words))})
    expected = Segmenter.from_preset("demo").segment(
        read_image(photos / f"{NAMES[0]}.png").rgb, ["blue circle", "sand", "yellow square"], config
    )
    (layer,) = document(f"{NAMES[0]}.png").layers
    ids = np.array([0, 2, 3, 5])
    np.testing.assert_array_equal(layer.labels, ids[expected.label_map])
    assert layer.name == "shapes-on-sand labels"
    assert not np.any(layer.human)
    assert layer.class_names == {0: "background", 2: "blue circle", 3: "sand", 4: "star", 5: "yellow square", 6: "snow"}
    assert layer.features["verdict"][1] == expected["blue circle"].verdict
    (run,) = layer.provenance["runs"]
    assert run["image"]["path"] == f"{NAMES[0]}.png"
    assert run["preset"] == "demo"
    assert Project.open(Path("shapes")).ontology == sheet


def test_what_has_labels_is_skipped_and_a_batch_goes_on(command: Command, photos: Path) -> None:
    command(*START)
    key = f"more/{NAMES[1]}.png"
    for file in Path("shapes/labels/more").iterdir():
        file.unlink()
    before = {path: path.read_bytes() for path in Path("shapes/labels").glob("*") if path.is_file()}
    result = command(*AGAIN)
    assert "2 images: 1 segmented, 1 skipped, since they have labels" in result.output
    assert document(key).layers
    assert {path: path.read_bytes() for path in before} == before


def corrected(layer: LabelLayer, how: str) -> LabelLayer:
    """Return a layer as a person might leave it."""
    human, provenance = np.zeros(layer.shape, bool), dict(layer.provenance)
    if how == "painted":
        human[3, 4] = True
    elif how == "checked":
        provenance["checked"] = {"3": "0" * 32}
    elif how == "told apart":
        provenance["instances"] = {"next_id": 65537, "instances": [[65536, 3]]}
    return LabelLayer(name=layer.name, labels=layer.labels, human=human, provenance=provenance)


@pytest.mark.parametrize("how", ["painted", "checked", "told apart", ""])
def test_corrections_are_never_lost_unless_one_says_so(command: Command, photos: Path, how: str) -> None:
    command(*START)
    project = Project.open(Path("shapes"))
    image = project.image(f"{NAMES[0]}.png")
    found, _ = project.load(image)
    assert found is not None
    project.save(image, Document(layers=(corrected(found.layers[0], how),)), None)
    before = image.document.read_bytes()
    result = command(*AGAIN, "--overwrite", "automatic")
    if how:
        assert "2 images: 1 segmented, 1 skipped, since somebody has corrected them" in result.output
        assert image.document.read_bytes() == before
    else:
        assert "2 images: 2 segmented" in result.output
    assert "2 images: 2 segmented" in command(*AGAIN, "--overwrite", "all").output
    assert not project.load(image)[0].layers[0].is_corrected  # type: ignore[union-attr]


def test_a_correction_that_is_saved_while_the_networks_load_stays(
    command: Command, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(*START)
    project = Project.open(Path("shapes"))
    image = project.image(f"{NAMES[0]}.png")
    found, _ = project.load(image)
    assert found is not None
    correction = Document(layers=(corrected(found.layers[0], "painted"),))
    load = Networks.load

    def load_after_correction(networks: Networks) -> Segmenter:
        project.save(image, correction, None)
        return load(networks)

    monkeypatch.setattr(Networks, "load", load_after_correction)
    result = command(*AGAIN, "--overwrite", "automatic")
    assert "2 images: 1 segmented, 1 failed" in result.output
    assert f"Failed: {NAMES[0]}.png: " in result.stderr
    assert "changed by another window or program" in " ".join(result.stderr.split())
    assert document(image.key).layers[0].is_corrected


def test_bad_files_do_not_stop_it_and_are_listed_at_the_end(command: Command, photos: Path) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = command(*START)
    assert result.exit_code == 3
    assert "3 images: 2 segmented, 1 failed." in result.output
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Failed: "))
    assert line.startswith("Failed: broken.png: ")
    assert not (Path("shapes/labels") / "broken.png.car.json").exists()
    (Path("shapes/labels") / f"{NAMES[0]}.png.car.json").write_text("{}")
    result = command(*AGAIN, "--overwrite", "automatic")
    assert result.exit_code == 3
    assert f"Failed: {NAMES[0]}.png: " in result.stderr
    assert (Path("shapes/labels") / f"{NAMES[0]}.png.car.json").read_text() == "{}"


def test_what_cannot_be_is_said_in_one_sentence(command: Command, photos: Path, sheet: QuerySheet) -> None:
    result = command("batch", "photos", "--out", "shapes")
    assert result.exit_code == 2
    assert "a new one needs FOLDER and --ontology" in result.output
    command(*START)
    write_ontology(Path("shapes.toml"), sheet.added("moon")[0])
    for arguments, reason in (
        (START, "shapes.toml differs from the ontology of shapes"),
        (("batch", ".", "--out", "shapes", "--preset", "demo"), "is a project of the images in"),
        ((*AGAIN, "--set", "mode=referring"), "referring expressions are for"),
    ):
        result = command(*arguments)
        assert result.exit_code == 1, result.output
        assert reason in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    Project.open(Path("shapes")).write_ontology(sheet.changed(2, enabled=False).removed([3, 5]))
    assert "holds nothing to look for" in command(*AGAIN).stderr


def test_a_project_that_is_open_elsewhere_waits(command: Command, photos: Path) -> None:
    command(*START)
    lock = ProjectLock(Path("shapes"))
    lock.take()
    result = command(*AGAIN)
    lock.release()
    assert result.exit_code == 1
    assert "shapes is open by process" in result.stderr
    assert command(*AGAIN).exit_code == 0
