"""Commands of napari's menus and of its command palette; napari fills in the viewer at hand."""

from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from napari.viewer import Viewer

if TYPE_CHECKING:
    from .dock import CarWidget

PLUGIN = "napari-car"
WIDGET = "CLIP as RNN"
"""Name of the dock widget in the manifest."""
FOLDER = "Folder of images"
"""Name of the one for a folder of images."""


def segment_by_text(viewer: Viewer) -> None:
    """Open the dock widget, or bring it to the front, ready for typing."""
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    dock.show()
    dock.raise_()
    widget.setFocus()


def import_labels(viewer: Viewer) -> None:
    """Open the dock widget, and ask for labels of a data set for the image that is chosen there."""
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    dock.show()
    dock.raise_()
    widget.label_import.ask()


def accept_proposal(viewer: Viewer) -> None:
    """Write the proposal into the labels, as its button does."""
    widget = _widget_with_proposal(viewer)
    if widget is None:
        show_info("There is no proposal to accept.")
    else:
        widget.proposal_bar.accept()


def discard_proposal(viewer: Viewer) -> None:
    """Leave the labels as they are, as the proposal's other button does."""
    widget = _widget_with_proposal(viewer)
    if widget is None:
        show_info("There is no proposal to discard.")
    else:
        widget.proposal_bar.discarded.emit()


def _widget_with_proposal(viewer: Viewer) -> "CarWidget | None":
    """Return the viewer's dock widget if it asks for a decision."""
    # Imported here because the networks' libraries take longer to load than a menu takes to open.
    from .dock import CarWidget

    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, CarWidget) and widget.session.results is not None and widget.session.results.has_proposal:
            return widget
    return None
