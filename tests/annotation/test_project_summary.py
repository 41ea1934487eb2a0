"""What a report says of a project, against a slow and obvious count."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_car.annotation.correction.agreement import Agreement
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.document import Document, write_document
from napari_car.annotation.image_summary import summarise_image
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project
from napari_car.annotation.project_summary import ProjectSummary, summarise_project
from napari_car.annotation.run_facts import Making
from napari_car.annotation.sheet import QuerySheet
from napari_car.dataset.project_images import ProjectImages
from napari_car.errors import DocumentError

SHEET, _ = QuerySheet().added("leaf, soil, stone, not: sky")
LEAF, SOIL, STONE = 1, 2, 3
RUN = {
    "preset": "annotate",
    "f": {"name": "small"},
    "g": {"name": "large"},
    "sam": None,
    "versions": {"torch": "2.9", "napari-car": "0.1"},
    "seconds": {"image": 1.5, "proposals": 0.25},
}


def written_by_program(seed: int, shape: tuple[int, ...] = (12, 10)) -> np.ndarray:
    """Leaf and soil, never stone."""
    return np.random.default_rng(seed).integers(0, 3, shape).astype(np.int32)


def layer(automatic: np.ndarray, now: np.ndarray | None = None, **provenance: Any) -> LabelLayer:
    now = automatic if now is None else now
    return LabelLayer(
        name="labels",
        labels=now,
        human=now != automatic,
        automatic=automatic,
        features={
            "index": [0, LEAF, SOIL, STONE],
            "class": ["background", "leaf", "soil", "stone"],
            "verdict": ["–", "present", "uncertain", "absent"],
            "score": [None, 0.9, 0.5, 0.1],
        },
        provenance={"queries": SHEET.to_dict()["entries"], "runs": [RUN], **provenance},
    )


def checked(labels: np.ndarray, *ids: int) -> dict[str, str]:
    return {str(id_): digest for id_, digest in digest_labels(labels, ids).items()}


def corrected(automatic: np.ndarray) -> np.ndarray:
    """Some soil is erased, some leaf painted, and a stone."""
    now = automatic.copy()
    now[..., :3, :][now[..., :3, :] == SOIL] = 0
    now[..., 5, :6] = LEAF
    now[..., 8:10, 2:4] = STONE
    return now


LAYERS: dict[str, LabelLayer] = {
    "1-automatic": layer(written_by_program(1)),
    "2-corrected": layer(written_by_program(2), corrected(written_by_program(2))),
    "3-checked": layer(written_by_program(3), checked=checked(written_by_program(3), LEAF, SOIL, STONE)),
    "4-outdated": layer(
        written_by_program(4), corrected(written_by_program(4)), checked=checked(written_by_program(4), LEAF, SOIL)
    ),
    "5-stack": layer(written_by_program(5, (2, 12, 10)), corrected(written_by_program(5, (2, 12, 10)))),
}
SPENT_S = {"2-corrected": 100.0, "4-outdated": 20.0, "5-stack": 30.0}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Images with the labels above, one without, one whose labels are broken, and labels whose image is gone."""
    (tmp_path / "photos").mkdir()
    for name in (*LAYERS, "6-unlabelled", "7-broken"):
        Image.new("RGB", (10, 12)).save(tmp_path / "photos" / f"{name}.png")
    project = Project.create(tmp_path / "weeds", tmp_path / "photos", SHEET)
    for name, own in LAYERS.items():
        document = Document(layers=(own,), spent_s=SPENT_S.get(name, 0.0))
        project.save(project.image(f"{name}.png"), document, None)
    project.save(project.image("more/8-gone.png"), Document(layers=(layer(written_by_program(8)),)), None)
    project.image("7-broken.png").document.write_text("{}", encoding="utf-8")
    return project


@pytest.fixture
def summary(project: Project) -> ProjectSummary:
    return summarise_project(project)


def count(test: Callable[[int, int], bool], *names: str) -> int:
    """Count pixels, one after another, by what the program wrote and what is there now."""
    n = 0
    for name in names:
        for before, now in zip(LAYERS[name].automatic[...].flat, LAYERS[name].labels[...].flat, strict=True):
            n += test(int(before), int(now))
    return n


def test_images_are_counted_by_what_became_of_them(summary: ProjectSummary) -> None:
    assert summary.n_images == 8
    assert [image.key for image in summary.images] == [f"{name}.png" for name in LAYERS]
    assert summary.unlabelled == ("6-unlabelled.png",)
    assert [failed.key for failed in summary.unreadable] == ["7-broken.png", "more/8-gone.png"]
    assert "7-broken.png.car.json cannot be opened" in summary.unreadable[0].sentence
    assert summary.unreadable[1].sentence.startswith("The image is gone")
    assert (summary.n_edited, summary.n_checked, summary.n_reviewed) == (3, 1, 4)
    assert summary.n_px == 6 * 120


@pytest.mark.parametrize("id_", [LEAF, SOIL, STONE])
def test_classes_are_those_of_a_slow_count(summary: ProjectSummary, id_: int) -> None:
    found = next(found for found in summary.classes() if found.id == id_)
    worked_on = [name for name in LAYERS if name != "1-automatic"]
    assert found.name == SHEET.names[id_]
    assert found.n_verdicts == {["present", "uncertain", "absent"][id_ - 1]: 5}
    assert found.n_images == found.n_objects == sum(bool(np.any(own.labels[...] == id_)) for own in LAYERS.values())
    assert found.area_px == count(lambda _, now: now == id_, *LAYERS)
    assert found.agreement.n_added == count(lambda before, now: now == id_ != before, *worked_on)
    assert found.agreement.n_removed == count(lambda before, now: before == id_ != now, *worked_on)
    n_both = count(lambda before, now: before == id_ == now, *worked_on)
    n_either = count(lambda before, now: id_ in (before, now), *worked_on)
    assert found.iou == n_both / n_either
    n_human = count(lambda before, now: now == id_ != before, *LAYERS)
    assert found.human_share == n_human / found.area_px
    assert found.n_checked == 1
    assert found.n_reviewed == (3 if id_ == STONE else 4)


def test_distractors_are_no_classes(summary: ProjectSummary) -> None:
    assert [found.name for found in summary.classes()] == ["leaf", "soil", "stone"]


def test_all_classes_together_are_the_sums_of_the_classes(summary: ProjectSummary) -> None:
    classes = summary.classes()
    assert summary.labelled.n_now == sum(found.area_px for found in classes)
    assert summary.agreement.n_added == sum(found.agreement.n_added for found in classes)
    assert summary.agreement.n_both == sum(found.agreement.n_both for found in classes)


def test_times_are_of_the_images_in_which_they_were_measured(summary: ProjectSummary) -> None:
    assert (summary.computing.n_images, summary.computing.total_s) == (5, 5 * 1.75)
    working = summary.working
    assert (working.n_images, working.total_s, working.mean_s, working.median_s) == (3, 150.0, 50.0, 30.0)
    nothing = replace(summary, images=summary.images[:1]).working
    assert (nothing.total_s, nothing.mean_s, nothing.median_s) == (None, None, None)


def test_what_made_the_labels_is_counted_by_images(summary: ProjectSummary) -> None:
    versions = (("napari-car", "0.1"), ("torch", "2.9"))
    assert summary.makings == [(Making("annotate", "small", "large", "", versions), 5)]


def test_worst_are_the_most_corrected_then_those_in_doubt(summary: ProjectSummary) -> None:
    worst = summary.worst(9)
    ious = {image.key: image.agreement.iou for image in worst}
    first = ["2-corrected.png", "4-outdated.png", "5-stack.png"]
    assert [image.key for image in worst] == [*sorted(first, key=ious.__getitem__), "1-automatic.png"]
    assert summary.worst(1) == worst[:1]
    assert summary.n_needed == 4
    assert [found.name for found in worst[-1].in_doubt] == ["soil"]


def test_fully_checked_images_are_those_that_an_export_of_checked_ones_takes(project: Project) -> None:
    project.image("5-stack.png").document.unlink()  # data sets are of single planes
    assert list(ProjectImages(project, only_checked=True)) == ["3-checked"]
    assert [image.key for image in summarise_project(project).images if image.is_checked] == ["3-checked.png"]


def test_labels_of_which_nothing_is_known_are_a_persons_and_compare_with_nothing() -> None:
    own = LabelLayer(name="labels", labels=written_by_program(1), features={"index": [1], "class": ["leaf"]})
    image = summarise_image("a.png", Document(layers=(own,)), SHEET)
    assert image.is_edited
    assert image.n_unknown == count(lambda _, now: now > 0, "1-automatic")
    assert image.agreement == Agreement(n_human=image.n_unknown, n_now=image.n_unknown)
    assert image.classes[LEAF].verdict is None
    assert (image.computed_s, image.makings) == (0.0, ())


def test_each_instance_is_an_object_of_its_class() -> None:
    labels = np.zeros((6, 6), np.int32)
    labels[0, :], labels[2, :], labels[4, :] = LEAF, 65_536, 65_537
    table = {"next_id": 65_538, "instances": [[65_536, LEAF], [65_537, LEAF]]}
    image = summarise_image("a.png", Document(layers=(layer(labels, instances=table),)), SHEET)
    assert (image.classes[LEAF].n_objects, image.classes[LEAF].area_px) == (3, 18)
    assert image.is_edited


def test_layers_are_added_and_a_run_that_both_carry_is_counted_once() -> None:
    one, two = LAYERS["1-automatic"], LAYERS["2-corrected"]
    image = summarise_image("a.png", Document(layers=(one, two)), SHEET)
    assert image.classes[LEAF].area_px == count(lambda _, now: now == LEAF, "1-automatic", "2-corrected")
    assert image.classes[LEAF].state == "edited"
    assert (image.n_px, image.computed_s, len(image.makings)) == (120, 1.75, 1)


@pytest.mark.parametrize(
    ("provenance", "complaint"),
    [
        ({"queries": [{"id": LEAF, "text": "tree"}]}, 'call class 1 "tree", the ontology "leaf"'),
        ({"queries": ["leaf"]}, "The queries of the layer"),
        ({"queries": [{"id": 65_536, "text": "leaf"}]}, "The queries of the layer"),
        ({"queries": [{"id": "1", "text": "leaf"}]}, "The queries of the layer"),
        ({"queries": [{"id": LEAF, "text": 3}]}, "The queries of the layer"),
        ({"checked": {"leaf": ""}}, "The checked queries of the layer"),
        ({"checked": [1]}, "The checked queries of the layer"),
        ({"instances": {}}, "The instances of the layer"),
    ],
)
def test_notes_that_cannot_be_used_are_said(provenance: dict[str, Any], complaint: str) -> None:
    own = layer(written_by_program(1), **provenance)
    with pytest.raises(DocumentError, match=complaint):
        summarise_image("a.png", Document(layers=(own,)), SHEET)


@pytest.mark.parametrize("label", [65_536, -1])
def test_labels_of_no_class_are_said(label: int) -> None:
    with pytest.raises(DocumentError, match=f"holds the label {label}"):
        summarise_image("a.png", Document(layers=(layer(np.full((2, 2), label, np.int32)),)), SHEET)


def test_a_class_that_the_ontology_has_not_any_more_is_counted_under_its_old_name() -> None:
    gone = SHEET.removed([SOIL])
    image = summarise_image("a.png", Document(layers=(LAYERS["1-automatic"],)), gone)
    summary = ProjectSummary(ontology=gone, images=(image,), unlabelled=(), unreadable=())
    assert [found.name for found in summary.classes()] == ["leaf", "stone", "soil"]


@pytest.mark.parametrize("runs", ["none", [3], [{"f": 3, "versions": [], "seconds": {"image": "long"}}]])
def test_runs_of_other_programs_do_no_harm(runs: Any) -> None:
    image = summarise_image("a.png", Document(layers=(layer(written_by_program(1), runs=runs),)), SHEET)
    assert image.computed_s == 0


def test_labels_that_were_kept_beside_others_are_said_to_be_so(project: Project) -> None:
    image = project.image("2-corrected.png")
    document, _ = project.load(image)
    assert document is not None
    path = project.path_beside(image, datetime(2026, 11, 30, 9, 15, 2, tzinfo=UTC))
    write_document(path, document)
    (kept,) = (failed for failed in summarise_project(project).unreadable if "unsaved" in failed.key)
    assert kept.key == "2-corrected.png.unsaved-20261130-091502"
    assert kept.sentence.startswith("These labels of 2-corrected.png could not be saved")
