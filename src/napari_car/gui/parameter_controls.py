"""Controls for parameters of every kind: what a person sees of a value, and the value of what a person chose."""

import math
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from qtpy.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QFontMetricsF, QResizeEvent, QTextOption
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QSizePolicy,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from napari_car.annotation.parameter_fields import ParameterField

from .number_box import NumberBox, NumberSlider

_LINES_SHOWN = (2, 16)
_CHOICES_PER_ROW = 3
_LONG_CHOICE = 9


class Control(QWidget):
    """Shows one value and lets a person change it.

    A value that nobody touched comes back as it was given, even if the widget rounds or sorts what it shows.

    Parameters
    ----------
    entry : QWidget
        What gets the keyboard's focus.
    content : QWidget, optional
        What is shown; None: the entry.
    """

    edited = Signal()
    is_wide = False
    """Whether it needs a row of its own below its label."""

    def __init__(self, entry: QWidget, content: QWidget | None = None) -> None:
        super().__init__()
        self.entry = entry
        self._given: Any = None
        self._reading_of_given: Any = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content or entry)
        self.setFocusProxy(entry)
        self._guard = WheelGuard(self)
        self._guard.watch(content or entry)

    @property
    def value(self) -> Any:
        """The value; what is shown may be no valid one."""
        reading = self._read()
        return self._given if reading == self._reading_of_given else reading

    def set_value(self, value: Any) -> None:
        """Show a value, without a signal."""
        with QSignalBlocker(self):
            self._show(value)
        self._given, self._reading_of_given = value, self._read()

    def describe(self, name: str, tip: str, description: str) -> None:
        """Set what a person gets to read or hear about it."""
        for widget in self._entries():
            widget.setAccessibleName(name)
            widget.setAccessibleDescription(description)
        self.setToolTip(tip)

    def _entries(self) -> Iterable[QWidget]:
        """Return what gets the keyboard's focus."""
        return (self.entry,)

    def _show(self, value: Any) -> None:
        raise NotImplementedError

    def _read(self) -> Any:
        raise NotImplementedError


class WheelGuard(QObject):
    """Keeps the wheel from changing a control that it only passes over while a form is scrolled."""

    def watch(self, widget: QWidget) -> None:
        """Guard a widget and all in it."""
        for part in (widget, *widget.findChildren(QWidget)):
            part.installEventFilter(self)
            if part.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:  # noqa: N802  # Qt's names
        """Hand the wheel to whatever scrolls the form, unless the control has the focus."""
        if a1 is None or a1.type() != QEvent.Type.Wheel or not isinstance(a0, QWidget) or a0.hasFocus():
            return False
        a1.ignore()
        return True


class NumberControl(Control):
    """A number; with a slider if its range is bounded and it need not be whole."""

    def __init__(self, low: float | None, high: float | None, *, is_whole: bool) -> None:
        self._box = NumberBox(low, high, is_whole=is_whole)
        self.is_wide = not is_whole and low is not None and high is not None
        super().__init__(self._box, NumberSlider(self._box) if self.is_wide else None)
        self._number = int if is_whole else float
        self._box.valueChanged.connect(lambda: self.edited.emit())

    def _show(self, value: float) -> None:
        self._box.setValue(value)

    def _read(self) -> float:
        return self._number(self._box.value())


class SwitchControl(Control):
    """On or off."""

    def __init__(self, label: str) -> None:
        self.box = QCheckBox(label)
        super().__init__(self.box)
        self.box.toggled.connect(lambda: self.edited.emit())

    def _show(self, value: bool) -> None:
        self.box.setChecked(value)

    def _read(self) -> bool:
        return self.box.isChecked()


class ChoiceControl(Control):
    """One of several words."""

    def __init__(self, choices: Iterable[str]) -> None:
        self._box = QComboBox()
        self._box.addItems(choices)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        super().__init__(self._box)
        self._box.currentIndexChanged.connect(lambda: self.edited.emit())

    def _show(self, value: str) -> None:
        self._box.setCurrentText(value)

    def _read(self) -> str:
        return self._box.currentText()


class ChoicesControl(Control):
    """Any of several words."""

    is_wide = True

    def __init__(self, choices: Iterable[str]) -> None:
        self._boxes = [QCheckBox(choice) for choice in choices]
        n_columns = 2 if any(len(box.text()) > _LONG_CHOICE for box in self._boxes) else _CHOICES_PER_ROW
        content = QWidget()
        layout = QGridLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        for index, box in enumerate(self._boxes):
            layout.addWidget(box, *divmod(index, n_columns))
        layout.setColumnStretch(n_columns, 1)
        super().__init__(self._boxes[0], content)
        for box in self._boxes:
            box.toggled.connect(lambda: self.edited.emit())

    def describe(self, name: str, tip: str, description: str) -> None:
        """Set what a person gets to read or hear about it and each of its words."""
        super().describe(name, tip, description)
        for box in self._boxes:
            box.setAccessibleName(f"{name}: {box.text()}")

    def _entries(self) -> Iterable[QWidget]:
        return self._boxes

    def _show(self, value: tuple[str, ...]) -> None:
        for box in self._boxes:
            box.setChecked(box.text() in value)

    def _read(self) -> tuple[str, ...]:
        return tuple(box.text() for box in self._boxes if box.isChecked())


class TextControl(Control):
    """A line of text."""

    is_wide = True

    def __init__(self) -> None:
        self._line = QLineEdit()
        super().__init__(self._line)
        self._line.textChanged.connect(lambda: self.edited.emit())

    def _show(self, value: str) -> None:
        self._line.setText(value)
        self._line.setCursorPosition(0)

    def _read(self) -> str:
        return self._line.text().strip()


class LinesControl(Control):
    """Several texts, one on each line."""

    is_wide = True

    def __init__(self) -> None:
        self._edit = _LinesEdit()
        super().__init__(self._edit)
        self._edit.textChanged.connect(lambda: self.edited.emit())

    def _show(self, value: tuple[str, ...]) -> None:
        self._edit.setPlainText("\n".join(value))

    def _read(self) -> tuple[str, ...]:
        return tuple(line.strip() for line in self._edit.toPlainText().splitlines() if line.strip())


class _LinesEdit(QTextEdit):
    """A text field as high as its text, within bounds; Tab leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.setPlaceholderText("One on each line")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return the height of the lines that are shown."""
        self.ensurePolished()
        fewest, most = _LINES_SHOWN
        n_lines = min(max(self.toPlainText().count("\n") + 1, fewest), most)
        document, frame = self.document(), self.contentsMargins()
        margin = document.documentMargin() if document is not None else 0
        metrics = QFontMetricsF(self.font())
        # A text's lines are higher than the font's spacing by what is rounded up.
        line = math.ceil(metrics.ascent()) + math.ceil(metrics.descent())
        height = n_lines * line + 2 * margin + frame.top() + frame.bottom()
        return QSize(super().sizeHint().width(), round(height))

    def resizeEvent(self, e: QResizeEvent | None) -> None:  # noqa: N802  # Qt's name
        """Go back to the cursor: a layout in the making may have squeezed the field and scrolled it."""
        super().resizeEvent(e)
        self.ensureCursorVisible()

    def minimumSizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        """Return a small width, and the height of the lines that are shown."""
        return QSize(super().minimumSizeHint().width(), self.sizeHint().height())


def make_control(field: ParameterField) -> Control:
    """Make the control that fits a parameter's annotation.

    Raises
    ------
    TypeError
        If there is no control for values of this type.
    """
    annotation, origin = field.annotation, get_origin(field.annotation)
    if origin is Literal:
        return ChoiceControl(get_args(annotation))
    if origin is tuple:
        item = get_args(annotation)[0]
        if get_origin(item) is Literal:
            return ChoicesControl(get_args(item))
        if item is str:
            return LinesControl()
    if annotation is bool:
        return SwitchControl(field.label)
    if annotation in (int, float):
        return NumberControl(field.low, field.high, is_whole=annotation is int)
    if annotation is str:
        return TextControl()
    raise TypeError(f"{field.key}: there is no control for {annotation}.")
