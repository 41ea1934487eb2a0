"""Both backends against what the authors' program computed, given the same image as its CRF."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_car.config import CRFConfig
from napari_car.core.crf import PydensecrfCRF, TorchCRF, refine_labels

DEFAULT_FOLDER = Path(__file__).resolve().parents[4] / "shared" / "reference"
GOLDEN = Path(os.environ.get("NAPARI_CAR_REFERENCE", DEFAULT_FOLDER)) / "golden"

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no reference data in {GOLDEN}")

MIN_EQUAL = {"torch": 0.99, "pydensecrf": 1.0}


@pytest.fixture(params=["torch", "pydensecrf"])
def backend(request: pytest.FixtureRequest) -> type[TorchCRF] | type[PydensecrfCRF]:
    if request.param == "torch":
        return TorchCRF
    pytest.importorskip("pydensecrf")
    return PydensecrfCRF


def with_background(cams: np.ndarray, factor: float) -> np.ndarray:
    background = (1 - cams.max(axis=0, keepdims=True)) ** factor
    return np.concatenate([background, cams])


def assert_equal_labels(labels: np.ndarray, expected: np.ndarray, backend: type) -> None:
    assert labels.shape == expected.shape
    assert (labels == expected).mean() >= MIN_EQUAL[backend.backend]


def car_cases() -> Iterator[tuple[str, int]]:
    for path in sorted(GOLDEN.glob("car_*.npz")):
        # Without background queries the program hands its CRF other maps than those it stored.
        if not path.stem.endswith("nobg"):
            with np.load(path) as case:
                yield from ((path.name, index) for index in range(9) if f"crf{index}/label" in case)


@pytest.mark.parametrize(("case_name", "index"), list(car_cases()))
def test_car_cases(case_name: str, index: int, backend: type) -> None:
    with np.load(GOLDEN / case_name) as case:
        last = max(int(key[4 : key.index("/")]) for key in case.files if key.startswith("step"))
        cams = case[f"step{last}/cam_up"]
        probabilities = with_background(cams if case_name.startswith("car_sem") else cams[index : index + 1], 1)
        if f"crf{index}/prob_in" in case:
            np.testing.assert_array_equal(probabilities, case[f"crf{index}/prob_in"])
        refinement = refine_labels(backend(case["crf_image_u8"], CRFConfig()), probabilities)
        assert_equal_labels(refinement.labels, case[f"crf{index}/label"], backend)
        if f"crf{index}/q" in case:
            np.testing.assert_allclose(refinement.marginals, case[f"crf{index}/q"], atol=1e-5)


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("maps", ["img0_c1", "img0_c3", "img1_c1", "img1_c3", "img2_c1", "img2_c3"])
def test_maps_to_masks(maps: str, factor: int, backend: type) -> None:
    with np.load(GOLDEN / "crf.npz") as stored:
        cams = stored[f"{maps}/cams"]
        crf = backend(stored[f"{maps[:4]}/crf_image_u8"], CRFConfig())
        together, apart = (stored[f"{maps}_sep{separate}_bgf{factor}/masks"] for separate in (0, 1))
        refinement = refine_labels(crf, with_background(cams, factor))
        for label, expected in enumerate(together, start=1):
            assert_equal_labels(refinement.labels == label, expected, backend)
        if f"{maps}_sep0_bgf{factor}/q" in stored:
            np.testing.assert_allclose(refinement.marginals, stored[f"{maps}_sep0_bgf{factor}/q"], atol=1e-5)
    queries = np.stack([with_background(cam[None], factor) for cam in cams])
    assert_equal_labels(refine_labels(crf, queries).labels, apart, backend)
