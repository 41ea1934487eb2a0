"""Painting of masks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.core.labels import merge_expressions, paint_labels, painting_order

SIZE = (5, 7)


@given(
    hnp.arrays(bool, (4, *SIZE)),
    st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4, unique=True),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_each_pixel_has_the_most_certain_mask_things_before_stuff(masks, scores, is_stuff) -> None:
    order = painting_order(scores, is_stuff)
    labels = paint_labels((masks[i] for i in order), [i + 1 for i in order], SIZE)
    assert labels.dtype == np.int32
    for row, column in np.ndindex(SIZE):
        here = [i for i in range(4) if masks[i, row, column]]
        best = max(here, key=lambda i: (not is_stuff[i], scores[i])) + 1 if here else 0
        assert labels[row, column] == best


def test_no_mask() -> None:
    assert not paint_labels([], [], SIZE).any()


def test_merged_expressions_fall_back_to_their_union() -> None:
    masks = np.zeros((2, 20, 20), dtype=bool)
    masks[0, :10], masks[1, 10:] = True, True
    assert not merge_expressions(masks, np.array([0.51, 0.5], "f4"), (20, 20))[10:].any()
    masks[0, 1:10] = False  # what the mean keeps covers 5 % of the image, no more
    assert merge_expressions(masks, np.array([0.51, 0.5], "f4"), (20, 20))[10:].all()


def test_merged_expressions_that_were_all_dropped() -> None:
    assert not merge_expressions(np.zeros((2, 4, 4), dtype=bool), np.zeros(2, "f4"), (4, 4)).any()
