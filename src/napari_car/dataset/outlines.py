"""Outlines of masks as closed polygons on the borders of pixels: one for each part, its holes joined to it by cuts.

Points are (x, y) in half pixels: pixel ``x`` has the columns ``2 x`` and ``2 x + 1``. So a point tells both the pixel
that it is in, ``point // 2``, and the corner of the grid that it is next to, ``(point + 1) // 2``. A polygon that goes
through either gives back the mask when it is drawn with its border, or filled without it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

Points = Int64[np.ndarray, "K 2"]

_NEIGHBOURS_8 = np.ones((3, 3), dtype=bool)


def trace_parts(mask: Bool[np.ndarray, "H W"]) -> tuple[Points, ...]:
    """Return the outline of each part of a mask.

    A part is what hangs together, over corners, too. From each hole a cut leads straight up to the next border, be it
    of another hole, once there and once back.

    Parameters
    ----------
    mask : ndarray, (H, W), bool

    Returns
    -------
    tuple of ndarray, (K, 2), int64
        Closed: a side leads from the last point to the first. Points on a straight line are left out.
    """
    rings, is_hole = _trace_rings(mask)
    if not any(is_hole):
        return tuple(map(straightened, rings))
    links = _Links(rings)
    for number, ring in enumerate(rings):
        if is_hole[number]:
            _cut(mask, links, number, ring)
    return tuple(straightened(links.walk(number)) for number, _ in enumerate(rings) if not is_hole[number])


def trace_bridged(mask: Bool[np.ndarray, "H W"]) -> Points:
    """Return one outline for all parts of a mask: bridges join them where they are nearest, once there and once back.

    Parameters
    ----------
    mask : ndarray, (H, W), bool
        With at least one pixel.
    """
    parts = trace_parts(mask)
    if len(parts) == 1:
        return parts[0]
    rings = [_dense(part) for part in parts]
    links = _Links(rings)
    for start, end in _bridges(mask):
        links.add(links.find_pixel(start), links.find_pixel(end))
    return straightened(links.walk(0))


def straightened(points: Points) -> Points:
    """Leave out points that are twice in a row, or on the straight way from the one before to the one after."""
    points = points[(points != _shifted(points, -1)).any(axis=1)]
    before, after = points - _shifted(points, -1), _shifted(points, 1) - points
    crossed = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    is_straight = (crossed == 0) & ((before * after).sum(axis=1) > 0)
    kept: Points = points[~is_straight]
    return kept


def _shifted(points: Points, n: int) -> Points:
    """Return for each point the one that comes `n` after it; :func:`numpy.roll` is slow where there are few."""
    return np.concatenate([points[n:], points[:n]])


def _trace_rings(mask: Bool[np.ndarray, "H W"]) -> tuple[list[Points], list[bool]]:
    """Return the borders of parts and of holes, step by step, and which are those of holes."""
    halves = np.zeros((2 * mask.shape[0] + 2, 2 * mask.shape[1] + 2), dtype=np.uint8)
    for row, column in ((1, 1), (1, 2), (2, 1), (2, 2)):
        halves[row:-1:2, column:-1:2] = mask
    contours, hierarchy = cv2.findContours(halves, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(-1, -1))
    rings = [_within(mask, contour[:, 0].astype(np.int64)) for contour in contours]
    return rings, [] if hierarchy is None else (hierarchy[0, :, 3] >= 0).tolist()


def _within(mask: Bool[np.ndarray, "H W"], ring: Points) -> Points:
    """Go around corners inside of the mask, not across them; there is no such way where pixels meet at a corner."""
    after = _shifted(ring, 1)
    at = np.flatnonzero((ring != after).all(axis=1))
    (x, y), (x2, y2) = ring[at].T, after[at].T
    is_first, is_second = mask[y2 // 2, x // 2], mask[y // 2, x2 // 2]
    between = np.where(is_first[:, None], np.stack([x, y2], axis=1), np.stack([x2, y], axis=1))
    is_there = is_first | is_second
    return np.insert(ring, at[is_there] + 1, between[is_there], axis=0) if is_there.any() else ring


def _cut(mask: Bool[np.ndarray, "H W"], links: "_Links", number: int, ring: Points) -> None:
    """Join a hole with the next border above it, which is that of a part, or of a hole that begins further up."""
    first = int(np.lexsort((ring[:, 0], ring[:, 1]))[0])
    x, y = ring[first].tolist()
    above = np.flatnonzero(~mask[: y // 2, x // 2])
    top = 2 * (int(above[-1]) + 1) if len(above) else 0
    links.add((number, first), links.find(x, top))


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where to go over from a ring to another one."""

    step: int
    ring: int
    start: int


class _Links:
    """Rings that are joined at pairs of points, without circles."""

    def __init__(self, rings: Sequence[Points]) -> None:
        self._rings = rings
        points = np.concatenate(rings)
        self._width = int(points[:, 0].max()) + 2
        self._starts = np.cumsum([0, *map(len, rings)])
        self._points, self._pixels = _Index(self._keys(points)), _Index(self._keys(points // 2))
        self._turns: dict[int, list[_Turn]] = defaultdict(list)

    def find(self, x: int, y: int) -> tuple[int, int]:
        """Return the ring of a point, and its place in it."""
        return self._place(self._points.first(y * self._width + x))

    def find_pixel(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """Return the ring of a point that is in a pixel (x, y), and its place in it."""
        return self._place(self._pixels.first(pixel[1] * self._width + pixel[0]))

    def add(self, first: tuple[int, int], second: tuple[int, int]) -> None:
        """Join two places."""
        self._turns[first[0]].append(_Turn(first[1], *second))
        self._turns[second[0]].append(_Turn(second[1], *first))

    def walk(self, root: int) -> Points:
        """Return the way along a ring and all that are joined with it."""
        pieces: list[Points] = []
        walks = [self._walk_ring(root, 0, -1, pieces)]
        while walks:
            turn = next(walks[-1], None)
            if turn is None:
                walks.pop()
            else:
                ring, start, origin = turn
                walks.append(self._walk_ring(ring, start, origin, pieces))
        return np.concatenate(pieces)

    def _walk_ring(self, ring: int, start: int, origin: int, pieces: list[Points]) -> Iterator[tuple[int, int, int]]:
        """Go once around a ring; yield where to go in between: ring, place, and the ring from which it is reached."""
        points = np.concatenate([self._rings[ring][start:], self._rings[ring][: start + 1]])
        n_steps, done = len(points) - 1, 0
        turns = [((turn.step - start) % n_steps, turn) for turn in self._turns[ring] if turn.ring != origin]
        for step, turn in sorted(turns, key=lambda item: (item[0], item[1].ring)):
            pieces.append(points[done : step + 1])
            done = step
            yield turn.ring, turn.start, ring
        pieces.append(points[done:])

    def _keys(self, points: Points) -> Int64[np.ndarray, " K"]:
        """Return a number for each point."""
        keys: Int64[np.ndarray, " K"] = points[:, 1] * self._width + points[:, 0]
        return keys

    def _place(self, index: int) -> tuple[int, int]:
        """Return ring and place of a point among all."""
        ring = int(np.searchsorted(self._starts, index, side="right")) - 1
        return ring, index - int(self._starts[ring])


class _Index:
    """Where numbers stand in a list."""

    def __init__(self, keys: Int64[np.ndarray, " K"]) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def first(self, key: int) -> int:
        """Return the first place of a number, which must be there."""
        return int(self._order[np.searchsorted(self._sorted, key)])


def _dense(points: Points) -> Points:
    """Return a closed outline step by step again."""
    steps = _shifted(points, 1) - points
    counts = np.abs(steps).max(axis=1)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    dense: Points = np.repeat(points, counts, axis=0) + np.sign(steps).repeat(counts, axis=0) * within[:, None]
    return dense


def _bridges(mask: Bool[np.ndarray, "H W"]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the pixels (x, y) between which bridges join all parts, short ones first chosen.

    Each pixel belongs to the part that is nearest to it; where the realms of two parts meet, their nearest pixels are
    a bridge that may be built.
    """
    numbers, n_parts = ndimage.label(mask, _NEIGHBOURS_8)
    places = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True).astype(np.int64)
    realms = numbers[tuple(places)]
    ends = [
        np.concatenate([places[(slice(None), *first)][:, met], places[(slice(None), *second)][:, met]])
        for first, second in (
            ((slice(None), slice(-1)), (slice(None), slice(1, None))),
            ((slice(-1), slice(None)), (slice(1, None), slice(None))),
        )
        for met in [realms[first] != realms[second]]
    ]
    row, col, row2, col2 = np.concatenate(ends, axis=1)
    one, two = numbers[row, col], numbers[row2, col2]
    swap = one > two
    one, two = np.where(swap, two, one), np.where(swap, one, two)
    lengths: Float64[np.ndarray, " E"] = np.hypot(row2 - row, col2 - col)
    order = np.lexsort((col2, row2, col, row, lengths, two, one))
    order = order[np.r_[True, (np.diff(one[order]) != 0) | (np.diff(two[order]) != 0)]]
    chosen = minimum_spanning_tree(
        coo_array((lengths[order], (one[order], two[order])), shape=(n_parts + 1, n_parts + 1)).tocsr()
    ).tocoo()
    index = {(int(one[i]), int(two[i])): i for i in order}
    pairs = sorted((int(a), int(b)) for a, b in zip(*chosen.coords, strict=True))
    return [
        ((int(col[index[pair]]), int(row[index[pair]])), (int(col2[index[pair]]), int(row2[index[pair]])))
        for pair in pairs
    ]
