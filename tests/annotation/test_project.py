"""Projects: images, ontology and labels in plain files, which two windows and a kill at any moment leave whole."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project, ProjectImage, Stamp
from napari_car.annotation.project_lock import LOCK_FILE, ProjectLock
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, ImageError, OutputError

SHEET, _ = QuerySheet().added("leaf, soil")


def labelled(value: int, side: int = 8) -> Document:
    """A document whose pixels all have one label."""
    return Document(layers=(LabelLayer(name="labels", labels=np.full((side, side), value, np.int32)),))


def value_of(document: Document | None) -> int:
    assert document is not None
    (value,) = np.unique(np.asarray(document.layers[0].labels))
    return int(value)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("row 2/a.png", "row 10/a.png", "b10.jpg", "b9.jpg", "b9.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    (folder / "notes.txt").touch()
    return folder


@pytest.fixture
def project(photos: Path, tmp_path: Path) -> Project:
    return Project.create(tmp_path / "weeds", photos, SHEET)


def test_a_project_is_opened_again_with_its_images_in_the_order_of_people(project: Project, photos: Path) -> None:
    opened = Project.open(project.folder)
    assert opened.ontology == SHEET
    assert [image.key for image in opened.images()] == ["b9.jpg", "b9.png", "b10.jpg", "row 2/a.png", "row 10/a.png"]
    assert all(image.path.is_file() for image in opened.images())
    assert len({image.document for image in opened.images()}) == 5
    opened.write_ontology(SHEET.added("stem")[0])
    assert Project.open(project.folder).ontology.names[3] == "stem"


def test_images_are_never_touched(project: Project, photos: Path) -> None:
    def state() -> dict[Path, tuple[bytes, int]]:
        files = [path for path in photos.rglob("*") if path.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = state()
    for image in project.images():
        project.save(image, labelled(1), None)
    assert state() == before


def test_a_project_inside_the_folder_of_its_images_does_not_take_its_labels_for_images(photos: Path) -> None:
    project = Project.create(photos / "project", photos)
    for image in project.images():
        project.save(image, labelled(1), None)
    assert len(project.images()) == 5


def test_project_and_images_can_be_moved_together_but_not_apart(project: Project, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(tmp_path / "weeds", moved / "weeds")
    with pytest.raises(DocumentError, match=r"photos any more: put them back, or write into"):
        Project.open(moved / "weeds")
    shutil.move(tmp_path / "photos", moved / "photos")
    assert len(Project.open(moved / "weeds").images()) == 5


def test_labels_are_saved_and_loaded(project: Project) -> None:
    image = project.image("row 2/a.png")
    assert project.load(image) == (None, Stamp())
    stamp = project.save(image, labelled(3), Stamp())
    document, found = project.load(image)
    assert value_of(document) == 3
    assert found == stamp
    project.save(image, labelled(4), stamp)
    assert value_of(project.load(image)[0]) == 4


def test_what_somebody_else_has_saved_meanwhile_is_not_overwritten(project: Project) -> None:
    image = project.image("b9.jpg")
    mine = project.save(image, labelled(1), Stamp())
    project.save(image, labelled(2), mine)
    with pytest.raises(OutputError, match=r"labels of b9\.jpg were changed by another window"):
        project.save(image, labelled(3), mine)
    with pytest.raises(OutputError, match="were changed"):
        project.save(image, labelled(3), Stamp())
    assert value_of(project.load(image)[0]) == 2
    project.save(image, labelled(3), None)
    assert value_of(project.load(image)[0]) == 3


@pytest.mark.parametrize("key", ["../b.jpg", "/etc/passwd", "a/../../b.jpg", ""])
def test_names_that_lead_out_of_the_project_are_refused(project: Project, key: str) -> None:
    with pytest.raises(DocumentError, match="is no image of the project"):
        project.image(key)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "is no project"),
        ("format = ", "cannot be read"),
        ('format = "x"', "is not that of a project"),
        ('format = "napari-car-project"\nversion = 2\nimages = "."', "newer napari-car"),
        ('format = "napari-car-project"\nversion = 1', 'does not say where the "images" are'),
    ],
)
def test_what_is_no_project_is_refused(tmp_path: Path, text: str | None, reason: str) -> None:
    if text is not None:
        (tmp_path / "project.toml").write_text(text)
    with pytest.raises(DocumentError, match=reason):
        Project.open(tmp_path)


def test_a_project_needs_a_folder_of_its_own_and_images(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(OutputError, match="is not empty"):
        Project.create(photos, photos)
    with pytest.raises(ImageError, match="There is no folder"):
        Project.create(tmp_path / "new", tmp_path / "none")
    assert not (tmp_path / "new").exists()


def test_the_second_window_is_told_who_works_there(project: Project) -> None:
    first, second = ProjectLock(project.folder), ProjectLock(project.folder)
    assert first.take() == ""
    assert f"is open by process {os.getpid()} on " in second.take()
    assert not second.is_held
    second.release()
    assert first.is_held
    first.release()
    assert second.take() == ""
    second.release()


_SAVER = """
import sys
from pathlib import Path
import numpy as np
from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project
from napari_car.annotation.project_lock import ProjectLock

project = Project.open(Path(sys.argv[1]))
assert ProjectLock(project.folder).take() == ""
image = project.image("b9.jpg")
value = int(sys.argv[2])
while True:
    value += 1
    labels = np.full((300, 300), value, np.int32)
    project.save(image, Document(layers=(LabelLayer(name="labels", labels=labels, human=labels > 0),)), None)
    print(value, flush=True)
"""


def test_a_kill_at_any_moment_loses_at_most_the_save_it_hits(project: Project) -> None:
    image: ProjectImage = project.image("b9.jpg")
    moments = random.Random(0)
    last = 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", _SAVER, str(project.folder), str(last)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        said = process.stdout.read().split()
        process.wait()
        document, _ = project.load(image)
        value = value_of(document)
        assert value >= max([last, *map(int, said)])
        assert np.asarray(document.layers[0].human).all()  # type: ignore[union-attr]
        last = value
    assert last >= 6
    assert (project.folder / LOCK_FILE).exists()
    lock = ProjectLock(project.folder)
    assert lock.take() == ""  # the system took it back
    lock.release()
