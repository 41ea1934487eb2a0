"""What becomes of the labels of a run, frame by frame; without a window."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.frames import Box, Frame
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.proposal import ProposalSummary
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import TOGETHER
from napari_car.gui.image_results import ImageResults
from napari_car.gui.result_layers import is_result
from napari_car.gui.sources import ImageSource

N, H, W = 6, 8, 10
WHOLE = Box(0, 0, H, W)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def results(viewer: ViewerModel) -> ImageResults:
    """Results of a stack, of which nothing is there yet."""
    image = viewer.add_image(np.zeros((N, H, W), np.uint8))
    sheet, _ = QuerySheet().added("leaf, stem")
    return ImageResults(viewer, image, ImageSource.capture(viewer, image, composite=False), sheet)


def put(results: ImageResults, value: int, plane: int = 0, kept: Box = WHOLE) -> None:
    """Let a run find one label in all of a frame."""
    results.put(Frame((plane,), kept, kept), {TOGETHER: np.full(kept.size_px, value, np.int32)})


def label_layer(viewer: ViewerModel) -> Labels:
    (layer,) = (layer for layer in viewer.layers if is_result(layer))
    return layer


def outlines(viewer: ViewerModel) -> np.ndarray:
    """Return what the layer of the proposal shows."""
    (layer,) = (layer for layer in viewer.layers if layer.name == "Proposal")
    return layer.data


def test_where_nothing_stands_labels_are_written_and_each_frame_is_an_undo_step(viewer, results):
    for plane in (1, 3):
        put(results, 2, plane)
    labels = label_layer(viewer)
    assert not results.has_proposal
    assert labels.data.max(axis=(1, 2)).tolist() == [0, 2, 0, 2, 0, 0]
    labels.undo()
    assert labels.data.max(axis=(1, 2)).tolist() == [0, 2, 0, 0, 0, 0]


def test_where_labels_stand_others_are_proposed_frame_by_frame(viewer, results):
    for plane in range(3):
        put(results, 1, plane)
    for plane, value in enumerate((2, 1, 2)):
        put(results, value, plane)
    assert results.summary() == ProposalSummary(n_added=2 * H * W)
    assert outlines(viewer).max(axis=(1, 2)).tolist() == [2, 0, 2, 0, 0, 0]  # plane 1 stays as it is
    put(results, 1, 0)  # and so does plane 0 with another threshold
    assert outlines(viewer).max(axis=(1, 2)).tolist() == [0, 0, 2, 0, 0, 0]
    results.accept()
    labels = label_layer(viewer)
    assert labels.data.max(axis=(1, 2)).tolist() == [1, 1, 2, 0, 0, 0]
    labels.undo()
    assert labels.data.max(axis=(1, 2)).tolist() == [1, 1, 1, 0, 0, 0]


def test_tiles_are_proposed_each_for_itself(viewer, results):
    left, right = Box(0, 0, H, 5), Box(0, 5, H, W)
    put(results, 1, kept=left)
    put(results, 1, kept=right)
    assert not results.has_proposal  # the second tile holds nothing of the first
    put(results, 2, kept=right)
    assert np.unique(outlines(viewer)[0, :, :5]).tolist() == [0]
    assert np.unique(outlines(viewer)[0, :, 5:]).tolist() == [0, 2]  # a line along its border


def test_the_work_for_a_frame_grows_neither_with_the_stack_nor_with_the_image(viewer, results, monkeypatch):
    read = []
    human = Ledger.human

    def counted(ledger, labels, index=...):
        part = human(ledger, labels, index)
        read.append(part.size)
        return part

    tile = Box(2, 2, 5, 6)
    for plane in range(N):
        put(results, 1, plane, tile)
    monkeypatch.setattr(Ledger, "human", counted)
    work = []
    for plane in range(N):
        read.clear()
        put(results, 2, plane, tile)
        results.summary()
        work.append(tuple(read))
    assert len(set(work)) == 1
    assert set(work[0]) == {12}


def test_a_persons_pixels_are_counted_and_kept(viewer, results):
    put(results, 1)
    labels = label_layer(viewer)
    labels.data_setitem((np.array([0, 0]), np.array([3, 4]), np.array([3, 4])), 0)
    put(results, 1)
    assert results.summary() == ProposalSummary(n_protected=2)
    put(results, 2)
    assert results.summary() == ProposalSummary(n_added=H * W - 2, n_protected=2)
    results.accept()
    assert np.argwhere(labels.data[0] == 0).tolist() == [[3, 3], [4, 4]]
    assert (labels.data[0] == 2).sum() == H * W - 2
