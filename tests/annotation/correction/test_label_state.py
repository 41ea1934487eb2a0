"""Automatic, edited, checked."""

import numpy as np
import pytest
from drawn_planes import plane
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.correction.instances import to_instances
from napari_car.annotation.correction.label_state import digest_labels, find_edited, tell_states
from napari_car.annotation.correction.plane_edit import apply_change
from napari_car.annotation.ledger import Ledger

AUTOMATIC = plane("1122 1122 ...3")
IDS = (1, 2, 3, 4)


def test_a_label_goes_from_automatic_to_edited_to_checked_and_back() -> None:
    ledger, labels = Ledger(AUTOMATIC.copy()), AUTOMATIC.copy()

    def states(checked: dict[int, str]) -> list[str]:
        return list(tell_states(ledger.automatic(), labels, IDS, checked).values())

    assert states({}) == ["automatic"] * 4
    checked = digest_labels(labels, [3, 4])  # right as it is, and rightly nowhere
    assert states(checked) == ["automatic", "automatic", "checked", "checked"]
    labels[0, 1] = 2  # added to one, taken from another
    assert states(checked) == ["edited", "edited", "checked", "checked"]
    checked |= digest_labels(labels, [2])
    assert states(checked) == ["edited", "checked", "checked", "checked"]
    labels[2, 3] = 0
    assert states(checked) == ["edited", "checked", "edited", "checked"]
    labels[2, 3] = 3  # undone
    assert states(checked) == ["edited", "checked", "checked", "checked"]
    ledger.write((0, slice(0, 4)), np.array([1, 1, 1, 2]), np.array([False, False, True, False]))
    labels[0, 2] = 1  # a run changes what was checked
    assert states(checked) == ["edited", "edited", "checked", "checked"]


def test_what_a_person_painted_before_it_was_stored_is_edited() -> None:
    ledger = Ledger.restored(AUTOMATIC, AUTOMATIC == 2)
    assert find_edited(ledger.automatic(), AUTOMATIC) == {2}
    assert tell_states(ledger.automatic(), AUTOMATIC, [1, 2], {}) == {1: "automatic", 2: "edited"}


def test_for_a_query_it_does_not_matter_what_is_told_apart() -> None:
    result = to_instances(AUTOMATIC, [1], InstanceTable())
    labels = apply_change(result.change, AUTOMATIC)
    assert find_edited(AUTOMATIC, labels) == {1, *result.new_ids}
    assert find_edited(AUTOMATIC, labels, result.instances) == set()
    checked = digest_labels(AUTOMATIC, [1])
    assert tell_states(AUTOMATIC, labels, [1], checked, result.instances) == {1: "checked"}
    assert tell_states(AUTOMATIC, labels, [1], checked) == {1: "edited"}


@pytest.mark.parametrize("move", [(0, 1), (1, 0)])
def test_a_digest_knows_places_and_shapes(move: tuple[int, int]) -> None:
    labels = np.zeros((2, 4, 6), dtype=np.int32)
    labels[0, :2, :3] = 1
    digests = {
        digest_labels(moved, [1])[1]
        for moved in (labels, np.roll(labels, move, (1, 2)), labels[::-1], labels.swapaxes(1, 2), labels[:1])
    }
    assert len(digests) == 5
    assert digest_labels(labels.astype(np.uint8)[:, ::1], [1]) == digest_labels(np.asfortranarray(labels), [1])
    assert all(len(digest) == 32 for digest in digests)


def test_digests_are_the_same_on_all_machines() -> None:
    expected = {1: "02d3ce1332e1acd80dd065bb48facfc8", 9: "2048cab3551b51883b77e8b7ec785427"}
    assert digest_labels(AUTOMATIC, [1, 9]) == expected


@given(st.data(), st.sampled_from([(3, 4), (2, 3, 3)]))
def test_states_are_those_of_pixels(data: st.DataObject, shape: tuple[int, ...]) -> None:
    arrays = hnp.arrays(np.int32, shape, elements=st.integers(0, 3))
    automatic, labels, then = (data.draw(arrays) for _ in range(3))
    checked = digest_labels(then, [1, 2])
    for id_, state in tell_states(automatic, labels, [1, 2, 3], checked).items():
        if id_ in checked and ((then == id_) == (labels == id_)).all():
            assert state == "checked"
        elif id_ in checked or ((automatic == id_) != (labels == id_)).any():
            assert state == "edited"
        else:
            assert state == "automatic"
