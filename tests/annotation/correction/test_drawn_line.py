"""A drawn line merges the labels that it touches, and cuts those that it goes right through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_car.annotation.correction.cutting import draw_line
from napari_car.annotation.correction.drawn_line import cut_along, labels_along, merge_along
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.plane_edit import apply_change

ROW = np.array([[0, 1, 1, 0, 2, 2, 0, 1, 0]] * 3, dtype=np.int32)
ALONG = np.array([[1.0, -2.0], [1.0, 20.0]])
TABLE = InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 1, FIRST_ID + 2: 2}, FIRST_ID + 3)
A, B, C = TABLE.query_ids
PATHS = arrays(np.float64, (3, 2), elements=st.floats(-4, 14))


def test_labels_come_in_the_order_of_the_line_each_once() -> None:
    assert labels_along(ROW, ALONG) == (1, 2)
    assert labels_along(ROW, ALONG[::-1]) == (1, 2)
    assert labels_along(ROW, np.array([[1.0, 4.0], [1.0, 8.0], [1.0, 0.0]])) == (2, 1)
    assert labels_along(ROW, np.array([[1.4, 4.4]])) == (2,)


@pytest.mark.parametrize("path", [np.empty((0, 2)), np.array([[-9.0, 3.0], [-9.0, 50.0]]), np.array([[1.0, 3.0]])])
def test_a_line_beside_all_labels_touches_none(path: np.ndarray) -> None:
    assert labels_along(ROW, path) == ()
    assert merge_along(ROW, path, InstanceTable()) == (None, ())
    assert cut_along(ROW, path, [1, 2], InstanceTable(), width_px=1.0).change is None


@given(arrays(np.int32, (9, 11), elements=st.integers(0, 3)), PATHS)
def test_a_line_touches_what_lies_under_it(labels: np.ndarray, path: np.ndarray) -> None:
    touched = set(labels_along(labels, path))
    assert touched <= set(labels[draw_line(path, 0.0, labels.shape)].tolist())
    assert touched >= set(labels[draw_line(path, 0.0, labels.shape) & _near(path, labels.shape)].tolist()) - {0}
    assert set(labels_along(labels, path[::-1])) == touched


def _near(path: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the pixels whose middle is a hair from a corner of a path."""
    rows, columns = np.indices(shape)
    return np.any([np.hypot(rows - row, columns - column) < 0.4 for row, column in path], axis=0)


def test_only_labels_of_the_first_ones_query_are_merged() -> None:
    labels = np.array([[A, A, 0, C, 0, B, 0, 1]], dtype=np.int32)
    change, ids = merge_along(labels, np.array([[0.0, -3.0], [0.0, 9.0]]), TABLE)
    assert ids == (A, B, 1)
    assert apply_change(change, labels).tolist() == [[A, A, 0, C, 0, A, 0, A]]
    change, ids = merge_along(labels, np.array([[0.0, 9.0], [0.0, 3.0]]), TABLE)
    assert ids == (1, B)
    assert apply_change(change, labels).tolist() == [[A, A, 0, C, 0, 1, 0, 1]]


def test_where_labels_are_no_queries_all_are_merged() -> None:
    change, ids = merge_along(ROW, ALONG, None)
    assert ids == (1, 2)
    assert (apply_change(change, ROW) == (ROW > 0)).all()


def test_protected_pixels_are_not_merged() -> None:
    change, _ = merge_along(ROW, ALONG, None, protected=np.arange(9) * np.ones((3, 1)) == 4)
    assert apply_change(change, ROW)[1].tolist() == [0, 1, 1, 0, 2, 1, 0, 1, 0]
    assert merge_along(ROW, ALONG, None, protected=ROW == 2) == (None, (1, 2))


class TestCut:
    LABELS = np.array([[1, 1, 1, 1, 1, 1, 0, 2, 2, 2, 2, 2, 2]] * 5, dtype=np.int32)
    ACROSS = np.array([[2.0, -3.0], [2.0, 16.0]])

    def test_the_first_label_is_cut(self) -> None:
        found = cut_along(self.LABELS, self.ACROSS, [2, 1], TABLE, width_px=1.0)
        assert found.instances.query_ids[TABLE.next_id] == 2
        after = apply_change(found.change, self.LABELS)
        assert set(np.unique(after)) == {0, 1, 2, TABLE.next_id}

    def test_a_label_that_is_not_cut_leaves_it_to_the_next(self) -> None:
        path = np.array([[-2.0, 9.5], [9.0, 9.5], [9.0, 2.0], [3.0, 2.0]])
        found = cut_along(self.LABELS, path, [1, 2], TABLE, width_px=1.0)
        assert found.instances.query_ids[TABLE.next_id] == 2
        assert cut_along(self.LABELS, path, [1], TABLE, width_px=1.0).change is None

    def test_all_are_cut(self) -> None:
        found = cut_along(self.LABELS, self.ACROSS, [2, 1], TABLE, width_px=1.0, cuts_all=True)
        assert [found.instances.query_ids[id_] for id_ in found.new_ids] == [1, 2]

    def test_the_width_counts_and_protected_pixels_stay(self) -> None:
        assert cut_along(self.LABELS, self.ACROSS, [1], TABLE, width_px=9.0).change is None
        protected = np.arange(5)[:, None] * np.ones((1, 13)) > 2
        found = cut_along(
            self.LABELS, np.array([[1.0, -2.0], [1.0, 9.0]]), [1], TABLE, width_px=1.0, protected=protected
        )
        after = apply_change(found.change, self.LABELS)
        np.testing.assert_array_equal(after[3:], self.LABELS[3:])
        assert (after[0, :6] == TABLE.next_id).all()

    @given(arrays(np.int32, (9, 11), elements=st.sampled_from([0, 1, 2, A, C])), PATHS, st.booleans())
    def test_no_pixel_changes_its_query(self, labels: np.ndarray, path: np.ndarray, cuts_all: bool) -> None:
        ids = labels_along(labels, path)
        found = cut_along(labels, path, ids, TABLE, width_px=1.0, cuts_all=cuts_all)
        after = apply_change(found.change, labels)
        np.testing.assert_array_equal(found.instances.semantic(after), TABLE.semantic(labels))
        assert set(found.new_ids) == set(after.flat) - set(labels.flat)
