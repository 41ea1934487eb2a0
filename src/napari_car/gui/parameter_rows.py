"""Rows of the parameter form, and the sections that they stand in."""

import html
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_car.annotation.parameter_fields import ParameterField

from .parameter_controls import Control, SwitchControl, make_control

_RESET_SIGN = "↺"
_WARNING_SIGN = "⚠"


class ParameterRow(QObject):
    """A parameter's label, control and reset button, in a section's grid.

    Parameters
    ----------
    field : ParameterField
    section : ParameterSection
        Gets the row at its end.
    """

    edited = Signal()
    """A person changed the value."""

    def __init__(self, field: ParameterField, section: "ParameterSection") -> None:
        super().__init__(section)
        self.field = field
        self._base: Any = None
        self.control = make_control(field)
        self._caption = self.control.box if isinstance(self.control, SwitchControl) else QLabel(field.label)
        if isinstance(self._caption, QLabel):
            self._caption.setBuddy(self.control.entry)
        self.reset_button = QToolButton()
        self.reset_button.setText(_RESET_SIGN)
        self.reset_button.setAccessibleName(f"Reset {field.label}")
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(policy)
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.hide()
        section.add_row(self._caption, self.control, self.reset_button, self._problem)
        self.control.edited.connect(self.edited)
        self.reset_button.clicked.connect(self._on_reset)

    @property
    def value(self) -> Any:
        """What is chosen; it may be no valid value."""
        return self.control.value

    @property
    def is_changed(self) -> bool:
        """Whether the value is not the preset's."""
        return bool(self.control.value != self._base)

    @property
    def problem(self) -> str:
        """Why the value is not valid; empty if it is."""
        return self._problem.text().removeprefix(f"{_WARNING_SIGN} ")

    def set_base(self, value: Any) -> None:
        """Show the preset's value."""
        self._base = value
        self.control.set_value(value)
        lines = self.field.explain(value)
        tip = f"<qt>{'<br>'.join(map(html.escape, lines))}</qt>"
        self._caption.setToolTip(tip)
        self.control.describe(self.field.label, tip, " ".join(lines))
        self.reset_button.setToolTip(html.escape(f"Back to the preset's value: {lines[-2].partition(': ')[2]}"))

    def set_value(self, value: Any) -> None:
        """Show a value."""
        self.control.set_value(value)

    def reset(self) -> None:
        """Show the preset's value again."""
        self.control.set_value(self._base)

    def mark(self, problem: str) -> None:
        """Show whether the value is the preset's, and whether it is valid."""
        font = self._caption.font()
        font.setBold(self.is_changed)
        self._caption.setFont(font)
        self._caption.setText(f"{_WARNING_SIGN} {self.field.label}" if problem else self.field.label)
        self.reset_button.setVisible(self.is_changed)
        self._problem.setText(f"{_WARNING_SIGN} {problem}" if problem else "")
        self._problem.setVisible(bool(problem))

    def _on_reset(self) -> None:
        """Go back to the preset's value; the focus stays in this row, though the button goes."""
        self.control.entry.setFocus()
        self.reset()
        self.edited.emit()


class ParameterSection(QWidget):
    """A heading that unfolds rows.

    Parameters
    ----------
    title, meaning : str
        Heading and its tooltip.
    parent : QWidget, optional
    """

    def __init__(self, title: str, meaning: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._counts = (0, 0)
        self.heading = QPushButton()
        self.heading.setStyleSheet("text-align: left;")
        self.heading.setToolTip(f"<qt>{html.escape(meaning)}</qt>")
        self.heading.setAutoDefault(False)
        self.heading.clicked.connect(lambda: self.set_open(not self.is_open))
        self._content = QWidget()
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(6, 6, 0, 6)
        self._grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        layout.addWidget(self._content)
        self.set_open(False)

    @property
    def is_open(self) -> bool:
        """Whether its rows are shown."""
        return not self._content.isHidden()

    def set_open(self, is_open: bool) -> None:
        """Show or hide its rows."""
        self._content.setVisible(is_open)
        self.show_counts(*self._counts)

    def show_counts(self, n_changed: int, n_invalid: int) -> None:
        """Say in the heading how many values are changed, and whether some are not valid."""
        self._counts = (n_changed, n_invalid)
        title = f"{self._title}: {n_changed} changed" if n_changed else self._title
        spoken = f"{title}, {n_invalid} not valid" if n_invalid else title
        self.heading.setText(f"{'▾' if self.is_open else '▸'} {title}{f' {_WARNING_SIGN}' if n_invalid else ''}")
        self.heading.setAccessibleName(f"{spoken}, {'unfolded' if self.is_open else 'folded'}")

    def add_row(self, caption: QWidget, control: Control, reset_button: QWidget, problem: QWidget) -> None:
        """Add a row at the end; a wide control stands below its caption, a switch is its own caption."""
        row = self._grid.rowCount()
        if isinstance(control, SwitchControl):
            self._grid.addWidget(control, row, 0, 1, 2)
        elif control.is_wide:
            self._grid.addWidget(caption, row, 0, 1, 2)
            self._grid.addWidget(control, row + 1, 0, 1, 3)
        else:
            self._grid.addWidget(caption, row, 0)
            self._grid.addWidget(control, row, 1)
        self._grid.addWidget(reset_button, row, 2)
        self._grid.addWidget(problem, row + 2, 0, 1, 3)
