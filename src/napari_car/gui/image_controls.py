"""Which image, which part of it, and which slices of a stack are segmented."""

from collections.abc import Sequence

from napari.components import ViewerModel
from napari.layers import Image, Shapes
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QWidget

from napari_car.annotation.frames import Box, Frame, cut_frames, planes_along
from napari_car.errors import CaRError, ImageError

from .channel_layers import image_layers
from .regions import rectangle_box, visible_box
from .sources import ImageSource
from .tracking import KEY

WHOLE, VIEW, RECTANGLE = "whole", "view", "rectangle"
_REGIONS = {WHOLE: "Whole image", VIEW: "What is in view now", RECTANGLE: "Rectangle that I draw"}
CURRENT, RANGE, ALL = "current", "range", "all"
_SLICES = {CURRENT: "This one", RANGE: "From … to", ALL: "All"}
REGION_NAME = "Region to segment"


class ImageControls(QWidget):
    """Chooses image, region and slices.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    changed = Signal()
    """Another image, region or range of slices was chosen."""
    hinted = Signal(str)
    """A sentence on what to do next."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._choices: list[tuple[Image, bool]] = []
        self._images = _combo("Image")
        self._regions = _combo("Region", _REGIONS)
        self._regions.setToolTip("Only this part is looked at; the rest of the labels stays as it is.")
        self._slices = _combo("Slices", _SLICES)
        self._axis = _combo("Axis")
        self._first, self._last = QSpinBox(), QSpinBox()
        self._first.setAccessibleName("First slice")
        self._last.setAccessibleName("Last slice")
        self._to = QLabel("to")
        self._slice_row = QWidget()
        row = QHBoxLayout(self._slice_row)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self._slices, self._first, self._to, self._last, self._axis):
            row.addWidget(widget)
        row.setStretchFactor(self._slices, 1)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._form.addRow("&Image", self._images)
        self._form.addRow("&Part", self._regions)
        self._form.addRow("&Slices", self._slice_row)
        self._images.currentIndexChanged.connect(self._on_image)
        self._regions.currentIndexChanged.connect(self._on_region)
        self._slices.currentIndexChanged.connect(self._on_slices)
        self._axis.currentIndexChanged.connect(self._on_axis)
        for event in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, event).connect(self._on_layers)
        viewer.dims.events.ndisplay.connect(self._on_layers)
        viewer.dims.events.order.connect(self._on_layers)
        self._on_layers()

    @property
    def image(self) -> Image | None:
        """The chosen layer; of several channels the lowest one."""
        index = self._images.currentIndex()
        return self._choices[index][0] if 0 <= index < len(self._choices) else None

    @property
    def region(self) -> str:
        """``whole``, ``view`` or ``rectangle``."""
        return str(self._regions.currentData())

    def choose_region(self, region: str) -> None:
        """Choose the region by its name; one that is drawn needs a rectangle first, so it is not chosen by this."""
        if region in (WHOLE, VIEW):
            self._regions.setCurrentIndex(self._regions.findData(region))

    def capture(self) -> ImageSource:
        """Return the image as it is seen now.

        Raises
        ------
        ImageError
            If there is none, or it cannot be segmented as it is shown.
        """
        index = self._images.currentIndex()
        if not 0 <= index < len(self._choices):
            raise ImageError("There is no image: open one, or try File > Open Sample > CLIP as RNN.")
        layer, is_composite = self._choices[index]
        return ImageSource.capture(self._viewer, layer, composite=is_composite)

    def frames(self, source: ImageSource, tile_px: int, overlap_px: int) -> tuple[Frame, ...]:
        """Return the frames that are to be segmented.

        Raises
        ------
        CaRError
            If the region holds no pixel, or there is no rectangle.
        """
        ranges: dict[int, range] = {}
        if source.axes.hidden_axes and self._slices.currentData() == RANGE:
            low, high = sorted((self._first.value(), self._last.value()))
            ranges[int(self._axis.currentData())] = range(low, high + 1)
        elif self._slices.currentData() == ALL:
            ranges = {axis: range(source.axes.shape[axis]) for axis in source.axes.hidden_axes}
        planes = planes_along(source.axes, source.current, ranges)
        return cut_frames(planes, self._box(source), tile_px, overlap_px)

    def close_connections(self) -> None:
        """Let go of the viewer."""
        for event in ("inserted", "removed", "reordered"):
            getattr(self._viewer.layers.events, event).disconnect(self._on_layers)
        self._viewer.dims.events.ndisplay.disconnect(self._on_layers)
        self._viewer.dims.events.order.disconnect(self._on_layers)
        for layer, _ in self._choices:
            layer.events.name.disconnect(self._on_layers)

    def _box(self, source: ImageSource) -> Box:
        """Return the chosen region in px."""
        if self.region == VIEW:
            return visible_box(self._viewer, source)
        if self.region == RECTANGLE:
            return rectangle_box(source, self._region_layer())
        return source.axes.whole

    def _region_layer(self) -> Shapes:
        """Return the layer in which the region is drawn: ours, added if need be."""
        for layer in self._viewer.layers:
            if isinstance(layer, Shapes) and layer.metadata.get(KEY, {}).get("kind") == "region":
                return layer
        layer = self._viewer.add_shapes(
            name=REGION_NAME,
            face_color="transparent",
            edge_color="yellow",
            edge_width=2,
            metadata={KEY: {"kind": "region"}},
        )
        layer.mode = "add_rectangle"
        return layer

    def _on_layers(self) -> None:
        """List the images anew; the chosen one stays chosen."""
        chosen = self._choices[self._images.currentIndex()] if self._images.currentIndex() >= 0 else None
        for layer, _ in self._choices:
            layer.events.name.disconnect(self._on_layers)
        layers = image_layers(self._viewer)
        self._choices = [(layer, False) for layer in layers]
        names = [layer.name for layer in layers]
        if len(layers) > 1:
            self._choices.append((layers[0], True))
            names.append("All visible channels together")
        for layer, _ in self._choices:
            layer.events.name.connect(self._on_layers)
        with QSignalBlocker(self._images):
            self._images.clear()
            self._images.addItems(names or ["(no image is open)"])
            self._images.setEnabled(bool(names))
            # A new image is what a person wants to work on next.
            index = self._choices.index(chosen) if chosen in self._choices else len(layers) - 1
            self._images.setCurrentIndex(max(0, index))
        self._on_image()

    def _on_image(self) -> None:
        """Offer the slices that the image has."""
        try:
            source = self.capture()
            axes, labels, shape = source.axes.hidden_axes, source.axis_labels, source.axes.shape
        except CaRError:
            axes, labels, shape = (), (), ()
        with QSignalBlocker(self._axis):
            self._axis.clear()
            for axis in axes:
                self._axis.addItem(f"along {labels[axis]}" if labels else f"along axis {axis}", axis)
        self._form.setRowVisible(self._slice_row, bool(axes))
        self._set_limits(shape)
        self._on_slices()

    def _on_axis(self) -> None:
        """Offer the slices of another axis."""
        try:
            self._set_limits(self.capture().axes.shape)
        except CaRError:
            return
        self.changed.emit()

    def _set_limits(self, shape: Sequence[int]) -> None:
        """Let the range go over the whole axis."""
        axis = self._axis.currentData()
        if axis is not None:
            for spin in (self._first, self._last):
                spin.setRange(0, shape[axis] - 1)
            self._last.setValue(shape[axis] - 1)

    def _on_slices(self) -> None:
        """Show the range where one is wanted."""
        has_range = self._slices.currentData() == RANGE
        for widget in (self._first, self._to, self._last):
            widget.setVisible(has_range)
        self._axis.setVisible(has_range and self._axis.count() > 1)
        self.changed.emit()

    def _on_region(self) -> None:
        """Make ready to draw a rectangle where one is wanted."""
        if self.region == RECTANGLE:
            self._viewer.layers.selection.active = self._region_layer()
            self.hinted.emit("Draw a rectangle over the image, then press Segment.")
        self.changed.emit()


def _combo(name: str, choices: dict[str, str] | None = None) -> QComboBox:
    """Return a combo box that does not grow with its longest entry."""
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    for key, text in (choices or {}).items():
        combo.addItem(text, key)
    return combo
