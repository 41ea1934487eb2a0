"""Whose pixel it is."""

import numpy as np
import pytest

from napari_car.annotation.ledger import UNKNOWN, Ledger, compact


def test_a_pixel_is_a_persons_if_it_is_not_what_was_written() -> None:
    labels = np.array([[0, 1], [2, 2]], dtype=np.uint16)
    ledger = Ledger(np.array([[0, 1], [1, 2]], dtype=np.int32))
    assert ledger.human(labels).tolist() == [[False, False], [True, False]]
    assert ledger.human(labels, (slice(None), 0)).tolist() == [False, True]


def test_writes_can_be_taken_back_and_repeated() -> None:
    ledger = Ledger(np.zeros((2, 2), dtype=np.int32))
    entry = ledger.write((slice(0, 2), 1), np.array([4, 5]), np.array([True, True]))
    assert not ledger.human(np.array([[0, 4], [0, 5]])).any()
    ledger.take_back(entry)
    assert not ledger.human(np.zeros((2, 2), dtype=int)).any()
    ledger.repeat(entry)
    assert ledger.human(np.zeros((2, 2), dtype=int)).sum() == 2


def test_only_a_part_of_a_block_is_written() -> None:
    labels = np.array([[1, 2, 3]], dtype=np.int32)
    ledger = Ledger.restored(labels, labels == 2)
    entry = ledger.write((0, slice(0, 3)), np.array([300, 2, 300]), np.array([True, False, True]))
    assert ledger.human(np.array([[300, 2, 300]])).tolist() == [[False, True, False]]
    ledger.take_back(entry)
    assert ledger.human(labels).tolist() == [[False, True, False]]


@pytest.mark.parametrize(("labels", "n_bytes"), [([0, 255], 1), ([0, 256], 2), ([-1, 255], 2), ([7, 70_000], 4)])
def test_histories_are_compact(labels: list[int], n_bytes: int) -> None:
    copy = compact(np.array(labels, dtype=np.int32))
    assert copy.tolist() == labels
    assert copy.itemsize == n_bytes


def test_a_persons_pixels_are_known_after_restoring_whatever_their_value() -> None:
    labels = np.array([[0, 1], [0, 1]], dtype=np.int32)
    human = np.array([[True, True], [False, False]])
    np.testing.assert_array_equal(Ledger.restored(labels, human).human(labels), human)
    assert labels.tolist() == [[0, 1], [0, 1]]


def test_what_was_written_below_a_persons_pixels_is_restored_as_far_as_it_is_known() -> None:
    labels = np.array([[1, 2, 3, 0]], dtype=np.uint8)
    human = np.array([[True, True, False, True]])
    ledger = Ledger.restored(labels, human, np.array([[70_000, 2, 3, 4]]))
    assert ledger.automatic().tolist() == [[70_000, UNKNOWN, 3, 4]]
    np.testing.assert_array_equal(ledger.human(labels), human)


def test_automatic_labels_say_nothing_of_pixels_that_are_no_persons() -> None:
    ledger = Ledger.restored(np.array([[1, 1]]), np.array([[True, False]]), np.array([[2, 2]]))
    assert ledger.automatic().tolist() == [[2, 1]]


def test_what_the_program_wrote_can_be_read_but_not_changed() -> None:
    ledger = Ledger(np.array([[1, 2]], dtype=np.int32))
    ledger.write((0, slice(0, 1)), np.array([3]), np.array([True]))
    assert ledger.automatic().tolist() == [[3, 2]]
    part = ledger.automatic((slice(None), 1))
    assert part.tolist() == [2]
    with pytest.raises(ValueError, match="read-only"):
        part[0] = 5
    ledger.write((0, slice(0, 1)), np.array([4]), np.array([True]))  # which still can be written
    human = Ledger.restored(np.array([[1, 2]]), np.array([[True, False]]))
    assert human.automatic().tolist() == [[UNKNOWN, 2]]
