"""A proposal: what a run, or a new threshold, would write into a label map, until a person accepts or discards it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Bool, Int32
from numpy.typing import NDArray

from .boxes import box_of
from .correction.instance_table import InstanceTable, as_queries
from .frames import Frame, PlaneAxes
from .ledger import Index, Ledger


@dataclass(frozen=True, slots=True)
class ProposalSummary:
    """What accepting a proposal would do, in pixels.

    Parameters
    ----------
    n_added, n_removed, n_protected : int
        Pixels that get another label than background, that become background, and that would change if they were not
        a person's.
    """

    n_added: int = 0
    n_removed: int = 0
    n_protected: int = 0

    def __bool__(self) -> bool:
        """Tell whether anything would change, if only pixels were not protected."""
        return bool(self.n_added or self.n_removed or self.n_protected)

    @classmethod
    def total(cls, parts: Iterable["ProposalSummary"]) -> Self:
        """Return the sum."""
        counts = [(part.n_added, part.n_removed, part.n_protected) for part in parts]
        return cls(*map(sum, zip(*counts, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What happens to a block of a label map.

    Parameters
    ----------
    index : tuple of int and slice
        The block, which is a part of one plane.
    labels : ndarray, int32
        New labels, in the order of the label map's axes.
    where : ndarray of bool
        Which pixels get them; the others stay as they are.
    """

    index: Index
    labels: Int32[np.ndarray, "h w"]
    where: Bool[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True, eq=False)
class ProposedPlane:
    """New labels of the kept pixels of one frame.

    Parameters
    ----------
    frame : Frame
    labels : ndarray, int32
        Of the size of ``frame.kept``; 0 is background.
    cleared : ndarray of bool, optional
        Which pixels would become background; known once it is put into a proposal.
    """

    frame: Frame
    labels: Int32[np.ndarray, "H W"]
    cleared: Bool[np.ndarray, "H W"] | None = None


class Proposal:
    """New labels for one label map, frame by frame; a frame that comes again replaces the earlier one.

    Runs know queries only. So an instance counts as its query: where a run finds the query again, the instance stays.

    Parameters
    ----------
    asked : collection of int
        Ids of the queries of the run. Labels of other queries are only painted over, never cleared.
    """

    def __init__(self, asked: Collection[int]) -> None:
        # A table is ten times faster than a search; its last place stands for all ids beyond.
        self._is_asked = np.zeros(max(asked, default=0) + 2, dtype=bool)
        self._is_asked[list(asked)] = True
        self._planes: dict[Frame, ProposedPlane] = {}
        self._effects: dict[Frame, ProposalSummary] = {}

    def __len__(self) -> int:
        return len(self._planes)

    @property
    def planes(self) -> tuple[ProposedPlane, ...]:
        """What is proposed, in the order in which it came."""
        return tuple(self._planes.values())

    @property
    def summary(self) -> ProposalSummary:
        """What it would have done to the label map, each plane as the map was when it was put."""
        return ProposalSummary.total(self._effects.values())

    def put(
        self,
        plane: ProposedPlane,
        labels: NDArray[np.signedinteger],
        axes: PlaneAxes,
        ledger: Ledger,
        instances: InstanceTable | None = None,
    ) -> ProposalSummary:
        """Add or replace the labels of a frame; what would change nothing is not kept.

        Parameters
        ----------
        plane : ProposedPlane
        labels, axes, ledger, instances
            As for :meth:`changes`.

        Returns
        -------
        ProposalSummary
            What the plane would do, if a person's pixels are left alone.
        """
        differs, human = self._differences(plane, labels, axes, ledger, instances)
        changes = differs & ~human
        n_added = int(np.count_nonzero(changes & (plane.labels != 0)))
        effect = ProposalSummary(
            n_added=n_added,
            n_removed=int(np.count_nonzero(changes)) - n_added,
            n_protected=int(np.count_nonzero(differs & human)),
        )
        self._planes.pop(plane.frame, None)
        self._effects.pop(plane.frame, None)
        if effect:
            self._planes[plane.frame] = replace(plane, cleared=changes & (plane.labels == 0))
            self._effects[plane.frame] = effect
        return effect

    def changes(
        self,
        labels: NDArray[np.signedinteger],
        axes: PlaneAxes,
        ledger: Ledger,
        instances: InstanceTable | None = None,
        *,
        protect: bool = True,
    ) -> tuple[Change, ...]:
        """Return what accepting would do to a label map: one change for each frame in which there is any.

        Parameters
        ----------
        labels : ndarray
            The label map as it is now.
        axes : PlaneAxes
            Which of its axes the frames' rows and columns are.
        ledger : Ledger
            Tells which pixels are a person's.
        instances : InstanceTable, optional
            Tells which of its labels are instances.
        protect : bool
            Leave these alone.
        """
        changes = []
        for plane in self.planes:
            differs, human = self._differences(plane, labels, axes, ledger, instances)
            where = differs & ~human if protect else differs
            if where.any():
                part = box_of(where)
                kept = plane.frame.kept
                index = axes.index(plane.frame.plane, part.moved(kept.top, kept.left))
                block = part.slices
                changes.append(Change(index, axes.plane_of(plane.labels[block]), axes.plane_of(where[block])))
        return tuple(changes)

    def _differences(
        self,
        proposed: ProposedPlane,
        labels: NDArray[np.signedinteger],
        axes: PlaneAxes,
        ledger: Ledger,
        instances: InstanceTable | None,
    ) -> tuple[Bool[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        """Return where a plane would change the label map, and where that is a person's."""
        frame = proposed.frame
        current = as_queries(np.asarray(axes.plane(labels, frame.plane, frame.kept)), instances)
        differs = (proposed.labels != current) & self._concerns(proposed.labels, current)
        return differs, axes.plane_of(ledger.human(labels, axes.index(frame.plane, frame.kept)))

    def _concerns(self, new: Int32[np.ndarray, "H W"], current: NDArray[np.integer]) -> Bool[np.ndarray, "H W"]:
        """Return where the run has a say: where it found something, or where a label of its queries stands."""
        has_asked = self._is_asked[np.clip(current, 0, len(self._is_asked) - 1)]
        return np.asarray((new != 0) | has_asked)
