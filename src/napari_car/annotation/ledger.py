"""What the program wrote into a label map, so that what a person changed is known and protected."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Int32, Integer
from numpy.typing import NDArray

Index = tuple[int | slice, ...]
"""A block of a label map: the index of a plane, and slices along its axes."""

UNKNOWN = -1
"""Stands where a pixel is known to be a person's, but not what the program wrote there; no label has this value."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One write of the program, which can be taken back.

    Parameters
    ----------
    index : tuple of int and slice
        The block that was written to.
    before, after : ndarray of int
        What the ledger held there.
    """

    index: Index
    before: NDArray[np.integer]
    after: NDArray[np.integer]


class Ledger:
    """The labels that the program wrote last, pixel by pixel.

    A pixel belongs to a person if its label is not the one that the program wrote there last. So any kind of edit
    counts, and an edit that was undone does not. The program never writes over a person's pixels, so what it had
    written below them stays in the ledger, and they stay a person's however often queries are run again.

    Parameters
    ----------
    written : ndarray, int32
        Of the label map's shape; kept, not copied.
    """

    def __init__(self, written: Int32[np.ndarray, "..."]) -> None:
        self._written = written

    @classmethod
    def restored(
        cls,
        labels: NDArray[Any],
        human: Bool[np.ndarray, "..."],
        automatic: Integer[np.ndarray, "..."] | None = None,
    ) -> Self:
        """Return the ledger of a label map of which it is known which pixels are a person's.

        Parameters
        ----------
        labels : ndarray of int
            The label map.
        human : ndarray of bool
            Which of its pixels are a person's; nothing else decides that.
        automatic : ndarray of int, optional
            What the program wrote last, which counts at a person's pixels only; it is not known where it is equal to
            the label there. By default it is known of none of them.
        """
        written = np.array(labels, dtype=np.int32)
        written[human] = UNKNOWN
        if automatic is not None:
            np.copyto(written, automatic, where=human & (automatic != labels))
        return cls(written)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the label map."""
        return self._written.shape

    def human(self, labels: NDArray[Any], index: Any = ...) -> Bool[np.ndarray, "..."]:
        """Return which pixels of a label map, or of a part of it, are a person's.

        Parameters
        ----------
        labels : ndarray
            The label map as it is now, whole.
        index : index, optional
            Any index of numpy that chooses the part.
        """
        return np.asarray(np.asarray(labels[index]) != self._written[index])

    def automatic(self, index: Any = ...) -> Int32[np.ndarray, "..."]:
        """Return the labels that the program wrote last, or a part of them; UNKNOWN where that is not known.

        Parameters
        ----------
        index : index, optional
            Any index of numpy that chooses the part; where it gives a view, what is returned is one that cannot be
            written to.
        """
        labels: NDArray[np.int32] = np.asarray(self._written[index])
        labels.flags.writeable = False
        return labels

    def write(self, index: Index, labels: NDArray[np.integer], where: Bool[np.ndarray, "..."]) -> Entry:
        """Note what the program writes; return the entry by which that can be taken back.

        Parameters
        ----------
        index : tuple of int and slice
            A block of the label map.
        labels : ndarray of int
            Of the block's shape.
        where : ndarray of bool
            Which pixels of the block are written.
        """
        before = self._written[index]
        after = np.where(where, labels, before)
        entry = Entry(index, compact(before), compact(after))
        self._written[index] = after
        return entry

    def take_back(self, entry: Entry) -> None:
        """Forget a write, because it was undone."""
        self._written[entry.index] = entry.before

    def repeat(self, entry: Entry) -> None:
        """Note a write again, because it was redone."""
        self._written[entry.index] = entry.after


def compact(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return a copy of labels in as few bytes as their numbers need; histories hold many."""
    return labels.astype(np.result_type(np.min_scalar_type(labels.min()), np.min_scalar_type(labels.max())))
