"""What tools say about an edit that was made."""

from collections.abc import Sequence

from napari.layers import Labels

from .label_features import label_name

UNDO = "Undo (Ctrl+Z) takes it back."
_N_NAMED = 3


def describe_new(what: str, layer: Labels, n_before: int, new_ids: Sequence[int]) -> str:
    """Say which objects came into being.

    Parameters
    ----------
    what : str
        The tool.
    layer : Labels
    n_before : int
        How many objects were split or cut.
    new_ids : sequence of int
        Labels of the new objects.
    """
    names = ", ".join(label_name(layer, id_) for id_ in new_ids[:_N_NAMED])
    more = f" and {len(new_ids) - _N_NAMED:,} more" if len(new_ids) > _N_NAMED else ""
    n_after = n_before + len(new_ids)
    return f"{what}: {count_of(n_after, 'object')} from {n_before:,}, new: {names}{more}. {UNDO}"


def count_of(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
