"""Names of devices and precisions."""

import pytest
import torch

from napari_car.device import resolve_device, resolve_precision
from napari_car.errors import ConfigError


def machine(monkeypatch: pytest.MonkeyPatch, *, n_cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("n_cuda", "mps", "expected"), [(0, False, "cpu"), (1, False, "cuda"), (0, True, "mps"), (2, True, "cuda")]
)
def test_auto_device(n_cuda: int, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, n_cuda=n_cuda, mps=mps)
    assert resolve_device("auto") == resolve_device() == torch.device(expected)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:1", "mps"])
def test_devices_that_are_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, n_cuda=2, mps=True)
    assert resolve_device(name) == torch.device(name)


@pytest.mark.parametrize(("name", "n_cuda"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2), ("mps", 1), ("meta", 1)])
def test_devices_that_are_not_there(name: str, n_cuda: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, n_cuda=n_cuda)
    with pytest.raises(ConfigError, match=f"This machine has no {name} device that torch can use; choose auto or cpu."):
        resolve_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_on_a_machine_without() -> None:
    with pytest.raises(ConfigError, match="This machine has no cuda device"):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "", "CPU", "cuda:x", "cuda:-1", "0", "cpu "])
def test_unknown_devices(name: str) -> None:
    with pytest.raises(ConfigError, match=r"Unknown device .*; use auto, cpu, cuda, cuda:N or mps\."):
        resolve_device(name)


@pytest.mark.parametrize(
    ("name", "device", "expected"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "mps", torch.float32),
        ("auto", "cuda", torch.float16),
        ("auto", "cuda:1", torch.float16),
        ("fp32", "cuda", torch.float32),
        ("fp16", "cpu", torch.float16),
        ("bf16", "cpu", torch.bfloat16),
    ],
)
def test_precision(name: str, device: str, expected: torch.dtype) -> None:
    assert resolve_precision(name, torch.device(device)) is expected


@pytest.mark.parametrize("name", ["fp8", "", "float32", "FP16"])
def test_unknown_precisions(name: str) -> None:
    with pytest.raises(ConfigError, match=r"Unknown precision .*; use auto, fp32, fp16, bf16\."):
        resolve_precision(name, torch.device("cpu"))
