"""What is said while checkpoints are downloaded."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hub_server
import pytest

from napari_car.annotation.downloads import DownloadStatus, TransferRate, download_missing
from napari_car.annotation.sizes import say_duration, say_size
from napari_car.checkpoints import download as download_module
from napari_car.checkpoints.folder import inspect
from napari_car.checkpoints.registry import find_checkpoint

B16, L14 = find_checkpoint("ViT-B-16/openai"), find_checkpoint("ViT-L-14/openai")
WEIGHTS = "open_clip_model.safetensors"

pytestmark = pytest.mark.timeout(60)


class SteppingClock:
    """Each look at it is some time later."""

    def __init__(self, step_s: float) -> None:
        self.step_s, self.now_s = step_s, 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with hub_server.run_hub() as hub:
        hub.put(B16.hub_repo, WEIGHTS, hub_server.safetensors_bytes(3_000_000))
        hub.put(L14.hub_repo, WEIGHTS, hub_server.safetensors_bytes(4_000_000))
        real_url = download_module.hf_hub_url
        monkeypatch.setattr(
            download_module, "hf_hub_url", lambda *a, **k: real_url(*a, **k | {"endpoint": hub.endpoint})
        )
        yield hub


def test_both_checkpoints_are_downloaded_and_verified(hub: Any, tmp_path: Path) -> None:
    statuses = list(download_missing((B16, L14), tmp_path, threading.Event(), clock=SteppingClock(1.0)))
    assert list(dict.fromkeys(status.title for status in statuses)) == [
        "Asking the hub for ViT-B-16/openai (1 of 2)",
        "Downloading ViT-B-16/openai (1 of 2)",
        "Verifying ViT-B-16/openai (1 of 2)",
        "Asking the hub for ViT-L-14/openai (2 of 2)",
        "Downloading ViT-L-14/openai (2 of 2)",
        "Verifying ViT-L-14/openai (2 of 2)",
    ]
    for title in ("Downloading ViT-L-14/openai (2 of 2)", "Verifying ViT-B-16/openai (1 of 2)"):
        fractions = [status.fraction for status in statuses if status.title == title]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
    assert inspect(B16, tmp_path).state == inspect(L14, tmp_path).state == "complete"


def test_rate_and_time_left_are_told(hub: Any, tmp_path: Path) -> None:
    statuses = list(download_missing((B16,), tmp_path, threading.Event(), clock=SteppingClock(1.0)))
    receiving = [status.detail for status in statuses if status.title == "Downloading ViT-B-16/openai"]
    assert receiving[0] == "0 MB of 3 MB"
    assert any("MB/s" in detail and detail.endswith(" s left") for detail in receiving)
    assert not receiving[-1].endswith("left")


def test_few_lines_are_said_however_many_pieces_arrive(hub: Any, tmp_path: Path) -> None:
    statuses = list(download_missing((B16,), tmp_path, threading.Event(), clock=SteppingClock(0.001)))
    assert len(statuses) < 12
    assert DownloadStatus("Verifying ViT-B-16/openai", "3 MB of 3 MB", 1.0) in statuses


def test_event_stops_it_and_the_next_download_resumes(hub: Any, tmp_path: Path) -> None:
    is_stopped = threading.Event()
    for status in download_missing((B16,), tmp_path, is_stopped, clock=SteppingClock(1.0)):
        if status.fraction > 0:
            is_stopped.set()
    n_received = inspect(B16, tmp_path).size_bytes
    assert inspect(B16, tmp_path).state == "partial"
    assert 0 < n_received < 3_000_000
    hub.requests.clear()
    list(download_missing((B16,), tmp_path, threading.Event()))
    assert hub.ranges_asked() == [f"bytes={n_received}-"]
    assert inspect(B16, tmp_path).state == "complete"


def test_stopped_before_the_start_asks_nothing(hub: Any, tmp_path: Path) -> None:
    is_stopped = threading.Event()
    is_stopped.set()
    assert len(list(download_missing((B16, L14), tmp_path, is_stopped))) == 1
    assert hub.requests == []


def test_rate_is_that_of_the_last_seconds() -> None:
    rate = TransferRate(SteppingClock(0.5))
    assert rate.follow(0) is None
    assert rate.follow(10) is None
    assert rate.follow(20) == 20.0  # per second, after one second
    n_bytes = 20
    for _ in range(30):
        n_bytes += 500
        latest = rate.follow(n_bytes)
    assert latest == 1000.0


def test_rate_starts_again_with_the_file() -> None:
    rate = TransferRate(SteppingClock(1.0))
    rate.follow(0)
    assert rate.follow(1000) == 1000.0
    assert rate.follow(0) is None
    assert rate.follow(50) == 50.0


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(0, "0 MB"), (598e6, "598 MB"), (999.6e6, "1.0 GB"), (2.308e9, "2.3 GB")]
)
def test_sizes_are_said_in_mb_or_gb(n_bytes: float, text: str) -> None:
    assert say_size(n_bytes) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0.2, "1 s"), (25.4, "25 s"), (59.9, "1 min"), (90, "2 min"), (3599, "1 h"), (3900, "1 h 5 min")],
)
def test_durations_are_said_in_two_units_at_most(duration_s: float, text: str) -> None:
    assert say_duration(duration_s) == text
