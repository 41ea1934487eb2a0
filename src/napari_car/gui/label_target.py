"""The label that is being worked on: that which is chosen in a layer, on the plane that is shown."""

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.typing import NDArray

from napari_car.annotation.frames import PlaneAxes
from napari_car.errors import ImageError, PromptError

from .label_features import label_name
from .placement import displayed_axes
from .result_layers import is_result
from .slicing import shown_slice

_HIGHEST = int(np.iinfo(np.int32).max)  # corrections count in 32 bits


@dataclass(frozen=True, slots=True, eq=False)
class LabelTarget:
    """A label of one plane of a layer.

    Parameters
    ----------
    layer : Labels
    id_ : int
        The chosen label.
    axes : PlaneAxes
        Which axes of the layer are rows and columns.
    plane : tuple of int
        The plane that is shown: an index along each hidden axis.
    """

    layer: Labels
    id_: int
    axes: PlaneAxes
    plane: tuple[int, ...]

    @property
    def labels(self) -> NDArray[np.signedinteger]:
        """The plane, (H, W)."""
        return np.asarray(self.axes.plane(self.layer.data, self.plane))

    @property
    def name(self) -> str:
        """What the label stands for; its number if that is not known."""
        return label_name(self.layer, self.id_)

    def is_on_plane_of(self, other: "LabelTarget") -> bool:
        """Tell whether another label is on the same plane of the same layer."""
        return (self.layer, self.axes, self.plane) == (other.layer, other.axes, other.plane)


def find_target(viewer: ViewerModel, layer: Labels | None = None, *, needs_label: bool = True) -> LabelTarget:
    """Return the label that is chosen in a layer.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Labels, optional
        By default the active layer, if it holds labels, or else the topmost result.
    needs_label : bool
        Whether a label must be chosen, and not background.

    Raises
    ------
    PromptError
        If there is none that can be edited on the plane that is shown.
    """
    layer = layer or label_layer(viewer)
    if layer is None:
        raise PromptError("There are no labels to be corrected: segment an image, or select a layer of labels.")
    if viewer.dims.ndisplay != 2:
        raise PromptError("Labels are corrected plane by plane: switch to the 2D view (Ctrl+Y).")
    if not _is_writable(layer):
        raise PromptError(f"{layer.name} cannot be edited.")
    if needs_label and not layer.selected_label:
        raise PromptError(f"The label chosen in {layer.name} is the background: choose another one.")
    axes = PlaneAxes(layer.data.shape, *displayed_axes(viewer.dims, layer.ndim))
    try:
        shown = shown_slice(viewer.dims, layer, axes.hidden_axes)
    except ImageError as error:
        raise PromptError(f"{layer.name} has nothing on the plane that is shown.") from error
    target = LabelTarget(layer, int(layer.selected_label), axes, tuple(shown.indices.tolist()))
    if np.iinfo(layer.data.dtype).max > _HIGHEST and max(target.id_, int(target.labels.max(initial=0))) > _HIGHEST:
        raise PromptError(
            f"{layer.name} has labels above {_HIGHEST:,}, which cannot be corrected: give them smaller numbers first."
        )
    return target


def _is_writable(layer: Labels) -> bool:
    """Tell whether the labels of a layer can be changed."""
    data = layer.data
    return bool(not layer.multiscale and isinstance(data, np.ndarray) and data.flags.writeable and layer.editable)


def label_layer(viewer: ViewerModel) -> Labels | None:
    """Return the active layer if it holds labels, else the topmost result; None if there is none."""
    active = viewer.layers.selection.active
    if isinstance(active, Labels):
        return active
    return next((layer for layer in reversed(viewer.layers) if is_result(layer)), None)
