"""What a person pointed at on one plane, step by step."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray

from napari_car.annotation.frames import Box
from napari_car.sam.prompts import Point, Scribble


@dataclass(frozen=True, slots=True, eq=False)
class Pointing:
    """Points, a box and strokes, in px of the plane at full resolution; see :mod:`napari_car.sam.prompts`.

    Parameters
    ----------
    points : tuple of Point
    box : tuple of float or None
        (top, left, bottom, right).
    scribbles : tuple of Scribble
    """

    points: tuple[Point, ...] = ()
    box: tuple[float, float, float, float] | None = None
    scribbles: tuple[Scribble, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.points or self.box or self.scribbles)

    def with_point(self, point: Point) -> "Pointing":
        """Return this and a point."""
        return replace(self, points=(*self.points, point))

    def with_box(self, box: tuple[float, float, float, float]) -> "Pointing":
        """Return this with another box, whichever corners were given."""
        top, left, bottom, right = box
        return replace(self, box=(min(top, bottom), min(left, right), max(top, bottom), max(left, right)))

    def with_scribble(self, scribble: Scribble) -> "Pointing":
        """Return this and a stroke."""
        return replace(self, scribbles=(*self.scribbles, scribble))

    def extends(self, other: "Pointing") -> bool:
        """Tell whether this is another with something added, so that a prediction may go on from the other's."""
        return (
            self.points[: len(other.points)] == other.points
            and self.scribbles[: len(other.scribbles)] == other.scribbles
            and other.box in (None, self.box)
        )

    @property
    def places(self) -> NDArray[np.float64]:
        """All places that were pointed at, (K, 2), the corners of the box among them."""
        corners = [self.box[:2], self.box[2:]] if self.box else []
        parts = [[(point.row, point.col) for point in self.points], corners, *(s.path for s in self.scribbles)]
        return np.concatenate([np.asarray(part, dtype=np.float64).reshape(-1, 2) for part in parts])

    def pixels(self, box: Box) -> Int64[np.ndarray, "K 2"]:
        """Return the row and column, counted from its corner, of each pixel of a box that a point or stroke passes."""
        points = np.array([(point.row, point.col) for point in self.points]).reshape(-1, 2)
        strokes = [_densely(scribble.path) for scribble in self.scribbles]
        pixels = np.rint(np.concatenate([points, *strokes])).astype(np.int64) - [box.top, box.left]
        is_inside = ((pixels >= 0) & (pixels < box.size_px)).all(axis=1)
        return np.asarray(np.unique(pixels[is_inside], axis=0))

    @property
    def extent(self) -> Box:
        """The smallest box around all places; empty if there are none."""
        places = self.places
        if not len(places):
            return Box(0, 0, 0, 0)
        top, left = np.floor(places.min(axis=0)).astype(int)
        bottom, right = np.ceil(places.max(axis=0)).astype(int)
        return Box(int(top), int(left), int(bottom) + 1, int(right) + 1)


def _densely(path: Float[np.ndarray, "K 2"]) -> Float[np.ndarray, "P 2"]:
    """Return a path with so many points that it leaves no pixel out, but for corners that it only touches."""
    pieces = [path[:1]]
    for start, stop in itertools.pairwise(path):
        n_steps = int(np.ceil(np.abs(stop - start).max()))
        pieces.append(start + np.linspace(0, 1, n_steps + 1)[1:, np.newaxis] * (stop - start))
    return np.concatenate(pieces)
