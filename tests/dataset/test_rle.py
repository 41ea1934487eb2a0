"""Run-length codes against pycocotools."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from napari_car.annotation.frames import Box
from napari_car.dataset.rle import decompress, encode_mask, encode_polygons, runs_of
from napari_car.errors import MissingExtraError

coco_mask = pytest.importorskip("pycocotools.mask")


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda size: hnp.arrays(bool, size)),
    st.tuples(*[st.integers(0, 40)] * 4),
)
@settings(max_examples=300, deadline=None)
def test_codes_are_those_of_pycocotools(mask: NDArray[np.bool_], margins: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = margins
    whole = np.pad(mask, ((top, bottom), (left, right)))
    box = Box(top, left, top + mask.shape[0], left + mask.shape[1])
    code = encode_mask(mask, box, whole.shape)
    expected = coco_mask.encode(np.asfortranarray(whole.astype(np.uint8)))
    assert code == {"size": list(whole.shape), "counts": expected["counts"].decode()}
    flat = np.zeros(whole.size, dtype=bool)
    for start, end in runs_of(decompress(code["counts"])).tolist():
        assert start < end
        flat[start:end] = True
    np.testing.assert_array_equal(flat.reshape(whole.shape, order="F"), whole)


# pycocotools has six characters of memory for each count: larger ones are written behind it.
@given(st.lists(st.integers(0, 2**29 - 1), min_size=1, max_size=7))
def test_any_counts_come_back(counts: list[int]) -> None:
    side = sum(counts)
    code = coco_mask.frPyObjects({"size": [1, side], "counts": counts}, 1, side)
    assert decompress(code["counts"].decode()).tolist() == counts


@pytest.mark.parametrize("text", ["P", "0P", "~~", "é", " ", "o" * 20 + "0"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"damaged|ascii"):
        decompress(text)


def test_no_code_has_no_runs() -> None:
    assert len(runs_of(decompress(""))) == 0


def test_polygons_are_drawn_together() -> None:
    code = encode_polygons([[0, 0, 2, 0, 2, 1, 0, 1], [3, 1, 4, 1, 4, 3, 3, 3]], (3, 4))
    decoded = coco_mask.decode(code)
    assert decoded.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(MissingExtraError, match=r'pip install "napari-car\[export\]"'):
        encode_polygons([[0, 0, 2, 0, 2, 1]], (3, 4))
