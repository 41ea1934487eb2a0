"""From what a person points at to what becomes of a label, on planes of any size."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from napari_car.annotation.boxes import box_of, find_box, union
from napari_car.annotation.frames import Box
from napari_car.recent import Recent
from napari_car.results import Progress
from napari_car.sam.prompts import MaskPredictor, OpenImage, Prediction
from napari_car.sam.resizing import resized

from .attempt import Attempt
from .pointing import Pointing
from .target import find_target
from .window import Window, choose_window

_MAX_REMEMBERED = 16  # answers; of older ones the way to them is gone through again

Render = Callable[[Box, int], UInt8[np.ndarray, "h w 3"]]
"""Paints a part of the plane, RGB, at full resolution, or smaller if its longer side has at least so many px."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a predictor makes of an attempt.

    Parameters
    ----------
    window : Window
        The part of the plane that was looked at.
    target : ndarray, (H, W), bool
        The parts of the label in the window that are corrected; see :func:`~.target.find_target`.
    masks : ndarray, (C, H, W), bool
        What they become: candidates, the best first, of the window's size.
    prediction : Prediction
        The same at the size of the window's picture.
    """

    window: Window
    target: Bool[np.ndarray, "H W"]
    masks: Bool[np.ndarray, "C H W"]
    prediction: Prediction

    @property
    def scores(self) -> Float[np.ndarray, " C"]:
        """The predictor's estimate of each candidate's IoU with the object, in [0, 1]."""
        return self.prediction.scores

    def candidate_of(self, attempt: Attempt) -> int:
        """Return which candidate an attempt chooses: the best, if there are fewer now that others are asked about."""
        return attempt.candidate if attempt.candidate < len(self.masks) else 0


class Corrector:
    """Answers attempts at one label of one plane.

    The answer depends on the attempt, the labels and the image only, not on what was asked before: so an attempt that
    was undone and is repeated has the same answer.

    Parameters
    ----------
    predictor : MaskPredictor
    render : callable
        Paints parts of the plane.
    labels : ndarray, (H, W), int
        The plane; not changed here, and by nobody else as long as the corrector is used.
    id_ : int
        The label that is corrected; it need not be there yet.
    """

    def __init__(self, predictor: MaskPredictor, render: Render, labels: NDArray[np.signedinteger], id_: int) -> None:
        self._predictor, self._render = predictor, render
        self._labels, self._id = labels, id_
        self._whole = Box(0, 0, *labels.shape)
        self._own: tuple[Box, Bool[np.ndarray, "h w"]] | None = None
        self._answers: Recent[Answer] = Recent()
        self._opened: Recent[OpenImage] = Recent()

    def correct(self, attempt: Attempt) -> Generator[Progress, None, Answer]:
        """Answer an attempt; yields while the predictor looks at the image, and can be closed then.

        Raises
        ------
        PromptError
            If nothing was pointed at.
        ImageError, ResourceError
            If the image cannot be painted or looked at.
        """
        steps: list[Attempt] = []
        step: Attempt | None = attempt
        answer: Answer | None = None
        while step is not None and (answer := self._answers.get(step)) is None:
            steps.append(step)
            step = step.before
        for step in reversed(steps):
            answer = yield from self._answer(step, answer)
            self._answers.put(step, answer, _MAX_REMEMBERED)
        assert answer is not None
        return answer

    def _answer(self, attempt: Attempt, before: Answer | None) -> Generator[Progress, None, Answer]:
        """Answer an attempt, given the answer to the one before."""
        pointing = attempt.pointing
        place, parts = self._find_target(pointing)
        focus = union([box for box in (pointing.extent, place) if not box.is_empty]).clipped(self._whole)
        is_in_view = before is not None and before.window.contains(focus)
        window = before.window if before is not None and is_in_view else self._choose_window(focus)
        target = np.zeros(window.box.size_px, dtype=bool)
        if not place.is_empty:
            target[place.relative_to(window.box).slices] = parts
        opened = yield from self._open(window)
        prompts = window.prompts(pointing, target if target.any() else None)
        if before is not None and before.window == window and np.array_equal(before.target, target):
            assert attempt.before is not None
            prompts = replace(prompts, logits=before.prediction.logits[before.candidate_of(attempt.before)])
        prediction = opened.predict(prompts)
        masks = np.stack([window.enlarge(mask, target) for mask in prediction.masks])
        return Answer(window, target, masks, prediction)

    def _find_target(self, pointing: Pointing) -> tuple[Box, Bool[np.ndarray, "h w"]]:
        """Return the parts of the label that are meant, in the smallest box around them."""
        if self._own is None:
            box = find_box(self._labels, self._id)
            self._own = box, np.asarray(self._labels[box.slices] == self._id)
        box, own = self._own
        target = find_target(own, pointing, (box.top, box.left))
        place = box_of(target)
        return place.moved(box.top, box.left), target[place.slices]

    def _choose_window(self, focus: Box) -> Window:
        """Return what is looked at; something, too, if all that was pointed at lies beside the plane."""
        return choose_window(self._whole, Box(0, 0, 1, 1) if focus.is_empty else focus)

    def _open(self, window: Window) -> Generator[Progress, None, OpenImage]:
        """Let the predictor look at a window, unless it just has."""
        opened = self._opened.get(window)
        if opened is None:
            image = self._render(window.box, max(window.picture_px))
            opened = yield from self._predictor.open(resized(image, window.picture_px))
        self._opened.put(window, opened, 1)
        return opened
