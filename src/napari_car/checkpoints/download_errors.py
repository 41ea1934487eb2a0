"""What a failed download means for the user: one sentence that says what to do."""

import errno
from pathlib import Path

from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError

from .folder import FOLDER_VARIABLE, how_to_copy, inspect
from .registry import Checkpoint

ClientError: type[Exception] = HfHubHTTPError.__bases__[0]
"""Base of all errors of the network client: huggingface_hub 1 speaks through httpx, 2 through httpx2."""


def explain_failure(error: Exception, checkpoint: Checkpoint, folder: Path) -> str:
    """Return the sentence for what stopped a download.

    Parameters
    ----------
    error : Exception
        A :data:`ClientError` or an OSError.
    checkpoint : Checkpoint
        What was being downloaded.
    folder : pathlib.Path
        The models folder.

    Returns
    -------
    str
        What happened and what to do.
    """
    if isinstance(error, HfHubHTTPError):
        return _explain_refusal(error, checkpoint)
    if isinstance(error, OSError) and not isinstance(error, OfflineModeIsEnabled):
        return _explain_disk(error, checkpoint, folder)
    return _explain_no_connection(error, checkpoint, folder)


def explain_lack_of_space(n_needed_bytes: int, n_free_bytes: int, checkpoint: Checkpoint, folder: Path) -> str:
    """Return the sentence for a disk that has too little space before a download starts."""
    return (
        f"{checkpoint.name} needs {_mb(n_needed_bytes)}, but {folder} has only {_mb(n_free_bytes)} free: "
        f"{_other_folder('free some space')}."
    )


def _explain_refusal(error: HfHubHTTPError, checkpoint: Checkpoint) -> str:
    """Say what the hub's answer means for the user."""
    repo = checkpoint.hub_repo
    if isinstance(error, GatedRepoError):
        return (
            f"The hub gives {checkpoint.name} only to users who accepted its conditions: accept them at "
            f"https://huggingface.co/{repo} and log in with `hf auth login`."
        )
    if isinstance(error, RepositoryNotFoundError):
        return f"The hub has no public repository {repo} for {checkpoint.name}: it was moved, removed or made private."
    status = error.response.status_code
    advice = "renew or remove the token (`hf auth login`)" if status in (401, 403) else "try again later"
    return f"The hub answered {status} to the request for {checkpoint.name}: {advice}."


def _explain_no_connection(error: Exception, checkpoint: Checkpoint, folder: Path) -> str:
    """Say what to do without a network, or when it failed half way."""
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"{checkpoint.name} is not on disk and the environment variable HF_HUB_OFFLINE forbids to download it: "
            f"unset it, or {how_to_copy(checkpoint, folder)}."
        )
    on_disk = inspect(checkpoint, folder)
    if on_disk.state == "partial":
        return (
            f"The connection to the hub broke ({error}) when {_mb(on_disk.size_bytes)} of {checkpoint.name} were on "
            "disk: start the download again to resume it."
        )
    return (
        f"{checkpoint.name} is not on disk and the hub cannot be reached ({error}): connect to the internet, or "
        f"{how_to_copy(checkpoint, folder)}."
    )


def _explain_disk(error: OSError, checkpoint: Checkpoint, folder: Path) -> str:
    """Say what is wrong with the models folder."""
    if isinstance(error, TimeoutError):
        return f"Another program is downloading {checkpoint.name} into {folder}: wait for it to finish."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        size = f" (about {checkpoint.size_mb} MB)" if checkpoint.size_mb else ""
        return (
            f"The disk was full before all of {checkpoint.name}{size} was in {folder}: "
            f"{_other_folder('free some space and start the download again to resume it')}."
        )
    return f"Cannot write to {error.filename or folder} ({error.strerror}): {_other_folder()}."


def _other_folder(first: str = "") -> str:
    """Return the half sentence on how to choose another models folder."""
    return f"{first}{', or ' if first else ''}choose another folder with --models-folder or {FOLDER_VARIABLE}"


def _mb(n_bytes: int) -> str:
    """Return a number of bytes in MB."""
    return f"{n_bytes / 1e6:,.1f} MB"
