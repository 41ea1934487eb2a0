"""An evaluation as the command line runs it: what is left is evaluated, here or by workers, then reported."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_car.config import CaRConfig
from napari_car.errors import CaRError, ConfigError, DocumentError, ImageError, ResourceError
from napari_car.evaluation.benchmarks.catalogue import Benchmark, BenchmarkEntry, find_benchmark
from napari_car.evaluation.evaluated import Evaluated
from napari_car.evaluation.report_text import describe_scores
from napari_car.evaluation.run import count_queries, evaluate_item, keep
from napari_car.evaluation.run_header import RunHeader
from napari_car.evaluation.scored_classes import ScoredClasses
from napari_car.evaluation.shard import Shard
from napari_car.evaluation.store import EvaluationStore
from napari_car.evaluation.summary import EvaluationSummary
from napari_car.results import CheckpointIdentity, drain, installed_versions

from .checkpoints import Networks
from .display import Display
from .evaluation_report import write_report

if TYPE_CHECKING:
    from napari_car.evaluation.run import Sample
    from napari_car.segmenter import Segmenter

    from .cluster import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    """What evaluates: networks, and the backend of the dense CRF if that is left to the program."""

    f: CheckpointIdentity
    g: CheckpointIdentity
    sam: CheckpointIdentity | None
    crf_backend: str


@dataclass(slots=True)
class EvaluationOutcome:
    """What came of an evaluation."""

    summary: EvaluationSummary | None = None
    """None if nothing is evaluated."""
    failed: list[tuple[str, CaRError]] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The scores, for people."""
        return [] if self.summary is None else describe_scores(self.summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An evaluation that was asked for.

    Parameters
    ----------
    entry : BenchmarkEntry
    root : Path
    split : str
    options : mapping of str to str
        Of the benchmark.
    preset : str
    config : CaRConfig
    networks : Networks
    limit : int or None
        Only so many of the first items.
    shard : Shard
    workers : Workers or None
        None: this process evaluates.
    """

    entry: BenchmarkEntry
    root: Path
    split: str
    options: Mapping[str, str]
    preset: str
    config: CaRConfig
    networks: Networks
    limit: int | None
    shard: Shard
    workers: "Workers | None"

    def run(self, out: Path, n_worst: int) -> EvaluationOutcome:
        """Evaluate what is left, and write the report on all that is done in the folder.

        Raises
        ------
        DocumentError
            If the data set is not as it should be.
        OutputError
            If the folder holds something else, is in use, or cannot be written.
        CheckpointError, ConfigError
            If the networks or options are not to be had.
        ClusterError
            If the workers are not to be had.
        """
        benchmark = open_benchmark(self.entry, self.root, self.split, self.options)
        if self.workers is None or self.workers.are_local:
            self.networks.check_on_disk()
        outcome = EvaluationOutcome()
        with Display(0) as display:
            if self.workers is None:
                segmenter = self.networks.load()
                store = EvaluationStore.open(out, self.header(benchmark, identify(segmenter)))
                self._evaluate_here(segmenter, benchmark, store, display, outcome)
            else:
                store = self._evaluate_there(self.workers, benchmark, out, display, outcome)
        records = list(store.read().values())
        if records:
            outcome.summary = write_report(store, benchmark, records, n_worst)
        return outcome

    def header(
        self, benchmark: Benchmark, machinery: Machinery, config: CaRConfig | None = None, variant: str = ""
    ) -> RunHeader:
        """Return what the numbers depend on, of a variant of an experiment with the parameters that it has."""
        config = config or self.config
        return RunHeader(
            benchmark=self.entry.name,
            split=self.split,
            options=self.options,
            n_items=len(benchmark.samples),
            preset=self.preset,
            config=settle(config, machinery.crf_backend),
            f=machinery.f,
            g=machinery.g,
            sam=machinery.sam if config.sam.enabled else None,
            versions=installed_versions(),
            variant=variant,
            title=benchmark.title,
            scored=ScoredClasses.of(benchmark),
        )

    def _find_left(self, benchmark: Benchmark, store: EvaluationStore, display: Display) -> "list[Sample]":
        """Return what is to be evaluated."""
        done = store.read()
        samples: Sequence[Sample] = benchmark.samples[: self.limit]
        left = [sample for sample in self.shard.of(samples) if sample.key not in done]
        display.expect(len(left))
        return left

    def _evaluate_here(
        self,
        segmenter: "Segmenter",
        benchmark: Benchmark,
        store: EvaluationStore,
        display: Display,
        outcome: EvaluationOutcome,
    ) -> None:
        """Evaluate items one by one, in this process."""
        with store.writer(self.shard) as writer:
            for sample in self._find_left(benchmark, store, display):
                run = evaluate_item(segmenter, benchmark, sample, store.header.config)
                with _collecting(sample.key, display, outcome):
                    keep(display.follow(run, sample.key, count_queries(benchmark, sample)), writer)

    def _evaluate_there(
        self, workers: "Workers", benchmark: Benchmark, out: Path, display: Display, outcome: EvaluationOutcome
    ) -> EvaluationStore:
        """Let workers evaluate items, and write what they send."""
        display.describe("starting the workers" if workers.are_local else "looking for workers")
        with workers.at_work(self.networks) as cluster:
            (named,) = cluster.share([("networks", identify)], display)
            store = EvaluationStore.open(out, self.header(benchmark, named.result()))
            with store.writer(self.shard) as writer:
                samples: Sequence[Sample] = benchmark.samples
                places = {sample.key: place for place, sample in enumerate(samples)}
                pieces = [
                    (sample.key, self._work(places[sample.key], store.header.config))
                    for sample in self._find_left(benchmark, store, display)
                ]
                for answer in cluster.share(pieces, display):
                    with _collecting(answer.key, display, outcome):
                        keep(answer.result(), writer)
        return store

    def _work(self, index: int, config: CaRConfig) -> "EvaluationWork":
        """Return the evaluation of an item, as work for a cluster."""
        return EvaluationWork(
            benchmark=self.entry.name,
            root=self.root.absolute(),
            split=self.split,
            options=dict(self.options),
            index=index,
            config=config,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationWork:
    """The evaluation of one item, as work for a cluster, whose machines find the data set under the same path.

    Parameters
    ----------
    benchmark : str
    root : Path
    split : str
    options : mapping of str to str
    index : int
        Which item it is.
    config : CaRConfig
    """

    benchmark: str
    root: Path
    split: str
    options: Mapping[str, str]
    index: int
    config: CaRConfig

    def __call__(self, segmenter: "Segmenter", /) -> Evaluated:
        """Evaluate it."""
        opened = _open_once(self.benchmark, self.root, self.split, tuple(sorted(self.options.items())))
        return drain(evaluate_item(segmenter, opened, opened.samples[self.index], self.config))


@contextmanager
def _collecting(key: str, display: Display, outcome: EvaluationOutcome) -> Iterator[None]:
    """Note what concerns one item only; other errors end the evaluation, and so does a disk that is full."""
    try:
        yield
    except (ImageError, DocumentError, ResourceError) as error:
        outcome.failed.append((key, error))
    display.advance()


def identify(segmenter: "Segmenter") -> Machinery:
    """Return what a segmenter evaluates with, on its machine."""
    from napari_car.core.crf.choice import settled_backend

    return Machinery(
        f=segmenter.f.identity,
        g=segmenter.g.identity,
        sam=segmenter.sam.identity if segmenter.sam else None,
        crf_backend=settled_backend(str(segmenter.f.device)),
    )


def settle(config: CaRConfig, crf_backend: str) -> CaRConfig:
    """Return parameters that leave nothing to the program, so that shards are evaluated alike."""
    return config.changed({"crf.backend": crf_backend}) if config.crf.backend == "auto" else config


def open_benchmark(entry: BenchmarkEntry, root: Path, split: str, options: Mapping[str, str]) -> Benchmark:
    """Open a benchmark with options as they are typed.

    Raises
    ------
    ConfigError
        If there is no such option.
    DocumentError
        If files are missing or damaged.
    """
    typed: dict[str, Any] = {
        key: _PARSERS[key](value) if key in _PARSERS and key in entry.choices else value
        for key, value in options.items()
    }
    return entry.open(root, split=split, **typed)


def _parse_path(text: str) -> Path:
    """Read the name of a file."""
    return Path(text).expanduser()


def _parse_count(text: str) -> int:
    """Read how many frames are one."""
    if not text.isdecimal():
        raise ConfigError(f"every={text}: write a whole number.")
    return int(text)


def _parse_ignored(text: str) -> int | None:
    """Read the value of pixels that are not scored."""
    if text == "none":
        return None
    if not text.isdecimal():
        raise ConfigError(f"ignored={text}: write a value of the masks, or none.")
    return int(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "ontology": _parse_path,
    "ignored": _parse_ignored,
    "names": _parse_path,
    "every": _parse_count,
}
"""Of options that are no words."""


@functools.lru_cache(maxsize=1)
def _open_once(benchmark: str, root: Path, split: str, options: tuple[tuple[str, str], ...]) -> Benchmark:
    """Open a benchmark, which a worker keeps for the next item."""
    return open_benchmark(find_benchmark(benchmark), root, split, dict(options))
