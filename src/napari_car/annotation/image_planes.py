"""The planes of a stack on disk, one frame each, as the window shows them when the image is opened."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Int32, UInt8

from napari_car.errors import ResourceError
from napari_car.io.stack import ImageStack
from napari_car.io.stacks import open_stack

from .frames import Frame, PlaneAxes, cut_frames
from .label_layer import Transform
from .pyramid import coarsest_level, describe_level, frame_at_level
from .survey import Rendering


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImagePlanes:
    """An image of planes, channels or levels, and the labels that it gets: of its planes, for all channels together.

    Parameters
    ----------
    stack : ImageStack
    axes : PlaneAxes
        Of the labels.
    level : int
        The level that has their shape.
    """

    stack: ImageStack
    axes: PlaneAxes
    level: int

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open an image; None of a single picture.

        Raises
        ------
        ImageError
            If it cannot be understood.
        """
        stack = open_stack(path)
        if stack is None:
            return None
        level = stack.label_level()
        shape = stack.shape(level)
        return cls(stack=stack, axes=PlaneAxes(shape, len(shape) - 2, len(shape) - 1), level=level)

    @property
    def name(self) -> str:
        """Name of the lowest layer that is shown of it: the dock keeps labels under this one."""
        return self.stack.layer_name(self.stack.shown[0])

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Each plane as a whole, in order."""
        return cut_frames(np.ndindex(self.axes.shape[:-2]), self.axes.whole)

    @property
    def transform(self) -> Transform:
        """Where labels lie: exactly over the image, also if their pixels are larger."""
        stack = self.stack
        if not stack.scale:
            return Transform(axis_labels=stack.axis_names)
        factors = np.array(stack.shape()) / self.axes.shape
        scale = np.array(stack.scale)
        return Transform(
            scale=tuple((scale * factors).tolist()),
            translate=tuple((stack.translate + scale * (factors / 2 - 0.5)).tolist()),
            units=stack.units,
            axis_labels=stack.axis_names,
        )

    def empty_labels(self) -> Int32[np.ndarray, "..."]:
        """Return labels of all planes without any in them; ResourceError if there is no memory for them."""
        try:
            return np.zeros(self.axes.shape, dtype=np.int32)
        except (MemoryError, ValueError) as error:  # ValueError: more than any computer can address
            shape = " x ".join(map(str, self.axes.shape))
            raise ResourceError(f"There is not enough memory for labels of {shape} px of {self.stack.path}.") from error

    def render(self, frame: Frame, max_side_px: int) -> Rendering:
        """Paint a frame; no other plane is read.

        Parameters
        ----------
        frame : Frame
        max_side_px : int
            A coarser level is read as long as the longer side is at least this there.

        Raises
        ------
        ImageError
            If the pixels cannot be read or shown.
        ResourceError
            If there is no memory for them.
        """
        shapes = [self.stack.shape(level) for level in range(self.stack.n_levels)]
        level = coarsest_level(shapes, self.axes, self.level, frame.box, max_side_px)
        _, plane, box = frame_at_level(shapes[level], self.axes, frame)
        rgb, notes = self.stack.read_plane(plane, level, box.slices)
        size_notes = (describe_level(self.name, level, box),) if level != self.level else ()
        return rgb, (*self.stack.notes, *self._label_notes, *notes, *size_notes)

    def render_whole(self, plane: tuple[int, ...]) -> UInt8[np.ndarray, "H W 3"]:
        """Paint a whole plane at the size of labels; errors as for :meth:`render`."""
        box = self.axes.whole
        return self.render(Frame(plane, box, box), max(box.size_px))[0]

    def describe(self) -> dict[str, Any]:
        """Return what is seen of it, and how, as plain values fit for JSON, as the dock records it."""
        return {
            "name": self.name,
            "channels": self.stack.describe_channels(),
            "shape": list(self.axes.shape),
            "axis_labels": list(self.stack.axis_names),
            "displayed_axes": [self.axes.row_axis, self.axes.column_axis],
            "level": self.level,
            "n_levels": self.stack.n_levels,
        }

    @property
    def _label_notes(self) -> tuple[str, ...]:
        """Say of labels that they are not of full size."""
        if not self.level:
            return ()
        height, width = self.axes.size_px
        return (f"Labels of {self.name} are {width} x {height} px (level {self.level}), since it is very large.",)
