"""What the numbers of an evaluation depend on; two runs can be put together if it is the same."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from napari_car.config import CaRConfig
from napari_car.errors import CaRError, DocumentError
from napari_car.results import CheckpointIdentity

FORMAT, VERSION = "napari-car-evaluation", 1

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

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        record = {name: getattr(self, name) for name in ("benchmark", "split", "n_items", "preset", "variant")}
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
        }

    @classmethod
    def from_dict(cls, record: Any) -> Self:
        """Read it; DocumentError if it is none. The text is the reason only."""
        if not isinstance(record, Mapping) or record.get("format") != FORMAT:
            raise DocumentError("it is not the record of an evaluation")
        if record.get("version") != VERSION:
            raise DocumentError("it was written by another napari-car")
        try:
            sam = record["sam"]
            return cls(
                **{name: record[name] for name in ("benchmark", "split", "n_items", "preset", "variant")},
                options=dict(record["options"]),
                config=CaRConfig.from_dict(record["config"]),
                f=CheckpointIdentity(**record["f"]),
                g=CheckpointIdentity(**record["g"]),
                sam=None if sam is None else CheckpointIdentity(**sam),
                versions=dict(record["versions"]),
            )
        except (CaRError, KeyError, TypeError, ValueError) as error:
            raise DocumentError(f"a part of it is missing or wrong: {error}") from error

    def find_difference(self, other: "RunHeader") -> str:
        """Say in what another evaluation differs so that numbers cannot be put together; empty: in nothing."""
        for name in ("benchmark", "split", "n_items", "variant"):
            if getattr(self, name) != getattr(other, name):
                return f"{name} is {getattr(other, name)!r} there, and {getattr(self, name)!r} here"
        if dict(self.options) != dict(other.options):
            return f"the benchmark's options are {dict(other.options)} there, and {dict(self.options)} here"
        here, there = dict(_flat(self.config.to_dict())), dict(_flat(other.config.to_dict()))
        for key, value in here.items():
            if key not in _WITHOUT_EFFECT and there.get(key) != value:
                return f"{key} is {there.get(key)!r} there, and {value!r} here"
        for role in ("f", "g", "sam"):
            own, others = getattr(self, role), getattr(other, role)
            if (own and (own.sha256, own.precision)) != (others and (others.sha256, others.precision)):
                return f"{role} is another network there, or of another precision"
        return ""


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested values by dotted key."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
