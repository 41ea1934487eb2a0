"""Tools that correct the outline of a label: fill, remove, smooth, grow, shrink."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtWidgets import QGridLayout, QPushButton, QSpinBox, QWidget

from napari_car.annotation.correction.growth import grow, shrink
from napari_car.annotation.correction.holes import fill_holes
from napari_car.annotation.correction.small_parts import keep_largest_part, remove_small_parts
from napari_car.annotation.correction.smoothing import smooth
from napari_car.annotation.proposal import Change

from .edit_sentences import UNDO
from .label_editing import LabelEditing
from .label_target import LabelTarget

Edit = Callable[..., Change | None]
"""Takes a plane, the labels in question and ``protected``; returns what changes."""

_HIGHEST_PX = 1_000_000


@dataclass(frozen=True, slots=True)
class Tool:
    """A button, and the number beside it.

    Parameters
    ----------
    text, tip : str
        What it is called, and what it does, for users.
    edit : callable
    amount : str
        Which argument of ``edit`` the number is; empty for none.
    default, highest : int
        Of the number, in px.
    none : str
        What 0 means, if it stands for no limit.
    """

    text: str
    tip: str
    edit: Edit
    amount: str = ""
    default: int = 0
    highest: int = _HIGHEST_PX
    none: str = ""


TOOLS = (
    Tool(
        "Fill holes",
        "Fill the background inside the label, up to an area.",
        fill_holes,
        amount="max_area_px",
        none="of any size",
    ),
    Tool(
        "Remove parts below",
        "Turn parts that are smaller than an area into background.",
        remove_small_parts,
        amount="min_area_px",
        default=64,
    ),
    Tool("Keep the largest part", "Turn all other parts into background.", keep_largest_part),
    Tool(
        "Smooth",
        "Smooth outlines: what is about as small as this vanishes. Other labels are left alone.",
        smooth,
        amount="radius_px",
        default=2,
        highest=50,
    ),
    Tool(
        "Grow by",
        "Add the background around the label, up to a distance. Other labels are left alone.",
        grow,
        amount="distance_px",
        default=1,
        highest=500,
    ),
    Tool(
        "Shrink by",
        "Turn what is near the outline into background, up to a distance.",
        shrink,
        amount="distance_px",
        default=1,
        highest=500,
    ),
)


class PlaneTools(QWidget):
    """A button for each tool, with its number.

    Parameters
    ----------
    editing : LabelEditing
    parent : QWidget, optional
    """

    def __init__(self, editing: LabelEditing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editing = editing
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for row, tool in enumerate(TOOLS):
            button = QPushButton(tool.text)
            button.setToolTip(f"{tool.tip} One undo step.")
            grid.addWidget(button, row, 0)
            if not tool.amount:
                button.clicked.connect(lambda _=False, tool=tool: self.apply(tool))
                continue
            box = QSpinBox()
            box.setAccessibleName(f"{tool.text}, px")
            box.setRange(0 if tool.none else 1, tool.highest)
            box.setValue(tool.default)
            box.setSuffix(" px²" if tool.amount.endswith("area_px") else " px")
            box.setSpecialValueText(tool.none)
            box.setToolTip(tool.tip)
            button.clicked.connect(lambda _=False, tool=tool, box=box: self.apply(tool, box.value()))
            grid.addWidget(box, row, 1)

    def apply(self, tool: Tool, amount: int | None = None) -> None:
        """Use a tool, as its button does."""
        what = tool.text.removesuffix(" by").removesuffix(" below")
        arguments: dict[str, Any] = {}
        if tool.amount and not (tool.none and not amount):
            arguments[tool.amount] = amount

        def edit(target: LabelTarget) -> str:
            editing = self._editing
            change = tool.edit(target.labels, editing.chosen(target), protected=editing.spared(target), **arguments)
            if change is None:
                return f"{what}: there is nothing to change."
            editing.write(target, change)
            return f"{what}: {np.count_nonzero(change.where):,} px changed. {UNDO}"

        self._editing.do(edit)
