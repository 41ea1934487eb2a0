"""Slices of a stack as a video, in a real window: what a slice takes over, in which order, and its record."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from dock_driving import ask_for, choose, choose_slices, result_layers, run_and_wait
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QCheckBox, QComboBox

from napari_car.annotation.document import read_document
from napari_car.annotation.reproduction import reproduce_layer
from napari_car.gui.dock import CarWidget
from napari_car.results import drain

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]

QUERIES = ("white square", "dog")


def moving_squares(n: int, *more: int) -> np.ndarray:
    """A bright square that moves over grey along the last of the hidden axes."""
    planes = np.full((*more, n, 64, 80), 90, np.uint8)
    for i in range(n):
        planes[..., i, 10:40, 10 + 6 * i : 40 + 6 * i] = 244
    return planes


def as_video(widget: CarWidget) -> QCheckBox:
    (box,) = (box for box in widget.image_controls.findChildren(QCheckBox) if box.text() == "As video")
    return box


def test_queries_are_carried_and_the_run_can_be_repeated(
    dock: tuple[Viewer, CarWidget], qtbot: QtBot, tmp_path: Path, demo_segmenter: "Segmenter"
) -> None:
    viewer, widget = dock
    tifffile.imwrite(tmp_path / "stack.tif", moving_squares(5), photometric="minisblack")
    viewer.open(tmp_path / "stack.tif", plugin="napari")
    ask_for(widget, QUERIES)
    widget.options.parameters.set_changes({"crf.n_iterations": 1, "video.smoothing": 0.6})
    assert not as_video(widget).isVisibleTo(widget)
    choose_slices(widget, 1, 3)
    assert as_video(widget).isVisibleTo(widget)
    as_video(widget).click()
    run_and_wait(qtbot, widget)
    (layer,) = result_layers(viewer)
    found = [widget.session.store.get(frame) for frame in widget.session.store.frames]
    asked_ago = sorted(max(query.frames_ago for query in result.queries) for result in found if result is not None)
    assert asked_ago == [0, 1, 2]
    (run,) = layer.metadata["napari-car"]["runs"]
    assert run["config"]["video"]["carry_queries"] is True
    assert run["config"]["video"]["smoothing"] == 0.6
    layer.save(str(tmp_path / "stack.car.json"), plugin="napari-car")
    (saved,) = read_document(tmp_path / "stack.car.json").layers
    made = drain(reproduce_layer(saved, tmp_path / "stack.tif", lambda _: demo_segmenter))
    assert made.is_exact
    assert made.labels.any()


@pytest.mark.parametrize("slices", ["This one", "All"])
def test_otherwise_nothing_is_taken_over(dock: tuple[Viewer, CarWidget], slices: str) -> None:
    """Neither from slice to slice without the choice, nor where there is one slice."""
    viewer, widget = dock
    viewer.add_image(moving_squares(3))
    ask_for(widget, QUERIES)
    widget.options.parameters.set_changes({"video.smoothing": 0.6})
    choose(widget, "Slices", slices)
    if slices == "This one":
        widget.image_controls.choose_video(True)
    video = widget._request().effective_config.video
    assert (video.carry_queries, video.smoothing) == (False, 0.0)


def test_frames_follow_each_other_along_the_axis_of_the_video(dock: tuple[Viewer, CarWidget]) -> None:
    viewer, widget = dock
    viewer.add_image(moving_squares(3, 2))
    ask_for(widget, QUERIES)
    choose(widget, "Slices", "All")
    (axis,) = (box for box in widget.findChildren(QComboBox) if box.accessibleName() == "Axis")
    assert not axis.isVisibleTo(widget)
    as_video(widget).click()
    assert axis.isVisibleTo(widget)
    axis.setCurrentIndex(axis.findData(1))
    assert [frame.plane for frame in widget._request().frames] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    axis.setCurrentIndex(axis.findData(0))
    assert [frame.plane for frame in widget._request().frames] == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
