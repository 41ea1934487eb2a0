"""The project that is open in a window: the image that is shown, and its labels, saved as they change."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_car.annotation.document import Document, write_document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project, ProjectImage, Stamp
from napari_car.annotation.project_lock import ProjectLock
from napari_car.annotation.survey import TOGETHER
from napari_car.errors import CaRError, DocumentError, OutputError
from napari_car.gui.document_layers import make_label_layer, make_layer_data
from napari_car.gui.layer_notes import KEY, checked_of, instances_of
from napari_car.gui.result_layers import add_result, image_key, is_result
from napari_car.gui.sources import ImageSource
from napari_car.gui.tracking import track

from .image_layers import LayerData, make_layers, read_image_layers

POLL_MS = 500
"""How often it is looked whether labels have changed; they are saved once they have not for as long."""

IDLE_S = 60.0
"""A person who neither moves the mouse over the image nor changes anything for this long does not work on it."""

_logger = logging.getLogger(__name__)


class ProjectDesk(QObject):
    """Shows one image of a project at a time in a viewer, and saves its labels as they change.

    Layers that belong to no image of the project are left alone.

    Parameters
    ----------
    viewer : ViewerModel
    redraw : callable
        Draws the canvas at once. Where layers are removed and others added without a drawing in between, Mesa's OpenGL
        ends the program.
    parent : QObject, optional
    """

    opened = Signal()
    """Another project, or none."""
    shown = Signal(str)
    """The key of the image that is shown now; empty: none."""
    saved = Signal(str)
    """The key of the image whose labels were written."""
    failed = Signal(str)
    """A sentence for the user."""

    def __init__(self, viewer: ViewerModel, redraw: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._redraw = viewer, redraw
        self.project: Project | None = None
        self.notice = ""
        """Who else works in the project; labels are not saved then. Empty: nobody does."""
        self.image: ProjectImage | None = None
        """The image that is shown."""
        self._lock: ProjectLock | None = None
        self._images: list[Image] = []
        self._seen = Stamp()
        self._document: Document | None = None
        self._saved: tuple[object, ...] = ()
        self._last: tuple[object, ...] = ()
        self._refused: tuple[object, ...] = ()
        self._spent_s, self._worked_on = 0.0, ""
        self._ticked = self._active = time.monotonic()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._poll)
        viewer.cursor.events.position.connect(self._note_activity)

    @property
    def can_save(self) -> bool:
        """Whether this window has the project to itself."""
        return self._lock is not None and self._lock.is_held

    @property
    def layer(self) -> Image | None:
        """The layer of the image that is shown, that of its lowest channel."""
        return self._images[0] if self._images else None

    @property
    def is_dirty(self) -> bool:
        """Whether labels have changed since they were saved."""
        return self.image is not None and self._fingerprint() != self._saved

    def is_worked_on(self, key: str) -> bool:
        """Tell whether the image of a key is shown, and somebody has begun with it; any thread may ask."""
        return key == self._worked_on

    def open(self, project: Project) -> None:
        """Go to another project; the labels of the one before are saved.

        Raises
        ------
        OutputError
            If the labels that are shown cannot be saved, the project before stays; if the new one cannot be written
            to, none is open.
        """
        self.leave()
        self._release()
        lock = ProjectLock(project.folder)
        self.notice = lock.take()
        self.project, self._lock = project, lock
        self.opened.emit()

    def show(self, image: ProjectImage, data: list[LayerData] | None = None) -> None:
        """Show an image with its labels in the place of the one that is shown, whose labels are saved.

        Parameters
        ----------
        image : ProjectImage
        data : list, optional
            What :func:`~.image_layers.read_image_layers` has read of it already.

        Raises
        ------
        ImageError, DocumentError, ResourceError
            If it cannot be read; what is shown stays.
        OutputError
            If the labels that are shown cannot be saved; they stay.
        """
        if self.project is None:
            raise RuntimeError("No project is open.")
        layers = make_layers(data or read_image_layers(image.path))
        document, seen = self.project.load(image)
        label_layers = _make_label_layers(document)
        self.leave()
        self.image, self._seen, self._document = image, seen, document
        self._images = [layer for layer in layers if isinstance(layer, Image)]
        for layer in (*layers, *label_layers):
            self._viewer.add_layer(layer)
            if layer in label_layers and self._images:
                layer.metadata[KEY] |= {"image_uid": image_key(self._images[0]), "image": self._images[0].name}
                track(layer)
        if not label_layers and self._images:
            label_layers = self._add_empty(self._images[0])
        self._spent_s, self._saved = 0.0, self._fingerprint()
        self._last = self._saved
        self._ticked = self._active = time.monotonic()
        self._worked_on = image.key if document is not None else ""
        self._viewer.layers.selection.active = (label_layers or layers)[-1]
        self._viewer.reset_view()
        self._timer.start()
        self.shown.emit(image.key)

    def reload(self) -> None:
        """Show labels that a run has written for the image that is shown, if nobody has begun with it meanwhile."""
        if self.image is not None and self._document is None and not self.is_dirty:
            self.show(self.image)

    def leave(self) -> None:
        """Save what is shown, and take it out of the viewer; OutputError if it cannot be saved, it stays then."""
        if self.image is None:
            return
        self.save()
        self._timer.stop()
        self.image, self._worked_on = None, ""
        images, self._images = self._images, []
        for layer in [*self._belongings(images), *images]:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._redraw()
        self.shown.emit("")

    def save(self) -> None:
        """Write the labels that are shown, if they have changed.

        Raises
        ------
        OutputError, DocumentError
            If they cannot be written, or somebody else has written others; what is shown and what is on disk stay.
        """
        fingerprint = self._fingerprint()
        layers = self._labels
        if self.project is None or self.image is None or fingerprint == self._saved or not layers:
            return
        if not self.can_save:
            raise OutputError(f"The labels of {self.image.key} are not saved. {self.notice}")
        document = self._make_document(layers)
        try:
            self._seen = self.project.save(self.image, document, self._seen)
        except ValueError as error:
            raise DocumentError(f"{self.image.document} cannot be written: {str(error).rstrip('.')}.") from error
        self._document, self._spent_s, self._saved = document, 0.0, fingerprint
        self.saved.emit(self.image.key)

    def give_up(self) -> None:
        """Take the labels that are shown for saved, so that what was changed is left behind with them."""
        self._saved = self._fingerprint()

    def close(self) -> None:
        """Save, give the project back, and let go of the viewer; its layers stay.

        Where somebody else has the labels, a document beside theirs keeps these: nobody is left to be asked.
        """
        self._timer.stop()
        try:
            self.save()
        except CaRError as error:
            self._save_beside(str(error))
        self._release()
        with suppress(ValueError, RuntimeError):  # closed before
            self._viewer.cursor.events.position.disconnect(self._note_activity)

    @property
    def _labels(self) -> list[Labels]:
        """The label layers of the image that is shown."""
        return [layer for layer in self._belongings(self._images) if is_result(layer)]

    def _belongings(self, images: Sequence[Image]) -> list[Layer]:
        """Return the layers that this plugin made for the channels of an image."""
        uids, names = {image_key(image) for image in images}, {image.name for image in images}
        found = []
        for layer in self._viewer.layers:
            notes: Any = layer.metadata.get(KEY)
            if isinstance(notes, dict) and layer not in images:
                owner = notes.get("image_uid")
                if owner in uids or (owner is None and notes.get("image") in names):
                    found.append(layer)
        return found

    def _add_empty(self, image: Image) -> list[Labels]:
        """Add a layer to paint into: what is painted into one that napari makes belongs to no image."""
        if self.project is None:
            return []
        sheet = self.project.ontology
        try:
            source = ImageSource.capture(self._viewer, image, composite=False)
            return [add_result(self._viewer, source, image, TOGETHER, sheet)]
        except CaRError:  # an image that cannot be segmented as it is shown; a run says why
            return []

    def _make_document(self, layers: Sequence[Labels]) -> Document:
        """Return what is to be written."""
        before = self._document
        return Document(
            layers=tuple(_describe(layer) for layer in layers),
            created="" if before is None else before.created,
            spent_s=self._spent_s + (0.0 if before is None else before.spent_s),
        )

    def _save_beside(self, reason: str) -> None:
        """Write labels that cannot be saved into a document of their own, and say where it is."""
        if self.image is None or self.project is None:
            return
        path = self.project.path_beside(self.image, datetime.now(tz=UTC))
        try:
            write_document(path, self._make_document(self._labels))
        except (CaRError, ValueError) as error:
            _logger.error("%s They could not be saved beside them either: %s", reason, error)  # noqa: TRY400
        else:
            _logger.warning("%s Yours are in %s.", reason, path)

    def _fingerprint(self) -> tuple[object, ...]:
        """Return what changes with every edit, undo, redo, run, check mark and name."""
        return tuple((id(layer), layer.name, track(layer).version, _notes_version(layer)) for layer in self._labels)

    def _poll(self) -> None:
        """Count the time, and save what has come to rest."""
        now = time.monotonic()
        if now - self._active < IDLE_S:
            self._spent_s += now - self._ticked
        self._ticked = now
        fingerprint = self._fingerprint()
        is_begun = self._document is not None or fingerprint != self._saved
        self._worked_on = self.image.key if self.image is not None and is_begun else ""
        if fingerprint != self._last:
            self._last, self._active = fingerprint, now
            return
        if fingerprint not in (self._saved, self._refused):
            try:
                self.save()
            except CaRError as error:
                self._refused = fingerprint  # said once; the next change is tried again
                self.failed.emit(str(error))

    def _note_activity(self, *_: object) -> None:
        self._active = time.monotonic()

    def _release(self) -> None:
        """Give the project back to others."""
        if self._lock is not None:
            self._lock.release()
        self.project, self._lock, self.notice = None, None, ""


def _describe(layer: Labels) -> LabelLayer:
    """Return what a document holds of a layer."""
    data, state, _ = layer.as_layer_data_tuple()
    return make_label_layer(np.asarray(data), state)


def _make_label_layers(document: Document | None) -> list[Labels]:
    """Return the layers of a document."""
    if document is None:
        return []
    try:
        return [Layer.create(*make_layer_data(layer)) for layer in document.layers]
    except ValueError as error:
        raise DocumentError(f"The labels cannot be shown: {str(error).rstrip('.')}.") from error


def _notes_version(layer: Labels) -> tuple[object, ...]:
    """Return what changes with what is known of a layer beside its pixels."""
    notes = layer.metadata.get(KEY, {})
    names = tuple((entry["id"], entry["text"]) for entry in notes.get("queries", ()))
    runs = len(notes.get("runs", ()))
    return names, runs, dict(checked_of(layer)), instances_of(layer)
