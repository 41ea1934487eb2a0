"""What was segmented in a real window, decided anew, painted over and saved is repeated from the files alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from dock_driving import ask_for, choose_slices, result_layers, run_and_wait
from napari.viewer import Viewer
from PIL import Image
from pytestqt.qtbot import QtBot

from napari_car.annotation.document import read_document
from napari_car.annotation.reproduction import Reproduction, reproduce_layer
from napari_car.gui.dock import CarWidget
from napari_car.results import drain

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

pytestmark = pytest.mark.gui

QUERIES = ("blue circle", "sand", "snow")


def rerun(document: Path, image: Path, segmenter: "Segmenter") -> Reproduction:
    (layer,) = read_document(document).layers
    return drain(reproduce_layer(layer, image, lambda _: segmenter))


def decide_and_accept(
    qtbot: QtBot, widget: CarWidget, *, score: float | None = None, mask: float | None = None
) -> None:
    sliders = widget.results.thresholds
    for slider, value in ((sliders._score, score), (sliders._mask, mask)):
        if value is not None:
            slider.setValue(value)
    qtbot.waitUntil(lambda: not widget.session.is_deciding, timeout=30_000)
    widget.session.accept()


def test_a_picture(
    dock: tuple[Viewer, CarWidget],
    qtbot: QtBot,
    tmp_path: Path,
    scenes: dict[str, np.ndarray],
    demo_segmenter: "Segmenter",
) -> None:
    viewer, widget = dock
    Image.fromarray(scenes["shapes-on-sand"]).save(tmp_path / "sand.png")
    viewer.open(tmp_path / "sand.png", plugin="napari")
    ask_for(widget, QUERIES)
    run_and_wait(qtbot, widget)
    (layer,) = result_layers(viewer)
    first = layer.data.copy()
    decide_and_accept(qtbot, widget, mask=0.8)
    decide_and_accept(qtbot, widget, mask=0.7)
    automatic = layer.data.copy()
    assert not np.array_equal(first, automatic)
    layer.brush_size = 15
    layer.paint((40, 40), 3)
    assert not np.array_equal(layer.data, automatic)
    layer.save(str(tmp_path / "sand.car.json"), plugin="napari-car")
    made = rerun(tmp_path / "sand.car.json", tmp_path / "sand.png", demo_segmenter)
    assert made.is_exact
    assert made.n_runs == 3
    np.testing.assert_array_equal(made.labels, automatic)


def test_planes_of_16_bits_in_colour(
    dock: tuple[Viewer, CarWidget],
    qtbot: QtBot,
    tmp_path: Path,
    scenes: dict[str, np.ndarray],
    demo_segmenter: "Segmenter",
) -> None:
    viewer, widget = dock
    grey = scenes["shapes-on-sand"].sum(axis=2, dtype=np.uint16) * 50
    stack = np.stack([np.roll(grey, 9 * index, axis=1) for index in range(4)])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    (image,) = viewer.open(tmp_path / "stack.tif", plugin="napari")
    image.colormap, image.contrast_limits, image.gamma = "yellow", (4000, 30000), 0.8
    ask_for(widget, QUERIES)
    choose_slices(widget, 1, 2)
    run_and_wait(qtbot, widget)
    (layer,) = result_layers(viewer)
    decide_and_accept(qtbot, widget, score=0.0)  # in such colours, nothing is recognised
    assert layer.data[1].any()
    assert layer.data[2].any()
    layer.save(str(tmp_path / "stack.car.json"), plugin="napari-car")
    made = rerun(tmp_path / "stack.car.json", tmp_path / "stack.tif", demo_segmenter)
    assert made.is_exact
    np.testing.assert_array_equal(made.labels, layer.data)
