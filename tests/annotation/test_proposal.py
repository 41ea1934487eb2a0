"""What a proposal changes, and what it leaves alone."""

import numpy as np

from napari_car.annotation.frames import Box, Frame, PlaneAxes
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.proposal import Proposal, ProposedPlane

FLAT = PlaneAxes((4, 6), 0, 1)
WHOLE = Frame((), FLAT.whole, FLAT.whole)


def test_only_what_differs_is_changed_and_a_persons_pixels_are_protected() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    labels[0] = 1
    ledger = Ledger(labels.copy())
    labels[0, 0] = 2  # painted
    labels[3, 5] = 1  # painted
    new = np.zeros_like(labels)
    new[0, :3], new[1, 0] = 1, 1
    proposal = Proposal({1})
    proposal.put(ProposedPlane(WHOLE, new))
    change = proposal.change(labels, FLAT, ledger)
    assert (change.n_added, change.n_removed, change.n_protected) == (1, 3, 2)
    after = labels.copy()
    after[change.indices] = change.values
    assert after[0].tolist() == [2, 1, 1, 0, 0, 0]
    assert after[1, 0] == 1
    assert after[3, 5] == 1
    everything = proposal.change(labels, FLAT, ledger, protect=False)
    after[everything.indices] = everything.values
    np.testing.assert_array_equal(after, new)
    assert everything.n_protected == 0


def test_labels_of_other_queries_are_painted_over_but_never_cleared() -> None:
    labels = np.full((4, 6), 3, dtype=np.int32)
    new = np.zeros_like(labels)
    new[0, 0] = 1
    proposal = Proposal({1, 2})
    proposal.put(ProposedPlane(WHOLE, new))
    change = proposal.change(labels, FLAT, Ledger(labels.copy()))
    assert [axis.tolist() for axis in change.indices] == [[0], [0]]


def test_a_frame_that_comes_again_replaces_the_earlier_one() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    proposal = Proposal({1})
    for value in (1, 0):
        proposal.put(ProposedPlane(WHOLE, np.full((4, 6), value, dtype=np.int32)))
    assert len(proposal) == 1
    assert len(proposal.change(labels, FLAT, Ledger(labels.copy()))) == 0


def test_nothing_proposed_changes_nothing() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    change = Proposal({1}).change(labels, FLAT, Ledger(labels))
    assert len(change) == 0
    assert len(change.indices) == 2


def test_a_kept_part_of_a_transposed_plane_of_a_stack() -> None:
    axes = PlaneAxes((3, 4, 6), 2, 0)  # rows are the last axis, columns the first
    labels = np.zeros(axes.shape, dtype=np.int32)
    kept = Box(1, 0, 3, 2)
    proposal = Proposal({5})
    proposal.put(ProposedPlane(Frame((2,), axes.whole, kept), np.array([[5, 0], [0, 5]], dtype=np.int32)))
    ledger = Ledger(labels.copy())
    change = proposal.change(labels, axes, ledger)
    labels[change.indices] = change.values
    ledger.write(change.indices, change.values)
    assert np.argwhere(labels == 5).tolist() == [[0, 2, 1], [1, 2, 2]]
    assert not ledger.human(labels).any()
    assert len(proposal.change(labels, axes, ledger)) == 0
