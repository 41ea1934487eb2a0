"""A small button that opens a menu."""

from qtpy.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget


class MenuButton(QPushButton):
    """A button as wide as its sign; whoever makes it fills ``entries``.

    Parameters
    ----------
    sign : str
        One or two letters.
    name : str
        What it is, for screen readers.
    tip : str
        What it does.
    parent : QWidget, optional
    """

    def __init__(self, sign: str, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(sign, parent)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        # The arrow that styles add would be drawn over the sign.
        self.setStyleSheet("QPushButton { padding: 4px 8px; } QPushButton::menu-indicator { image: none; width: 0; }")
        self.entries = QMenu(self)
        self.setMenu(self.entries)
