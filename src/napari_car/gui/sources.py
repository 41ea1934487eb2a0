"""What a person sees of an image, captured in the window's thread and rendered in a worker thread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from numpy.typing import NDArray

from napari_car.annotation.frames import Frame, PlaneAxes
from napari_car.annotation.pyramid import coarsest_level, describe_level, frame_at_level
from napari_car.errors import ImageError, ResourceError
from napari_car.io import compose_channels
from napari_car.io.stack import MAX_PLANE_PX, finest_level

from .channel_layers import channel_layers, image_layers
from .layer_pixels import LayerPixels
from .placement import Placement, displayed_axes, labels_transform, world_factors
from .slicing import shown_slice

MAX_LABEL_PX = MAX_PLANE_PX
"""Most pixels of a plane of labels, of multiscale images: 1 GiB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageSource:
    """An image as it is shown in two dimensions; holds data and copied settings, no layer and no viewer."""

    name: str
    """Name of the layer."""

    axes: PlaneAxes
    """Shape of a label layer for it, and which of its axes are rows and columns on the canvas."""

    axis_labels: tuple[str, ...]
    """Names of the axes."""

    current: tuple[int, ...]
    """The plane that is shown: an index along each hidden axis."""

    transform: Mapping[str, Any]
    """Arguments of ``add_labels``, or ``add_image``, for a layer of the shape ``axes.shape`` exactly over it."""

    placement: Placement
    """Where such a layer lies in the world."""

    world_factors: NDArray[np.float64]
    """What the viewer's world coordinates are multiplied by to be in the units of the layer's axes."""

    level: int
    """The level of multiscale data that has this shape."""

    channels: tuple[LayerPixels, ...]
    """The layers that are painted over each other, from bottom to top."""

    notes: tuple[str, ...]
    """What a person should know of the choice of layers and level, in sentences."""

    @classmethod
    def capture(
        cls, viewer: ViewerModel, layer: Image, *, composite: bool, max_label_px: int = MAX_LABEL_PX
    ) -> "ImageSource":
        """Capture an image as it is shown now.

        Parameters
        ----------
        viewer : ViewerModel
        layer : Image
        composite : bool
            Whether all visible image layers that lie exactly over this one are painted with it, as its channels; a
            hidden layer is always taken alone.
        max_label_px : int
            Labels of a multiscale image have the size of its finest level with no more pixels in a plane.

        Raises
        ------
        ImageError
            If the layer is no image that can be segmented as it is shown.
        """
        _check(viewer, layer)
        axes, level = label_axes(viewer, layer, max_label_px)
        shapes = np.array(layer.level_shapes, dtype=np.int64)
        factors = shapes[0] / shapes[level]
        shown = shown_slice(viewer.dims, layer, axes.hidden_axes)
        layers = channel_layers(viewer, layer) if composite and layer.visible else [layer]
        return cls(
            name=layer.name,
            axes=axes,
            axis_labels=tuple(layer.axis_labels),
            current=shown.plane(shapes[0], shapes[level]),
            transform=labels_transform(layer, factors),
            placement=Placement.of(layer).at_level(factors),
            world_factors=world_factors(viewer.dims, layer.units),
            level=level,
            channels=tuple(LayerPixels.of(channel, shown.margins) for channel in layers),
            notes=tuple(_capture_notes(viewer, layer, layers, axes, level, composite=composite)),
        )

    def transform_at(self, plane: Sequence[int]) -> dict[str, Any]:
        """Return :attr:`transform` for a layer that holds one plane only, of length 1 along hidden axes."""
        world = self.placement.matrix @ self.axes.place(plane)
        shift = np.linalg.solve(self.transform["affine"][:-1, :-1], world)
        return {**self.transform, "translate": self.transform["translate"] + shift}

    def render(self, frame: Frame, max_side_px: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """Paint a frame as the canvas shows it; for worker threads.

        Only the frame's part of its plane is read. Of multiscale data, the coarsest level is read at which the box
        is not smaller than asked for, so the picture may be smaller than the box.

        Parameters
        ----------
        frame : Frame
        max_side_px : int
            The longer side of the picture is at least this, if that of the box is.

        Returns
        -------
        rgb : array of uint8, shape (h, w, 3)
        notes : tuple of str
            What was changed on the user's behalf, in sentences.

        Raises
        ------
        ImageError
            If the pixels cannot be read or shown.
        ResourceError
            If there is no memory for them.
        """
        shapes = [self.channels[0].shape(level) for level in range(len(self.channels[0].levels))]
        level = coarsest_level(shapes, self.axes, self.level, frame.box, max_side_px)
        axes, plane, box = frame_at_level(shapes[level], self.axes, frame)
        try:
            rgb, notes = compose_channels([channel.channel(level, axes, plane, box) for channel in self.channels])
        except MemoryError as error:
            height, width = frame.box.size_px
            raise ResourceError(
                f"There is not enough memory for {width} x {height} px of {self.name}: "
                "segment a smaller region, or in tiles."
            ) from error
        except ImageError:
            raise
        # Lazy arrays read files, or the network, when they are computed; whatever they raise ends here.
        except Exception as error:
            raise ImageError(f"The pixels of {self.name} cannot be read: {error or type(error).__name__}.") from error
        if level == self.level:
            return rgb, notes
        return rgb, (*notes, describe_level(self.name, level, box))

    def describe(self) -> dict[str, Any]:
        """Return what was shown, and how, as plain values fit for JSON."""
        return {
            "name": self.name,
            "channels": [channel.describe() for channel in self.channels],
            "shape": list(self.axes.shape),
            "axis_labels": list(self.axis_labels),
            "displayed_axes": [self.axes.row_axis, self.axes.column_axis],
            "level": self.level,
            "n_levels": len(self.channels[0].levels),
        }


def label_axes(viewer: ViewerModel, layer: Image, max_label_px: int = MAX_LABEL_PX) -> tuple[PlaneAxes, int]:
    """Return the axes that labels of an image have in the present view, and the level with their shape."""
    row_axis, column_axis = displayed_axes(viewer.dims, layer.ndim)
    shapes = np.array(layer.level_shapes, dtype=np.int64)
    level = finest_level(shapes[:, [row_axis, column_axis]].tolist(), max_label_px)
    return PlaneAxes(tuple(map(int, shapes[level])), row_axis, column_axis), level


def _check(viewer: ViewerModel, layer: Image) -> None:
    """Refuse layers that cannot be segmented as they are shown."""
    if not isinstance(layer, Image):
        raise ImageError(f"{getattr(layer, 'name', layer)} is not an image layer: choose one.")
    if layer not in viewer.layers:
        raise ImageError(f"{layer.name} is no longer open: choose another image.")
    if viewer.dims.ndisplay != 2:
        raise ImageError("Images are segmented plane by plane: switch to the 2D view (Ctrl+Y).")


def _capture_notes(
    viewer: ViewerModel, layer: Image, channels: Sequence[Image], axes: PlaneAxes, level: int, *, composite: bool
) -> Iterator[str]:
    """Say what may surprise."""
    left_out = [other.name for other in image_layers(viewer) if other.visible and other not in channels]
    if composite and layer.visible and left_out:
        yield f"Left out, since they do not lie exactly over {layer.name}: {', '.join(left_out)}."
    if not layer.visible:
        yield f"{layer.name} is hidden, and segmented as it would be shown alone."
    if any(channel.auto_contrast for channel in channels) and axes.hidden_axes:
        yield "All planes are segmented with the contrast limits of the one that is shown."
    if level:
        height, width = axes.size_px
        yield f"Labels of {layer.name} are {width} x {height} px (level {level}), since it is very large."
