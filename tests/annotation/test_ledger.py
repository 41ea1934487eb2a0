"""Whose pixel it is."""

import numpy as np

from napari_car.annotation.ledger import Ledger


def test_a_pixel_is_a_persons_if_it_is_not_what_was_written() -> None:
    labels = np.array([[0, 1], [2, 2]], dtype=np.uint16)
    ledger = Ledger(np.array([[0, 1], [1, 2]], dtype=np.int32))
    assert ledger.human(labels).tolist() == [[False, False], [True, False]]
    assert ledger.human(labels, (slice(None), 0)).tolist() == [False, True]


def test_writes_can_be_taken_back_and_repeated() -> None:
    ledger = Ledger(np.zeros((2, 2), dtype=np.int32))
    indices = (np.array([0, 1]), np.array([1, 1]))
    entry = ledger.write(indices, np.array([4, 5]))
    assert not ledger.human(np.array([[0, 4], [0, 5]])).any()
    ledger.take_back(entry)
    assert not ledger.human(np.zeros((2, 2), dtype=int)).any()
    ledger.repeat(entry)
    assert ledger.human(np.zeros((2, 2), dtype=int)).sum() == 2


def test_a_persons_pixels_are_known_after_restoring_whatever_their_value() -> None:
    labels = np.array([[0, 1], [0, 1]], dtype=np.int32)
    human = np.array([[True, True], [False, False]])
    np.testing.assert_array_equal(Ledger.restored(labels, human).human(labels), human)
    assert labels.tolist() == [[0, 1], [0, 1]]
