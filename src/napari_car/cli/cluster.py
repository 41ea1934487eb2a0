"""Share work on images with other processes, here or on other machines, by dask.distributed.

Workers read images and send results back; this process alone writes. So whatever is
computed twice, because a worker was lost, is written once.
"""

import asyncio
import logging
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from napari_car import __version__
from napari_car.errors import ClusterError, MissingExtraError, ResourceError

from .checkpoints import Networks

if TYPE_CHECKING:
    from distributed import Client, Future

    from .cluster_worker import Work
    from .display import Display

K = TypeVar("K")
R = TypeVar("R")

CONNECT_S, FIRST_WORKER_S = 10, 60
"""How long a scheduler, and its first worker, are waited for, in seconds."""

TASKS_PER_WORKER = 2
"""One that a worker is at, and one that it finds when that is done. More would be results that fill the memory."""

ALLOWED_LOSSES = 1
"""Workers of our own that a piece of work may end before it is set aside."""

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Workers:
    """Who does the work: a cluster that is there, or processes that are started for it.

    Parameters
    ----------
    scheduler : str or None
        Address of the cluster's scheduler.
    n_local : int
        Number of processes to start if there is no address.
    """

    scheduler: str | None
    n_local: int = 0

    @property
    def are_local(self) -> bool:
        """Whether they run on this machine, with its files."""
        return self.scheduler is None

    @contextmanager
    def at_work(self, networks: Networks) -> "Iterator[Cluster]":
        """Reach or start them; processes that were started end with the context.

        Raises
        ------
        ClusterError
            If the scheduler does not answer, it has no workers, or they have another napari-car.
        """
        with ExitStack() as stack:
            if self.scheduler is None:
                client, n_threads = stack.enter_context(_start(self.n_local)), _share_of_threads(self.n_local)
            else:
                client, n_threads = stack.enter_context(_reach(self.scheduler)), None
                _check_workers(client, self.scheduler)
            yield Cluster(client, networks.for_workers(), n_threads)


def choose_workers(scheduler: str | None, n_local: int | None) -> Workers | None:
    """Return who does the work, of what the options say; None: this process.

    Raises
    ------
    click.UsageError
        If both are given.
    MissingExtraError
        If dask.distributed is needed and not installed.
    """
    if scheduler is None and n_local is None:
        return None
    if scheduler is not None and n_local is not None:
        raise click.UsageError("--workers starts a cluster, --scheduler uses one that is there: leave out one of them.")
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise MissingExtraError('dask.distributed is not installed; run: pip install "napari-car[cluster]"') from error
    return Workers(scheduler, n_local or 0)


class Cluster:
    """Workers that can be given work.

    Parameters
    ----------
    client : distributed.Client
    networks : Networks
        For workers.
    n_threads : int or None
        Threads of each worker's networks; None: as the workers were started.
    """

    def __init__(self, client: "Client", networks: Networks, n_threads: int | None) -> None:
        self._client = client
        self._networks, self._n_threads = networks, n_threads

    def share(self, pieces: "Iterable[tuple[K, Work[R]]]", display: "Display") -> "Iterator[Answer[K, R]]":
        """Yield an answer for each piece of work, in the order in which they come.

        Parameters
        ----------
        pieces : iterable of (K, Work)
            Each with what it is called here. Work must be fit for pickle.
        display : Display

        Raises
        ------
        ClusterError
            If the scheduler is lost.
        """
        from .cluster_worker import forget_networks

        suspects = []
        for answer in self._ask(pieces, display):
            if answer.lost_workers:
                suspects.append((answer.key, answer.work))
            else:
                yield answer
        # A piece that ends workers may have taken others along that waited there: now each is alone.
        for piece in suspects:
            yield from self._ask([piece], display)
        self._client.run(forget_networks, on_error="ignore")

    def _ask(self, pieces: "Iterable[tuple[K, Work[R]]]", display: "Display") -> "Iterator[Answer[K, R]]":
        """Yield answers; at any time a few pieces for each worker are under way."""
        waiting = iter(pieces)
        running: dict[Future[R], tuple[K, Work[R]]] = {}
        while True:
            n_workers = self._count_workers()
            display.describe(_describe(n_workers))
            n_free = TASKS_PER_WORKER * max(1, n_workers) - len(running)
            for piece in islice(waiting, max(0, n_free)):
                running[self._submit(piece[1])] = piece
            if not running:
                return
            for future in _wait(running):
                yield Answer(*running.pop(future), future)

    def _submit(self, work: "Work[R]") -> "Future[R]":
        """Give work to the scheduler."""
        from .cluster_worker import WorkerTask, run_on_worker

        task = WorkerTask(work=work, networks=self._networks, n_threads=self._n_threads)
        return self._client.submit(run_on_worker, task, pure=False)

    def _count_workers(self) -> int:
        """Return how many there are now."""
        try:
            return len(self._client.nthreads())
        except OSError as error:
            raise _lost() from error


class Answer(Generic[K, R]):
    """What came of a piece of work.

    Parameters
    ----------
    key : K
        What it is called here.
    work : Work
    future : distributed.Future
        It is done.
    """

    def __init__(self, key: K, work: "Work[R]", future: "Future[R]") -> None:
        self.key, self.work = key, work
        self._future = future

    @property
    def lost_workers(self) -> bool:
        """Whether there is none, since each worker that was given the work was lost."""
        from distributed import KilledWorker

        return self._future.status == "error" and isinstance(self._future.exception(), KilledWorker)

    def result(self) -> R:
        """Return what was asked for, or raise the worker's error; ResourceError if workers were lost."""
        if self.lost_workers:
            raise ResourceError("Every worker that was given it has ended, perhaps for want of memory.")
        if self._future.status == "cancelled":
            raise _lost()
        found: R = self._future.result()
        return found


@contextmanager
def _start(n_workers: int) -> "Iterator[Client]":
    """Start a cluster on this machine, which only this machine can reach."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_LOSSES,
        "distributed.scheduler.worker-saturation": 1.0,  # what waits, waits at the scheduler
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            memory_limit=None,  # dask would pause a worker whose networks are large, and it would wait for ever
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # its page of figures, which cannot be left out
            silence_logs=logging.CRITICAL,
            preload=["napari_car.cli.cluster_worker"],
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _reach(address: str) -> "Iterator[Client]":
    """Reach a scheduler."""
    from distributed import Client

    try:
        asyncio.run(_knock(address))
        client = Client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(
            f"No scheduler of dask answers at {address}: start one with `dask scheduler`, and give the address that it "
            "prints."
        ) from error
    with client:
        yield client


async def _knock(address: str) -> None:
    """Connect once: a client that cannot, because of a wrong address, would not give up for half a minute."""
    from distributed import Security
    from distributed.comm.core import connect

    connection = await connect(address, timeout=CONNECT_S, **Security().get_connection_args("client"))
    await connection.close()


def _check_workers(client: "Client", address: str) -> None:
    """Refuse a cluster without workers, or with those of another version."""
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_S)
    except TimeoutError as error:
        raise ClusterError(
            f"The scheduler {address} has no workers: start some with `dask worker {address}`."
        ) from error
    from .cluster_worker import describe_other_version

    # A function of Python itself, which is there whatever is installed.
    for worker, found in client.run(version, "napari-car", on_error="return").items():
        if found != __version__:
            theirs = found if isinstance(found, str) else ""
            raise ClusterError(describe_other_version(worker, theirs, __version__))


def _wait(running: "Iterable[Future[Any]]") -> "Collection[Future[Any]]":
    """Return those that are done, or none if that takes long, so that others can look after the workers."""
    import distributed

    try:
        ended = distributed.wait(list(running), timeout=_LOOK_S, return_when="FIRST_COMPLETED")
    except TimeoutError:
        return ()
    except distributed.CancelledError as error:
        raise _lost() from error
    done: set[Future[Any]] = ended.done
    return done


def _share_of_threads(n_workers: int) -> int:
    """Return the threads of each worker: together they are as many as one process would take."""
    from dask.system import CPU_COUNT

    chosen = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, (int(chosen) if chosen.isdecimal() else int(CPU_COUNT)) // n_workers)


def _describe(n_workers: int) -> str:
    """Say how many there are."""
    return f"{n_workers} worker{'s' if n_workers > 1 else ''}" if n_workers else "waiting for workers"


def _lost() -> ClusterError:
    """Return the error for a scheduler that was there."""
    return ClusterError(
        "The scheduler does not answer any more; what is finished is kept, repeat the command to go on."
    )
