"""Repeat the runs that labels come from, and compare what the program wrote then with what it writes now."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int32

from napari_car.errors import DocumentError
from napari_car.results import CheckpointIdentity, Progress, Step

from .correction.instance_table import as_queries
from .frames import Frame, PlaneAxes
from .label_layer import LabelLayer
from .layer_reading import read_instances, read_ledger
from .ledger import UNKNOWN, Ledger
from .proposal import Proposal, ProposedPlane
from .recorded_frame import RecordedFrame, hash_picture
from .recorded_run import RecordedRun, read_run
from .shown_image import ShownImage
from .slice_states import SliceStates
from .survey import TOGETHER, label_by_list, paint_frame

if TYPE_CHECKING:
    from napari_car.segmentation import Segmentation
    from napari_car.segmenter import Segmenter

FindSegmenter = Callable[[RecordedRun], "Segmenter"]
"""Returns the networks of a run, or raises CheckpointError or ConfigError if they are not to be had."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reproduction:
    """The automatic part of a label layer, made again.

    Parameters
    ----------
    labels : ndarray of int32
        What the runs write now, of the layer's shape.
    n_px : int
        Pixels of which it is known what the program wrote then.
    n_differing : Mapping of int to int
        Of each label, how many of these have it in one of both, but not in the other; without those labels of which
        all pixels are the same.
    n_changed : int
        Pixels that differ, each counted once.
    n_runs : int
    notes : tuple of str
        What is not as it was then, and may explain differences, in sentences.
    """

    labels: Int32[np.ndarray, "..."]
    n_px: int
    n_differing: Mapping[int, int]
    n_changed: int
    n_runs: int
    notes: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Whether no pixel differs."""
        return not self.n_changed


def reproduce_layer(
    layer: LabelLayer, image: Path, find_segmenter: FindSegmenter
) -> Generator[Progress | Step, None, Reproduction]:
    """Repeat the runs of a label layer; closing the generator stops it.

    What several runs wrote is put together as the window does when all of their proposals are accepted: a run replaces
    the labels of the queries that it asked for, and what it found lies on top.

    Parameters
    ----------
    layer : LabelLayer
    image : Path
        File of the image.
    find_segmenter : callable

    Yields
    ------
    Progress, Step
        As :meth:`napari_car.Segmenter.run` does.

    Raises
    ------
    DocumentError
        If the runs cannot be repeated; the text is the reason only.
    CheckpointError, ConfigError, ImageError, ResourceError
        If networks or image are not to be had.
    """
    runs = _read_runs(layer)
    comparison = _Comparison.of(layer)
    made = np.zeros(layer.shape, dtype=np.int32)
    notes: list[str] = []
    for run in runs:
        shown = ShownImage.open(image, run.image, run.frames[0], run.config.compute.max_side_px)
        if shown.axes.shape != layer.shape:
            raise DocumentError("the image of the run is not of the size of the labels")
        segmenter, states = find_segmenter(run), SliceStates(run.config)
        for recorded in run.frames:
            result = yield from _segment(run, recorded, shown, segmenter, states)
            if not notes:
                notes += _find_changes(run, result)
            _write(made, shown.axes, recorded.frame, result, layer.provenance.get("query", TOGETHER))
        comparison.see(made)
    return Reproduction(
        labels=made,
        n_px=int(np.count_nonzero(comparison.is_known)),
        n_differing=comparison.count_by_label(made),
        n_changed=int(np.count_nonzero(comparison.differs(made))),
        n_runs=len(runs),
        notes=tuple(notes),
    )


def _read_runs(layer: LabelLayer) -> list[RecordedRun]:
    """Return the runs that a layer comes from, at least one."""
    runs = layer.provenance.get("runs")
    if not runs:
        raise DocumentError("no run of the program is noted in it")
    if not isinstance(runs, Sequence):
        raise DocumentError("its runs cannot be read")
    return [read_run(run) for run in runs]


@dataclass(slots=True, eq=False)
class _Comparison:
    """What the program wrote then, as far as it is known."""

    written: Int32[np.ndarray, "..."]
    is_known: Bool[np.ndarray, "..."]
    is_human: Bool[np.ndarray, "..."]
    was_seen: Bool[np.ndarray, "..."]
    """Where one of the runs has written the same."""

    @classmethod
    def of(cls, layer: LabelLayer) -> "_Comparison":
        """Read a layer."""
        ledger, labels = read_ledger(layer), np.asarray(layer.labels[...], dtype=np.int32)
        written = ledger.automatic()
        is_known = written != UNKNOWN
        if not is_known.any():
            raise DocumentError("all of its labels are a person's")
        as_asked = as_queries(np.where(is_known, written, 0), read_instances(layer))
        return cls(
            np.asarray(as_asked, dtype=np.int32), is_known, ledger.human(labels), np.zeros(layer.shape, dtype=bool)
        )

    def see(self, made: Int32[np.ndarray, "..."]) -> None:
        """Note what stands after one of the runs: below a person's pixels, later runs have written nothing."""
        self.was_seen |= made == self.written

    def differs(self, made: Int32[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
        """Return which pixels are not as they were."""
        is_other = np.where(self.is_human, ~self.was_seen, made != self.written)
        return np.asarray(is_other & self.is_known)

    def count_by_label(self, made: Int32[np.ndarray, "..."]) -> dict[int, int]:
        """Return how many pixels of each label differ."""
        where = self.differs(made)
        both = np.concatenate([self.written[where], made[where]])
        labels, counts = np.unique(both[both != 0], return_counts=True)
        return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def _segment(
    run: RecordedRun, recorded: RecordedFrame, shown: ShownImage, segmenter: "Segmenter", states: SliceStates
) -> "Generator[Progress | Step, None, Segmentation]":
    """Segment a frame as it was, and decide as it was decided."""
    picture = shown.render(recorded.frame)
    if recorded.picture and hash_picture(picture) != recorded.picture:
        raise DocumentError("a part of the picture is not as the run saw it: the image was changed since")
    result = yield from segmenter.run(picture, run.sheet.queries, run.config, states.of(recorded.frame))
    for decision in recorded.decisions:
        result = yield from result.redeciding(
            score_threshold=decision.score_threshold, mask_threshold=decision.mask_threshold, crf=decision.crf
        )
    return label_by_list(result, run.sheet.queries, run.sheet.query_ids).sized(recorded.frame.box.size_px)


def _write(made: Int32[np.ndarray, "..."], axes: PlaneAxes, frame: Frame, result: "Segmentation", query: Any) -> None:
    """Write the labels of a frame, by the rules of a proposal that is accepted."""
    painted = paint_frame(result, frame, "together" if query == TOGETHER else "apart")
    labels = painted.get(query)
    if labels is None:
        raise DocumentError("the run did not ask for the query of the layer")
    proposal = Proposal([found.id for found in result.queries])
    ledger = Ledger(made)
    proposal.put(ProposedPlane(frame, labels), made, axes, ledger)
    for change in proposal.changes(made, axes, ledger):
        made[change.index][change.where] = change.labels[change.where]


def _find_changes(run: RecordedRun, result: "Segmentation") -> list[str]:
    """Say what is not as it was, though the networks are the same."""
    now = result.provenance
    notes = [
        f"{name} was {version}, and is {now.versions.get(name, 'not there')}."
        for name, version in run.versions.items()
        if now.versions.get(name) != version
    ]
    for role, before, after in (("f", run.f, now.f), ("g", run.g, now.g), ("SAM", run.sam, now.sam)):
        if before is not None and after is not None and _place(before) != _place(after):
            notes.append(f"{role} ran on {_place(before)}, and now on {_place(after)}.")
    return notes


def _place(network: CheckpointIdentity) -> str:
    """Say where a network ran, and how."""
    return f"{network.device} in {network.precision}"
