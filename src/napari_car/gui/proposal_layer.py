"""The layer that shows a proposal: outlines over the image, not to be edited, gone when it is decided."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int32
from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.frames import Frame
from napari_car.annotation.outlines import outline_labels
from napari_car.annotation.proposal import ProposedPlane
from napari_car.io import RGB

from .instance_colours import label_colours
from .layer_notes import KEY
from .result_layers import empty_labels
from .sources import ImageSource

CLEARED = np.int32(65_536)
"""Stands for pixels that would become background; ids of queries are smaller."""
CLEARED_COLOUR: RGB = (255, 0, 0)
NAME = "Proposal"


class ProposalLayer:
    """Shows proposed planes in a layer of its own, which exists as long as there are any.

    Parameters
    ----------
    viewer : ViewerModel
    source : ImageSource
        The image over which it lies.
    """

    def __init__(self, viewer: ViewerModel, source: ImageSource) -> None:
        self._viewer, self._source = viewer, source
        self._layer: Labels | None = None
        self._planes: tuple[ProposedPlane, ...] = ()
        self._colours: dict[int, RGB] = {}
        self.removed: Callable[[], None] | None = None
        viewer.layers.events.removed.connect(self._on_removed)

    def show(self, planes: Sequence[ProposedPlane], colours: Mapping[int, RGB]) -> None:
        """Show these planes and no others; no planes take the layer away."""
        if not planes:
            self._take_away()
            return
        layer = self._layer or self._add(colours)
        before, now = _by_frame(self._planes), _by_frame(planes)
        changed = [frame for frame in before | now if before.get(frame) != now.get(frame)]
        for frame in changed:
            shown = self._source.axes.plane(layer.data, frame.plane, frame.kept)
            shown[:] = 0
            for plane in now.get(frame, ()):  # of several layers' labels of one frame, the later lie over the earlier
                outlines = outline_labels(_with_cleared(plane))
                np.copyto(shown, outlines, where=outlines != 0)
        self._planes = tuple(planes)
        if changed:
            layer.refresh()

    def colour(self, colours: Mapping[int, RGB]) -> None:
        """Use other colours."""
        if self._layer is not None and dict(colours) != self._colours:
            self._colours = dict(colours)
            self._layer.colormap = label_colours({**colours, int(CLEARED): CLEARED_COLOUR})

    def close(self) -> None:
        """Take the layer away and let go of the viewer."""
        self._take_away()
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _add(self, colours: Mapping[int, RGB]) -> Labels:
        """Add the layer on top; the layer that was worked in stays the active one."""
        active = self._viewer.layers.selection.active
        self._layer = self._viewer.add_labels(
            empty_labels(self._source),
            name=NAME,
            opacity=1.0,
            metadata={KEY: {"kind": "proposal"}},
            **self._source.transform,
        )
        self._colours = {}
        self.colour(colours)
        self._layer.editable = False
        if active is not None:
            self._viewer.layers.selection.active = active
        return self._layer

    def _take_away(self) -> None:
        """Remove the layer."""
        layer, self._layer, self._planes = self._layer, None, ()
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        """Notice that a person deleted the layer."""
        if self._layer is not None and event.value is self._layer:
            self._layer, self._planes = None, ()
            if self.removed is not None:
                self.removed()


def _by_frame(planes: Sequence[ProposedPlane]) -> dict[Frame, list[ProposedPlane]]:
    """Return the planes of each frame, in their order."""
    frames: dict[Frame, list[ProposedPlane]] = {}
    for plane in planes:
        frames.setdefault(plane.frame, []).append(plane)
    return frames


def _with_cleared(plane: ProposedPlane) -> Int32[np.ndarray, "H W"]:
    """Return a plane's labels, and what it clears."""
    return plane.labels if plane.cleared is None else np.where(plane.cleared, CLEARED, plane.labels)
