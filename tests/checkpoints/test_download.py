"""Downloads, for real, from a small hub on the loopback interface."""

import dataclasses
import io
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, run_hub, safetensors_bytes
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock

from napari_car.checkpoints.download import DownloadProgress, download, fetch
from napari_car.checkpoints.folder import inspect, locate
from napari_car.checkpoints.registry import WEIGHTS_FILES, Checkpoint, find_checkpoint
from napari_car.errors import CheckpointError

SAFETENSORS, BIN = WEIGHTS_FILES
CONTENT = safetensors_bytes(3_000_000)
CHECKPOINT = find_checkpoint("ViT-B-16/openai")
REPO = "timm/vit_base_patch16_clip_224.openai"

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with run_hub() as hub:
        hub.put(REPO, SAFETENSORS, CONTENT)
        yield hub


def refused(folder: Path, hub: Hub, checkpoint: Checkpoint = CHECKPOINT) -> str:
    """Return the sentence that a download ends in."""
    with pytest.raises(CheckpointError) as caught:
        fetch(checkpoint, folder, endpoint=hub.endpoint)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def names(folder: Path) -> list[str]:
    """Return the visible files in the checkpoint's folder."""
    return sorted(path.name for path in (folder / "ViT-B-16" / "openai").glob("[!.]*"))


def partial_file(folder: Path, hub: Hub) -> Path:
    """Return where the unfinished download of the hub's file is kept."""
    sha256 = hub.put(REPO, SAFETENSORS, hub.files[REPO, SAFETENSORS])
    path = folder / "ViT-B-16" / "openai" / f"{SAFETENSORS}.{sha256[:8]}.partial"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


# What arrives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [False, True])
def test_progress_grows_to_the_total_and_the_file_is_right(hub: Hub, tmp_path: Path, storage: bool) -> None:
    hub.storage = storage
    steps = list(download(CHECKPOINT, tmp_path / "new", endpoint=hub.endpoint))
    for stage in ("downloading", "verifying"):
        n_bytes = [step.n_bytes for step in steps if step.stage == stage]
        assert len(n_bytes) > 2
        assert n_bytes == sorted(n_bytes)
        assert n_bytes[-1] == len(CONTENT)
    assert steps[0] == DownloadProgress("downloading", 0, len(CONTENT))
    assert {step.total_bytes for step in steps} == {len(CONTENT)}
    path = locate("ViT-B-16/openai", tmp_path / "new")
    assert path == tmp_path / "new" / "ViT-B-16" / "openai" / SAFETENSORS
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "new") == [SAFETENSORS]


def test_what_is_on_disk_is_not_requested(hub: Hub, tmp_path: Path) -> None:
    path = fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    hub.requests.clear()
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint) == path
    assert hub.requests == []


def test_damaged_file_is_replaced(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-16" / "openai" / SAFETENSORS
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:1000])
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint) == path
    assert path.read_bytes() == CONTENT


def test_repository_without_safetensors_gives_its_bin(hub: Hub, tmp_path: Path) -> None:
    hub.put(REPO, BIN, hub.files.pop((REPO, SAFETENSORS)))
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint).name == BIN


def test_contents_are_asked_for_as_they_were_described(hub: Hub, tmp_path: Path) -> None:
    fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    assert hub.encodings == {"identity"}  # a compressed answer could not be continued at a byte
    methods_and_revisions = [(method, path.split("/")[4]) for method, path, _ in hub.requests]
    assert methods_and_revisions == [("HEAD", "main"), ("GET", "0123456789abcdef0123456789abcdef01234567")]


ANY = find_checkpoint("hf-hub:laion/some-clip")
CONFIG = b'{"model_cfg": {}}'


@pytest.fixture
def any_hub(hub: Hub) -> Hub:
    hub.put("laion/some-clip", SAFETENSORS, CONTENT)
    hub.put("laion/some-clip", "open_clip_config.json", CONFIG)
    return hub


def test_any_repository_is_downloaded_with_its_configuration(any_hub: Hub, tmp_path: Path) -> None:
    steps = list(download(ANY, tmp_path, endpoint=any_hub.endpoint))
    assert {step.total_bytes for step in steps} == {len(CONTENT)}
    folder = tmp_path / "hf-hub" / "laion" / "some-clip"
    assert locate("hf-hub:laion/some-clip", tmp_path) == folder / SAFETENSORS
    assert (folder / SAFETENSORS).read_bytes() == CONTENT
    assert (folder / "open_clip_config.json").read_bytes() == CONFIG


def test_only_the_missing_configuration_is_downloaded(any_hub: Hub, tmp_path: Path) -> None:
    path = fetch(ANY, tmp_path, endpoint=any_hub.endpoint)
    path.with_name("open_clip_config.json").unlink()
    any_hub.requests.clear()
    assert fetch(ANY, tmp_path, endpoint=any_hub.endpoint) == path
    assert [path.rpartition("/")[2] for _, path, _ in any_hub.requests] == ["open_clip_config.json"] * 2


def test_configuration_is_verified_too(any_hub: Hub, tmp_path: Path) -> None:
    any_hub.wrong_bytes = b"["
    assert "The open_clip_config.json received" in refused(tmp_path, any_hub, ANY)
    assert not (tmp_path / "hf-hub" / "laion" / "some-clip" / "open_clip_config.json").exists()


def test_repository_without_configuration_is_no_checkpoint(any_hub: Hub, tmp_path: Path) -> None:
    del any_hub.files["laion/some-clip", "open_clip_config.json"]
    sentence = refused(tmp_path, any_hub, ANY)
    assert "laion/some-clip has no open_clip_config.json, so it holds no checkpoint of open_clip" in sentence


# What breaks and goes on ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [False, True])
def test_broken_line_is_resumed_at_once(hub: Hub, tmp_path: Path, storage: bool) -> None:
    hub.storage = storage
    hub.cuts = [1_000_000, 500_000]
    steps = list(download(CHECKPOINT, tmp_path, endpoint=hub.endpoint))
    n_bytes = [step.n_bytes for step in steps if step.stage == "downloading"]
    assert n_bytes == sorted(n_bytes)
    assert hub.ranges_asked() == ["bytes=0-", "bytes=1000000-", "bytes=1500000-"]
    assert fetch(CHECKPOINT, tmp_path).read_bytes() == CONTENT


def test_dead_line_keeps_what_came_and_the_next_run_resumes(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [1_000_000, 0]
    sentence = refused(tmp_path, hub)
    assert "1.0 MB of ViT-B-16/openai were on disk: start the download again to resume it" in sentence
    assert inspect(CHECKPOINT, tmp_path).state == "partial"
    assert inspect(CHECKPOINT, tmp_path).size_bytes == 1_000_000
    assert locate("ViT-B-16/openai", tmp_path) is None

    hub.requests.clear()
    steps = list(download(CHECKPOINT, tmp_path, endpoint=hub.endpoint))
    assert steps[0].n_bytes == 1_000_000
    assert hub.ranges_asked() == ["bytes=1000000-"]
    assert fetch(CHECKPOINT, tmp_path).read_bytes() == CONTENT


def test_line_that_falls_silent_is_given_up(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    hub.cuts = [1_000_000, 0]
    hub.stalls = True
    assert "when 1.0 MB of ViT-B-16/openai were on disk" in refused(tmp_path, hub)


def test_server_without_ranges_sends_the_file_again(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    partial_file(tmp_path, hub).write_bytes(b"x" * 1_000_000)
    steps = list(download(CHECKPOINT, tmp_path, endpoint=hub.endpoint))
    assert steps[0].n_bytes == 1_000_000
    assert steps[1].n_bytes < 1_000_000
    assert fetch(CHECKPOINT, tmp_path).read_bytes() == CONTENT


def test_line_that_ends_without_a_word_is_noticed(hub: Hub, tmp_path: Path) -> None:
    hub.states_length = False
    hub.cuts = [1_000_000, 0]
    assert "(the server closed the connection early) when 1.0 MB" in refused(tmp_path, hub)
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint).read_bytes() == CONTENT


def test_server_without_ranges_and_a_bad_line_does_not_loop(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    hub.cuts = [1_000_000] * 10
    assert "start the download again" in refused(tmp_path, hub)
    assert len(hub.ranges_asked()) == 2


def test_closing_the_generator_stops_the_download_and_keeps_the_rest(hub: Hub, tmp_path: Path) -> None:
    content = safetensors_bytes(12_000_000)
    hub.put(REPO, SAFETENSORS, content)
    steps = download(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    while next(steps).n_bytes < 1_000_000:
        pass
    steps.close()
    n_kept = inspect(CHECKPOINT, tmp_path).size_bytes
    assert 1_000_000 <= n_kept < 2_000_000
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint).read_bytes() == content
    assert hub.ranges_asked() == ["bytes=0-", f"bytes={n_kept}-"]


def test_cancelling_the_verification_loses_nothing(hub: Hub, tmp_path: Path) -> None:
    steps = download(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    while next(steps).stage == "downloading":
        pass
    steps.close()
    assert inspect(CHECKPOINT, tmp_path).state == "partial"
    fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    assert hub.ranges_asked() == ["bytes=0-"]
    assert names(tmp_path) == [SAFETENSORS]


def test_partial_file_of_another_version_is_not_continued(hub: Hub, tmp_path: Path) -> None:
    partial = partial_file(tmp_path, hub).with_name(f"{SAFETENSORS}.00000000.partial")
    partial.write_bytes(b"x" * 1000)
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint).read_bytes() == CONTENT
    assert hub.ranges_asked() == ["bytes=0-"]
    assert names(tmp_path) == [SAFETENSORS]


def test_token_is_shown_to_the_hub_but_not_to_the_storage(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abc")
    hub.storage = True
    fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    tokens = {path.split("/")[1]: token for path, token in hub.tokens}
    assert tokens == {"timm": "Bearer hf_abc", "storage": None}
    assert len(hub.tokens) == 3


# What is not the file expected ----------------------------------------------------------------------------------


def test_wrong_hash_deletes_the_file_and_says_so(hub: Hub, tmp_path: Path) -> None:
    hub.wrong_bytes = b"x"
    sentence = refused(tmp_path, hub)
    assert "not the one the hub describes" in sentence
    assert "was deleted: download it again" in sentence
    assert names(tmp_path) == []


def test_overlong_partial_file_does_not_pass(hub: Hub, tmp_path: Path) -> None:
    partial_file(tmp_path, hub).write_bytes(CONTENT + b"x")
    assert "was deleted" in refused(tmp_path, hub)
    assert names(tmp_path) == []


def test_file_other_than_the_registry_knows_is_not_downloaded(hub: Hub, tmp_path: Path) -> None:
    known = dataclasses.replace(CHECKPOINT, sha256="0" * 64)
    assert "look for a newer version of napari-car" in refused(tmp_path, hub, known)
    assert hub.ranges_asked() == []
    right = dataclasses.replace(CHECKPOINT, sha256=hub.put(REPO, SAFETENSORS, CONTENT))
    assert fetch(right, tmp_path, endpoint=hub.endpoint).read_bytes() == CONTENT


@pytest.mark.parametrize("stated", ["states_hash", "states_size"])
def test_file_that_cannot_be_verified_is_not_downloaded(hub: Hub, tmp_path: Path, stated: str) -> None:
    hub.storage = True
    setattr(hub, stated, False)
    assert "cannot be verified" in refused(tmp_path, hub)
    assert hub.ranges_asked() == []


# SAM: one of several files of a repository ---------------------------------------------------------------------

SAM = find_checkpoint("sam-hq/vit_b")
SAM_FILE = "sam_hq_vit_b.pth"


def torch_file(n_data_bytes: int) -> bytes:
    """Return a zip archive, which is what torch writes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", safetensors_bytes(n_data_bytes))
    return buffer.getvalue()


def test_sam_is_resumed_and_verified(hub: Hub, tmp_path: Path) -> None:
    content = torch_file(3_000_000)
    sha256 = hub.put("lkeab/hq-sam", SAM_FILE, content)
    partial = tmp_path / "sam-hq" / "vit_b" / f"{SAM_FILE}.{sha256[:8]}.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(content[:1_000_000])
    path = fetch(SAM, tmp_path, endpoint=hub.endpoint)
    assert path == partial.with_name(SAM_FILE) == locate("sam-hq/vit_b", tmp_path)
    assert path.read_bytes() == content
    assert hub.ranges_asked() == ["bytes=1000000-"]
    assert not partial.exists()


def test_sam_in_a_folder_of_its_repository_gets_its_base_name(hub: Hub, tmp_path: Path) -> None:
    known = find_checkpoint("sam/vit_l")
    content = torch_file(10_000)
    sha256 = hub.put("ybelkada/segment-anything", "checkpoints/sam_vit_l_0b3195.pth", content)
    assert "The hub has another ybelkada/segment-anything/checkpoints/sam_vit_l" in refused(tmp_path, hub, known)
    path = fetch(dataclasses.replace(known, sha256=sha256), tmp_path, endpoint=hub.endpoint)
    assert path == tmp_path / "sam" / "vit_l" / "sam_vit_l_0b3195.pth"
    assert path.read_bytes() == content


def test_sam_that_was_renamed_on_the_hub_ends_in_a_sentence(hub: Hub, tmp_path: Path) -> None:
    hub.put("lkeab/hq-sam", "other.pth", b"x")
    sentence = refused(tmp_path, hub, SAM)
    assert "repository lkeab/hq-sam has no sam_hq_vit_b.pth, so look for a newer version of napari-car" in sentence


# What the hub refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((403, {"X-Error-Code": "GatedRepo"}), "accept them at https://huggingface.co/timm/vit_base_patch16"),
        ((401, {"X-Error-Code": "GatedRepo"}), "log in with `hf auth login`"),
        ((401, {"X-Error-Code": "RepoNotFound"}), "no public repository timm/vit_base_patch16"),
        ((401, {"X-Error-Message": "Invalid credentials in Authorization header"}), "answered 401 .* renew or remove"),
        ((404, {"X-Error-Code": "RepoNotFound"}), "moved, removed or made private"),
        ((404, {"X-Error-Code": "EntryNotFound"}), f"has no {SAFETENSORS} or {BIN}"),
        ((404, {}), "answered 404"),
        ((503, {}), "answered 503 .* try again later"),
    ],
)
def test_refusal_is_explained(hub: Hub, tmp_path: Path, refusal: tuple[int, dict[str, str]], words: str) -> None:
    hub.refusal = refusal
    with pytest.raises(CheckpointError, match=words):
        fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    assert len(hub.requests) <= 2
    assert not (tmp_path / "ViT-B-16").exists()


def test_refusal_in_the_middle_keeps_what_came(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [1_000_000]
    steps = download(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    while next(steps).n_bytes < 900_000:
        pass
    hub.refusal = (503, {})
    with pytest.raises(CheckpointError, match="answered 503"):
        list(steps)
    assert inspect(CHECKPOINT, tmp_path).size_bytes == 1_000_000


# Without a network ----------------------------------------------------------------------------------------------


@pytest.fixture
def dead_endpoint() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def test_offline_with_nothing_on_disk_says_what_to_do(tmp_path: Path, dead_endpoint: str) -> None:
    sentence = refused(tmp_path, Hub(dead_endpoint))
    assert "the hub cannot be reached" in sentence
    assert "connect to the internet, or copy open_clip_model.safetensors" in sentence
    assert f"into {tmp_path / 'ViT-B-16' / 'openai'}." in sentence


def test_offline_with_a_partial_file_says_what_is_there(hub: Hub, tmp_path: Path, dead_endpoint: str) -> None:
    partial_file(tmp_path, hub).write_bytes(CONTENT[:2_000_000])
    assert "2.0 MB of ViT-B-16/openai were on disk" in refused(tmp_path, Hub(dead_endpoint))


def test_offline_with_the_file_on_disk_needs_no_network(hub: Hub, tmp_path: Path, dead_endpoint: str) -> None:
    path = fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
    assert fetch(CHECKPOINT, tmp_path, endpoint=dead_endpoint) == path


def test_offline_mode_of_the_hub_client_is_honoured(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids to download it: unset it, or copy" in refused(tmp_path, hub)
    assert hub.requests == []


def test_demo_is_never_requested(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_car.checkpoints.folder.files", lambda _: tmp_path)
    assert "install napari-car again" in refused(tmp_path, hub, find_checkpoint("demo"))
    assert hub.requests == []


# Disks ----------------------------------------------------------------------------------------------------------


def test_too_little_space_is_seen_before_the_start(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(9_000_000, 8_000_000, 1_000_000))
    sentence = refused(tmp_path, hub)
    assert f"needs 3.0 MB, but {tmp_path} has only 1.0 MB free" in sentence
    assert "choose another folder with --models-folder or NAPARI_CAR_MODELS" in sentence
    assert hub.ranges_asked() == []
    partial_file(tmp_path, hub).write_bytes(CONTENT[:2_500_000])
    assert fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint).read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_disk_that_fills_up_on_the_way(hub: Hub, tmp_path: Path) -> None:
    partial_file(tmp_path, hub).symlink_to("/dev/full")
    sentence = refused(tmp_path, hub)
    assert "The disk was full before all of ViT-B-16/openai (about 598 MB) was in" in sentence
    assert "free some space and start the download again to resume it" in sentence


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs root on Linux to mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_full_disk_for_real(hub: Hub, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"{tiny_disk} has only 1.0 MB free" in refused(tiny_disk, hub)
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 10**9))
        assert "The disk was full before" in refused(tiny_disk, hub)
    n_kept = inspect(CHECKPOINT, tiny_disk).size_bytes
    assert 500_000 < n_kept <= 1 << 20
    subprocess.run(["mount", "-o", "remount,size=8m", str(tiny_disk)], check=True)
    hub.requests.clear()
    assert fetch(CHECKPOINT, tiny_disk, endpoint=hub.endpoint).read_bytes() == CONTENT
    assert hub.ranges_asked() == [f"bytes={n_kept}-"]


def test_read_only_disk_for_real(hub: Hub, tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert "(Read-only file system): choose another folder with --models-folder" in refused(tiny_disk, hub)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(hub: Hub, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    assert "(Permission denied): choose another folder with --models-folder" in refused(tmp_path, hub)


def test_models_folder_that_is_a_file(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    assert f"Cannot write to {tmp_path / 'models'}" in refused(tmp_path / "models", hub)


def test_two_programs_do_not_write_the_same_file(hub: Hub, tmp_path: Path) -> None:
    with WeakFileLock(partial_file(tmp_path, hub).with_name(".lock")):
        assert "Another program is downloading ViT-B-16/openai" in refused(tmp_path, hub)
    fetch(CHECKPOINT, tmp_path, endpoint=hub.endpoint)
