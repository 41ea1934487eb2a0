"""A proposal: what a run, or a new threshold, would write into a label map, until a person accepts or discards it."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32
from numpy.typing import NDArray

from .frames import Frame, PlaneAxes
from .ledger import Indices, Ledger


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Pixels that would change, and to what.

    Parameters
    ----------
    indices : tuple of ndarray
        Index arrays, one per axis of the label map.
    values : ndarray, (n,), int32
    n_added, n_removed, n_protected : int
        Pixels that get another label than background, that become background, and that would change if they were not
        a person's.
    """

    indices: Indices
    values: Int32[np.ndarray, " n"]
    n_added: int
    n_removed: int
    n_protected: int

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class ProposedPlane:
    """New labels of the kept pixels of one frame.

    Parameters
    ----------
    frame : Frame
    labels : ndarray, int32
        Of the size of ``frame.kept``; 0 is background.
    """

    frame: Frame
    labels: Int32[np.ndarray, "H W"]


class Proposal:
    """New labels for one label map, frame by frame; a frame that comes again replaces the earlier one.

    Parameters
    ----------
    asked : collection of int
        Ids of the queries of the run. Labels of other queries are only painted over, never cleared.
    """

    def __init__(self, asked: Collection[int]) -> None:
        self._asked = np.array(sorted(asked), dtype=np.int32)
        self._planes: dict[Frame, ProposedPlane] = {}

    def __len__(self) -> int:
        return len(self._planes)

    @property
    def planes(self) -> tuple[ProposedPlane, ...]:
        """What is proposed, in the order in which it came."""
        return tuple(self._planes.values())

    def put(self, plane: ProposedPlane) -> None:
        """Add or replace the labels of a frame."""
        self._planes[plane.frame] = plane

    def change(
        self, labels: NDArray[np.signedinteger], axes: PlaneAxes, ledger: Ledger, *, protect: bool = True
    ) -> Change:
        """Return what accepting would do to a label map.

        Parameters
        ----------
        labels : ndarray
            The label map as it is now.
        axes : PlaneAxes
            Which of its axes the frames' rows and columns are.
        ledger : Ledger
            Tells which pixels are a person's.
        protect : bool
            Leave these alone.
        """
        parts = [self._plane_change(plane, labels, axes, ledger, protect) for plane in self.planes]
        indices = tuple(
            np.concatenate([part.indices[axis] for part in parts]) if parts else np.zeros(0, dtype=np.intp)
            for axis in range(len(axes.shape))
        )
        values = np.concatenate([part.values for part in parts]) if parts else np.zeros(0, dtype=np.int32)
        return Change(
            indices,
            values,
            sum(part.n_added for part in parts),
            sum(part.n_removed for part in parts),
            sum(part.n_protected for part in parts),
        )

    def _plane_change(
        self,
        proposed: ProposedPlane,
        labels: NDArray[np.signedinteger],
        axes: PlaneAxes,
        ledger: Ledger,
        protect: bool,
    ) -> Change:
        """Return the change of one plane."""
        frame = proposed.frame
        current = np.asarray(axes.plane(labels, frame.plane)[frame.kept.slices])
        differs: Bool[np.ndarray, "H W"] = (proposed.labels != current) & self._concerns(proposed.labels, current)
        human = axes.plane_of(ledger.human(labels, axes.index(frame.plane)))[frame.kept.slices]
        changes = differs & ~human if protect else differs
        rows, columns = np.nonzero(changes)
        values = proposed.labels[rows, columns]
        return Change(
            axes.coordinates(frame.plane, rows + frame.kept.top, columns + frame.kept.left),
            values,
            n_added=int(np.count_nonzero(values)),
            n_removed=int(np.count_nonzero(values == 0)),
            n_protected=int(np.count_nonzero(differs & human)) if protect else 0,
        )

    def _concerns(self, new: Int32[np.ndarray, "H W"], current: NDArray[np.signedinteger]) -> Bool[np.ndarray, "H W"]:
        """Return where the run has a say: where it found something, or where a label of its queries stands."""
        return np.asarray((new != 0) | np.isin(current, self._asked))
