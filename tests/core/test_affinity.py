"""Class-aware attention-based affinity against its equations, and boxes against connected components."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import TypeCheckError
from scipy import ndimage
from torch import Tensor

from napari_car.core.affinity import attention_affinity, draw_box_mask, find_boxes, spread_by_affinity

MAPS = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([0.0, 0.0, 0.0, 0.004, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]).map(np.float32),
)


def attention(n_tokens: int, seed: int = 0) -> Tensor:
    return torch.randn(n_tokens, n_tokens, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(dim=-1)


def literal_sinkhorn(attention: np.ndarray, n_rounds: int) -> np.ndarray:
    """Eq. 7, element by element."""
    matrix = attention[1:, 1:].astype(np.float64).copy()
    size = len(matrix)
    for _ in range(n_rounds):
        columns = [sum(matrix[i, j] for i in range(size)) for j in range(size)]
        matrix = np.array([[matrix[i, j] / columns[j] for j in range(size)] for i in range(size)])
        rows = [sum(matrix[i, j] for j in range(size)) for i in range(size)]
        matrix = np.array([[matrix[i, j] / rows[i] for j in range(size)] for i in range(size)])
    return np.array([[(matrix[i, j] + matrix[j, i]) / 2 for j in range(size)] for i in range(size)])


@pytest.mark.parametrize("n_rounds", [0, 1, 3, 10])
def test_affinity_equals_the_equation(n_rounds: int) -> None:
    affinity = attention_affinity(attention(13), n_rounds)
    assert np.abs(affinity.numpy() - literal_sinkhorn(attention(13).numpy(), n_rounds)).max() < 1e-6


def test_three_rounds_are_the_default() -> None:
    assert torch.equal(attention_affinity(attention(13)), attention_affinity(attention(13), 3))


def test_affinity_is_symmetric_and_tends_to_doubly_stochastic() -> None:
    affinity = attention_affinity(attention(30), 3)
    assert torch.equal(affinity, affinity.T)
    distances = [
        (attention_affinity(attention(30), rounds).sum(dim=0) - 1).abs().max().item() for rounds in (1, 3, 100)
    ]
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-5


def test_class_token_does_not_count() -> None:
    first, second = attention(10), attention(10)
    second[0], second[:, 0] = 7.0, 9.0
    assert torch.equal(attention_affinity(first), attention_affinity(second))


def test_attention_is_left_alone() -> None:
    given_attention = attention(10)
    attention_affinity(given_attention)
    assert torch.equal(given_attention, attention(10))


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_spread_equals_the_power_with_the_box_mask_as_a_row(n_steps: int) -> None:
    """Eq. 8 as CLIP-ES computes it: the mask is a row vector, so it weighs columns: the patches that give."""
    generator = torch.Generator().manual_seed(1)
    affinity = attention_affinity(attention(21))
    cams = torch.rand(3, 4, 5, generator=generator)
    boxes = torch.rand(3, 4, 5, generator=generator) > 0.5
    boxes[2] = False
    spread = spread_by_affinity(affinity, cams, boxes, n_steps)
    power = torch.linalg.matrix_power(affinity.double(), n_steps)
    for cam, box, found in zip(cams, boxes, spread, strict=True):
        expected = (power * box.view(1, 20)) @ cam.double().view(20, 1)
        assert (found.double() - expected.view(4, 5)).abs().max() < 1e-6
    assert spread[0][~boxes[0]].min() > 0  # patches outside the boxes receive
    assert not spread[2].any()


def test_spread_of_no_maps() -> None:
    affinity = attention_affinity(attention(21))
    assert spread_by_affinity(affinity, torch.zeros(0, 4, 5), torch.zeros(0, 4, 5, dtype=torch.bool)).shape == (0, 4, 5)


# --- boxes -----------------------------------------------------------------------------------------------------------


def literal_box_mask(cam: np.ndarray, box_threshold: float) -> np.ndarray:
    """B_c from connected components instead of contours."""
    height, width = cam.shape
    levels = (cam * 255).astype(np.uint8)
    above = levels > int(box_threshold * int(levels.max()))
    while not above.any() and box_threshold > 0:
        box_threshold -= 0.1
        above = levels > int(box_threshold * int(levels.max()))
    components, _ = ndimage.label(above, np.ones((3, 3)))
    mask = np.zeros_like(above)
    for rows, columns in ndimage.find_objects(components):
        mask[rows.start : min(rows.stop, height - 1), columns.start : min(columns.stop, width - 1)] = True
    return mask


@settings(deadline=None, max_examples=300)
@given(cam=MAPS, box_threshold=st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.7, 1.0]))
def test_box_mask_equals_that_of_connected_components(cam: np.ndarray, box_threshold: float) -> None:
    assert np.array_equal(draw_box_mask(cam, box_threshold), literal_box_mask(cam, box_threshold))


def grid(*rows: str) -> np.ndarray:
    """Draw a map: digits are tenths, # is 1."""
    return np.array([[1.0 if c == "#" else int(c) / 10 for c in row] for row in rows], dtype=np.float32)


@pytest.mark.parametrize(
    ("cam", "box_threshold", "expected"),
    [
        (grid("#######", "#######", "#######", "#######", "#######"), 0.4, {(0, 0, 6, 4)}),
        (grid("00000", "0#700", "00000", "00000"), 0.4, {(1, 1, 3, 2)}),
        (grid("00000", "0#700", "00000", "00000"), 0.8, {(1, 1, 2, 2)}),
        (grid("#0000", "00000", "00090", "00000"), 0.4, {(0, 0, 1, 1), (3, 2, 4, 3)}),
        (grid("#0000", "0#000", "00000", "00000"), 0.4, {(0, 0, 2, 2)}),  # 8-connected
        (grid("00000", "00000", "00000", "0###0"), 0.4, {(1, 3, 4, 3)}),  # last row: nothing inside
        (grid("00000", "00000"), 0.4, set()),
        (grid("00#00", "00000", "00000"), 1.0, {(2, 0, 3, 1)}),  # lowered until something remains
    ],
)
def test_boxes(cam: np.ndarray, box_threshold: float, expected: set[tuple[int, int, int, int]]) -> None:
    assert set(find_boxes(cam, box_threshold)) == expected


def test_hole_gives_a_box_inside_the_other() -> None:
    ring = grid("0000000", "0#####0", "0#000#0", "0#000#0", "0#####0", "0000000")
    boxes = find_boxes(ring, 0.4)
    assert (1, 1, 6, 5) in boxes
    assert len(boxes) == 2
    assert draw_box_mask(ring, 0.4).sum() == 5 * 4


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1)])
def test_grid_of_one_row_or_column_has_no_inside(shape: tuple[int, int]) -> None:
    assert not draw_box_mask(np.ones(shape, dtype=np.float32), 0.4).any()


def test_threshold_is_relative_to_the_maximum_and_strict() -> None:
    cam = np.array([[0.5, 0.2, 0.0], [0.0, 0.0, 0.0]], dtype=np.float32)  # levels 127 and 51
    assert draw_box_mask(cam, 0.4).tolist() == [[True, True, False], [False, False, False]]  # 51 > int(50.8)
    assert draw_box_mask(cam, 0.41).tolist() == [[True, False, False], [False, False, False]]  # not 51 > int(52.07)


def test_shapes_are_checked_in_tests() -> None:
    """Must fail: guards against annotations that are silently not enforced."""
    with pytest.raises(TypeCheckError, match="box_masks"):
        spread_by_affinity(torch.eye(4), torch.zeros(1, 2, 2), torch.zeros(1, 2, 3, dtype=torch.bool))
