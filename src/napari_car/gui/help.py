"""The help page of the dock widget."""

from collections.abc import Iterable
from html import escape

from qtpy.QtCore import QSize
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from .shortcuts import CORRECTION_SHORTCUTS, SHORTCUTS, Shortcut

_TEXT = """
<h2>Segment by text</h2>
<ol>
<li>Choose the image, and, if you like, a part of it or the slices of a stack.</li>
<li>Type what to look for: <i>leaf</i>, or with other words for the same thing <i>leaf | foliage</i>. Several at once:
one per line, or with commas.</li>
<li>Add what could be confused with it, as a query or as a distractor: queries compete for pixels.</li>
<li>Press <b>Segment</b>. Each query gets a verdict, a score and a mask with its own label.</li>
<li>Correct the labels in the tab <b>Correct</b>: press <b>Correct by pointing</b>, click on what a label misses,
right-click on what it should not hold, and accept with Enter. napari's own tools (paint, erase, fill) do, too. What you
change is never overwritten.</li>
<li>Save with <i>File &gt; Save selected layers</i> as <i>name.car.json</i> to keep names, colours and your edits.</li>
</ol>
<h3>Running again</h3>
<p>Where labels stand already, a run, or a moved threshold, proposes a change and shows it as outlines. Accept writes
it as one step that can be undone; Discard leaves everything as it is.</p>
<h3>Labels that are there already</h3>
<p><b>List &gt; Import labels…</b> takes over what a data set (COCO, YOLO, Pascal VOC, labelme, Cellpose, OME-Zarr,
label images) has of the image, and adds its classes to the list.</p>
<h3>Verdicts</h3>
<p><b>present</b>: the mask was recognised as showing the query. <b>uncertain</b>: its score is close to the threshold.
<b>absent</b>: the mask looks more like something else. <i>Why</i> shows what decided it, step by step.</p>
<h3>What text cannot do</h3>
<p>All things of one name are one mask: cells are not told apart from each other. The tab <b>Correct</b> can do that
afterwards, by their shape. Small things, rare words, numbers and relations (<i>the third from the left</i>) often fail.
The demo networks know drawn shapes and cells, not photographs.</p>
"""
_CORRECTION = "<h3>Keys over the image, while a label is corrected by pointing</h3>"
_END = "<p>napari's own keys for painting are listed in its Preferences.</p>"


class HelpDialog(QDialog):
    """Shows how to use the widget, and its keys.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("CLIP as RNN: help")
        page = QTextBrowser()
        page.setHtml(
            f"{_TEXT}<h3>Keys</h3>{_key_table(SHORTCUTS)}{_CORRECTION}{_key_table(CORRECTION_SHORTCUTS)}{_END}"
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(page)
        layout.addWidget(buttons)
        em = self.fontMetrics().height()
        screen = self.screen()
        assert screen is not None
        self.resize(QSize(42 * em, 54 * em).boundedTo(screen.availableSize() * 0.9))


def _key_table(shortcuts: Iterable[Shortcut]) -> str:
    """Return the keys as HTML, as this system writes them."""
    rows = (
        f"<tr><td><b>{escape(_native(shortcut.keys))}</b>&nbsp;&nbsp;</td><td>{escape(shortcut.text)}</td></tr>"
        for shortcut in shortcuts
    )
    return f"<table>{''.join(rows)}</table>"


def _native(keys: str) -> str:
    """Return a key as this system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
