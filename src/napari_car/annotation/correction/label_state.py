"""What of a label is a person's work: nothing, some pixels, or the decision that it is right."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from jaxtyping import Integer
from numpy.typing import NDArray

from napari_car.annotation.boxes import find_boxes
from napari_car.annotation.ledger import UNKNOWN

from .instance_table import InstanceTable, as_queries

LabelState = Literal["automatic", "edited", "checked"]
"""As the program wrote it; changed by a person; said by a person to be right as it is."""

_DIGEST_BYTES = 16


def tell_states(
    automatic: Integer[np.ndarray, "*axes H W"],
    labels: Integer[np.ndarray, "*axes H W"],
    ids: Collection[int],
    checked: Mapping[int, str],
    instances: InstanceTable | None = None,
) -> dict[int, LabelState]:
    """Return the states of labels.

    Parameters
    ----------
    automatic : ndarray, (..., H, W), int
        Labels that the program wrote last; see :meth:`Ledger.automatic`.
    labels : ndarray, (..., H, W), int
        Labels as they are.
    ids : collection of int
        Labels in question.
    checked : mapping of int to str
        Digest of each label that was checked, at that time; see :func:`digest_labels`.
    instances : InstanceTable, optional
        If given, its instances count as their queries, and `ids` are those of queries.

    Returns
    -------
    dict of int to {"automatic", "edited", "checked"}
        By label, in the order given. One that was checked and changed since is "edited", until it is as it was, after
        undo for example, or is checked again. One that is nowhere, and never was, is "automatic".
    """
    edited = find_edited(automatic, labels, instances)
    digests = digest_labels(labels, [id_ for id_ in ids if id_ in checked], instances)
    states: dict[int, LabelState] = {}
    for id_ in ids:
        if id_ in checked and digests[id_] == checked[id_]:
            states[id_] = "checked"
        else:
            states[id_] = "edited" if id_ in edited or id_ in checked else "automatic"
    return states


def digest_labels(
    labels: Integer[np.ndarray, "*axes H W"], ids: Collection[int], instances: InstanceTable | None = None
) -> dict[int, str]:
    """Return a digest of the pixels of each label: it changes if one is added or removed.

    Parameters
    ----------
    labels : ndarray, (..., H, W), int
    ids : collection of int
        Labels in question; one that is nowhere has a digest, too.
    instances : InstanceTable, optional
        As for :func:`tell_states`.

    Returns
    -------
    dict of int to str
        32 hexadecimal digits by label, in the order given, the same on all machines.
    """
    hashes = {id_: hashlib.blake2b(repr(labels.shape).encode(), digest_size=_DIGEST_BYTES) for id_ in ids}
    for index in np.ndindex(labels.shape[:-2]) if hashes else ():
        plane = as_queries(labels[index], instances)
        for id_, box in find_boxes(plane, hashes.keys()).items():
            hashes[id_].update(repr((index, box.top, box.left, box.bottom, box.right)).encode())
            hashes[id_].update(np.packbits(plane[box.slices] == id_).tobytes())
    return {id_: digest.hexdigest() for id_, digest in hashes.items()}


def find_edited(
    automatic: Integer[np.ndarray, "*axes H W"],
    labels: Integer[np.ndarray, "*axes H W"],
    instances: InstanceTable | None = None,
) -> set[int]:
    """Return the labels, 0 among them, to which a person added pixels, or from which one removed some.

    Where it is not known what the program wrote, this is only said of the label that is there now.
    """
    edited: set[int] = set()
    for old, new in zip(_planes(automatic), _planes(labels), strict=True):
        is_human = old != new
        if is_human.any():
            before, after = (as_queries(plane[is_human], instances) for plane in (old, new))
            differs = before != after
            edited.update(np.unique(before[differs]).tolist(), np.unique(after[differs]).tolist())
    return edited - {UNKNOWN}


def _planes(labels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield one plane after another, (H, W)."""
    return (labels[index] for index in np.ndindex(labels.shape[:-2]))
