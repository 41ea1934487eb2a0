"""Tools that tell the objects of a query apart, and take that back."""

from collections.abc import Callable
from weakref import ref

import numpy as np
from jaxtyping import Int32, Integer
from napari.layers import Labels
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QGridLayout, QPushButton, QWidget

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.instances import to_instances, to_semantic
from napari_car.annotation.correction.relabelling import Relabelling
from napari_car.annotation.correction.several_labels import count_changed_parts, relabel_each
from napari_car.annotation.correction.splitting import split_touching
from napari_car.annotation.correction.watershed import Splitting
from napari_car.annotation.frames import Box, PlaneAxes
from napari_car.errors import PromptError

from .edit_sentences import UNDO, count_of, describe_new
from .instance_counts import InstanceCounts
from .label_editing import LabelEditing
from .label_features import query_names
from .label_target import LabelTarget, find_target
from .layer_instances import can_have_instances, free_table
from .layer_notes import instances_of
from .number_box import NumberBox


class InstanceTools(QWidget):
    """Splits what touches, and makes instances of queries and queries of instances.

    Parameters
    ----------
    editing : LabelEditing
    parent : QWidget, optional
    """

    def __init__(self, editing: LabelEditing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editing = editing
        self._earlier: _EarlierPlane | None = None
        self._depth = NumberBox(0.0, None, is_whole=False)
        self._depth.setValue(Splitting().min_depth_px)
        self._depth.setSuffix(" px")
        self._depth.setAccessibleName("Smallest depth of a neck, px")
        self._depth.setToolTip(
            "How much narrower, to each side, a neck is than the smaller of the two objects that it joins. "
            "A smaller number makes more objects."
        )
        self._splits = QCheckBox("Tell touching objects apart")
        self._splits.setToolTip("Also where objects of a query touch, as Split touching does.")
        self._counts = InstanceCounts()
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self._button("Split touching", self.split, _SPLIT_TIP), 0, 0)
        layout.addWidget(self._depth, 0, 1)
        layout.addWidget(self._splits, 1, 0, 1, 2)
        layout.addWidget(self._counts, 2, 0, 1, 2)
        layout.addWidget(self._button("Make instances", self.make, _MAKE_TIP), 3, 0)
        layout.addWidget(self._button("Back to queries", self.take_back, _BACK_TIP), 3, 1)
        self._splits.toggled.connect(self.count)
        self._depth.valueChanged.connect(self.count)
        editing.changed.connect(self.count)
        editing.edited.connect(self.count)

    @property
    def splitting(self) -> Splitting:
        """When a connected part counts as several objects."""
        return Splitting(min_depth_px=self._depth.value())

    def split(self) -> None:
        """Split what touches of the label that is meant."""
        self._editing.do(self._split)

    def make(self) -> None:
        """Make instances of the query that is meant."""
        self._editing.do(self._make)

    def take_back(self) -> None:
        """Give instances the id of their query."""
        self._editing.do(self._take_back)

    def count(self) -> None:
        """Count the objects of the plane, if anybody sees the number."""
        if not self.isVisible():
            return
        try:
            target = find_target(self._editing.viewer, self._editing.layer, needs_label=not self._editing.means_all)
        except PromptError:
            self._counts.forget()
            return
        table = instances_of(target.layer)
        chosen = None if self._editing.means_all else [table.query_of(target.id_)]
        splitting = self.splitting if self._splits.isChecked() else None
        self._counts.ask(target.labels, chosen, table, splitting, query_names(target.layer))

    def close_connections(self) -> None:
        """Stop counting."""
        self._counts.close_job()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  # Qt's name
        """Count what was changed meanwhile."""
        super().showEvent(event)
        self.count()

    def _button(self, text: str, act: Callable[[], None], tip: str) -> QPushButton:
        """Return a button that does something."""
        button = QPushButton(text)
        button.setToolTip(f"{tip} One undo step.")
        button.clicked.connect(act)
        return button

    def _split(self, target: LabelTarget) -> str:
        """Split each label that is meant."""
        splitting, ids = self.splitting, self._editing.chosen(target)
        if ids is None:
            ids = [id_ for id_ in find_boxes(target.labels) if can_have_instances(target.layer, id_)]
        table = free_table(target.layer, ids)

        def split(part: Integer[np.ndarray, "h w"], id_: int, _: Box, so_far: InstanceTable) -> Relabelling:
            return split_touching(part, id_, so_far, splitting)

        found = relabel_each(target.labels, ids, table, split, protected=self._editing.spared(target))
        if found.change is None:
            return "Split touching: there is nothing to split. A smaller depth finds more objects."
        n_parts = count_changed_parts(target.labels, found.change)
        self._editing.relabel(target, found.change, found.instances)
        return describe_new("Split touching", target.layer, n_parts, found.new_ids)

    def _make(self, target: LabelTarget) -> str:
        """Make instances of queries, with the ids that they had before if they were taken back."""
        labels = target.labels
        if self._editing.means_all:
            meant = [id_ for id_ in find_boxes(labels) if id_ < FIRST_ID]
        else:
            meant = [instances_of(target.layer).query_of(target.id_)]
        table = free_table(target.layer, meant)
        splitting = self.splitting if self._splits.isChecked() else None
        earlier = self._earlier.labels_of(target) if self._earlier is not None else None
        made = to_instances(labels, meant, table, splitting=splitting, earlier=earlier)
        if made.change is None:
            return "Make instances: there is nothing on this plane that is not told apart."
        n_objects = len(np.unique(made.change.labels[made.change.where]))
        self._editing.convert(target, made.change, made.instances)
        self._remember(target)
        return f"Make instances: {count_of(n_objects, 'object')} told apart. {UNDO}"

    def _take_back(self, target: LabelTarget) -> str:
        """Make queries of instances."""
        table = instances_of(target.layer)
        meant = None if self._editing.means_all else [table.query_of(target.id_)]
        change = to_semantic(target.labels, table, meant)
        if change is None:
            return "Back to queries: there are no instances on this plane."
        self._remember(target)
        self._editing.convert(target, change, table)
        target.layer.selected_label = table.query_of(target.id_)
        return f"Back to queries: {np.count_nonzero(change.where):,} px are not told apart any more. {UNDO}"

    def _remember(self, target: LabelTarget) -> None:
        """Keep which instances are where, so that they get their ids again."""
        self._earlier = _EarlierPlane(target)


class _EarlierPlane:
    """The instances of a plane at an earlier time; only the last plane is kept, since it takes as much memory."""

    def __init__(self, target: LabelTarget) -> None:
        self._layer: ref[Labels] = ref(target.layer)
        self._axes: PlaneAxes = target.axes
        self._plane = target.plane
        self._labels: Int32[np.ndarray, "H W"] = np.array(target.labels, dtype=np.int32)

    def labels_of(self, target: LabelTarget) -> Int32[np.ndarray, "H W"] | None:
        """Return the labels, if they are those of this plane."""
        is_same = self._layer() is target.layer and (self._axes, self._plane) == (target.axes, target.plane)
        return self._labels if is_same else None


_SPLIT_TIP = (
    "Split the parts of the label, on this plane, where objects touch. The largest object keeps the label, the others "
    "become new instances of its query."
)
_MAKE_TIP = (
    "Give each object of the query on this plane a label of its own, an instance; with All labels of the layer, each "
    "object of every query. What you painted stays marked as yours."
)
_BACK_TIP = "Give all instances of the query on this plane the label of the query again."
