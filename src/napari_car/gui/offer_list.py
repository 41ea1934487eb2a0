"""The drop-down list of pairs of networks."""

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QPaintEvent, QStandardItem, QStandardItemModel, QWheelEvent
from qtpy.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from napari_car.annotation.network_offers import Offer
from napari_car.annotation.networks import NetworkChoice
from napari_car.annotation.sizes import say_size

_CHOICE = int(Qt.ItemDataRole.UserRole)
_TITLE = _CHOICE + 1
_CUSTOM = "Other: name f and g yourself"
_HEADINGS = {True: "Installed", False: "To download"}


class OfferList(QComboBox):
    """Shows pairs of networks, those on this machine first, and an entry for names that are typed.

    Parameters
    ----------
    parent : QWidget, optional
    """

    about_to_open = Signal()
    """The list is going to be read by a person."""
    chosen = Signal(object)
    """A person chose a :class:`NetworkChoice`, or None to type names."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Networks")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self.activated.connect(self._on_activated)

    @property
    def is_custom(self) -> bool:
        """Whether names are typed."""
        return self.count() > 0 and self.currentIndex() == self.count() - 1

    def show_offers(self, offers: Sequence[Offer], choice: NetworkChoice, *, is_custom: bool) -> None:
        """List offers anew, and show which one is chosen.

        Parameters
        ----------
        offers : sequence of Offer
            Those that are ready first.
        choice : NetworkChoice
            What is chosen now; if it is not among the offers, it counts as typed.
        is_custom : bool
            Whether it was typed even though it may be among the offers.
        """
        with QSignalBlocker(self):
            self._items.clear()
            heading = None
            for offer in offers:
                if offer.state.is_ready is not heading:
                    heading = offer.state.is_ready
                    self._add_heading(_HEADINGS[heading])
                self._add_offer(offer)
            self._add_heading("Free choice")
            self._add(_CUSTOM, None, _CUSTOM, "Any other checkpoint, and your own files and folders.")
            rows = [row for row in range(self.count()) if self.itemData(row, _CHOICE) == choice]
            self.setCurrentIndex(self.count() - 1 if is_custom or not rows else rows[0])
        self.setToolTip(str(self.currentData(Qt.ItemDataRole.ToolTipRole)))

    def showPopup(self) -> None:  # noqa: N802  # Qt's name
        """Make the list as wide as its entries."""
        self.about_to_open.emit()
        view = self.view()
        if view is not None:
            margin = 6 * self.fontMetrics().averageCharWidth()
            view.setMinimumWidth(max(self.width(), view.sizeHintForColumn(0) + margin))
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802  # Qt's name
        """Leave the wheel to the dock: scrolling past must not choose other networks."""
        if event is not None:
            event.ignore()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802, ARG002  # Qt's names
        """Draw the title of what is chosen, with an ellipsis where it is too long."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        n_px = style.subControlRect(kind, option, part, self).width() - self.fontMetrics().averageCharWidth()
        title = str(self.currentData(_TITLE) or "")
        option.currentText = self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, n_px)
        painter.drawComplexControl(kind, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _add_heading(self, text: str) -> None:
        """Add a line that cannot be chosen."""
        item = QStandardItem(text)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        self._items.appendRow(item)

    def _add_offer(self, offer: Offer) -> None:
        """Add an entry with what must be downloaded, and what its licence forbids."""
        state = offer.state
        parts = [offer.title]
        if not state.is_ready and state.n_bytes_left is not None:
            parts.append(say_size(state.n_bytes_left))
        parts.extend(sorted({checkpoint.restriction for checkpoint in state.checkpoints if checkpoint.restriction}))
        tip = "\n".join((state.sentence, state.note, state.licence, f"f: {offer.choice.f}", f"g: {offer.choice.g}"))
        self._add(" · ".join(parts), offer.choice, offer.title, tip)

    def _add(self, text: str, choice: NetworkChoice | None, title: str, tip: str) -> None:
        item = QStandardItem(text)
        item.setData(choice, _CHOICE)
        item.setData(title, _TITLE)
        item.setToolTip(tip)
        self._items.appendRow(item)

    def _on_activated(self, row: int) -> None:
        self.chosen.emit(self.itemData(row, _CHOICE))
