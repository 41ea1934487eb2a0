"""Import of labels of a data set into the image that is open, and of its classes into the list of queries."""

from pathlib import Path

from napari.components import ViewerModel
from napari.layers import Image, Labels
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from napari_car.dataset.image_names import names_of
from napari_car.dataset.import_labels import ImportedLabels, LabelRequest
from napari_car.errors import CaRError, ImageError, QueryError
from napari_car.gui.image_controls import ImageControls
from napari_car.gui.query_list import QueryListView
from napari_car.gui.sources import ImageSource

from .dialog import LabelImportDialog
from .writing import is_empty, layer_for, write_labels

_MAX_NAMED = 5


class LabelImport(QObject):
    """Asks for a data set, and takes over what it has of the image that is chosen in the dock.

    Parameters
    ----------
    viewer : ViewerModel
    images : ImageControls
        They know which image is meant.
    queries : QueryListView
        It gets the classes that it lacks.
    parent : QWidget
        The dialog stands before it.
    """

    said = Signal(str)
    """What was imported; a sentence."""
    failed = Signal(str)
    """A sentence for the user."""

    def __init__(self, viewer: ViewerModel, images: ImageControls, queries: QueryListView, parent: QWidget) -> None:
        super().__init__(parent)
        self._viewer, self._images, self._queries, self._parent = viewer, images, queries, parent
        self.dialog: LabelImportDialog | None = None
        """The dialog that is open."""
        self._image: Image | None = None
        self._source: ImageSource | None = None
        self._request: LabelRequest | None = None

    def ask(self) -> None:
        """Open the dialog, or bring it to the front; say why not if there is no image that labels could be for."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        try:
            self._image, self._source = self._capture()
        except CaRError as error:
            self.failed.emit(str(error))
            return
        path = self._image.source.path
        folder = Path(path).parent if path else None
        self.dialog = dialog = LabelImportDialog(self._image.name, _place(self._source), folder, self._parent)
        layer = layer_for(self._viewer, self._image, self._source, self._queries.sheet)
        dialog.offer_targets(layer, is_empty=layer is not None and is_empty(layer, self._source))
        dialog.wanted.connect(self._read)
        dialog.imported.connect(self._write)
        dialog.finished.connect(self._on_closed)
        dialog.open()

    def close(self) -> None:
        """Close the dialog; what is being read is forgotten."""
        if self.dialog is not None:
            self.dialog.done(LabelImportDialog.DialogCode.Rejected)

    def _capture(self) -> tuple[Image, ImageSource]:
        """Return the image that labels are for, and how it is shown; CaRError if there is none."""
        self._images.capture()  # says what is missing, in the words of the dock
        image = self._images.image
        assert image is not None
        return image, ImageSource.capture(self._viewer, image, composite=False)

    def _read(self) -> None:
        """Read what was chosen."""
        dialog, image, source = self.dialog, self._image, self._source
        if dialog is None or image is None or source is None:
            return
        text = dialog.path.text().strip()
        if not text:
            dialog.warn("Choose a file of labels, or the folder of a data set.")
        elif dialog.number == -1:
            dialog.warn("The data set has no image of this name: choose one from the list.")
        else:
            self._request = LabelRequest(
                path=Path(text).expanduser(),
                fmt=dialog.formats.currentData(),
                sheet=self._queries.sheet,
                title=image.name,
                names=_names(image, source),
                size_px=source.axes.size_px,
                number=dialog.number,
                only_present=dialog.only_present.isChecked(),
            )
            dialog.read(self._request)

    def _write(self, found: ImportedLabels) -> None:
        """Take over what was read: labels first, since the list is as it was if they cannot be written."""
        dialog, request = self.dialog, self._request
        if dialog is None or request is None:
            return
        try:
            if self._queries.sheet != request.sheet:
                raise QueryError("The list of queries was changed meanwhile: press Import again.")
            layer_name = self._write_layer(found, dialog.into) if found.n_objects else ""
        except CaRError as error:
            dialog.warn(str(error))
            return
        self._queries.apply(found.sheet)
        dialog.accept()
        self.said.emit(_describe(found, layer_name))

    def _write_layer(self, found: ImportedLabels, into: Labels | None) -> str:
        """Write labels over the image; return the name of their layer."""
        image, source = self._image, self._source
        layers = self._viewer.layers
        if image is None or source is None or image not in layers or (into is not None and into not in layers):
            raise ImageError("The layer was removed meanwhile: close this, and import again.")
        (labels,) = found.document.layers
        layer = write_labels(self._viewer, image, source, labels, found.sheet, into)
        layers.selection.active = layer
        return str(layer.name)

    def _on_closed(self) -> None:
        """Forget the dialog."""
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = self._image = self._source = self._request = None


def _place(source: ImageSource) -> str:
    """Return which plane of an image gets labels, and its size."""
    plane = f", plane {', '.join(map(str, source.current))}" if source.axes.hidden_axes else ""
    height, width = source.axes.size_px
    return f"{plane} ({height} x {width} px)"


def _names(image: Image, source: ImageSource) -> frozenset[str]:
    """Return what the image that is shown may be called in a data set; each plane of a stack is an image there."""
    names = names_of(image.name, image.source.path)
    ending = "".join(f"_p{place:04d}" for place in source.current)
    return frozenset(f"{name}{ending}" for name in names)


def _describe(found: ImportedLabels, layer_name: str) -> str:
    """Say what was imported."""
    names = [f'"{entry.class_name}"' for entry in found.added[:_MAX_NAMED]]
    more = [f"{len(found.added) - _MAX_NAMED} more"] if len(found.added) > _MAX_NAMED else []
    new = f" New in the list: {', '.join(names + more)}." if names else ""
    if not found.n_objects:
        return f"{found.fmt.title}: {found.name} has no labels in the data set.{new}"
    objects = "1 object" if found.n_objects == 1 else f"{found.n_objects:,} objects"
    classes = "1 class" if found.n_classes == 1 else f"{found.n_classes:,} classes"
    what = f"{objects} of {classes} are in the layer {layer_name}"
    return f"{found.fmt.title}: {what}.{new} Ctrl+Z in the layer takes them back."
