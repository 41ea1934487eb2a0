"""The mask of a query as a table of results tells of it: whose work it is, how far it was changed, and its area."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from .agreement import Agreement, measure_agreement
from .instance_table import InstanceTable
from .label_state import LabelState, tell_states


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskState:
    """The mask of a query.

    Parameters
    ----------
    state : {"automatic", "edited", "checked"}
    agreement : Agreement
        With the automatic mask.
    is_outdated : bool
        Whether it was checked, and has changed since.
    """

    state: LabelState
    agreement: Agreement
    is_outdated: bool = False

    @property
    def area_px(self) -> int:
        """Its pixels, those of its instances among them."""
        return self.agreement.n_now


def examine_masks(
    automatic: Integer[np.ndarray, "*axes H W"],
    labels: Integer[np.ndarray, "*axes H W"],
    query_ids: Collection[int],
    checked: Mapping[int, str],
    instances: InstanceTable | None = None,
) -> dict[int, MaskState]:
    """Return the state of the mask of each query.

    Parameters
    ----------
    automatic : ndarray, (..., H, W), int
        Labels that the program wrote last; see :meth:`Ledger.automatic`.
    labels : ndarray, (..., H, W), int
        Labels as they are.
    query_ids : collection of int
        Ids of the queries.
    checked : mapping of int to str
        Digest of the labels of each query that was checked; see :func:`digest_labels`.
    instances : InstanceTable, optional
        Its instances count as their queries.

    Returns
    -------
    dict of int to MaskState
        By query, in the order given.
    """
    states = tell_states(automatic, labels, query_ids, checked, instances)
    agreements = measure_agreement(automatic, labels, query_ids, instances)
    return {
        id_: MaskState(
            state=state,
            agreement=agreements[id_],
            is_outdated=id_ in checked and state != "checked",
        )
        for id_, state in states.items()
    }


def describe_mask(mask: MaskState) -> str:
    """Say in sentences what a state means, and how far the mask is still the automatic one."""
    agreement = mask.agreement
    sentences = [_OUTDATED if mask.is_outdated else _MEANINGS[mask.state]]
    if agreement.n_added or agreement.n_removed:
        sentences.append(
            f"IoU {agreement.iou:.2f} with the automatic mask; {agreement.n_added:,} px added, "
            f"{agreement.n_removed:,} px removed."
        )
    if agreement.n_unknown:
        sentences.append(
            f"{agreement.n_unknown:,} px of the layer do not count: a person changed them, and what the program wrote "
            "there is not known."
        )
    return " ".join(sentences)


_MEANINGS: Mapping[LabelState, str] = {
    "automatic": "As the program wrote it.",
    "edited": "Changed by hand.",
    "checked": "Marked as checked: a person said that it is right.",
}
_OUTDATED = "Changed since it was marked as checked."
