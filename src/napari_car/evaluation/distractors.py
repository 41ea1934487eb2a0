"""Queries for what an image does not show: which there are, and which an image is asked for.

The first to be drawn are the benchmark's own other classes, since its ground truth says that they are not there. Only
where more are asked for come names of ADE20K-847 and Pascal Context 459, which no ground truth speaks of: those that
share a word, or a part of a compound, with a class or with what competes anyway are left out, and so are names of whole
kinds of things. They may still name a part of what is there, or something in the background.
"""

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from napari_car.config import CaRConfig
from napari_car.presets import background_queries
from napari_car.queries import Query

from .benchmarks.class_data import load_class_data
from .benchmarks.semantic import BenchmarkClass, SemanticBenchmark

WHOLE_KINDS = frozenset(
    (
        "animal",
        "building",
        "clothes",
        "equipment",
        "food",
        "furniture",
        "machine",
        "object",
        "person",
        "plant",
        "structure",
        "unknown",
        "vehicle",
    )
)
"""Words for so many things that a name with one of them may be true of a class."""

ELSEWHERE = "names from elsewhere"
"""The class of all distractors that are not the benchmark's own."""

_SMALL_WORDS = frozenset(("a", "an", "and", "for", "in", "of", "on", "or", "the", "to", "with"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an image is asked for."""

    queries: tuple[Query, ...]
    """Those that are there, then the distractors."""
    ids: tuple[int, ...]
    """Their class ids in :func:`with_elsewhere`."""
    n_present: int
    """How many are there."""

    @property
    def n_absent(self) -> int:
        """How many are not there."""
        return len(self.queries) - self.n_present


class DistractorPool:
    """All that can be asked for besides what an image shows.

    Parameters
    ----------
    benchmark : SemanticBenchmark
    config : CaRConfig
        Its background queries are no distractors: they compete already.
    """

    def __init__(self, benchmark: SemanticBenchmark, config: CaRConfig) -> None:
        self._benchmark = benchmark
        known = {
            word for item in benchmark.classes for text in (item.name, *item.query.phrases) for word in _words(text)
        }
        competing = (*benchmark.background_words, *background_queries(config.proposals))
        known |= {word for text in competing for word in _words(text)} | WHOLE_KINDS
        self.elsewhere = tuple(_names_without(known))
        """Names of other benchmarks, in alphabetical order."""

    def ask(self, key: str, truth: Int32[np.ndarray, "H W"], n_absent: int) -> Asked:
        """Return what to ask of an image: always the same, and with fewer distractors the first of those with more.

        Parameters
        ----------
        key : str
            Name of the image, on which the order of its distractors depends.
        truth : ndarray, (H, W), int32
            Class ids. A class is there if a pixel of it is.
        n_absent : int
            How many distractors; fewer come if there are no more.
        """
        shown = set(np.unique(truth[truth > 0]).tolist())
        present = [item for item in self._benchmark.classes if item.id in shown]
        texts = {item.query.key for item in present}
        others = {item.query.key: item for item in self._benchmark.classes if item.query.key not in texts}
        own = [others[text] for text in _shuffled(others, key)][:n_absent]
        outside = {query.key: query for query in self.elsewhere}
        more = [outside[text] for text in _shuffled(outside, key)][: n_absent - len(own)]
        return Asked(
            queries=tuple(item.query for item in (*present, *own)) + tuple(more),
            ids=tuple(item.id for item in (*present, *own)) + (_elsewhere_id(self._benchmark),) * len(more),
            n_present=len(present),
        )


def with_elsewhere(benchmark: SemanticBenchmark) -> SemanticBenchmark:
    """Return a benchmark with one class more, which no ground truth has: all distractors that are not its own.

    So a pixel that is taken for one of them is wrong, whatever it is.
    """
    elsewhere = BenchmarkClass(id=_elsewhere_id(benchmark), name=ELSEWHERE, query=Query(ELSEWHERE))
    return dataclasses.replace(benchmark, classes=(*benchmark.classes, elsewhere))


def _elsewhere_id(benchmark: SemanticBenchmark) -> int:
    """Return the id of what is not in the benchmark."""
    return max(item.id for item in benchmark.classes) + 1


def _shuffled(texts: Iterable[str], key: str) -> list[str]:
    """Return texts in an order that is an image's own; by hashes, which stay the same where random numbers may not."""
    return sorted(texts, key=lambda text: hashlib.blake2b(f"{key}\n{text}".encode()).digest())


def _names_without(known: set[str]) -> Iterable[Query]:
    """Return the first name of each class of ADE20K-847 and Pascal Context 459 whose names have no word in common."""
    found: dict[str, Query] = {}
    for class_set in ("ade_847", "context_459"):
        for item in load_class_data(class_set).classes:
            names = [name.strip() for name in item.query.text.split(",")]
            query = Query(names[0], group=item.query.group)
            if not any(_are_known(_words(name), known) for name in (item.name, *names)):
                found.setdefault(query.key, query)
    return [found[text] for text in sorted(found)]


def _are_known(words: set[str], known: set[str]) -> bool:
    """Return whether a word is known, or is the beginning or end of one: "table" of "diningtable"."""
    long = tuple(word for word in words if len(word) > 3)
    return not words.isdisjoint(known) or any(word.startswith(long) or word.endswith(long) for word in known)


def _words(text: str) -> set[str]:
    """Return the words of a name, in the singular, without those that say nothing."""
    words = set(re.findall(r"[^\W\d_]+", text.casefold())) - _SMALL_WORDS
    return {word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words}
