"""Which backend is taken."""

import sys

import numpy as np
import pytest

from napari_car.config import CRFConfig
from napari_car.core.crf import TorchCRF, Unrefined, choice, fastest_cpu_backend, open_crf, refine_labels
from napari_car.errors import MissingExtraError

IMAGE = np.zeros((5, 6, 3), dtype=np.uint8)


@pytest.fixture
def without_pydensecrf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf", None)


@pytest.fixture(autouse=True)
def _measure_anew() -> None:
    fastest_cpu_backend.cache_clear()


def times(monkeypatch: pytest.MonkeyPatch, torch_s: float, pydensecrf_s: float) -> None:
    monkeypatch.setattr(choice, "import_pydensecrf", lambda: None)
    by_backend = {"torch": torch_s, "pydensecrf": pydensecrf_s}
    monkeypatch.setattr(choice, "_refinement_time_s", lambda backend: by_backend[backend.backend])


def test_missing_pydensecrf_names_the_extra(without_pydensecrf: None) -> None:
    with pytest.raises(MissingExtraError, match=r'pip install "napari-car\[crf\]"'):
        open_crf(IMAGE, CRFConfig(backend="pydensecrf"))


def test_auto_without_pydensecrf_is_torch(without_pydensecrf: None) -> None:
    assert open_crf(IMAGE, CRFConfig()).backend == "torch"


@pytest.mark.parametrize(
    ("torch_s", "pydensecrf_s", "expected"), [(1.0, 2.0, "torch"), (1.4, 1.0, "torch"), (2.0, 1.0, "pydensecrf")]
)
def test_auto_takes_the_faster_one(
    monkeypatch: pytest.MonkeyPatch, torch_s: float, pydensecrf_s: float, expected: str
) -> None:
    times(monkeypatch, torch_s, pydensecrf_s)
    assert fastest_cpu_backend() == expected


def test_speed_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times(monkeypatch, 2.0, 1.0)
    assert fastest_cpu_backend() == "pydensecrf"
    times(monkeypatch, 1.0, 2.0)
    assert fastest_cpu_backend() == "pydensecrf"


def test_measurement_itself() -> None:
    assert 0 < choice._refinement_time_s(TorchCRF) < 60


@pytest.mark.parametrize(
    ("device", "expected"), [("cuda", "cuda"), ("cuda:1", "cuda:1"), ("cpu", "cpu"), ("mps", "cpu")]
)
def test_torch_runs_on_cuda_or_cpu(monkeypatch: pytest.MonkeyPatch, device: str, expected: str) -> None:
    opened = []
    monkeypatch.setattr(choice, "TorchCRF", lambda *arguments: opened.append(arguments) or Unrefined())
    open_crf(IMAGE, CRFConfig(backend="torch"), device)
    assert opened[0][2] == expected


def test_auto_on_cuda_is_torch_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "fastest_cpu_backend", lambda: pytest.fail("measured"))
    stand_in = Unrefined()
    monkeypatch.setattr(choice, "TorchCRF", lambda *_: stand_in)
    assert open_crf(IMAGE, CRFConfig(), "cuda") is stand_in


def test_none_normalises_only() -> None:
    probabilities = np.array([[[0.2, 0.0]], [[0.6, 0.0]]], dtype=np.float32)
    refinement = refine_labels(open_crf(IMAGE, CRFConfig(backend="none")), probabilities)
    np.testing.assert_allclose(refinement.marginals, [[[0.25, 0.5]], [[0.75, 0.5]]], atol=1e-6)
    assert refinement.labels.tolist() == [[1, 0]]
    assert refinement.backend == "none"
