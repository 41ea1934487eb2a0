"""What a table of results tells of the mask of a query."""

import numpy as np
from drawn_planes import plane

from napari_car.annotation.correction.agreement import Agreement
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.correction.mask_state import MaskState, describe_mask, examine_masks
from napari_car.annotation.ledger import UNKNOWN

AUTOMATIC = plane("1122 1122 ...3")


def test_state_agreement_and_area_are_told_of_each_query() -> None:
    labels = AUTOMATIC.copy()
    labels[0, 1], labels[2, 0] = 2, 9
    checked = {1: digest_labels(AUTOMATIC, [1])[1], **digest_labels(labels, [3, 4])}
    masks = examine_masks(AUTOMATIC, labels, [2, 1, 3, 4], checked)
    assert list(masks) == [2, 1, 3, 4]
    assert masks == {
        1: MaskState(
            state="edited",
            agreement=Agreement(n_automatic=4, n_corrected=3, n_both=3, n_now=3),
            is_outdated=True,
        ),
        2: MaskState(state="edited", agreement=Agreement(n_automatic=4, n_corrected=5, n_both=4, n_human=1, n_now=5)),
        3: MaskState(state="checked", agreement=Agreement(n_automatic=1, n_corrected=1, n_both=1, n_now=1)),
        4: MaskState(state="checked", agreement=Agreement()),
    }


def test_instances_count_as_their_query_and_all_planes_count() -> None:
    table = InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 2}, FIRST_ID + 2)
    labels = np.stack([AUTOMATIC, AUTOMATIC])
    labels[1][labels[1] == 1] = FIRST_ID
    labels[1, 2, 0] = FIRST_ID + 1
    masks = examine_masks(np.stack([AUTOMATIC, AUTOMATIC]), labels, [1, 2], {}, table)
    assert masks[1] == MaskState(
        state="automatic", agreement=Agreement(n_automatic=8, n_corrected=8, n_both=8, n_now=8)
    )
    assert (masks[2].state, masks[2].agreement.n_added, masks[2].area_px) == ("edited", 1, 9)


def test_the_area_counts_pixels_of_which_it_is_not_known_what_was_written() -> None:
    written = AUTOMATIC.copy()
    written[0] = UNKNOWN
    mask = examine_masks(written, AUTOMATIC, [1], {})[1]
    assert (mask.area_px, mask.agreement.n_corrected, mask.agreement.n_unknown) == (4, 2, 4)


def test_no_queries_have_no_masks() -> None:
    assert examine_masks(AUTOMATIC, AUTOMATIC, [], {}) == {}


class TestInWords:
    @staticmethod
    def said(state: str = "edited", *, is_outdated: bool = False, **counts: int) -> str:
        agreement = Agreement(**counts)
        return describe_mask(
            MaskState(state=state, agreement=agreement, is_outdated=is_outdated)  # type: ignore[arg-type]
        )

    def test_what_was_added_and_removed(self) -> None:
        assert self.said(n_automatic=1200, n_corrected=2355, n_both=1155) == (
            "Changed by hand. IoU 0.48 with the automatic mask; 1,200 px added, 45 px removed."
        )

    def test_an_automatic_mask_is_the_automatic_one(self) -> None:
        assert self.said("automatic", n_automatic=5, n_corrected=5, n_both=5) == "As the program wrote it."

    def test_a_checked_one_may_differ(self) -> None:
        assert self.said("checked") == "Marked as checked: a person said that it is right."
        assert self.said("checked", n_corrected=1).endswith(
            "IoU 0.00 with the automatic mask; 1 px added, 0 px removed."
        )

    def test_what_was_changed_since_it_was_checked_need_not_be_by_hand(self) -> None:
        assert self.said(is_outdated=True) == "Changed since it was marked as checked."

    def test_what_is_not_known(self) -> None:
        assert self.said(n_unknown=1234).startswith("Changed by hand. 1,234 px of the layer do not count: ")
