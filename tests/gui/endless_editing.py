"""A window in which somebody paints until it is killed: says how many pixels are safe after each save."""

import itertools
import os
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

os.environ["NAPARI_CONFIG"] = ""

from napari.viewer import Viewer
from qtpy.QtWidgets import QApplication

from napari_car.gui.dock import CarWidget
from napari_car.gui.folder import desk
from napari_car.gui.folder.panel import FolderPanel
from napari_car.gui.result_layers import is_result

SIDE_PX = 200


def main(folder: Path) -> None:
    """Paint pixel after pixel into the labels of the only image of a folder."""
    photos = folder / "photos"
    photos.mkdir(exist_ok=True)
    if not (photos / "wall.png").exists():
        Image.fromarray(np.full((SIDE_PX, SIDE_PX, 3), 99, dtype=np.uint8)).save(photos / "wall.png")
    viewer = Viewer()
    _, car = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
    _, panel = viewer.window.add_plugin_dock_widget("napari-car", "Folder of images")
    assert isinstance(car, CarWidget)
    assert isinstance(panel, FolderPanel)
    if not car.queries.sheet.entries:
        car.queries.add("crack")
    desk.POLL_MS = 50
    panel.desk._timer.setInterval(desk.POLL_MS)
    assert panel.open_folder(photos), panel.text
    layers = [layer for layer in viewer.layers if is_result(layer)]
    (layer,) = layers
    painted = int(np.count_nonzero(layer.data))
    panel.desk.saved.connect(
        lambda _: sys.stdout.write(f"saved {np.count_nonzero(layer.data)}\n") and sys.stdout.flush()
    )
    for n in itertools.count(painted):
        layer.data_setitem((np.array([n // SIDE_PX]), np.array([n % SIDE_PX])), 1)
        until = time.monotonic() + 0.15
        while time.monotonic() < until:
            QApplication.processEvents()
            time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
