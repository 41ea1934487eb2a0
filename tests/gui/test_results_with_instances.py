"""Runs over labels whose instances were told apart; without a window."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.correction.instance_table import FIRST_ID, LAST_ID, InstanceTable
from napari_car.annotation.frames import Box, Frame
from napari_car.annotation.proposal import Change, ProposalSummary
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import TOGETHER
from napari_car.gui.image_results import ImageResults
from napari_car.gui.layer_notes import set_instances
from napari_car.gui.result_layers import is_result, sheet_of
from napari_car.gui.sources import ImageSource
from napari_car.gui.tracking import track

WHOLE = Box(0, 0, 4, 6)
LEAF, OTHER_LEAF = FIRST_ID, FIRST_ID + 1


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def results(viewer: ViewerModel) -> ImageResults:
    """Results of an image: a leaf in its left half, of which two instances were made."""
    image = viewer.add_image(np.zeros(WHOLE.size_px, np.uint8))
    sheet, _ = QuerySheet().added("leaf, stem")
    results = ImageResults(viewer, image, ImageSource.capture(viewer, image, composite=False), sheet)
    put(results, FOUND)
    layer = label_layer(viewer)
    instances = np.where(FOUND == 1, np.where(np.arange(4)[:, None] < 2, LEAF, OTHER_LEAF), 0).astype(np.int32)
    set_instances(layer, InstanceTable({LEAF: 1, OTHER_LEAF: 1}, OTHER_LEAF + 1))
    track(layer).write([Change((slice(0, 4), slice(0, 6)), instances, FOUND != 0)])
    return results


FOUND = np.where(np.arange(6) < 3, 1, 0) * np.ones((4, 1), dtype=np.int32)


def put(results: ImageResults, labels: np.ndarray) -> None:
    results.put(Frame((), WHOLE, WHOLE), {TOGETHER: labels.astype(np.int32)})


def label_layer(viewer: ViewerModel) -> Labels:
    (layer,) = filter(is_result, viewer.layers)
    return layer


def test_a_run_that_finds_the_same_again_proposes_nothing(viewer: ViewerModel, results: ImageResults) -> None:
    before = label_layer(viewer).data.copy()
    put(results, FOUND)
    assert not results.has_proposal
    np.testing.assert_array_equal(label_layer(viewer).data, before)


def test_instances_stay_where_their_query_is_found_and_go_where_another_is(
    viewer: ViewerModel, results: ImageResults
) -> None:
    layer, found = label_layer(viewer), FOUND.copy()
    found[1], found[2] = 2, 0
    layer.data_setitem((np.array([1]), np.array([0])), OTHER_LEAF)  # by hand
    put(results, found)
    assert results.summary() == ProposalSummary(n_added=5, n_removed=3, n_protected=1)
    results.accept()
    assert layer.data.tolist() == [
        [LEAF] * 3 + [0] * 3,
        [OTHER_LEAF] + [2] * 5,
        [0] * 6,
        [OTHER_LEAF] * 3 + [0] * 3,
    ]
    put(results, found)
    assert results.summary() == ProposalSummary(n_protected=1)
    layer.undo()
    assert (layer.data[1, :3] == [OTHER_LEAF, LEAF, LEAF]).all()


@pytest.mark.usefixtures("results")
class TestIdsOfNewQueries:
    @pytest.mark.parametrize(
        ("label", "next_id"), [(0, 3), (9, 10), (65_535, 65_536), (FIRST_ID + 5, 3), (LAST_ID, 3), (2**31 - 1, 3)]
    )
    def test_they_are_above_all_labels_that_are_no_instances(
        self, viewer: ViewerModel, label: int, next_id: int
    ) -> None:
        layer = label_layer(viewer)
        layer.data[0, 0] = label
        sheet = sheet_of(layer)
        assert sheet.next_id == next_id
        assert sheet.names == {1: "leaf", 2: "stem"}

    def test_they_are_above_the_queries_of_all_instances(self, viewer: ViewerModel) -> None:
        set_instances(label_layer(viewer), InstanceTable({LEAF: 1, OTHER_LEAF: 7}, OTHER_LEAF + 1))
        assert sheet_of(label_layer(viewer)).next_id == 8
