"""What all tools on labels share: the layer that is worked in, what is meant by a press of a button, and its result."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.correction.plane_edit import place_change
from napari_car.annotation.proposal import Change
from napari_car.errors import CaRError

from .label_target import LabelTarget, find_target, label_layer
from .layer_instances import keep_instances
from .layer_notes import KEY
from .result_layers import is_result
from .sentence import warned
from .tracking import track, write_blocks

MARKS = "marks"
"""Kind of the layers in which something is drawn over labels; while one is active, the labels are still worked in."""


class LabelEditing(QObject):
    """Follows the layer that is worked in, and edits the plane of it that is shown.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject, optional
    """

    changed = Signal()
    """Another layer, another label of it, or other names."""
    edited = Signal()
    """The layer is drawn anew: after an edit, undo, redo, or when another plane is shown."""
    said = Signal(str)
    """A sentence for the user."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.layer: Labels | None = None
        """The layer that is worked in."""
        self.means_all = False
        """Whether all labels of the layer are meant, or the chosen one."""
        self.spares_human = False
        """Whether a person's pixels are left alone."""
        viewer.layers.selection.events.active.connect(self._on_layers)
        viewer.layers.events.removed.connect(self._on_layers)
        self._on_layers()

    def do(self, act: Callable[[LabelTarget], str], *, needs_label: bool | None = None) -> None:
        """Do something with the plane that is shown, and say what was done, or why not.

        Parameters
        ----------
        act : callable
            Returns what was done, as a sentence.
        needs_label : bool, optional
            Whether a label must be chosen; by default only if not all are meant.
        """
        try:
            needs_label = not self.means_all if needs_label is None else needs_label
            self.said.emit(act(find_target(self.viewer, self.layer, needs_label=needs_label)))
        except CaRError as error:
            self.said.emit(warned(str(error)))

    def chosen(self, target: LabelTarget) -> list[int] | None:
        """Return the labels that are meant; None for all."""
        return None if self.means_all else [target.id_]

    def spared(self, target: LabelTarget) -> Bool[np.ndarray, "H W"] | None:
        """Return a person's pixels of the plane, if they are to be left alone; only results know them."""
        if not self.spares_human or not is_result(target.layer):
            return None
        index = target.axes.index(target.plane)
        return np.asarray(target.axes.plane_of(track(target.layer).ledger.human(target.layer.data, index)))

    def write(self, target: LabelTarget, change: Change) -> None:
        """Change the plane as a person, as one undo step."""
        write_blocks(target.layer, [place_change(change, target.axes, target.plane)])

    def relabel(self, target: LabelTarget, change: Change, instances: InstanceTable) -> None:
        """Change the plane as a person, as one undo step by which instances come into being."""
        keep_instances(target.layer, instances)
        self.write(target, change)

    def convert(self, target: LabelTarget, change: Change, instances: InstanceTable) -> None:
        """Give masks of the plane other ids, as one undo step; whose pixels they are stays as it is."""
        keep_instances(target.layer, instances)
        track(target.layer).convert([place_change(change, target.axes, target.plane)])

    def close(self) -> None:
        """Let go of the viewer."""
        self._watch(None)
        self.viewer.layers.selection.events.active.disconnect(self._on_layers)
        self.viewer.layers.events.removed.disconnect(self._on_layers)

    def _on_layers(self) -> None:
        """Watch the layer that is worked in now."""
        active = self.viewer.layers.selection.active
        # None is active for a moment whenever a layer is added.
        stays = active is None or active.metadata.get(KEY, {}).get("kind") == MARKS
        if not stays or self.layer not in self.viewer.layers:
            self._watch(label_layer(self.viewer))
            self._on_changed()

    def _watch(self, layer: Labels | None) -> None:
        """Follow one layer and no other."""
        if layer is not self.layer:
            if self.layer is not None:
                events = self.layer.events
                for event in (events.selected_label, events.features, events.name):
                    event.disconnect(self._on_changed)
                for event in (events.paint, events.set_data):
                    event.disconnect(self._on_edited)
            self.layer = layer
            if layer is not None:
                for event in (layer.events.selected_label, layer.events.features, layer.events.name):
                    event.connect(self._on_changed)
                for event in (layer.events.paint, layer.events.set_data):
                    event.connect(self._on_edited)

    def _on_changed(self) -> None:
        self.changed.emit()

    def _on_edited(self) -> None:
        self.edited.emit()
