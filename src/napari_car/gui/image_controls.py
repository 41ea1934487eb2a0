"""Which image, which part of it, and which slices of a stack are segmented."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Shapes
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QGridLayout, QLabel, QSizePolicy, QSpinBox, QWidget

from napari_car.annotation.frames import Box, Frame, PlaneAxes, cut_frames, planes_along
from napari_car.errors import ImageError

from .channel_layers import channel_layers, image_layers, lowest_channel, shown_image
from .layer_notes import KEY
from .placement import Placement
from .regions import rectangle_box, visible_box
from .sources import ImageSource, label_axes

WHOLE, VIEW, RECTANGLE = "whole", "view", "rectangle"
_REGIONS = {WHOLE: "Whole image", VIEW: "What is in view now", RECTANGLE: "Rectangle that I draw"}
CURRENT, RANGE, ALL = "current", "range", "all"
_SLICES = {CURRENT: "This one", RANGE: "From … to", ALL: "All"}
REGION_NAME = "Region to segment"
TOGETHER_NAME = "All visible channels together"


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
        self._choices: list[Image | None] = []  # None stands for all visible channels together
        self._is_chosen = False
        self._images = _combo("Image")
        self._regions = _combo("Region", _REGIONS)
        self._regions.setToolTip("Only this part is looked at; the rest of the labels stays as it is.")
        self._slices = _combo("Slices", _SLICES)
        self._axis = _combo("Axis")
        self._first, self._last = QSpinBox(), QSpinBox()
        for spin in (self._first, self._last):
            spin.setRange(0, 0)
        self._first.setAccessibleName("First slice")
        self._last.setAccessibleName("Last slice")
        self._to = QLabel("to")
        self._video = QCheckBox("As video")
        self._video.setToolTip(
            "What was found in a slice is looked for in the next one, and the rest is asked for again from time to "
            "time; see All parameters, Slices as video. Off: each slice is segmented by itself."
        )
        self._slice_row = QWidget()
        rows = QGridLayout(self._slice_row)  # side by side, these would widen the dock
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self._slices, 0, 0, 1, 3)
        for column, widget in enumerate((self._first, self._to, self._last)):
            rows.addWidget(widget, 1, column)
        rows.addWidget(self._axis, 2, 0, 1, 3)
        rows.addWidget(self._video, 3, 0, 1, 3)
        rows.setColumnStretch(0, 1)
        rows.setColumnStretch(2, 1)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._form.addRow("&Image", self._images)
        self._form.addRow("&Part", self._regions)
        self._form.addRow("&Slices", self._slice_row)
        self._images.currentIndexChanged.connect(self._on_chosen)
        self._regions.currentIndexChanged.connect(self._on_region)
        self._slices.currentIndexChanged.connect(self._on_slices)
        self._axis.currentIndexChanged.connect(self._on_axis)
        self._video.toggled.connect(self._on_slices)
        for event in ("inserted", "removed", "reordered"):
            getattr(viewer.layers.events, event).connect(self._on_layers)
        viewer.dims.events.ndisplay.connect(self._on_layers)
        viewer.dims.events.order.connect(self._on_layers)
        self._on_layers()

    @property
    def image(self) -> Image | None:
        """The layer that results belong to: the chosen one, or the lowest of several channels."""
        index = self._images.currentIndex()
        if not 0 <= index < len(self._choices):
            return None
        return self._choices[index] or lowest_channel(self._viewer, shown_image(self._viewer))

    @property
    def region(self) -> str:
        """``whole``, ``view`` or ``rectangle``."""
        return str(self._regions.currentData())

    @property
    def is_video(self) -> bool:
        """Whether slices take over what was found in the slice before."""
        return self._video.isChecked() and self._slices.currentData() != CURRENT and self._axis.count() > 0

    def choose_video(self, is_video: bool) -> None:
        """Choose whether slices are a video, as a person would."""
        self._video.setChecked(is_video)

    def choose_region(self, region: str) -> None:
        """Choose a region by its name, as a person would."""
        self._regions.setCurrentIndex(self._regions.findData(region))

    def choose_slices(self, slices: str) -> None:
        """Choose ``current``, ``range`` or ``all`` slices, as a person would."""
        self._slices.setCurrentIndex(self._slices.findData(slices))

    def capture(self) -> ImageSource:
        """Return the image as it is seen now.

        Raises
        ------
        ImageError
            If there is none, or it cannot be segmented as it is shown.
        """
        index = self._images.currentIndex()
        if not 0 <= index < len(self._choices):
            raise ImageError("There is no image: open one, or try File > Open Sample > napari-car.")
        layer = self._choices[index]
        return ImageSource.capture(self._viewer, layer or shown_image(self._viewer), composite=layer is None)

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
        if self.is_video:
            # Along the axis of the video first: slices follow each other there.
            place = source.axes.hidden_axes.index(int(self._axis.currentData()))
            planes.sort(key=lambda plane: (plane[:place], plane[place + 1 :], plane[place]))
        return cut_frames(planes, self._box(source), tile_px, overlap_px)

    def close_connections(self) -> None:
        """Let go of the viewer."""
        for event in ("inserted", "removed", "reordered"):
            getattr(self._viewer.layers.events, event).disconnect(self._on_layers)
        self._viewer.dims.events.ndisplay.disconnect(self._on_layers)
        self._viewer.dims.events.order.disconnect(self._on_layers)
        self._forget_layers()

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
        px, width = self._line_size()
        layer = self._viewer.add_shapes(
            name=REGION_NAME,
            scale=(px, px),
            face_color="transparent",
            edge_color="yellow",
            edge_width=width,
            metadata={KEY: {"kind": "region"}},
            units=self._shown_units(),
        )
        layer.mode = "add_rectangle"
        return layer

    def _shown_units(self) -> tuple[str, ...] | None:
        """Return the units of rows and columns; layers of other units would keep napari from using any."""
        image, axes = self.image, self._axes()
        if image is None or axes is None:
            return None
        return str(image.units[axes.row_axis]), str(image.units[axes.column_axis])

    def _line_size(self) -> tuple[float, float]:
        """Return the size of a pixel in the world, and the width of lines in px that fits the image in view."""
        image, axes = self.image, self._axes()
        if image is None or axes is None:
            return 1.0, 2.0
        shown = [axes.row_axis, axes.column_axis]
        sides = np.linalg.norm(Placement.of(image).matrix[:, shown], axis=0)
        return float(sides.min()), float((sides * np.array(image.level_shapes[0])[shown]).max() / sides.min() / 300)

    def _on_layers(self) -> None:
        """List the images anew; what was chosen stays chosen."""
        index = self._images.currentIndex()
        before = self._choices[index : index + 1] if index >= 0 else []
        self._forget_layers()
        layers = image_layers(self._viewer)
        self._choices = [*layers, *([None] if len(layers) > 1 else [])]
        for layer in layers:
            layer.events.name.connect(self._on_layers)
            layer.events.data.connect(self._on_layers)  # which may have another shape now
        names = [TOGETHER_NAME if layer is None else layer.name for layer in self._choices]
        self._is_chosen = self._is_chosen and bool(before) and before[0] in self._choices
        with QSignalBlocker(self._images):
            self._images.clear()
            self._images.addItems(names or ["(no image is open)"])
            self._images.setEnabled(bool(names))
            self._images.setCurrentIndex(self._choices.index(self._choice(before)) if names else 0)
        self._on_image()

    def _choice(self, before: list[Image | None]) -> Image | None:
        """Return what a person most likely wants: what they chose, else channels of one image together, else the top.

        Layers that are added to each other's light are channels; so, the picture is that of all of them.
        """
        choice = before[0] if before and before[0] in self._choices else image_layers(self._viewer)[-1]
        if self._is_chosen or choice is None:
            return choice
        channels = channel_layers(self._viewer, choice)
        return None if len(channels) > 1 and any(str(layer.blending) == "additive" for layer in channels) else choice

    def _forget_layers(self) -> None:
        """Listen to no layer any more."""
        for layer in self._choices:
            if layer is not None:
                layer.events.name.disconnect(self._on_layers)
                layer.events.data.disconnect(self._on_layers)

    def _on_chosen(self) -> None:
        """Keep what a person chose."""
        self._is_chosen = True
        self._on_image()

    def _on_image(self) -> None:
        """Offer the slices that the image has."""
        image, axes = self.image, self._axes()
        with QSignalBlocker(self._axis):
            chosen = self._axis.currentData()
            self._axis.clear()
            if image is not None and axes is not None:
                for axis in axes.hidden_axes:
                    self._axis.addItem(f"along {image.axis_labels[axis]}", axis)
            self._axis.setCurrentIndex(max(0, self._axis.findData(chosen)))
        self._form.setRowVisible(self._slice_row, self._axis.count() > 0)
        self._set_limits()
        self._on_slices()

    def _on_axis(self) -> None:
        """Offer the slices of another axis."""
        self._set_limits()
        self.changed.emit()

    def _axes(self) -> PlaneAxes | None:
        """Return the axes of labels of the image, also where the sliders are beside it; None without planes to show."""
        image = self.image
        return None if image is None or self._viewer.dims.ndisplay != 2 else label_axes(self._viewer, image)[0]

    def _set_limits(self) -> None:
        """Let the range go over the whole axis, unless it was chosen on one as long."""
        axis, axes = self._axis.currentData(), self._axes()
        if axis is None or axes is None:
            return
        shape = axes.shape
        if self._last.maximum() != shape[axis] - 1:
            for spin in (self._first, self._last):
                spin.setRange(0, shape[axis] - 1)
            self._first.setValue(0)
            self._last.setValue(shape[axis] - 1)

    def _on_slices(self) -> None:
        """Show the range where one is wanted, and whether several slices are a video."""
        has_range = self._slices.currentData() == RANGE
        self._video.setVisible(self._slices.currentData() != CURRENT)
        for widget in (self._first, self._to, self._last):
            widget.setVisible(has_range)
        self._axis.setVisible((has_range or self.is_video) and self._axis.count() > 1)
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
