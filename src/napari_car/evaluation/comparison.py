"""What an experiment says: the same items evaluated in several ways, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .experiment_page import ExperimentPage
from .experiments import Experiment, Variant
from .report_text import UNKNOWN, counted, find_warnings, percent
from .summary import EvaluationSummary, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A variant, and what it scores on the items that all variants have."""

    variant: Variant
    summary: EvaluationSummary

    @property
    def main(self) -> Row:
        """The score that the paper reports."""
        return self.summary.rows[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Variants side by side.

    Parameters
    ----------
    experiment : Experiment
    compared : tuple of Compared
        At least one, in the order of the experiment.
    """

    experiment: Experiment
    compared: tuple[Compared, ...]

    @property
    def best(self) -> frozenset[str]:
        """Names of the variants with the highest score; of none if all score the same."""
        values = {item.variant.name: item.main.score.value for item in self.compared}
        known = {value for value in values.values() if value is not None}
        return frozenset(name for name, value in values.items() if len(known) > 1 and value == max(known))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why figures cannot be compared with the paper's."""
        as_chosen = [item for item in self.compared if item.variant.networks == ("f", "g")]
        with_figure = [item for item in as_chosen if item.main.paper is not None]
        return tuple(find_warnings((with_figure or as_chosen)[0].summary))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it; scores are fractions."""
        first = self.compared[0].summary
        return {
            "experiment": self.experiment.name,
            "table": self.experiment.table,
            "benchmark": first.header.benchmark,
            "title": first.title,
            "split": first.header.split,
            "n_items": first.header.n_items,
            "n_compared": first.n_done,
            "preset": first.header.preset,
            "variants": [
                {
                    "name": item.variant.name,
                    "title": item.variant.title,
                    "changes": _changes(item),
                    "f": asdict(item.summary.header.f),
                    "g": asdict(item.summary.header.g),
                    "score": item.main.score.name,
                    "value": item.main.score.value,
                    "paper": item.main.paper,
                    "difference": item.main.difference,
                    "is_best": item.variant.name in self.best,
                    "n_steps": item.summary.speed.n_steps,
                    "scores": {row.score.name: row.score.value for row in item.summary.rows},
                }
                for item in self.compared
            ],
        }

    def describe(self) -> list[str]:
        """Return lines for a terminal."""
        first, best = self.compared[0], self.best
        lines = [f"{first.summary.title} ({first.summary.header.split}), {first.main.score.name} in percent:"]
        for item in self.compared:
            paper = "" if item.main.paper is None else f", {percent(item.main.paper)} in the paper"
            mark = " (best)" if item.variant.name in best else ""
            lines.append(f"  {item.variant.title}: {percent(item.main.score.value)}{paper}{mark}")
        return [*lines, *self.warnings]

    def make_page(self) -> ExperimentPage:
        """Return the report."""
        first, best = self.compared[0].summary, self.best
        rows = [
            (
                item.variant.title,
                _describe_changes(item, exchanges_networks=self.experiment.exchanges_networks),
                percent(item.main.score.value),
                percent(item.main.paper),
                UNKNOWN if item.main.difference is None else f"{100 * item.main.difference:+.2f}",
                f"{item.summary.speed.n_steps:.2f}",
            )
            for item in self.compared
        ]
        networks = "" if self.experiment.exchanges_networks else f", {_describe_networks(self.compared[0])}"
        return ExperimentPage(
            title=f"{first.title}, {first.header.split}: {self.experiment.name}",
            sentences=(
                f"{self.experiment.question} {self.experiment.table} of the paper. Preset {first.header.preset}"
                f"{networks}; {counted(first.n_done, 'item')}, the same for all variants.",
            ),
            warnings=self.warnings,
            columns=(
                "variant",
                "what is set",
                f"{self.compared[0].main.score.name}, %",
                "paper",
                "difference",
                "steps",
            ),
            n_text_columns=2,
            rows=tuple(rows),
            best_rows=frozenset(i for i, item in enumerate(self.compared) if item.variant.name in best),
            notes=(
                *filter(None, [self.experiment.note]),
                "Steps are the mean number of time steps of the recurrence per picture. Times are not compared: what a "
                "variant has computed of an image serves the next.",
            ),
        )


def common_keys(done: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the items that all variants have."""
    return frozenset.intersection(*(frozenset(records) for records in done)) if done else frozenset()


def _changes(item: Compared) -> dict[str, Any]:
    """Return the parameters that the variant sets, with their values."""
    stages = item.summary.header.config.to_dict()
    changes = {}
    for key in (*item.variant.changes, *item.variant.shifts):
        stage, _, name = key.partition(".")
        changes[key] = stages[stage][name]
    return changes


def _describe_changes(item: Compared, *, exchanges_networks: bool) -> str:
    """Say what the variant sets."""
    changes = [f"{key} = {_value(value)}" for key, value in _changes(item).items()]
    return "; ".join([*changes, *([_describe_networks(item)] if exchanges_networks else [])]) or UNKNOWN


def _describe_networks(item: Compared) -> str:
    """Name f and g."""
    return f"f {item.summary.header.f.name}, g {item.summary.header.g.name}"


def _value(value: Any) -> str:
    """Write a value of a parameter."""
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
