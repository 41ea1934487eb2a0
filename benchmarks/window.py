"""How long the plugin keeps napari's window from reacting, and how soon Cancel acts.

A timer in the window's own loop beats every few milliseconds while the dock is opened, the networks load, a run goes
on, a threshold is moved, a proposal is accepted and a label is corrected by pointing; the longest pause between two
beats counts. For comparison: what napari itself takes to add a layer of labels of the same size. Needs a display::

    xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/window.py
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

RESULT = Path(__file__).parent / "results" / "window.json"
QUERIES = "blue circle, sand, snow, wood, orange circle, yellow square"
BEAT_MS = 5


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[150, 1024, 3000], help="sides of the images, in px")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("NAPARI_CAR_CONFIG", "NAPARI_CAR_MODELS", "NAPARI_CAR_CACHE"):
            os.environ[name] = str(Path(folder) / name)
        os.environ["NAPARI_CONFIG"] = ""  # napari's settings stay in memory
        images = [measure(side, arguments.repeats) for side in arguments.sides]
        from environment import describe_environment  # loads torch, whose loading is measured above

    results = {"environment": describe_environment(), "beat_ms": BEAT_MS, "images": images}
    arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results["images"], indent=2))


def measure(side_px: int, repeats: int) -> dict[str, Any]:
    """Return the medians, in ms, of the longest pause in each phase, for a square image."""
    rounds = [measure_once(side_px) for _ in range(repeats)]
    return {"side_px": side_px} | {
        phase: {
            "median_ms": round(1e3 * median(values := [found[phase] for found in rounds]), 1),
            "all_ms": [round(1e3 * value, 1) for value in values],
        }
        for phase in rounds[0]
    }


def measure_once(side_px: int) -> dict[str, float]:
    """Return the longest pause in each phase, in s."""
    import napari
    from napari.qt import get_qapp

    from napari_car.annotation.sheet import QuerySheet

    get_qapp()
    viewer = napari.Viewer()
    viewer.add_image(enlarged(side_px), name="image")
    settle()
    pauses: dict[str, float] = {}
    with longest_pause(pauses, "napari adds labels"):
        labels = viewer.add_labels(np.zeros((side_px, side_px), dtype=np.int32))
        settle()
    viewer.layers.remove(labels)
    settle()
    with longest_pause(pauses, "opening the dock"):
        _, widget = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
        settle()
    with longest_pause(pauses, "loading the networks' libraries"):
        settle(4.0)
    widget.queries.set_sheet(QuerySheet().added(QUERIES)[0])
    with longest_pause(pauses, "run that adds the labels"):
        run(widget)
    widget.results.thresholds._mask.setValue(0.7)
    wait_until(lambda: not widget.session.is_deciding)
    with longest_pause(pauses, "threshold that moves a proposal"):
        widget.results.thresholds._mask.setValue(0.75)
        wait_until(lambda: not widget.session.is_deciding)
        settle()
    with longest_pause(pauses, "accepting"):
        widget.session.accept()
        settle()
    with longest_pause(pauses, "run that proposes"):
        run(widget)
    pauses["Cancel"] = cancel_latency(widget)
    pauses |= measure_pointing(widget, side_px)
    viewer.close()
    settle()
    return pauses


def measure_pointing(widget: Any, side_px: int) -> dict[str, float]:
    """Return the longest pauses, and the time to the preview, of corrections by pointing without SAM."""
    from napari_car.sam.prompts import Point

    session, pauses = widget.pointing.session, dict[str, float]()
    widget.session.discard()
    widget.pointing.options.choose_sam("")
    widget.pointing.switch(True)
    settle()
    for number, place in enumerate((0.3, 0.5, 0.7)):
        first = " (the first)" if number == 0 else ""
        point = Point(place * side_px, 0.5 * side_px, is_positive=number != 1)
        with longest_pause(pauses, f"click that is previewed{first}"):
            start = time.perf_counter()
            session.mark(lambda pointing, point=point: pointing.with_point(point))
            wait_until(lambda: session.preview is not None)
            pauses[f"from click to preview{first}"] = time.perf_counter() - start
            settle()
    with longest_pause(pauses, "accepting a correction"):
        session.accept()
        settle()
    widget.pointing.switch(False)
    settle()
    return pauses


def run(widget: Any) -> None:
    """Run to the end."""
    widget.run()
    assert widget.session.is_running, widget.run_bar.text
    wait_until(lambda: not widget.session.is_running)
    settle()


def cancel_latency(widget: Any) -> float:
    """Return the time from Cancel, while masks are checked, to the end of the run."""
    said: list[str] = []
    widget.session.status_changed.connect(lambda status: said.append(status.text))
    widget.queries.apply(widget.queries.sheet.added("gravel, brick wall, grass, red star")[0])
    widget.run()
    wait_until(lambda: any("checking masks" in text for text in said) or not widget.session.is_running)
    start = time.perf_counter()
    widget.session.cancel()
    wait_until(lambda: not widget.session.is_running)
    return time.perf_counter() - start


@contextmanager
def longest_pause(pauses: dict[str, float], phase: str) -> Iterator[None]:
    """Keep the longest time between two beats of a timer in the window's loop while a block runs."""
    from qtpy.QtCore import QTimer

    beats = [time.perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(BEAT_MS)
    yield
    timer.stop()
    beats.append(time.perf_counter())
    pauses[phase] = float(max(np.diff(beats)))


def wait_until(condition: Callable[[], bool], limit_s: float = 300.0) -> None:
    """Let the window's loop go on until a condition holds."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + limit_s
    while not condition():
        assert time.perf_counter() < end, "it takes too long"
        QApplication.processEvents()
        time.sleep(0.001)


def settle(seconds: float = 0.3) -> None:
    """Let the window's loop go on for a while."""
    end = time.perf_counter() + seconds
    wait_until(lambda: time.perf_counter() > end)


def enlarged(side_px: int) -> np.ndarray:
    """Return a sample scene at another size, with a little noise, so that pixels differ."""
    import cv2

    from napari_car import read_image
    from napari_car.scenes import load_scenes

    scene = next(scene for scene in load_scenes() if scene.name == "shapes-on-sand")
    image = cv2.resize(read_image(scene.image).rgb, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    noise = np.random.default_rng(0).integers(0, 4, image.shape, dtype=np.uint8)
    return np.clip(image.astype(np.uint16) + noise, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
