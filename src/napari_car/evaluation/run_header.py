"""What the numbers of an evaluation depend on; two runs can be put together if it is the same."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from napari_car.config import CaRConfig
from napari_car.errors import CaRError, DocumentError
from napari_car.results import CheckpointIdentity

from .scored_classes import ScoredClasses

FORMAT, VERSION = "napari-car-evaluation", 1

_PLAIN = ("benchmark", "split", "n_items", "preset", "variant", "title")
_WITHOUT_EFFECT = ("compute.batch_memory_mb", "compute.max_features_cached")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeader:
    """The first file of an evaluation.

    Parameters
    ----------
    benchmark, split : str
    options : mapping of str to str
        Of the benchmark.
    n_items : int
        In the whole split.
    preset : str
        What the parameters were changed from.
    config : CaRConfig
    f, g : CheckpointIdentity
    sam : CheckpointIdentity or None
    versions : mapping of str to str
        Packages.
    variant : str
        Which of an experiment's variants it is; empty: none.
    title : str
        Of the data set; the name of a folder of somebody's own, which may be another one on another machine.
    scored : ScoredClasses or None
        Of semantic benchmarks: an ontology can change while an evaluation is under way.
    """

    benchmark: str
    split: str
    options: Mapping[str, str]
    n_items: int
    preset: str
    config: CaRConfig
    f: CheckpointIdentity
    g: CheckpointIdentity
    sam: CheckpointIdentity | None
    versions: Mapping[str, str]
    variant: str = ""
    title: str = ""
    scored: ScoredClasses | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        record = {name: getattr(self, name) for name in _PLAIN}
        return {
            "format": FORMAT,
            "version": VERSION,
            **record,
            "options": dict(self.options),
            "config": self.config.to_dict(),
            "f": asdict(self.f),
            "g": asdict(self.g),
            "sam": None if self.sam is None else asdict(self.sam),
            "versions": dict(self.versions),
            "scored": None if self.scored is None else self.scored.to_dict(),
        }

    @classmethod
    def from_dict(cls, record: Any) -> Self:
        """Read it; DocumentError if it is none. The text is the reason only."""
        if not isinstance(record, Mapping) or record.get("format") != FORMAT:
            raise DocumentError("it is not the record of an evaluation")
        if record.get("version") != VERSION:
            raise DocumentError("it was written by another napari-car")
        try:
            if not all(isinstance(record[name], int if name == "n_items" else str) for name in _PLAIN):
                raise DocumentError("a name is no text, or a number none")
            return cls(
                **{name: record[name] for name in _PLAIN},
                options=_read_texts(record["options"]),
                config=CaRConfig.from_dict(record["config"]),
                f=CheckpointIdentity(**_read_texts(record["f"])),
                g=CheckpointIdentity(**_read_texts(record["g"])),
                sam=None if record["sam"] is None else CheckpointIdentity(**_read_texts(record["sam"])),
                versions=_read_texts(record["versions"]),
                scored=None if record["scored"] is None else ScoredClasses.from_dict(record["scored"]),
            )
        except (CaRError, KeyError, TypeError, ValueError) as error:
            raise DocumentError(f"a part of it is missing or wrong: {error}") from error

    def find_difference(self, other: "RunHeader") -> str:
        """Say in what another evaluation differs so that numbers cannot be put together; empty: in nothing."""
        here, there = self._facts(), other._facts()
        for key in here:
            if there.get(key) != here[key]:
                return f"{key} is {there.get(key)!r} there, and {here[key]!r} here"
        if self.scored != other.scored:
            return "classes, queries or distractors of the ontology are others there"
        for role in ("f", "g", "sam"):
            own, others = getattr(self, role), getattr(other, role)
            if (own and (own.sha256, own.precision)) != (others and (others.sha256, others.precision)):
                return f"{role} is another network there, or of another precision"
        return ""

    def _facts(self) -> dict[str, Any]:
        """Return what the numbers depend on and can be said in a word."""
        facts = {name: getattr(self, name) for name in ("benchmark", "split", "n_items", "variant")}
        facts["options"] = _without_paths(self.options)
        config = flat_items(self.config.to_dict())
        return facts | {key: value for key, value in config if key not in _WITHOUT_EFFECT}


def _without_paths(options: Mapping[str, str]) -> dict[str, str]:
    """Return options but for paths of files of classes, which are others on another machine: classes are compared."""
    return {key: value for key, value in options.items() if key not in ("ontology", "names")}


def _read_texts(table: Any) -> dict[str, str]:
    """Return a table of texts; DocumentError if it is none."""
    if not isinstance(table, dict) or not all(isinstance(text, str) for pair in table.items() for text in pair):
        raise DocumentError(f"{table!r:.80} is no table of texts")
    return table


def flat_items(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables with their dotted keys."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flat_items(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
