"""Take the pictures of the dock widget that the README and the pages show.

Run it from the project folder, with the test dependencies installed::

    xvfb-run -a -s "-screen 0 1920x1200x24" python docs/screenshots.py

It opens napari in a real window and uses the widget as a person would: it types, clicks, paints, and waits for what the
window says, never for a fixed time. napari's settings, the widget's choices and the models folder are temporary, so
that pictures do not depend on who takes them, and nothing of a user's is touched. The demo checkpoint is used.

``--out`` names another folder than ``docs/images``, ``--only`` a picture (those taken in the same session come along).
``--theme light``, ``--scale 2`` (with a screen twice as large) and ``--dock-width 360`` show whether the widget looks
well everywhere. :data:`SESSIONS` lists all pictures; a test compares them with those that the pages show.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import numpy as np
from desk import WINDOW_PX, Desk
from napari.qt import get_qapp
from napari.settings import get_settings
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtCore import QRect
from qtpy.QtWidgets import QComboBox, QSpinBox, QTextEdit

from napari_car.dataset.coco import CocoInstances
from napari_car.dataset.export import export
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.gui.commands import FOLDER as FOLDER_DOCK
from napari_car.gui.commands import PLUGIN
from napari_car.gui.folder.panel import FolderPanel
from napari_car.gui.help import HelpDialog
from napari_car.gui.sample_data import open_scene

FOLDER = Path(__file__).parent / "images"
MARK = "NAPARI_CAR_SCREENSHOTS"
"""Environment variable of the process that takes the pictures: its temporary folder."""


def first_run(desk: Desk) -> None:
    """Go from a sample image to labels, a table, and the reasons."""
    desk.open_sample("shapes-on-brick")
    desk.picture("dock-before")

    def take_running(status: object) -> None:
        if "checking masks" in getattr(status, "text", "") and "dock-running" not in desk.taken:
            desk.picture("dock-running")

    desk.widget.session.status_changed.connect(take_running)
    desk.run()
    desk.picture("dock-after")
    desk.enlarge_tabs(760)
    desk.click_row("Results", "yellow square")
    desk.picture("results-table", desk.dock, desk.below(desk.widget.run_bar))
    desk.enlarge_tabs(1060)
    desk.show_tab("Why")
    desk.picture("why", desk.dock, desk.below(desk.widget.run_bar))


def correction(desk: Desk) -> None:
    """Paint a star that was missed, look for more, and be asked what becomes of the labels that are there."""
    desk.viewer.add_image(scene("shapes-on-gravel"), rgb=True, name="shapes")
    desk.type_query("yellow star, yellow ring, red ring, purple circle, green circle")
    desk.run()
    desk.click_row("Queries", "yellow star")
    labels = desk.viewer.layers[-1]
    labels.mode, labels.brush_size = "paint", 9
    desk.drag([(34, 66), (60, 66), (57, 41), (60, 66), (87, 49), (60, 66), (86, 81), (60, 66), (57, 92)])
    desk.type_query("gravel, water")
    desk.run()
    desk.wait(desk.widget.proposal_bar.isVisible, "the proposal")
    desk.picture("proposal")


def mask_tools(desk: Desk) -> None:
    """Choose what was found in pieces, and keep the largest."""
    desk.viewer.add_image(scene("shapes-on-gravel"), rgb=True, name="shapes")
    desk.type_query("yellow ring, red ring, purple circle, green circle, gravel, water")
    desk.run()
    desk.click_row("Results", "gravel")
    desk.show_tab("Correct")
    desk.click("Keep the largest part")
    desk.picture("correct")


def pointing(desk: Desk) -> None:
    """Click on a star that was taken for a ring."""
    desk.viewer.add_image(scene("shapes-on-gravel"), rgb=True, name="shapes")
    desk.type_query("yellow star, yellow ring, red ring, purple circle, green circle")
    desk.run()
    desk.click_row("Queries", "yellow star")
    desk.show_tab("Correct")
    for button in ("Correct by pointing", "Marks, protection and SAM", "Leave other labels alone"):
        desk.click(button)
    desk.drag([(60, 66)])
    desk.wait(lambda: desk.widget.pointing.session.preview is not None, "the preview")
    desk.picture("pointing")


def instances(desk: Desk) -> None:
    """Tell cells apart, two of which touch."""
    desk.open_sample("fluorescence-yeast")
    desk.run()
    desk.click_row("Results", "budding cell")
    desk.show_tab("Correct")
    desk.enlarge_tabs(1060)
    for button in ("Split touching objects, instances", "Tell touching objects apart", "Make instances"):
        desk.click(button)
    texts = desk.widget.mask_tools.instance_tools.findChildren(QTextEdit)
    desk.wait(lambda: any("budding cell" in text.toPlainText() for text in texts), "the number of cells")
    desk.picture("instances")


def queries(desk: Desk) -> None:
    """Look for queries with other words for the same, and a distractor."""
    desk.viewer.add_image(scene("fluorescence-yeast"), rgb=True, name="yeast")
    for text in ("budding cell | yeast", "filament | thread", "bubble", "nucleus", "crystal", "not: debris"):
        desk.type_query(text)
    desk.run()
    desk.click_row("Queries", "bubble")
    desk.picture("queries", desk.dock, QRect(0, 0, desk.dock.width(), desk.below(desk.widget.run_bar).top()))


def settings(desk: Desk) -> None:
    """Look at networks and preset, and unfold two groups of parameters."""
    desk.open_sample("bright-field-mixture")
    desk.enlarge_tabs(1060)
    for button in ("All parameters", "Visual prompts (v)", "Recurrence"):
        desk.click(button)
    desk.picture("settings", desk.dock, desk.below(desk.widget.run_bar))


def stack(desk: Desk) -> None:
    """Segment some slices of a time series in one run."""
    path = scene("fluorescence-mixture")
    series = np.stack([path[step : step + 160, 4 * step : 4 * step + 208] for step in range(0, 10, 2)])
    desk.viewer.add_image(series, rgb=True, name="cells over time", axis_labels=("time", "y", "x"))
    desk.resize(*WINDOW_PX)
    desk.type_query("rod-shaped cell, star-shaped cell, round cell, filament, diatom, bubble")
    desk.choose("Slices", "From … to")
    desk.find(QSpinBox, "Last slice").setValue(3)
    desk.run()
    desk.click_row("Results", "round cell")
    desk.viewer.reset_view()
    desk.picture("stack")


def microscopy(desk: Desk) -> None:
    """Segment the channels of an image as they are seen together."""
    channels = np.moveaxis(scene("fluorescence-mixture"), -1, 0)
    for channel, colour in zip(channels, ("red", "green", "blue"), strict=True):
        desk.viewer.add_image(channel, name=f"{colour} channel", colormap=colour, blending="additive")
    desk.resize(*WINDOW_PX)
    desk.choose("Image", "All visible channels together")
    desk.type_query("rod-shaped cell, star-shaped cell, round cell, nucleus, filament, diatom, bubble")
    desk.run()
    desk.picture("microscopy")


def folder(desk: Desk) -> None:
    """Segment a folder of images, correct one, mark another as checked, and look at what is in doubt."""
    photos = Path(tempfile.mkdtemp(dir=os.environ[MARK])) / "shapes"
    photos.mkdir()
    for name in ("shapes-on-brick", "shapes-by-the-water", "shapes-on-gravel", "shapes-on-sand"):
        Image.fromarray(scene(name)).save(photos / f"{name}.png")
    _, panel = desk.viewer.window.add_plugin_dock_widget(PLUGIN, FOLDER_DOCK)
    assert isinstance(panel, FolderPanel)
    desk.resize(1280, 1100)
    desk.type_query("blue circle, green circle, red square, yellow star")
    panel.open_folder(photos)
    panel.segment("all")
    desk.wait(lambda: not panel.run.is_running, "the run")
    panel.go_to("shapes-on-gravel.png")
    labels = desk.viewer.layers[-1]
    labels.selected_label, labels.mode, labels.brush_size = 4, "paint", 9
    desk.drag([(34, 66), (60, 66), (57, 41), (60, 66), (87, 49), (60, 66), (86, 81), (60, 66), (57, 92)])
    desk.wait(lambda: panel.states["shapes-on-gravel.png"].progress == "edited", "the save")
    (order,) = (box for box in panel.findChildren(QComboBox) if box.accessibleName() == "Order of the images")
    order.setCurrentText("in doubt first")
    desk.picture("folder")


def importing(desk: Desk) -> None:
    """Import labels for an image that the data set calls otherwise."""
    home = Path(tempfile.mkdtemp(dir=os.environ[MARK]))
    image = home / "gravel.png"
    Image.fromarray(scene("shapes-on-gravel")).save(image)
    desk.viewer.open(image, plugin="napari")
    desk.type_query("yellow star")
    labels = np.ones(scene("shapes-on-gravel").shape[:2], np.int32)
    images = {name: LabelledImage(name=name, image=image, labels=labels) for name in ("plot_017", "plot_018")}
    export(images, desk.widget.queries.sheet, CocoInstances(), home / "plots-coco")
    desk.widget.label_import.ask()
    dialog = desk.widget.label_import.dialog
    assert dialog is not None
    with chdir(home):  # whose name is another one each time
        dialog.path.setText("plots-coco")
        dialog.wanted.emit()
        desk.wait(lambda: not dialog.is_waiting, "the data set")
    desk.picture("import-labels", dialog)
    dialog.reject()


def help_page(desk: Desk) -> None:
    """Open the help page with the keys."""
    desk.click("Help")
    dialog = desk.widget.findChild(HelpDialog)
    assert isinstance(dialog, HelpDialog)
    desk.wait(dialog.isVisible, "the help page")
    desk.picture("help", dialog)


def scene(name: str) -> NDArray[np.uint8]:
    """Return the pixels of a sample image."""
    (layer,) = open_scene(name)
    return layer[0]


SESSIONS: dict[Callable[[Desk], None], tuple[str, ...]] = {
    first_run: ("dock-before", "dock-running", "dock-after", "results-table", "why"),
    correction: ("proposal",),
    mask_tools: ("correct",),
    pointing: ("pointing",),
    instances: ("instances",),
    queries: ("queries",),
    settings: ("settings",),
    stack: ("stack",),
    microscopy: ("microscopy",),
    folder: ("folder",),
    importing: ("import-labels",),
    help_page: ("help",),
}
"""What is done with the widget, each time in a window of its own, and the pictures taken of it."""


def take_pictures(folder: Path, only: str | None, theme: str, dock_width_px: int | None) -> None:
    """Go through the sessions."""
    app = get_qapp()
    get_settings().appearance.theme = theme
    for session, names in SESSIONS.items():
        if only in (None, *names):
            os.environ["NAPARI_CAR_CONFIG"] = tempfile.mkdtemp(dir=os.environ[MARK])  # nothing was chosen before
            desk = Desk(folder, dock_width_px)
            session(desk)
            desk.close()
            assert desk.taken == list(names), f"{session.__name__} took {desk.taken}"
    app.closeAllWindows()


def restart(scale: str) -> int:
    """Run this program again where nothing of the user's is, and everything on the screen is larger."""
    with tempfile.TemporaryDirectory() as home:
        places = {
            "NAPARI_CONFIG": f"{home}/napari/settings.yaml",
            "NAPARI_CAR_MODELS": f"{home}/models",
            "NAPARI_CAR_CACHE": f"{home}/cache",
        }
        command = [sys.executable, __file__, *sys.argv[1:]]
        environment = os.environ | places | {"QT_SCALE_FACTOR": scale, MARK: home}
        return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Take the pictures of the dock widget that the pages show.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the pictures (default: docs/images)")
    parser.add_argument("--only", choices=[name for names in SESSIONS.values() for name in names])
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--scale", default="1", help="how large everything is, such as 2")
    parser.add_argument("--dock-width", type=int, metavar="PX", help="default: as napari makes it")
    arguments = parser.parse_args()
    if MARK not in os.environ:
        return restart(arguments.scale)
    arguments.out.mkdir(parents=True, exist_ok=True)
    take_pictures(arguments.out, arguments.only, arguments.theme, arguments.dock_width)
    return 0


if __name__ == "__main__":
    sys.exit(main())
