"""What a worker of a cluster does: it loads the networks once, and works on one image after the other.

Workers of ``--workers`` load this module as dask's *preload*, for :func:`dask_setup`.
"""

import functools
import signal
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from napari_car import __version__
from napari_car.errors import CheckpointError, ClusterError, ConfigError

from .checkpoints import Networks

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

# A worker may have several threads, but networks and their caches serve one image at a time.
_segmenting = threading.Lock()


class Work(Protocol[R_co]):
    """Something to be done with networks; fit for pickle."""

    def __call__(self, segmenter: "Segmenter", /) -> R_co:
        """Do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTask(Generic[R]):
    """Work for a worker.

    Parameters
    ----------
    work : Work
    networks : Networks
        As :meth:`~napari_car.cli.checkpoints.Networks.for_workers` returns them.
    n_threads : int or None
        Threads of a worker's networks; None: as the worker was started.
    version : str
        Of the napari-car that asks.
    """

    work: Work[R]
    networks: Networks
    n_threads: int | None
    version: str = __version__


def run_on_worker(task: WorkerTask[R]) -> R:
    """Do work, with networks that are loaded for the first piece and kept.

    Raises
    ------
    ClusterError
        If this is another napari-car than the one that asks.
    CheckpointError, ConfigError
        If the networks are not to be had on this machine.
    CaRError
        Whatever the work raises.
    """
    if task.version != __version__:  # a worker that came late
        raise ClusterError(describe_other_version(socket.gethostname(), __version__, task.version))
    with _segmenting:
        return task.work(_load(task.networks, task.n_threads))


def forget_networks() -> None:
    """Give the memory of the networks back."""
    _load.cache_clear()


def describe_other_version(worker: str, theirs: str, ours: str) -> str:
    """Say that a worker has another napari-car, or, if `theirs` is empty, none."""
    has = f"has napari-car {theirs}" if theirs else "has no napari-car"
    return f"The worker {worker} {has}, and here is {ours}: install the same version on all machines."


def dask_setup(_worker: object) -> None:
    """Leave Ctrl-C, which a terminal sends to all processes, to the one that started the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@functools.lru_cache(maxsize=1)
def _load(networks: Networks, n_threads: int | None) -> "Segmenter":
    """Load the networks, of this machine; errors say which machine that is."""
    import torch

    if n_threads is not None:
        torch.set_num_threads(n_threads)
    here = networks.on_this_machine()
    try:
        here.check_on_disk()
        return here.load()
    except (CheckpointError, ConfigError) as error:
        raise type(error)(f"On {socket.gethostname()}: {error}") from error
