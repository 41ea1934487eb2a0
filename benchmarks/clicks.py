"""Count the clicks that a predictor needs: `python benchmarks/clicks.py --data FOLDER`.

The measure is that of interactive segmentation (Sofiiuk et al., RITM, 2022; Jang and Kim, BRS, 2019). A simulated
person clicks at the point of the largest distance to the border of the errors, missing and surplus pixels considered
together, until the mask has an IoU of 90 % with the object, 20 times at most. NoC@85 and NoC@90 are the mean numbers
of clicks to reach 85 % and 90 %, objects that never do counting as 20; NoF is how many those are.

FOLDER holds ``davis16/`` and ``voc2011/``; what is missing is left out. Drawn scenes are measured from nothing, and
from the mask that CaR with the demo checkpoint finds for a text query. Figures of predictors that are not
measured again stay in ``benchmarks/results/clicks.json``.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from click_baselines import SIDE_PX, Baseline
from click_cases import DAVIS_SHARES, SEEDS, Case, draw_scenes, read_davis, read_voc
from environment import describe_environment
from napari_car.results import drain
from napari_car.sam.classical import ClassicalPredictor
from napari_car.sam.interactive import SamPredictor
from napari_car.sam.loading import load_sam
from napari_car.sam.prompts import MaskPredictor, Point, Prompts

RESULTS = Path(__file__).parent / "results" / "clicks.json"
MAX_CLICKS = 20
TARGETS = (0.85, 0.9)
REPORTED_CLICKS = (0, 1, 2, 3, 5, 10, 20)
LARGE_PX = 1024
N_TIMED_CLICKS = 12
MAX_LISTED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One object, clicked on until it is right or patience ends."""

    name: str
    ious: tuple[float, ...]
    """After each number of clicks, from 0."""
    estimates: tuple[float, ...]
    """The predictor's own, after each click."""
    seconds: tuple[float, ...]
    """What each prediction took."""

    def n_clicks(self, target: float, max_clicks: int = MAX_CLICKS) -> int:
        """Return the number of clicks after which the IoU is reached first, the largest number if never."""
        return next((number for number, iou in enumerate(self.ious) if iou >= target), max_clicks)

    def iou_after(self, n_clicks: int) -> float:
        """Return the IoU after some clicks; the last one if fewer were needed."""
        return self.ious[min(n_clicks, len(self.ious) - 1)]


def make_predictor(name: str, *, folder: Path | None = None, device: str = "auto") -> MaskPredictor:
    """Make a predictor: ``classical``, a baseline, or a SAM by the name of its checkpoint."""
    if name == "classical":
        return ClassicalPredictor()
    if name in SIDE_PX:
        return Baseline(name)
    return SamPredictor(load_sam(name, folder=folder, device=device))


def next_click(mask: np.ndarray, case: Case, is_free: np.ndarray) -> Point | None:
    """Return where a person clicks next: deepest inside the errors, on a pixel not clicked on before; None without any.

    A point is as deep as it is far from what is no error of its kind, beyond the image included.
    """
    missing, surplus = (_depth(wrong & case.is_counted) * is_free for wrong in (case.truth & ~mask, mask & ~case.truth))
    is_positive = bool(missing.max() >= surplus.max())
    depth = missing if is_positive else surplus
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    return Point(float(row), float(col), is_positive) if depth[row, col] > 0 else None


def overlap(mask: np.ndarray, case: Case) -> float:
    """Return the IoU of a mask with the object, where the truth is known."""
    union = np.count_nonzero((mask | case.truth) & case.is_counted)
    return float(np.count_nonzero(mask & case.truth & case.is_counted) / union) if union else 1.0


def click_through(predictor: MaskPredictor, case: Case, max_clicks: int = MAX_CLICKS) -> Session:
    """Click on an object until its mask is right."""
    image = drain(predictor.open(case.image))
    mask = np.zeros(case.truth.shape, bool) if case.start is None else case.start
    is_free = np.ones(mask.shape, bool)
    points: tuple[Point, ...] = ()
    logits = None
    ious, estimates, seconds = [overlap(mask, case)], [], []
    while ious[-1] < max(TARGETS) and len(points) < max_clicks:
        point = next_click(mask, case, is_free)
        if point is None:
            break
        is_free[int(point.row), int(point.col)] = False
        points = (*points, point)
        start = time.perf_counter()
        prediction = image.predict(Prompts(points, mask=case.start, logits=logits))
        seconds.append(time.perf_counter() - start)
        mask, logits = prediction.masks[0], prediction.logits[0]
        ious.append(overlap(mask, case))
        estimates.append(float(prediction.scores[0]))
    return Session(name=case.name, ious=tuple(ious), estimates=tuple(estimates), seconds=tuple(seconds))


def summarise(sessions: list[Session]) -> dict[str, Any]:
    """Compute the figures of some sessions."""
    figures: dict[str, Any] = {"n_objects": len(sessions)}
    for target in TARGETS:
        counts = [session.n_clicks(target) for session in sessions]
        needed = [count for count, session in zip(counts, sessions, strict=True) if session.ious[0] < target]
        percent = round(100 * target)
        figures[f"noc_{percent}"] = round(statistics.fmean(counts), 3)
        figures[f"nof_{percent}"] = sum(bool(max(session.ious) < target) for session in sessions)
        figures[f"n_right_before_{percent}"] = len(sessions) - len(needed)
        figures[f"noc_{percent}_of_the_others"] = round(statistics.fmean(needed), 3) if needed else None
    figures["iou_after_clicks"] = {
        str(n): round(statistics.fmean(session.iou_after(n) for session in sessions), 4) for n in REPORTED_CLICKS
    }
    errors = [
        estimate - iou
        for session in sessions
        for estimate, iou in zip(session.estimates, session.ious[1:], strict=True)
    ]
    times = [1000 * seconds for session in sessions for seconds in session.seconds]
    if errors:
        figures["estimate_minus_iou"] = {
            "mean": round(statistics.fmean(errors), 3),
            "mean_absolute": round(statistics.fmean(map(abs, errors)), 3),
        }
        figures["predict_ms"] = {"median": round(statistics.median(times), 1), "max": round(max(times), 1)}
    if len(sessions) <= MAX_LISTED:
        figures["clicks_to_85_90"] = {
            session.name: [session.n_clicks(target) for target in TARGETS] for session in sessions
        }
    return figures


def time_large(predictor: MaskPredictor, case: Case) -> dict[str, Any]:
    """Time clicks on an object whose image is enlarged to 1024 x 1024 px."""
    side = (LARGE_PX, LARGE_PX)
    large = Case(
        name=case.name,
        image=cv2.resize(case.image, side),
        truth=cv2.resize(case.truth.astype(np.uint8), side, interpolation=cv2.INTER_NEAREST) > 0,
        is_counted=np.ones(side, bool),
    )
    click_through(predictor, case, 1)  # untimed: libraries load what they need
    start = time.perf_counter()
    drain(predictor.open(large.image))
    open_ms = 1000 * (time.perf_counter() - start)
    times = [1000 * seconds for seconds in click_through(predictor, large, N_TIMED_CLICKS).seconds]
    return {
        "image": case.name,
        "side_px": LARGE_PX,
        "open_ms": round(open_ms, 1),
        "first_click_ms": round(times[0], 1),
        "later_clicks_ms": [round(milliseconds, 1) for milliseconds in times[1:]],
        "median_later_ms": round(statistics.median(times[1:]), 1) if times[1:] else None,
    }


def collect_cases(options: argparse.Namespace) -> dict[str, list[Case]]:
    """Read and draw what is clicked on."""
    sets: dict[str, Iterable[Case]] = {
        "scenes, from the mask of a text query": draw_scenes(options.scenes, options.count, from_query=True),
        "scenes, from nothing": draw_scenes(options.scenes, options.count, from_query=False),
    }
    for name, folder, read in (("DAVIS 2016", "davis16", read_davis), ("Pascal VOC 2011", "voc2011", read_voc)):
        if options.data and (options.data / folder).is_dir():
            sets[f"{name}, from nothing"] = read(options.data / folder)
    return {name: list(cases) for name, cases in sets.items()}


def measure(predictor: MaskPredictor, sets: dict[str, list[Case]]) -> dict[str, Any]:
    """Click on every object of each set."""
    figures: dict[str, Any] = {}
    for name, cases in sets.items():
        figures[name] = summarise([click_through(predictor, case) for case in cases])
        if isinstance(predictor, Baseline):
            figures[name].pop("estimate_minus_iou", None)  # it makes none
        reached = ", ".join(f"{key} {figures[name][key]:.2f}" for key in ("noc_85", "noc_90"))
        print(f"{predictor.name}: {name}: {reached}", flush=True)
    timed = next((cases[0] for name, cases in reversed(sets.items()) if cases and "DAVIS" in name), None)
    return {"sets": figures, "large_image": time_large(predictor, timed or next(iter(sets.values()))[0])}


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with davis16/ and voc2011/")
    parser.add_argument(
        "--predictor",
        nargs="+",
        default=["classical"],
        metavar="NAME",
        help=f"classical, {', '.join(SIDE_PX)}, or a SAM, such as sam-hq/vit_b",
    )
    parser.add_argument("--models", type=Path, help="folder of SAM's checkpoints; by default the package's")
    parser.add_argument("--device", default="auto", help="of SAM")
    parser.add_argument("--scenes", choices=SEEDS, default="held-out")
    parser.add_argument("--count", type=int, default=100, help="number of scenes")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure the chosen predictors and store the figures."""
    options = parse_arguments(arguments)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    sets = collect_cases(options)
    stored = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    predictors: dict[str, Any] = stored.get("predictors", {})
    for name in options.predictor:
        figures = measure(make_predictor(name, folder=options.models, device=options.device), sets)
        seeds = SEEDS[options.scenes][: options.count]
        predictors[name] = {
            "environment": describe_environment(),
            "load_average_5_min": round(os.getloadavg()[1], 1),
            "scenes": {"which": options.scenes, "seeds": [seeds[0], seeds[-1]]},
            **figures,
        }
        report = {
            "max_clicks": MAX_CLICKS,
            "davis_frames": {"shares_of_a_sequence": DAVIS_SHARES},
            "predictors": predictors,
        }
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _depth(error: np.ndarray) -> np.ndarray:
    """Return how deep inside an error each pixel lies; the image's edge is the end of it."""
    padded = np.pad(error, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]


if __name__ == "__main__":
    main()
