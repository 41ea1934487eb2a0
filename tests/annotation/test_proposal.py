"""What a proposal changes, and what it leaves alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.frames import Box, Frame, PlaneAxes
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.proposal import Change, Proposal, ProposalSummary, ProposedPlane


def applied(labels: np.ndarray, changes: tuple[Change, ...], ledger: Ledger | None = None) -> np.ndarray:
    """Return a label map after some changes, which are noted in the ledger."""
    after = labels.copy()
    for change in changes:
        np.copyto(after[change.index], change.labels, where=change.where)
        if ledger is not None:
            ledger.write(change.index, change.labels, change.where)
    return after


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
    assert proposal.put(ProposedPlane(WHOLE, new), labels, FLAT, ledger) == ProposalSummary(1, 3, 2)
    after = applied(labels, proposal.changes(labels, FLAT, ledger))
    assert after[0].tolist() == [2, 1, 1, 0, 0, 0]
    assert after[1, 0] == 1
    assert after[3, 5] == 1
    np.testing.assert_array_equal(applied(labels, proposal.changes(labels, FLAT, ledger, protect=False)), new)


def test_labels_of_other_queries_are_painted_over_but_never_cleared() -> None:
    labels = np.full((4, 6), 3, dtype=np.int32)
    new = np.zeros_like(labels)
    new[0, 0] = 1
    proposal, ledger = Proposal({1, 2}), Ledger(labels.copy())
    proposal.put(ProposedPlane(WHOLE, new), labels, FLAT, ledger)
    (change,) = proposal.changes(labels, FLAT, ledger)
    assert change.index == (slice(0, 1), slice(0, 1))  # no larger than need be
    assert applied(labels, (change,)).tolist() == [[1, 3, 3, 3, 3, 3], *[[3] * 6] * 3]


def test_a_frame_that_comes_again_replaces_the_earlier_one() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    proposal, ledger = Proposal({1, 2}), Ledger(labels.copy())
    for value in (1, 2):
        plane = ProposedPlane(WHOLE, np.full((4, 6), value, dtype=np.int32))
        proposal.put(plane, labels, FLAT, ledger)
    (kept,) = proposal.planes
    assert kept.labels is plane.labels
    assert proposal.summary == ProposalSummary(n_added=24)
    assert (applied(labels, proposal.changes(labels, FLAT, ledger)) == 2).all()


def test_what_would_change_nothing_is_not_kept() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    proposal, ledger = Proposal({1}), Ledger(labels.copy())
    for value in (1, 0):
        effect = proposal.put(ProposedPlane(WHOLE, np.full_like(labels, value)), labels, FLAT, ledger)
        assert bool(effect) == bool(len(proposal)) == bool(value)
    assert proposal.summary == ProposalSummary()
    labels[0, 0] = 1  # painted, so there is something to decide
    assert proposal.put(ProposedPlane(WHOLE, np.zeros_like(labels)), labels, FLAT, ledger) == ProposalSummary(0, 0, 1)
    assert len(proposal) == 1


def test_the_summary_is_that_of_all_frames() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    proposal, ledger = Proposal({1}), Ledger(labels.copy())
    for top in (0, 2):
        box = Box(top, 0, top + 2, 6)
        proposal.put(ProposedPlane(Frame((), FLAT.whole, box), np.ones((2, 6), np.int32)), labels, FLAT, ledger)
    assert proposal.summary == ProposalSummary(n_added=24)
    changes = proposal.changes(labels, FLAT, ledger)
    assert len(changes) == 2
    assert (applied(labels, changes) == 1).all()


def test_a_kept_part_of_a_transposed_plane_of_a_stack() -> None:
    axes = PlaneAxes((3, 4, 6), 2, 0)  # rows are the last axis, columns the first
    labels = np.zeros(axes.shape, dtype=np.int32)
    kept = Box(1, 0, 3, 2)
    proposal, ledger = Proposal({5}), Ledger(labels.copy())
    plane = ProposedPlane(Frame((2,), axes.whole, kept), np.array([[5, 0], [0, 5]], dtype=np.int32))
    proposal.put(plane, labels, axes, ledger)
    labels = applied(labels, proposal.changes(labels, axes, ledger), ledger)
    assert np.argwhere(labels == 5).tolist() == [[0, 2, 1], [1, 2, 2]]
    assert not ledger.human(labels).any()
    assert proposal.changes(labels, axes, ledger) == ()


def test_what_would_be_cleared_is_known() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    labels[0], labels[1] = 1, 9
    ledger = Ledger(labels.copy())
    labels[0, 0] = 2  # painted
    proposal = Proposal({1, 2})
    proposal.put(ProposedPlane(WHOLE, np.zeros((4, 6), dtype=np.int32)), labels, FLAT, ledger)
    (plane,) = proposal.planes
    assert np.argwhere(plane.cleared).tolist() == [[0, column] for column in range(1, 6)]


class TestInstances:
    LEAF, OTHER_LEAF, STEM = range(FIRST_ID, FIRST_ID + 3)
    TABLE = InstanceTable({LEAF: 1, OTHER_LEAF: 1, STEM: 2}, FIRST_ID + 3)

    @pytest.fixture
    def labels(self) -> np.ndarray:
        """Two leaves and a stem that were told apart, and a label that no table knows."""
        labels = np.zeros((4, 6), dtype=np.int32)
        labels[0, :3], labels[0, 3:], labels[1], labels[3, 5] = self.LEAF, self.OTHER_LEAF, self.STEM, 80_000
        return labels

    def test_where_their_query_is_found_again_nothing_is_proposed(self, labels: np.ndarray) -> None:
        new = self.TABLE.semantic(labels)
        new[3, 5] = 0
        proposal, ledger = Proposal({1, 2}), Ledger(labels.copy())
        assert not proposal.put(ProposedPlane(WHOLE, new), labels, FLAT, ledger, self.TABLE)
        assert len(proposal) == 0
        assert proposal.put(ProposedPlane(WHOLE, new), labels, FLAT, ledger) == ProposalSummary(n_added=12)

    def test_where_another_query_is_found_or_theirs_is_gone_a_change_is_proposed(self, labels: np.ndarray) -> None:
        new = np.zeros_like(labels)
        new[0], new[0, 2:4] = 1, 2
        proposal, ledger = Proposal({1, 2}), Ledger(labels.copy())
        effect = proposal.put(ProposedPlane(WHOLE, new), labels, FLAT, ledger, self.TABLE)
        assert effect == ProposalSummary(n_added=2, n_removed=6)
        (plane,) = proposal.planes
        assert np.argwhere(plane.cleared).tolist() == [[1, column] for column in range(6)]
        after = applied(labels, proposal.changes(labels, FLAT, ledger, self.TABLE))
        assert after[0].tolist() == [self.LEAF, self.LEAF, 2, 2, self.OTHER_LEAF, self.OTHER_LEAF]
        assert not after[1].any()
        assert after[3, 5] == 80_000

    def test_those_of_queries_that_were_not_asked_for_are_not_cleared(self, labels: np.ndarray) -> None:
        proposal, ledger = Proposal({1}), Ledger(labels.copy())
        plane = ProposedPlane(WHOLE, np.zeros_like(labels))
        assert proposal.put(plane, labels, FLAT, ledger, self.TABLE) == ProposalSummary(n_removed=6)
        (change,) = proposal.changes(labels, FLAT, ledger, self.TABLE)
        assert applied(labels, (change,))[1].tolist() == [self.STEM] * 6

    def test_what_a_person_painted_is_protected_be_it_an_instance_or_not(self, labels: np.ndarray) -> None:
        ledger = Ledger(labels.copy())
        labels[0, 0], labels[0, 1], labels[0, 2] = self.STEM, self.OTHER_LEAF, 1
        proposal = Proposal({1, 2})
        effect = proposal.put(ProposedPlane(WHOLE, np.full_like(labels, 2)), labels, FLAT, ledger, self.TABLE)
        assert effect == ProposalSummary(n_added=3 + 12, n_protected=2)  # at [0, 0] is a stem already
        after = applied(labels, proposal.changes(labels, FLAT, ledger, self.TABLE))
        assert after[0].tolist() == [self.STEM, self.OTHER_LEAF, 1, 2, 2, 2]

    @given(st.data(), st.booleans())
    def test_what_was_accepted_is_not_proposed_again(self, data: st.DataObject, protect: bool) -> None:
        ids = st.sampled_from([0, 1, 2, 3, self.LEAF, self.OTHER_LEAF, self.STEM, 80_000])
        written, labels = (data.draw(hnp.arrays(np.int32, (4, 6), elements=ids)) for _ in range(2))
        new = data.draw(hnp.arrays(np.int32, (4, 6), elements=st.sampled_from([0, 1, 2])))
        ledger, proposal, plane = Ledger(written.copy()), Proposal({1, 2}), ProposedPlane(WHOLE, new)
        first = proposal.put(plane, labels, FLAT, ledger, self.TABLE)
        changes = proposal.changes(labels, FLAT, ledger, self.TABLE, protect=protect)
        after = applied(labels, changes, ledger)
        again = proposal.put(plane, after, FLAT, ledger, self.TABLE)
        assert again == ProposalSummary(n_protected=first.n_protected if protect else 0)
        assert proposal.changes(after, FLAT, ledger, self.TABLE) == ()
        human = labels != written
        if protect:
            np.testing.assert_array_equal(after[human], labels[human])
        is_same = self.TABLE.semantic(labels) == new
        np.testing.assert_array_equal(after[is_same], labels[is_same])
