"""What a user sees while images are segmented: a progress bar on stderr, a line per image on stdout."""

import sys
from collections.abc import Generator
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from napari_car.annotation.survey import Place
from napari_car.results import Progress, Step

if TYPE_CHECKING:  # they load torch, which the bar must not wait for
    from napari_car.annotation.outcome import Outcome
    from napari_car.results import Verdict
    from napari_car.segmentation import Segmentation

R = TypeVar("R")

_LOOK_BACK_S = 3600.0

_STAGES = {
    "texts": "reading the queries",
    "image": "looking at the image",
    "proposals": "proposing masks",
    "classification": "classifying masks",
    "refinement": "refining masks",
    "sam-image": "SAM looks at the image",
    "sam-masks": "SAM finds objects",
}


class Display:
    """A progress bar for many images; without a terminal only the lines are printed.

    Parameters
    ----------
    n_images : int or None
        Number of images to be segmented; None: not known.
    """

    def __init__(self, n_images: int | None) -> None:
        console = Console(stderr=True)
        self._bars = Bars(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            # Images may take minutes, and the time left needs two of them. rich looks back half a minute by default.
            speed_estimate_period=_LOOK_BACK_S,
            disable=not console.is_terminal,
            # A line for a file must not be drawn on the terminal instead.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bars.add_task("loading the networks", total=n_images)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def follow(self, run: Generator[Progress | Step | Place, None, R], name: str, n_queries: int) -> R:
        """Drain a run while showing its stages, and the planes of a stack."""
        n_left = n_queries
        shown = name
        while True:
            try:
                event = next(run)
            except StopIteration as end:
                return cast("R", end.value)
            if isinstance(event, Place):
                n_left = n_queries
                shown = f"{name}, plane {event.number} of {event.total}" if event.total > 1 else name
                continue
            if isinstance(event, Step):
                n_left = len(event.survivors)
            self.describe(f"{describe_stage(event, n_left, n_queries)} ({shown})")

    def expect(self, n_images: int) -> None:
        """Say how many images there are, if that was not known at first."""
        self._bars.update(self._task, total=n_images)

    def describe(self, text: str) -> None:
        """Say beside the bar what is going on."""
        self._bars.update(self._task, description=text)

    def advance(self) -> None:
        """Count one image, segmented or failed."""
        self._bars.advance(self._task)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        click.echo(line)


def describe_stage(event: Progress | Step, n_left: int, n_queries: int) -> str:
    """Say where a run is: ``step 2: 3 of 5 queries left, classifying masks``."""
    if isinstance(event, Step):
        return f"step {event.index}: {n_left} of {n_queries} queries left"
    stage = _STAGES[event.stage]
    done = f" {event.done}/{event.total}" if event.total > 1 else ""
    if event.step == 0:
        return stage + done
    return f"step {event.step}: {n_left} of {n_queries} queries left, {stage}{done}"


def describe_result(segmentation: "Segmentation") -> str:
    """Say what was found: ``cat 0.93, sofa 0.55 (uncertain); not found: dog``."""
    ordered = sorted(segmentation.queries, key=lambda result: -result.score)
    found = [f"{result.text} {result.score:.2f}{_doubt(result.verdict)}" for result in ordered if result.has_mask]
    dropped = [f"{result.text}{_doubt(result.verdict)}" for result in ordered if not result.has_mask]
    return _describe(found, dropped)


def describe_labels(outcome: "Outcome") -> str:
    """Say what was found in an image: as :func:`describe_result`, and of a stack ``cat 0.93 in 2 of 12 planes``."""
    found, dropped = [], []
    for summary in sorted(outcome.summaries(), key=lambda summary: -summary.score):
        doubt = _doubt(summary.verdict)
        where = f" in {summary.n_found} of {summary.n_frames} planes" if summary.n_frames > 1 else ""
        if summary.n_found or summary.is_covered:
            found.append(f"{summary.text} {summary.score:.2f}{doubt}{where}")
        else:
            dropped.append(f"{summary.text}{doubt}")
    return _describe(found, dropped)


def _describe(found: list[str], dropped: list[str]) -> str:
    """Say what was found and what was not."""
    return (_listed(found) or "nothing found") + (f"; not found: {_listed(dropped)}" if dropped else "")


def _doubt(verdict: "Verdict") -> str:
    """Mark an uncertain verdict."""
    return " (uncertain)" if verdict == "uncertain" else ""


def _listed(texts: list[str], at_most: int = 8) -> str:
    """Join texts, counting those that are too many to be read."""
    hidden = len(texts) - at_most
    return ", ".join(texts[:at_most]) + (f" and {hidden} more" if hidden > 0 else "")
