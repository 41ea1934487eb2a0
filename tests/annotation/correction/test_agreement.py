"""Agreement of automatic and corrected masks."""

import json

import numpy as np
import pytest
from drawn_planes import plane
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.annotation.correction.agreement import Agreement, measure_agreement
from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.correction.instances import to_instances
from napari_car.annotation.correction.plane_edit import apply_change
from napari_car.annotation.ledger import UNKNOWN, Ledger

AUTOMATIC = plane("111. 22.. ....")
LABELS = plane("11.. 2211 ....")


def test_pixels_are_compared_query_by_query() -> None:
    found = measure_agreement(Ledger(AUTOMATIC).automatic(), LABELS, [2, 1])
    assert list(found) == [2, 1]
    assert found[1] == Agreement(n_automatic=3, n_corrected=4, n_both=2, n_human=2, n_now=4)
    assert (found[1].n_added, found[1].n_removed, found[1].iou) == (2, 1, 0.4)
    assert found[1].human_share == 0.5
    assert found[2] == Agreement(n_automatic=2, n_corrected=2, n_both=2, n_now=2)
    assert found[2].iou == 1


@pytest.mark.parametrize(
    ("id_", "counts", "iou"),
    [(5, (0, 0, 0), 1.0), (3, (0, 1, 0), 0.0), (4, (1, 0, 0), 0.0)],
    ids=["in neither", "only corrected", "only automatic"],
)
def test_empty_masks(id_: int, counts: tuple[int, int, int], iou: float) -> None:
    automatic, labels = plane("..4"), plane("3..")
    found = measure_agreement(automatic, labels, [id_])[id_]
    assert (found.n_automatic, found.n_corrected, found.n_both) == counts
    assert found.iou == iou
    assert measure_agreement(automatic, labels, []) == {}
    assert measure_agreement(automatic[:0], labels[:0], [1]) == {1: Agreement()}


def test_json_holds_it() -> None:
    record = measure_agreement(AUTOMATIC, LABELS, [1])[1].to_dict()
    assert json.loads(json.dumps(record)) == {
        "iou": 0.4,
        "n_added": 2,
        "n_removed": 1,
        "n_automatic": 3,
        "n_corrected": 4,
        "n_unknown": 0,
        "human_share": 0.5,
    }


def test_pixels_of_which_the_automatic_label_is_not_known_are_left_out_and_said() -> None:
    ledger = Ledger.restored(LABELS, AUTOMATIC != LABELS)
    found = measure_agreement(ledger.automatic(), LABELS, [1])[1]
    assert found == Agreement(n_automatic=2, n_corrected=2, n_both=2, n_unknown=3, n_human=2, n_now=4)


def test_instances_count_as_their_queries() -> None:
    result = to_instances(LABELS, [1], InstanceTable())
    labels = apply_change(result.change, LABELS)
    assert measure_agreement(AUTOMATIC, labels, [1], result.instances) == measure_agreement(AUTOMATIC, LABELS, [1])
    assert measure_agreement(labels, LABELS, [1], result.instances)[1].iou == 1
    assert measure_agreement(AUTOMATIC, labels, [1])[1].n_corrected == 0


@given(st.data(), st.sampled_from([(5, 4), (2, 3, 4), (300, 2)]))
def test_as_masks_tell(data: st.DataObject, shape: tuple[int, ...]) -> None:
    automatic = data.draw(hnp.arrays(np.int32, shape, elements=st.sampled_from([UNKNOWN, 0, 1, 2, 70_000])))
    labels = data.draw(hnp.arrays(np.int32, shape, elements=st.sampled_from([0, 1, 2, 70_000])))
    known = automatic != UNKNOWN
    for id_, found in measure_agreement(automatic, labels, [1, 2]).items():
        before, after = (automatic == id_) & known, (labels == id_) & known
        assert found == Agreement(
            n_automatic=before.sum(),
            n_corrected=after.sum(),
            n_both=(before & after).sum(),
            n_unknown=(~known).sum(),
            n_human=((labels == id_) & (automatic != id_)).sum(),
            n_now=(labels == id_).sum(),
        )
        assert 0 <= found.iou <= 1
