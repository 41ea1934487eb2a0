"""Writing a correction into the labels, and saying what it does."""

import numpy as np

from napari_car.gui.label_target import LabelTarget

from .work import Preview


def write_correction(target: LabelTarget, preview: Preview) -> str:
    """Write what changes into the labels, as one undo step of the layer; return what was done, as a sentence.

    It is not noted in the ledger, so these pixels count as a person's.
    """
    if not preview.changes.any():
        return f"{target.name}: there was nothing to change."
    rows, columns = np.nonzero(preview.changes)
    values = preview.labels(target.id_)[rows, columns].astype(target.layer.data.dtype)
    box = preview.answer.window.box
    index = [np.full(len(rows), place) for place in target.axes.place(target.plane)]
    index[target.axes.row_axis], index[target.axes.column_axis] = rows + box.top, columns + box.left
    target.layer.data_setitem(tuple(index), values)
    n_added, n_removed = _count(preview)
    return f"{target.name}: {n_added:,} px added, {n_removed:,} px removed. Undo (Ctrl+Z) takes it back."


def describe_correction(target: LabelTarget, preview: Preview) -> str:
    """Say what writing it would do."""
    n_added, n_removed = _count(preview)
    kept = [
        f"{n:,} px {whose}"
        for n, whose in ((preview.n_others, "of other labels"), (preview.n_human, "that you changed by hand"))
        if n
    ]
    stay = f" {' and '.join(kept)} stay." if kept else ""
    if not n_added + n_removed:
        return f"{target.name}: nothing would change.{stay}"
    return f"{target.name}: {n_added:,} px more, {n_removed:,} px less. Enter accepts, Esc discards.{stay}"


def _count(preview: Preview) -> tuple[int, int]:
    """Return how many pixels get the label, and lose it."""
    return int(np.count_nonzero(preview.added)), int(np.count_nonzero(preview.removed))
