"""What a worker thread does for a correction: load a predictor, look at the image, predict, and say what changes."""

import threading
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, UInt8
from numpy.typing import NDArray

from napari_car.annotation.engine import SamRequest
from napari_car.annotation.frames import Box, Frame
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.predictors import PREDICTORS, Predictors
from napari_car.annotation.progress import Status
from napari_car.annotation.prompting.attempt import Attempt
from napari_car.annotation.prompting.corrector import Answer, Corrector
from napari_car.annotation.prompting.target import find_spared, relabel
from napari_car.gui.label_target import LabelTarget
from napari_car.gui.sources import ImageSource


@dataclass(slots=True, eq=False)
class Task:
    """The correction of one label on one plane, by one predictor; what was computed for it is kept here.

    Parameters
    ----------
    target : LabelTarget
    source : ImageSource
        The image below.
    ledger : Ledger or None
        Tells a person's pixels; None where they are not known.
    sam : SamRequest or None
        None: without a network.
    predictors : Predictors
    """

    target: LabelTarget
    source: ImageSource
    ledger: Ledger | None
    sam: SamRequest | None
    predictors: Predictors = PREDICTORS
    corrector: Corrector | None = None

    def render(self, box: Box, max_side_px: int) -> UInt8[np.ndarray, "h w 3"]:
        """Paint a part of the plane as the canvas shows it."""
        rgb, _ = self.source.render(Frame(self.target.plane, box, box), max_side_px)
        return rgb

    def human(self, box: Box) -> Bool[np.ndarray, "h w"] | None:
        """Return which pixels of a part of the plane are a person's; None if that is not known."""
        if self.ledger is None:
            return None
        axes = self.target.axes
        return np.asarray(axes.plane_of(self.ledger.human(self.target.layer.data, axes.index(self.target.plane, box))))


@dataclass(frozen=True, slots=True)
class Consideration:
    """What a correction leaves alone.

    Parameters
    ----------
    keeps_others : bool
        Pixels of other labels.
    keeps_human : bool
        A person's pixels that were not pointed at.
    """

    keeps_others: bool = True
    keeps_human: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What accepting an attempt would do.

    Parameters
    ----------
    attempt : Attempt
    answer : Answer
    changes : ndarray, (H, W), bool
        Which pixels of the answer's window change.
    n_human, n_others : int
        Pixels that would change if they were not a person's, and if they had not another label.
    """

    attempt: Attempt
    answer: Answer
    changes: Bool[np.ndarray, "H W"]
    n_human: int
    n_others: int

    @property
    def candidate(self) -> int:
        """Number of the chosen candidate."""
        return self.answer.candidate_of(self.attempt)

    @property
    def mask(self) -> Bool[np.ndarray, "H W"]:
        """The chosen candidate."""
        return np.asarray(self.answer.masks[self.candidate])

    @property
    def added(self) -> Bool[np.ndarray, "H W"]:
        """Which pixels get the label."""
        return np.asarray(self.changes & self.mask)

    @property
    def removed(self) -> Bool[np.ndarray, "H W"]:
        """Which pixels become background."""
        return np.asarray(self.changes & ~self.mask)

    def labels(self, id_: int) -> Int32[np.ndarray, "H W"]:
        """Return new labels; they count where pixels change."""
        return np.where(self.mask, np.int32(id_), np.int32(0))


def correct(
    task: Task, attempt: Attempt, consideration: Consideration, is_stopped: threading.Event
) -> Generator[Status | Preview, None, None]:
    """Answer an attempt; ends early, between two pieces of work, once ``is_stopped`` is set."""
    if task.corrector is None:
        if task.sam is not None and not task.predictors.is_loaded(task.sam):
            yield Status(f"Loading {task.sam.name}", 0.0)
        predictor = task.predictors.predictor(task.sam)
        task.corrector = Corrector(predictor, task.render, task.target.labels, task.target.id_)
    answering = task.corrector.correct(attempt)
    while not is_stopped.is_set():
        try:
            progress = next(answering)
        except StopIteration as end:
            yield _preview(task, attempt, end.value, consideration)
            return
        yield Status("Looking at the image", progress.done / progress.total)
    answering.close()


def _preview(task: Task, attempt: Attempt, answer: Answer, consideration: Consideration) -> Preview:
    """Return what the chosen candidate changes."""
    box, mask = answer.window.box, answer.masks[answer.candidate_of(attempt)]
    labels: NDArray[np.signedinteger] = task.target.labels[box.slices]
    human = task.human(box) if consideration.keeps_human else None
    all_changes = relabel(labels, task.target.id_, answer.target, mask, keeps_others=False)
    wanted = relabel(labels, task.target.id_, answer.target, mask, keeps_others=consideration.keeps_others)
    changes = wanted & ~find_spared(wanted, human, attempt.pointing.pixels(box)) if human is not None else wanted
    n_others, n_human = (int(np.count_nonzero(kept)) for kept in (all_changes & ~wanted, wanted & ~changes))
    return Preview(attempt, answer, changes, n_human=n_human, n_others=n_others)
