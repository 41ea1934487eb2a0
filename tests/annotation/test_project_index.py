"""What is told of the images of a project without opening them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.document import Document, write_document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import ProjectImage
from napari_car.annotation.project_index import FILTERS, ImageState, arrange, examine
from napari_car.annotation.sheet import QuerySheet

SHEET = QuerySheet().added_each(["leaf", "stem"])[0]
LABELS = np.array([[1, 1, 0], [0, 2, 2]], dtype=np.int32)
RUN: dict[str, Any] = {"runs": [{}], "queries": SHEET.to_dict()["entries"]}
FEATURES = {
    "index": [0, 1, 2],
    "class": ["background", "leaf", "stem"],
    "verdict": ["–", "present", "uncertain"],
    "score": [None, 0.9, 0.4],
}


@pytest.fixture
def image(tmp_path: Path) -> ProjectImage:
    return ProjectImage("a.png", tmp_path / "a.png", tmp_path / "a.png.car.json")


def save(image: ProjectImage, provenance: dict[str, Any], features: dict[str, Any] | None = None) -> None:
    layer = LabelLayer(name="a labels", labels=LABELS, features=features or FEATURES, provenance=provenance)
    write_document(image.document, Document(layers=(layer,)))


def test_an_image_without_labels(image: ProjectImage) -> None:
    assert examine(image) == ImageState(progress="unprocessed")


def test_what_a_run_found(image: ProjectImage) -> None:
    save(image, RUN)
    state = examine(image)
    assert (state.progress, state.n_present, state.n_uncertain, state.n_absent) == ("automatic", 1, 1, 0)
    assert state.doubt == pytest.approx(0.5 + 0.5 * 0.6)


@pytest.mark.parametrize(
    "provenance",
    [
        RUN | {"agreement": [{"n_added": 1, "n_removed": 0, "n_unknown": 0}]},
        RUN | {"instances": {"next_id": 65_537, "instances": [[65_536, 1]]}},
        RUN | {"checked": {"1": "0" * 32}},
        {"queries": RUN["queries"]},
    ],
    ids=["painted", "told apart", "checked in part", "drawn without a run"],
)
def test_a_person_s_work(image: ProjectImage, provenance: dict[str, Any]) -> None:
    save(image, provenance)
    assert examine(image).progress == "edited"


def test_it_is_checked_once_all_its_classes_are_and_as_long_as_they_stay_so(image: ProjectImage) -> None:
    digests = {str(id_): digest for id_, digest in digest_labels(LABELS, [1, 2]).items()}
    save(image, RUN | {"checked": digests})
    assert examine(image).progress == "checked"
    assert examine(image).doubt == 0
    save(image, RUN | {"checked": digests | {"2": "0" * 32}})
    assert examine(image).progress == "edited"


def test_labels_of_a_class_that_was_not_looked_for_must_be_checked_too(image: ProjectImage) -> None:
    only_leaf = [entry for entry in RUN["queries"] if entry["id"] == 1]
    digests = {str(id_): digest for id_, digest in digest_labels(LABELS, [1, 2]).items()}
    save(image, {**RUN, "queries": only_leaf, "checked": {"1": digests["1"]}})
    assert examine(image).progress == "edited"  # as for export --only-checked
    save(image, {**RUN, "queries": only_leaf, "checked": digests})
    assert examine(image).progress == "checked"


def test_labels_that_cannot_be_read_are_told_with_the_reason(image: ProjectImage) -> None:
    image.document.write_text("{}")
    assert "not a document" in examine(image).problem
    save(image, RUN | {"agreement": [1]})
    assert examine(image) == ImageState(
        progress="unreadable", problem=f"{image.document} does not say what its labels are."
    )


def test_filters_and_order(image: ProjectImage) -> None:
    states = {
        "new": ImageState(progress="unprocessed"),
        "unsure": ImageState(progress="automatic", n_uncertain=1, doubt=0.9),
        "nothing": ImageState(progress="automatic", n_absent=2),
        "weak": ImageState(progress="edited", n_present=1, n_absent=1, doubt=0.3),
        "done": ImageState(progress="checked", n_uncertain=1),
    }
    images = [ProjectImage(key, image.path, image.document) for key in states]
    found = {wanted: [shown.key for shown in arrange(images, states, wanted, "name")] for wanted in FILTERS}
    assert found == {
        "all": list(states),
        "unprocessed": ["new"],
        "uncertain": ["unsure"],
        "absent": ["nothing"],
        "edited": ["weak"],
        "checked": ["done"],
    }
    in_doubt = [shown.key for shown in arrange(images, states, "all", "doubt")]
    assert in_doubt == ["unsure", "weak", "new", "nothing", "done"]
