"""Tools that merge or cut labels along a line that is drawn over them."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_car.annotation.correction.drawn_line import cut_along, labels_along, merge_along
from napari_car.annotation.correction.several_labels import count_changed_parts

from .edit_sentences import UNDO, count_of, describe_new
from .label_editing import LabelEditing
from .label_features import label_name
from .label_target import LabelTarget
from .layer_instances import can_have_instances, free_table
from .layer_notes import instances_of
from .line_layer import LineLayer
from .number_box import NumberBox
from .result_layers import is_result

Act = Callable[[LabelTarget, Float[np.ndarray, "K 2"]], str]
"""Takes a line, (row, col) in px, and returns what it did to the labels under it."""

_HOW = (
    "Press, then draw the line over the image with the mouse: a straight one, or another with napari's other tools. "
    "Esc or another press of the button ends it. "
)


class LineTools(QWidget):
    """Two buttons that stay pressed while lines are drawn; each line is one undo step.

    Parameters
    ----------
    editing : LabelEditing
    parent : QWidget, optional
    """

    def __init__(self, editing: LabelEditing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editing = editing
        self._lines = LineLayer(editing.viewer, self)
        self._width = NumberBox(0.0, 1000.0, is_whole=False)
        self._width.setValue(1.0)
        self._width.setSuffix(" px")
        self._width.setAccessibleName("Width of the cut, px")
        self._width.setToolTip("How wide the line is that has to go right through. Its pixels go to the nearest side.")
        self._acts: dict[QPushButton, Act] = {
            self._button("Merge along a line", _MERGE_TIP): self._merge,
            self._button("Cut along a line", _CUT_TIP): self._cut,
        }
        merge, cut = self._acts
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        layout.addWidget(merge, 0, 0)
        layout.addWidget(cut, 1, 0)
        layout.addWidget(self._width, 1, 1)
        self._lines.drawn.connect(self._apply)
        self._lines.ended.connect(self._release)
        editing.changed.connect(self._on_changed)

    def close_connections(self) -> None:
        """Take the line away and let go of the viewer."""
        self._lines.close_connections()

    def _button(self, text: str, tip: str) -> QPushButton:
        """Return a button that stays pressed."""
        button = QPushButton(text)
        button.setToolTip(f"{tip} {_HOW}Each line is one undo step.")
        button.setCheckable(True)
        button.toggled.connect(partial(self._on_toggled, button))
        return button

    def _on_toggled(self, button: QPushButton, is_pressed: bool) -> None:
        """Wait for lines, or do not any more."""
        if not is_pressed:
            self._lines.close()
            return
        for other in self._acts:
            if other is not button:
                with QSignalBlocker(other):
                    other.setChecked(False)
        self._editing.do(partial(self._open, self._acts[button] == self._cut), needs_label=False)
        if self._lines.labels is None:
            self._release()

    def _open(self, makes_instances: bool, target: LabelTarget) -> str:
        """Have a layer for lines over the labels."""
        if makes_instances:
            free_table(target.layer)  # says at once if it can hold none
        self._lines.open(target.layer)
        return "Draw a line over the image: press, drag, release. Esc ends it."

    def _apply(self) -> None:
        """Do with the line that was drawn what the pressed button says."""
        for button, act in self._acts.items():
            if button.isChecked() and self._lines.labels is not None:
                self._editing.do(partial(self._use_line, act), needs_label=False)

    def _use_line(self, act: Act, target: LabelTarget) -> str:
        """Take the line that was drawn, and do something with it."""
        return act(target, self._lines.take_path(target.axes))

    def _release(self) -> None:
        """Show that no line is waited for."""
        for button in self._acts:
            button.setChecked(False)

    def _on_changed(self) -> None:
        """Wait for no lines over labels that are not worked in any more."""
        labels, editing = self._lines.labels, self._editing
        if labels is not editing.layer and labels in editing.viewer.layers:
            self._lines.close()

    def _merge(self, target: LabelTarget, path: Float[np.ndarray, "K 2"]) -> str:
        """Give the labels under a line the first one's id."""
        table = instances_of(target.layer) if is_result(target.layer) else None
        change, ids = merge_along(target.labels, path, table, protected=self._editing.spared(target))
        if not ids:
            return "Merge: there is no label under the line."
        first = label_name(target.layer, ids[0])
        if change is None:
            return f"Merge: the line touches nothing to merge with {first}. Draw it from one object to another."
        self._editing.write(target, change)
        target.layer.selected_label = ids[0]
        return f"Merge: {count_of(len(ids), 'label')} are {first} now. {UNDO}"

    def _cut(self, target: LabelTarget, path: Float[np.ndarray, "K 2"]) -> str:
        """Cut what a line goes right through."""
        layer, labels, editing = target.layer, target.labels, self._editing
        touched = labels_along(labels, path)
        ids = [id_ for id_ in touched if can_have_instances(layer, id_)]
        found = cut_along(
            labels,
            path,
            sorted(ids, key=lambda id_: id_ != target.id_),
            free_table(layer, ids or touched),
            width_px=self._width.value(),
            cuts_all=editing.means_all,
            protected=editing.spared(target),
        )
        if found.change is None:
            return "Cut: the line goes right through no object. Begin and end it outside of the object."
        n_parts = count_changed_parts(labels, found.change)
        before = labels[found.change.index][found.change.where]
        editing.relabel(target, found.change, found.instances)
        if not editing.means_all:
            layer.selected_label = int(before[0])
        return describe_new("Cut", layer, n_parts, found.new_ids)


_MERGE_TIP = "Make one object of those of a query that the line touches: they get the label of the first."
_CUT_TIP = (
    "Cut the chosen label, or else the first one that the line goes right through. The largest side keeps the label, "
    "the others become new instances of its query."
)
