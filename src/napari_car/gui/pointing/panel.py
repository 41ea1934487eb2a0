"""The controls of a correction by pointing."""

from pathlib import Path

from napari.components import ViewerModel
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_car.annotation.progress import Status
from napari_car.errors import CaRError
from napari_car.gui.accent import AccentButton, ProgressLine
from napari_car.gui.folding import Fold
from napari_car.gui.sentence import Sentence, warned

from .keys import CorrectionKeys
from .mouse import Tool
from .options import PointingOptions
from .session import CorrectionSession

TOOLS: tuple[tuple[Tool, str, str], ...] = (
    ("points", "Points", "A click says what is there: left the object, right background. A drag moves the view."),
    ("box", "Box", "A drag draws a box around the object. Clicks make points."),
    ("stroke", "Stroke", "A drag draws over the object, with the right button over background. Clicks make points."),
)
_HINT = "Click on what the label misses; right-click on what it should not hold. Nothing changes until you accept."


class PointingPanel(QWidget):
    """Switches the correction by pointing on and off, chooses its tool, and accepts or discards what is previewed.

    Parameters
    ----------
    viewer : ViewerModel
    models_folder : Path
        Where SAM is looked for.
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, models_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.options = PointingOptions(models_folder)
        self.session = session = CorrectionSession(viewer, self.options.sam_request, self)
        self._said, self._progress = Sentence("State of the correction"), ProgressLine()
        self._progress.setRange(0, 0)
        self._progress.hide()
        self._keys = CorrectionKeys(
            {
                "accept": session.accept,
                "discard": session.discard,
                "undo": session.undo,
                "redo": session.redo,
                "next_candidate": session.next_candidate,
                "move": session.mouse.let_move,
            }
        )
        self._on = AccentButton("Correct by pointing")
        self._on.setCheckable(True)
        self._on.setToolTip("Clicks, boxes and strokes in the image correct the chosen label, object by object.")
        self._pick = QPushButton("Pick")
        self._pick.setToolTip("The next click chooses the label that is corrected. So does a row of the results.")
        self._pick.clicked.connect(self._on_pick)
        self._tools = self._make_tools()
        self._accept, self._discard = AccentButton("Accept"), QPushButton("Discard")
        self._undo, self._redo = QPushButton("Undo"), QPushButton("Redo")
        self._candidates, self._next = QLabel(), QPushButton("Next mask")
        self._connect_buttons()
        self._body, self._candidate_row = QWidget(), QWidget()
        self._lay_out()
        self._on.toggled.connect(self._switch)
        session.changed.connect(self._show)
        session.said.connect(self._say)
        session.answers.status_changed.connect(self._show_status)
        self.options.marks_changed.connect(self._on_mark_settings)
        self.options.consideration_changed.connect(lambda: session.consider(self.options.consideration))
        self.options.predictor_changed.connect(session.ask_again)
        self._tools["points"].setChecked(True)
        self._on_mark_settings()
        self._show()

    @property
    def text(self) -> str:
        """What was said last."""
        return self._said.text

    def switch(self, is_on: bool) -> None:
        """Switch the correction on or off, as its button does."""
        self._on.setChecked(is_on)

    def choose_tool(self, tool: Tool) -> None:
        """Choose a tool, as its button does."""
        self._tools[tool].setChecked(True)

    def close_session(self) -> None:
        """Stop, and let go of the viewer."""
        self.options.sams.stop()
        self.session.close()
        self._keys.bind(())

    def _make_tools(self) -> dict[Tool, QPushButton]:
        """Return buttons of which one is pressed."""
        tools, group = dict[Tool, QPushButton](), QButtonGroup(self)
        for tool, text, tip in TOOLS:
            button = tools[tool] = QPushButton(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.toggled.connect(lambda is_on, tool=tool: self._on_tool(tool) if is_on else None)
            group.addButton(button)
        return tools

    def _connect_buttons(self) -> None:
        """Let the buttons decide on the preview."""
        session = self.session
        for button, act, tip in (
            (self._accept, session.accept, "Write the preview into the labels, as one undo step (Enter)"),
            (self._discard, session.discard, "Take all marks away (Esc)"),
            (self._undo, session.undo, "Take back the last mark or, without marks, the last edit (Ctrl+Z)"),
            (self._redo, session.redo, "Repeat what was taken back (Ctrl+Shift+Z)"),
            (self._next, session.next_candidate, "A single click can mean a part, or the whole: show the next one (C)"),
        ):
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, act=act: act())

    def _lay_out(self) -> None:
        """Put the parts below the switch."""
        self._candidate_row.setLayout(_row(self._candidates, self._next))
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.addLayout(_row(self._pick, *self._tools.values()))
        body.addWidget(self._candidate_row)
        body.addLayout(_row(self._accept, self._discard, self._undo, self._redo))
        body.addWidget(Fold("Marks, protection and SAM", self.options))
        layout = QVBoxLayout(self)
        for part in (self._on, self._body, self._said, self._progress):
            layout.addWidget(part)

    def _switch(self, is_on: bool) -> None:
        """Switch on or off; say why if that cannot be done."""
        if not is_on:
            self.session.stop()
            self._say("")
            return
        try:
            self.session.start()
        except CaRError as error:
            self._on.setChecked(False)
            self._say(warned(str(error)))
            return
        layer = self.session.layer
        if layer is not None and not layer.selected_label:
            self._on_pick()
        else:
            self._say(_HINT)

    def _show(self) -> None:
        """Show what can be done now."""
        session, attempt, layer = self.session, self.session.attempt, self.session.layer
        self._on.setText("Stop correcting" if session.is_on else "Correct by pointing")
        self._on.set_accented(not session.is_on)
        self._body.setVisible(session.is_on)
        for button in (*self._tools.values(), self._pick, self._undo, self._redo):
            button.setEnabled(layer is not None)
        preview = session.preview
        n_candidates = 1 if preview is None else len(preview.answer.masks)
        self._candidate_row.setVisible(n_candidates > 1)
        self._candidates.setText("" if preview is None else f"Mask {preview.candidate + 1} of {n_candidates}")
        for button in (self._accept, self._discard):
            button.setEnabled(bool(attempt))
        if preview is not None or not attempt:
            self._progress.hide()
        self._keys.bind([*session.marks.layers, *([layer] if layer is not None else [])])

    def _show_status(self, status: Status) -> None:
        """Say what takes its time."""
        self._said.say(f"{status.text} …")
        self._progress.show()

    def _say(self, text: str) -> None:
        """Say something."""
        self._progress.hide()
        self._said.say(text)

    def _on_tool(self, tool: Tool) -> None:
        """Use another tool."""
        self.session.mouse.tool = tool
        if self.session.layer is not None:
            self.session.layer.mode = "pan_zoom"

    def _on_pick(self) -> None:
        """Let napari choose the label that is clicked on."""
        if self.session.layer is not None:
            self.session.layer.mode = "pick"
            self._say("Click on the label that is to be corrected.")

    def _on_mark_settings(self) -> None:
        """Take over what marks mean, and the width of strokes."""
        is_positive, width_px = self.options.is_positive, self.options.stroke_width_px
        self.session.mouse.is_positive, self.session.mouse.stroke_width_px = is_positive, width_px
        self.session.marks.set_defaults(is_positive, width_px)


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Return widgets side by side, of equal width."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row.addWidget(widget)
    return row
