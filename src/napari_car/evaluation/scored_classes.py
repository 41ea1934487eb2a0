"""The classes of a semantic benchmark, stored with its numbers: these can be read without the data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from napari_car.errors import DocumentError
from napari_car.queries import Query

from .benchmarks.catalogue import Benchmark, find_benchmark
from .benchmarks.referring import ReferringBenchmark
from .benchmarks.semantic import BenchmarkClass, SemanticBenchmark
from .benchmarks.video import VideoBenchmark


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredClasses:
    """What rows and columns of confusion matrices stand for, and what was asked.

    Parameters
    ----------
    classes : tuple of BenchmarkClass
        By id.
    stuff_order : tuple of int
        Ids of stuff classes in the order in which they are asked for.
    has_background : bool
        Whether background is scored.
    background_words : tuple of str
        The benchmark's own distractors.
    """

    classes: tuple[BenchmarkClass, ...]
    stuff_order: tuple[int, ...]
    has_background: bool
    background_words: tuple[str, ...]

    @classmethod
    def of(cls, benchmark: Benchmark) -> Self | None:
        """Return those of a benchmark; None if it is not semantic."""
        if not isinstance(benchmark, SemanticBenchmark):
            return None
        return cls(
            classes=benchmark.classes,
            stuff_order=benchmark.stuff_order,
            has_background=benchmark.has_background,
            background_words=benchmark.background_words,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON can hold them."""
        return {
            "classes": [_class_to_dict(item) for item in self.classes],
            "stuff_order": list(self.stuff_order),
            "has_background": self.has_background,
            "background_words": list(self.background_words),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read them; KeyError, TypeError or ValueError if they are damaged."""
        ids = [item["id"] for item in record["classes"]]
        if ids != sorted(set(ids)) or not all(type(id_) is int and id_ > 0 for id_ in ids):
            raise ValueError("the ids of classes are none")
        if not isinstance(record["has_background"], bool):
            raise TypeError("has_background is neither true nor false")
        return cls(
            classes=tuple(_class_from_dict(item) for item in record["classes"]),
            stuff_order=tuple(int(id_) for id_ in record["stuff_order"]),
            has_background=record["has_background"],
            background_words=_texts(record["background_words"]),
        )


def without_files(name: str, title: str, split: str, scored: ScoredClasses | None) -> Benchmark:
    """Return a benchmark without items, of which numbers that are stored can be summed up.

    Parameters
    ----------
    name : str
        As in :data:`~.benchmarks.catalogue.BENCHMARKS`.
    title, split : str
    scored : ScoredClasses or None
        Of semantic benchmarks.

    Raises
    ------
    ConfigError
        If there is none of that name.
    DocumentError
        If there are no classes of one that is semantic.
    """
    kind = find_benchmark(name).kind
    if kind == "semantic":
        if scored is None:
            raise DocumentError(f"The classes of {title} are not in its record.")
        return SemanticBenchmark(
            name=name,
            title=title,
            split=split,
            classes=scored.classes,
            stuff_order=scored.stuff_order,
            has_background=scored.has_background,
            background_words=scored.background_words,
            samples=(),
        )
    if kind == "video":
        return VideoBenchmark(name=name, title=title, split=split, samples=())
    return ReferringBenchmark(name=name, title=title, split=split, samples=())


def _class_to_dict(item: BenchmarkClass) -> dict[str, Any]:
    """Return a class; synonyms and templates only if there are any, since some benchmarks have hundreds of classes."""
    query = item.query
    record: dict[str, Any] = {"id": item.id, "name": item.name, "query": query.text, "group": query.group}
    record |= {"synonyms": list(query.synonyms)} if query.synonyms else {}
    return record | ({"templates": list(query.templates)} if query.templates else {})


def _class_from_dict(record: Mapping[str, Any]) -> BenchmarkClass:
    """Read a class."""
    name, text = _texts([record["name"], record["query"]])
    if record["group"] not in ("thing", "stuff"):
        raise ValueError(f"the group {record['group']!r} is none")
    synonyms, templates = _texts(record.get("synonyms", [])), _texts(record.get("templates", []))
    return BenchmarkClass(
        id=record["id"],
        name=name,
        query=Query(text, synonyms=synonyms, group=record["group"], templates=templates),
    )


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    """Return texts; TypeError if they are none."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{values!r:.80} is no list of texts")
    return tuple(values)
