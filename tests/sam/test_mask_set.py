"""Packed masks count, unite and come back as they were."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_car.sam import MaskSet


@given(st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9)).flatmap(lambda size: arrays(bool, size)))
def test_packed_masks_are_the_masks(masks: np.ndarray) -> None:
    size = masks.shape[1:]
    packed = MaskSet.pack(masks, size)
    assert len(packed) == len(masks)
    assert [mask.tolist() for mask in packed] == masks.tolist()
    assert packed.areas_px().tolist() == masks.sum(axis=(1, 2)).tolist()
    other = np.arange(masks[0].size if len(masks) else 1).reshape(size if len(masks) else (1, 1)) % 3 == 0
    if len(masks):
        assert packed.intersections_px(other).tolist() == (masks & other).sum(axis=(1, 2)).tolist()
    chosen = np.arange(len(masks)) % 2 == 0
    np.testing.assert_array_equal(packed.union(chosen), masks[chosen].any(axis=0))


def test_a_mask_takes_an_eighth_of_a_byte_per_pixel() -> None:
    assert MaskSet.pack(np.ones((3, 16, 10), dtype=bool), (16, 10)).nbytes == 3 * 20
