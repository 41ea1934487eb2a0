"""Both backends against what the authors' program computed, given the same image as its CRF."""

from pathlib import Path

import numpy as np
import pytest

from napari_car.config import CRFConfig
from napari_car.core.crf import PydensecrfCRF, TorchCRF, refine_labels

CAR_CASES = [
    # Not those without background queries: there the program hands its CRF other maps than the stored ones.
    "ref_q1_bg23_notpl",
    "ref_q3_bg5_notpl",
    "ref_q5_bg5_notpl",
    "ref_q5_bg5_t3",
    "sem_q1_bg5",
    "sem_q3_bg5",
    "sem_q5_bg23_t15",
    "sem_q5_bg5",
    "sem_q5_notpl",
    "sem_theta0",
    "sem_theta_none_pass",
]
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


@pytest.mark.parametrize("name", CAR_CASES)
def test_car_cases(reference_folder: Path, name: str, backend: type) -> None:
    with np.load(reference_folder / "golden" / f"car_{name}.npz") as case:
        last = max(int(key[4 : key.index("/")]) for key in case.files if key.startswith("step"))
        cams = case[f"step{last}/cam_up"]
        crf = backend(case["crf_image_u8"], CRFConfig())
        for index, maps in enumerate([cams] if name.startswith("sem") else cams[:, None]):
            refinement = refine_labels(crf, with_background(maps, 1))
            assert_equal_labels(refinement.labels, case[f"crf{index}/label"], backend)
            if f"crf{index}/q" in case:
                np.testing.assert_array_equal(with_background(maps, 1), case[f"crf{index}/prob_in"])
                np.testing.assert_allclose(refinement.marginals, case[f"crf{index}/q"], atol=1e-5)


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("maps", ["img0_c1", "img0_c3", "img1_c1", "img1_c3", "img2_c1", "img2_c3"])
def test_maps_to_masks(reference_folder: Path, maps: str, factor: int, backend: type) -> None:
    with np.load(reference_folder / "golden" / "crf.npz") as stored:
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
