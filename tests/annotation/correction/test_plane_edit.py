"""Changes: what they hold, and where they go."""

import numpy as np
import pytest
from drawn_planes import changed, plane

from napari_car.annotation.correction.plane_edit import PlaneEdit, apply_change, invert_change, place_change
from napari_car.annotation.correction.relabelling import reassign
from napari_car.annotation.frames import Box, PlaneAxes

LABELS = plane("""
    1....
    .22..
    .2...
    ....1
""")


def test_only_the_smallest_block_with_what_differs_is_a_change() -> None:
    edit = PlaneEdit.around(LABELS, [2], margin_px=1)
    box = edit.boxes[2]
    assert box == Box(0, 0, 4, 4)
    edit.paint(box, np.ones((4, 4), dtype=bool), edit.labels(box).copy())
    assert edit.change() is None
    edit.paint(Box(1, 1, 3, 3), np.array([[False, True], [True, True]]), 2)
    change = edit.change()
    assert change is not None
    assert change.index == (slice(2, 3), slice(2, 3))
    assert change.labels.tolist() == [[2]]
    assert changed(LABELS, change) == ["1....", ".22..", ".22..", "....1"]


def test_protected_pixels_are_not_painted() -> None:
    protected = LABELS == 2
    protected[1, 1] = False
    edit = PlaneEdit.around(LABELS, [2], protected)
    assert edit.is_protected(Box(1, 1, 3, 3)).tolist() == [[False, True], [True, False]]
    edit.paint(Box(1, 1, 3, 3), np.ones((2, 2), dtype=bool), 3)
    assert changed(LABELS, edit.change()) == ["1....", ".32..", ".23..", "....1"]


def test_labels_that_are_not_there_leave_nothing_to_edit() -> None:
    edit = PlaneEdit.around(LABELS, [7])
    assert edit.boxes == {}
    assert edit.change() is None


@pytest.mark.parametrize("axes", [(1, 2), (2, 1), (0, 2), (2, 0)])
def test_changes_of_a_plane_are_put_into_a_stack(axes: tuple[int, int]) -> None:
    stack = np.zeros((5, 6, 7), dtype=np.uint16)
    shown = PlaneAxes(stack.shape, *axes)
    shown.plane(stack, (3,))[1:3, 2:5] = 4
    stack_before = stack.copy()
    change = reassign(shown.plane(stack, (3,)), 4, to=9)
    assert change is not None
    placed = place_change(change, shown, (3,))
    after = apply_change(placed, stack)
    np.testing.assert_array_equal(after, np.where(stack == 4, 9, stack))
    np.testing.assert_array_equal(apply_change(invert_change(placed, stack), after), stack_before)
