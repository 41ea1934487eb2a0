"""Planes of labels written as drawings, and drawn at random, for tests of what changes them."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.annotation.correction.plane_edit import apply_change, invert_change
from napari_car.annotation.proposal import Change

SIZES_PX = st.tuples(st.integers(1, 12), st.integers(1, 12))


def plane(drawing: str) -> np.ndarray:
    """Read labels of one digit; a dot is background."""
    return np.array([[int(sign.replace(".", "0")) for sign in row] for row in drawing.split()], dtype=np.int32)


def drawn(labels: np.ndarray) -> list[str]:
    """Write labels of one digit, row by row."""
    return ["".join(str(label) for label in row).replace("0", ".") for row in labels]


def changed(labels: np.ndarray, change: Change | None) -> list[str]:
    """Return the drawing of a plane after a change."""
    return drawn(apply_change(change, labels))


def disc(radius_px: float, size_px: int, label: int = 1) -> np.ndarray:
    """Return a plane with a disc in its middle."""
    places = np.arange(size_px) - size_px // 2
    return np.where(places[:, None] ** 2 + places**2 <= radius_px**2, np.int32(label), np.int32(0))


@st.composite
def planes(draw: st.DrawFn, highest: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw a plane of few labels in blobs, and protected pixels."""
    size_px = draw(SIZES_PX)
    labels = draw(hnp.arrays(np.int32, size_px, elements=st.integers(0, highest)))
    for _ in range(draw(st.integers(0, 3))):  # of noise alone, there are no holes and no objects
        top, left = draw(st.integers(0, size_px[0] - 1)), draw(st.integers(0, size_px[1] - 1))
        labels[top : top + draw(st.integers(1, 6)), left : left + draw(st.integers(1, 6))] = draw(
            st.integers(0, highest)
        )
    protected = draw(hnp.arrays(np.bool_, size_px, fill=st.just(False)))
    return labels, protected


def check_change(labels: np.ndarray, change: Change | None, protected: np.ndarray | None = None) -> np.ndarray:
    """Check what holds of every change; return the plane after it."""
    if change is None:
        return labels
    after = apply_change(change, labels)
    assert change.labels.dtype == np.int32
    np.testing.assert_array_equal(change.where, (after != labels)[change.index])
    assert np.count_nonzero(change.where) == np.count_nonzero(after != labels)
    for edge in (change.where[0], change.where[-1], change.where[:, 0], change.where[:, -1]):
        assert edge.any()  # the block is no larger than need be
    np.testing.assert_array_equal(apply_change(invert_change(change, labels), after), labels)
    if protected is not None:
        np.testing.assert_array_equal(after[protected], labels[protected])
    return after
