"""Commands as napari runs them from its menus, in a real window."""

from collections.abc import Callable

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QCheckBox

from napari_car.gui.commands import WIDGET
from napari_car.gui.dock import CarWidget

pytestmark = pytest.mark.gui

DOCK = f"{WIDGET} (napari-car)"


def run(command: str) -> None:
    """Run a command as its menu item does."""
    get_app_model().commands.execute_command(f"napari-car.{command}").result()


def test_menus_offer_the_commands(make_napari_viewer: Callable) -> None:
    make_napari_viewer()
    menus = get_app_model().menus

    def ids(menu: str) -> list[str]:
        commands = [getattr(item, "command", None) for item in menus.get_menu(menu)]
        return [command.id for command in commands if command is not None and "napari-car." in command.id]

    assert ids("napari/layers/segment") == ["napari-car.segment_by_text"]
    assert ids("napari/layers/annotate") == [
        "napari-car.segment_by_text",
        "napari-car.import_labels",
        "napari-car.accept_proposal",
        "napari-car.discard_proposal",
    ]
    assert ids("napari/file/io_utilities") == ["napari-car.import_labels"]
    assert ids("napari/plugins/napari-car") == ["napari-car.widget", "napari-car.folder"]
    assert len(ids("napari/file/samples/napari-car")) == 7


def test_segment_by_text_opens_one_dock_and_brings_it_back(make_napari_viewer: Callable) -> None:
    viewer = make_napari_viewer()
    run("segment_by_text")
    widget = viewer.window.dock_widgets[DOCK]
    assert isinstance(widget, CarWidget)
    viewer.window._wrapped_dock_widgets[DOCK].hide()
    run("segment_by_text")
    assert viewer.window.dock_widgets[DOCK] is widget
    assert not viewer.window._wrapped_dock_widgets[DOCK].isHidden()
    run("widget")  # the item of the Plugins menu knows the same dock
    assert len(viewer.window.dock_widgets) == 1


@pytest.mark.parametrize("is_open", [True, False])
def test_without_a_proposal_that_is_said(make_napari_viewer: Callable, is_open: bool) -> None:
    make_napari_viewer()
    if is_open:
        run("segment_by_text")
    for command in ("accept", "discard"):
        notification_manager.records.clear()
        run(f"{command}_proposal")
        assert [record.message for record in notification_manager.records] == [f"There is no proposal to {command}."]


@pytest.mark.timeout(300)
def test_a_proposal_is_accepted_and_discarded(make_napari_viewer: Callable, qtbot: QtBot) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-car", "shapes-on-sand")
    run("segment_by_text")
    widget = viewer.window.dock_widgets[DOCK]

    def segment() -> None:
        with qtbot.waitSignal(widget.session.ended, timeout=120_000):
            widget.run()

    segment()
    (labels,) = (layer for layer in viewer.layers if isinstance(layer, Labels))
    found = labels.data.copy()
    assert found.any()
    labels.data_setitem(np.nonzero(found == found.max()), 0)
    painted = labels.data.copy()

    segment()
    assert widget.session.results.has_proposal
    run("discard_proposal")
    assert not widget.session.results.has_proposal
    np.testing.assert_array_equal(labels.data, painted)

    segment()
    widget.proposal_bar.findChild(QCheckBox).setChecked(True)  # also what was painted
    run("accept_proposal")
    assert not widget.session.results.has_proposal
    np.testing.assert_array_equal(labels.data, found)
