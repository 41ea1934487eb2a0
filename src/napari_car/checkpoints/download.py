"""Downloads of checkpoints from the Hugging Face hub: resumable, verified, cancellable.

``huggingface_hub.hf_hub_download`` (2.4) throws away what it has received when a download stops, and can only push
its progress into a bar. So the file is streamed here, through the client of huggingface_hub 1.0 or newer: its
endpoint, token, proxy and offline settings (``HF_ENDPOINT``, ``HF_TOKEN``, ``HF_HUB_OFFLINE``) hold. The transfer is
plain HTTP, which the hub offers for every file; Xet is not used, so that a partial file is the start of the whole one.
"""

import hashlib
import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from huggingface_hub import constants, get_hf_file_metadata, get_session, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported at run time only
    WeakFileLock,
    build_hf_headers,
    hf_raise_for_status,
)

from napari_car.errors import CheckpointError

from .download_errors import ClientError, explain_failure, explain_lack_of_space
from .folder import CONFIG_FILE, PARTIAL_SUFFIX, checkpoint_folder, has_config, how_to_get, inspect
from .registry import Checkpoint

_PIECE_BYTES = 1 << 20
_LOCK_TIMEOUT_S = 0.1


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is."""

    stage: Literal["downloading", "verifying"]
    """A file is verified after it has been received."""
    n_bytes: int
    """Bytes received (those of an earlier, unfinished download included) or verified."""
    total_bytes: int
    """Size of the file."""


@dataclass(frozen=True, slots=True)
class _RemoteFile:
    """A file as the hub describes it."""

    name: str
    """Without the folders of its repository."""
    url: str
    size_bytes: int
    hash: str
    """SHA-256 in hexadecimal; of small files, which the hub keeps in git itself, git's SHA-1."""

    def start_digest(self) -> "hashlib._Hash":
        """Return the digest that the content must be fed into to give ``hash``."""
        if len(self.hash) == 64:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size_bytes}\0".encode(), usedforsecurity=False)


def fetch(checkpoint: Checkpoint, folder: Path, *, endpoint: str | None = None) -> Path:
    """Return the weights file of a checkpoint, downloaded first if it is not on disk.

    Parameters, result and errors are those of :func:`download`, which reports progress as well.
    """
    steps = download(checkpoint, folder, endpoint=endpoint)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            path: Path = stop.value
            return path


def download(
    checkpoint: Checkpoint, folder: Path, *, endpoint: str | None = None
) -> Generator[DownloadProgress, None, Path]:
    """Download a checkpoint into the models folder and verify it, step by step.

    The file gets its name only when its hash is the one the hub states. A download that stops, for whichever
    reason, leaves a ``.partial`` file that the next one continues; closing the generator stops it at once.

    Parameters
    ----------
    checkpoint : Checkpoint
        Entry of the registry. Nothing is requested if it is on disk already.
    folder : pathlib.Path
        The models folder; created if need be.
    endpoint : str, optional
        Address of the hub, by default the environment variable ``HF_ENDPOINT`` or https://huggingface.co.

    Yields
    ------
    DownloadProgress
        After each piece that arrives or is verified; ``n_bytes`` grows to ``total_bytes`` in each stage.

    Returns
    -------
    pathlib.Path
        The weights file.

    Raises
    ------
    CheckpointError
        If the hub cannot be reached or refuses, the connection breaks, the disk is full or read-only, another
        program is downloading the same file, or the file received is not the one expected (it is deleted then).
    """
    on_disk = inspect(checkpoint, folder)
    if on_disk.state == "complete" and on_disk.path is not None:
        return on_disk.path
    if checkpoint.hub_repo is None:
        raise CheckpointError(f"The checkpoint {checkpoint.name} is missing: {how_to_get(checkpoint, folder)}.")
    try:
        if not has_config(checkpoint, folder):
            config = _find_remote_file(checkpoint, checkpoint.hub_repo, (CONFIG_FILE,), endpoint)
            for _ in _download_file(checkpoint, config, folder):
                pass  # too small to be worth reporting
            on_disk = inspect(checkpoint, folder)
            if on_disk.state == "complete" and on_disk.path is not None:
                return on_disk.path
        weights = _find_remote_file(checkpoint, checkpoint.hub_repo, checkpoint.hub_files, endpoint)
        return (yield from _download_file(checkpoint, weights, folder))
    except CheckpointError:
        raise
    except (ClientError, OSError) as error:
        raise CheckpointError(explain_failure(error, checkpoint, folder)) from error


def _find_remote_file(checkpoint: Checkpoint, repo: str, names: tuple[str, ...], endpoint: str | None) -> _RemoteFile:
    """Ask the hub for the first of some files that a repository has."""
    for name in names:
        try:
            metadata = get_hf_file_metadata(hf_hub_url(repo, name, endpoint=endpoint))
        except EntryNotFoundError:
            continue
        if metadata.size is None or not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", metadata.etag or ""):
            raise CheckpointError(
                f"The hub does not state size and hash of {repo}/{name}, so it cannot be verified: if HF_ENDPOINT is "
                "set, check that it is the address of a Hugging Face hub."
            )
        if checkpoint.sha256 not in (None, metadata.etag):
            raise CheckpointError(
                f"The hub has another {repo}/{name} (SHA-256 {metadata.etag}) than the one known as {checkpoint.name} "
                f"({checkpoint.sha256}), so it was not downloaded: look for a newer version of napari-car."
            )
        # The commit is named, so that the file cannot change between this request and the next.
        url = hf_hub_url(repo, name, revision=metadata.commit_hash, endpoint=endpoint)
        return _RemoteFile(PurePosixPath(name).name, url, metadata.size, str(metadata.etag))
    is_clip = checkpoint.kind == "clip"
    why = "it holds no checkpoint of open_clip" if is_clip else "look for a newer version of napari-car"
    raise CheckpointError(f"The hub's repository {repo} has no {' or '.join(names)}, so {why}.")


def _download_file(
    checkpoint: Checkpoint, remote: _RemoteFile, folder: Path
) -> Generator[DownloadProgress, None, Path]:
    """Receive, verify and name one file, alone."""
    target = checkpoint_folder(checkpoint, folder) / remote.name
    # Bytes of different files must not be joined: the hash in the name tells whose they are.
    partial = target.with_name(f"{remote.name}.{remote.hash[:8]}{PARTIAL_SUFFIX}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(target.with_name(".lock"), timeout=_LOCK_TIMEOUT_S):
        _check_space(checkpoint, remote.size_bytes - _size_bytes(partial), folder)
        yield from _receive(remote, partial)
        yield from _verify(checkpoint, remote, partial)
        partial.replace(target)
        for outdated in target.parent.glob(f"{remote.name}.*{PARTIAL_SUFFIX}"):
            outdated.unlink()
    return target


def _receive(remote: _RemoteFile, partial: Path) -> Generator[DownloadProgress, None, None]:
    """Bring the partial file to its full size, asking for the rest when the line breaks."""
    while True:
        n_before = _size_bytes(partial)
        yield DownloadProgress("downloading", min(n_before, remote.size_bytes), remote.size_bytes)
        if n_before >= remote.size_bytes:
            return
        try:
            yield from _receive_rest(remote, partial, n_before)
        except ClientError:
            if _size_bytes(partial) <= n_before:
                raise


def _receive_rest(remote: _RemoteFile, partial: Path, n_before: int) -> Generator[DownloadProgress, None, None]:
    """Append what one request brings to the partial file."""
    headers = build_hf_headers() | {"Accept-Encoding": "identity", "Range": f"bytes={n_before}-"}
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", remote.url, headers=headers, timeout=timeout_s) as response:
        hf_raise_for_status(response)
        continues = response.status_code == 206  # else the server sends the file from its start
        n_bytes = n_before if continues else 0
        with partial.open("ab" if continues else "wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
                n_bytes += len(piece)
                yield DownloadProgress("downloading", min(n_bytes, remote.size_bytes), remote.size_bytes)
    if n_bytes < remote.size_bytes:
        raise ClientError("the server closed the connection early")


def _verify(checkpoint: Checkpoint, remote: _RemoteFile, partial: Path) -> Generator[DownloadProgress, None, None]:
    """Hash what is on disk; delete it if it is not the file expected."""
    digest = remote.start_digest()
    n_bytes = 0
    with partial.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            n_bytes += len(piece)
            yield DownloadProgress("verifying", min(n_bytes, remote.size_bytes), remote.size_bytes)
    if digest.hexdigest() != remote.hash:
        partial.unlink()
        raise CheckpointError(
            f"The {remote.name} received for {checkpoint.name} is not the one the hub describes (hash "
            f"{digest.hexdigest()} instead of {remote.hash}) and was deleted: download it again."
        )


def _check_space(checkpoint: Checkpoint, n_needed_bytes: int, folder: Path) -> None:
    """Refuse to start a download that cannot end."""
    n_free_bytes = shutil.disk_usage(folder).free
    if n_free_bytes < n_needed_bytes:
        raise CheckpointError(explain_lack_of_space(n_needed_bytes, n_free_bytes, checkpoint, folder))


def _size_bytes(path: Path) -> int:
    """Return the size of a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0
