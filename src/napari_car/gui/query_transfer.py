"""Give a label to another query."""

import numpy as np
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QWidget

from napari_car.annotation.correction.relabelling import reassign_to_query
from napari_car.errors import PromptError

from .edit_sentences import UNDO
from .label_editing import LabelEditing
from .label_features import query_names
from .label_target import LabelTarget
from .layer_notes import instances_of


class QueryTransfer(QWidget):
    """A button, and the queries that the chosen label can be given to.

    Parameters
    ----------
    editing : LabelEditing
    parent : QWidget, optional
    """

    def __init__(self, editing: LabelEditing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editing = editing
        self._others = QComboBox()
        self._others.setAccessibleName("Query that gets the label")
        self._others.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        button = QPushButton("Give to")
        button.setToolTip(
            "Give all pixels of the label on this plane to another query; an instance stays one, with a new number. "
            "One undo step."
        )
        button.clicked.connect(lambda: self.give_to(self._others.currentData() or 0))
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        layout.addWidget(button, 0, 0)
        layout.addWidget(self._others, 0, 1)
        editing.changed.connect(self._show)
        self._show()

    def give_to(self, id_: int) -> None:
        """Give the chosen label to another query."""
        name = self._others.itemText(self._others.findData(id_)) or f"label {id_}"

        def give(target: LabelTarget) -> str:
            if self._editing.means_all:
                raise PromptError("All labels cannot be given to one query: choose one label.")
            if not id_:
                raise PromptError("There is no other query that the label could be given to.")
            table = instances_of(target.layer).beyond(np.asarray(target.layer.data))
            given = reassign_to_query(target.labels, target.id_, id_, table, protected=self._editing.spared(target))
            if given.change is None:
                return f"Give to {name}: there is nothing to change."
            self._editing.relabel(target, given.change, given.instances)
            target.layer.selected_label = given.new_ids[0] if given.new_ids else id_
            return f"Give to {name}: {np.count_nonzero(given.change.where):,} px changed. {UNDO}"

        self._editing.do(give)

    def _show(self) -> None:
        """List the queries but that of the chosen label."""
        layer = self._editing.layer
        names = {} if layer is None else query_names(layer)
        if layer is not None:
            names.pop(instances_of(layer).query_of(int(layer.selected_label)), None)
        with QSignalBlocker(self._others):
            before = self._others.currentData()
            self._others.clear()
            for id_, name in names.items():
                self._others.addItem(name, id_)
            self._others.setCurrentIndex(max(0, self._others.findData(before)))
        self._others.setEnabled(bool(names))
