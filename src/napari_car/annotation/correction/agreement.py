"""How far the labels of a query are still those that the program wrote."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Integer
from numpy.typing import NDArray

from napari_car.annotation.ledger import UNKNOWN

from .instance_table import InstanceTable, as_queries

_BAND = 256  # rows that are counted at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The automatic and the corrected mask of a query, in pixels.

    Parameters
    ----------
    n_automatic, n_corrected, n_both : int
        Pixels of the automatic mask, of the mask as it is now, and of both.
    n_unknown : int
        Pixels of all labels of which it is not known what the program wrote; they are not in the other counts. So up
        to as many may have been added or removed besides.
    """

    n_automatic: int = 0
    n_corrected: int = 0
    n_both: int = 0
    n_unknown: int = 0
    n_human: int = 0
    n_now: int = 0

    @property
    def n_added(self) -> int:
        """Pixels that a person added."""
        return self.n_corrected - self.n_both

    @property
    def n_removed(self) -> int:
        """Pixels that a person removed."""
        return self.n_automatic - self.n_both

    @property
    def iou(self) -> float:
        """Intersection over union, in [0, 1]; 1 if both masks are empty."""
        n_either = self.n_automatic + self.n_corrected - self.n_both
        return self.n_both / n_either if n_either else 1.0

    @property
    def human_share(self) -> float:
        """Share of the mask's pixels that are a person's, in [0, 1]; 0 if it is empty."""
        return self.n_human / self.n_now if self.n_now else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it; the IoU and the share with four digits."""
        return {
            "iou": round(self.iou, 4),
            "n_added": self.n_added,
            "n_removed": self.n_removed,
            "n_automatic": self.n_automatic,
            "n_corrected": self.n_corrected,
            "n_unknown": self.n_unknown,
            "human_share": round(self.human_share, 4),
        }


def measure_agreement(
    automatic: Integer[np.ndarray, "*axes H W"],
    labels: Integer[np.ndarray, "*axes H W"],
    query_ids: Collection[int],
    instances: InstanceTable | None = None,
) -> dict[int, Agreement]:
    """Compare the automatic masks of queries with the masks as they are now.

    Parameters
    ----------
    automatic : ndarray, (..., H, W), int
        Labels that the program wrote last; see :meth:`Ledger.automatic`.
    labels : ndarray, (..., H, W), int
        Labels as they are.
    query_ids : collection of int
        Ids of the queries.
    instances : InstanceTable, optional
        Its instances count as their queries, in both.

    Returns
    -------
    dict of int to Agreement
        By query, in the order given; of one that is in neither, all counts are 0 and the IoU is 1.
    """
    n_labels = max(query_ids, default=0) + 2  # the last stands for all others
    n_automatic, n_corrected, n_both, n_human, n_now = np.zeros((5, n_labels), dtype=np.int64)
    n_unknown = 0
    for old, new in zip(_bands(automatic), _bands(labels), strict=True):
        if not old.any() and not new.any():
            continue
        is_known = old != UNKNOWN
        now = np.clip(as_queries(new, instances), 0, n_labels - 1)
        before, after = np.clip(as_queries(old[is_known], instances), 0, n_labels - 1), now[is_known]
        n_now += np.bincount(now.ravel(), minlength=n_labels)
        n_human += np.bincount(now[~is_known], minlength=n_labels)
        n_human += np.bincount(after[before != after], minlength=n_labels)
        n_unknown += old.size - before.size
        n_automatic += np.bincount(before, minlength=n_labels)
        n_corrected += np.bincount(after, minlength=n_labels)
        n_both += np.bincount(before[before == after], minlength=n_labels)
    return {
        id_: Agreement(
            n_automatic=int(n_automatic[id_]),
            n_corrected=int(n_corrected[id_]),
            n_both=int(n_both[id_]),
            n_unknown=n_unknown,
            n_human=int(n_human[id_]),
            n_now=int(n_now[id_]),
        )
        for id_ in query_ids
    }


def _bands(labels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield some rows of a plane after others, (h, W)."""
    for plane in np.ndindex(labels.shape[:-2]):
        for top in range(0, labels.shape[-2], _BAND):
            yield labels[plane][top : top + _BAND]
