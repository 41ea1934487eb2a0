"""The column of a layer's features that tells whose work the mask of each query is; the status bar shows it."""

from collections.abc import Mapping

from napari.layers import Labels

from napari_car.annotation.correction.label_state import LabelState

COLUMN = "mask"


def note_states(layer: Labels, states: Mapping[int, LabelState]) -> None:
    """Put the states of masks into the features of a layer.

    They are set only if one differs, since each setting redraws the status bar.

    Parameters
    ----------
    layer : Labels
    states : mapping of int to {"automatic", "edited", "checked"}
        By id of a query. What the features say of other labels stays, and a query without a row of its own is left out.
    """
    table = layer.features
    if "index" not in table:
        return
    wanted = table["index"].map(dict(states))
    is_known = wanted.notna()
    if COLUMN in table:
        if table.loc[is_known, COLUMN].equals(wanted[is_known]):
            return
        wanted = wanted.where(is_known, table[COLUMN])
    if is_known.any():
        layer.features = table.assign(**{COLUMN: wanted})
