"""Label layers to be corrected by the tools of the tab, and how a person uses the tools."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtWidgets import QDoubleSpinBox, QPushButton, QToolButton, QWidget
from skimage.draw import disk

from napari_car.annotation.proposal import Change
from napari_car.annotation.sheet import QuerySheet
from napari_car.gui.mask_tools import MaskTools
from napari_car.gui.result_layers import add_result
from napari_car.gui.sources import ImageSource
from napari_car.gui.tracking import track

CELL, STEM = 1, 2


def cells() -> np.ndarray:
    """Two cells that touch and one alone, of radius 8, and a stem."""
    labels = np.zeros((50, 70), dtype=np.int32)
    for middle in ((12, 12), (12, 26), (36, 55)):
        labels[disk(middle, 8)] = CELL
    labels[30:40, 8:30] = STEM
    return labels


def add_cells(viewer: ViewerModel, labels: np.ndarray | None = None, **place: object) -> Labels:
    """Add a result of the queries cell and stem, as the program wrote it; cell is chosen."""
    labels = cells() if labels is None else labels
    image = viewer.add_image(np.zeros(labels.shape, dtype=np.uint8), **place)
    sheet, _ = QuerySheet().added("cell, stem")
    layer = add_result(viewer, ImageSource.capture(viewer, image, composite=False), image, 0, sheet)
    planes = [(*index, slice(None), slice(None)) for index in np.ndindex(labels.shape[:-2])]
    track(layer).write([Change(index, labels[index], labels[index] != 0) for index in planes])
    layer._undo_history.clear()
    layer.selected_label = CELL
    viewer.layers.selection.active = layer
    return layer


def human(layer: Labels) -> np.ndarray:
    """Return which pixels are a person's."""
    return track(layer).ledger.human(layer.data)


def unfold(tools: QWidget) -> None:
    """Open all that is folded."""
    for heading in tools.findChildren(QToolButton):
        if heading.isCheckable():
            heading.setChecked(True)


def button(tools: MaskTools, text: str) -> QPushButton:
    """Return a button."""
    (found,) = (each for each in tools.findChildren(QPushButton) if each.text() == text)
    return found


def press(tools: MaskTools, text: str) -> str:
    """Press a button and return what was said."""
    button(tools, text).click()
    return tools.text


def number(tools: MaskTools, name: str) -> QDoubleSpinBox:
    """Return the box of a number."""
    (found,) = (each for each in tools.findChildren(QDoubleSpinBox) if each.accessibleName() == name)
    return found


def check_history(layer: Labels, before: np.ndarray) -> None:
    """Check that what was done last is one undo step, to the pixel, there and back."""
    after, owners = layer.data.copy(), human(layer)
    assert (after != before).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)
    np.testing.assert_array_equal(human(layer), owners)
