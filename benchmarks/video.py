"""Frame-by-frame segmentation of videos against what may be taken over from frame to frame.

`python benchmarks/video.py --help`. The videos are drawn with exact masks (`moving_scenes.py`), so that the demo
checkpoint knows what is in them. Each is asked for its three objects, of which one appears after a third of the frames,
and for five that never come. Reported are J, F and J&F of the objects, flicker (how much more masks change from frame
to frame than the truth does), in how many frames something absent was found, and CPU time per frame. All variants of a
video are run one after another, so that their times can be compared: by the ratio to frame by frame.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from environment import describe_environment
from moving_scenes import MovingScene, draw_moving_scene
from napari_car import Segmentation, Segmenter
from napari_car.clip.model import ClipModel
from napari_car.evaluation.metrics import FlickerTally, VideoTally
from napari_car.presets import find_preset

VARIANTS: dict[str, dict[str, Any]] = {
    "frame by frame": {},
    "smoothing 0.3": {"video.smoothing": 0.3},
    "smoothing 0.5": {"video.smoothing": 0.5},
    "smoothing 0.7": {"video.smoothing": 0.7},
    "carried": {"video.carry_queries": True},
    "carried, never asked again": {"video.carry_queries": True, "video.ask_again_every": 0},
    "carried, asked again every 5": {"video.carry_queries": True, "video.ask_again_every": 5},
    "carried, smoothing 0.3": {"video.carry_queries": True, "video.smoothing": 0.3},
    "features reused up to 6 grey levels": {"video.reuse_below": 6.0},
}
"""Name -> what is changed; the first one is what others are compared with."""
FIRST_SEED = 5_000_000


class Figures:
    """What is counted of one variant."""

    def __init__(self) -> None:
        self.match, self.flicker = VideoTally(), FlickerTally()
        self.seconds_per_frame: list[float] = []
        """One mean per video."""
        self.n_asked = self.n_frames = self.n_absent_found = self.n_absent = 0

    def add(self, scene: MovingScene, results: list[Segmentation], seconds: list[float]) -> None:
        """Count a video."""
        self.seconds_per_frame.append(statistics.fmean(seconds))
        sequence = str(scene.seed)
        for number, result in enumerate(results):
            for name in scene.present:
                self.match.update(sequence, name, number, result.mask(name), scene.masks[number][name])
            self.n_frames += 1
            self.n_asked += len({query for step in result.steps for query in step.queries})
            self.n_absent += len(scene.absent)
            self.n_absent_found += sum(result[name].has_mask for name in scene.absent)
        for name, (number, (before, after)) in itertools.product(
            scene.present, enumerate(itertools.pairwise(results), start=1)
        ):
            self.flicker.update(
                sequence,
                name,
                number,
                previous=before.mask(name),
                current=after.mask(name),
                previous_truth=scene.masks[number - 1][name],
                current_truth=scene.masks[number][name],
            )

    def summary(self, base: "Figures") -> dict[str, Any]:
        """Return the figures; times as ratios to those of another variant on the same videos, too."""
        scores, flicker = self.match.scores(), self.flicker.scores()
        ratios = [mine / theirs for mine, theirs in zip(self.seconds_per_frame, base.seconds_per_frame, strict=True)]
        assert scores.region is not None
        assert scores.boundary is not None
        return {
            "j_and_f": _rounded(scores.region_and_boundary),
            "j": _rounded(scores.region.mean),
            "f": _rounded(scores.boundary.mean),
            "change": _rounded(flicker.change),
            "true_change": _rounded(flicker.true_change),
            "flicker": _rounded(flicker.flicker),
            "absent_found_share": _rounded(self.n_absent_found / self.n_absent),
            "queries_asked_per_frame": _rounded(self.n_asked / self.n_frames),
            "cpu_seconds_per_frame": {
                "median": _rounded(statistics.median(self.seconds_per_frame)),
                "smallest": _rounded(min(self.seconds_per_frame)),
                "largest": _rounded(max(self.seconds_per_frame)),
            },
            "time_ratio": {
                "median": _rounded(statistics.median(ratios)),
                "smallest": _rounded(min(ratios)),
                "largest": _rounded(max(ratios)),
            },
        }


def _rounded(value: float | None) -> float | None:
    """Return a figure with as many digits as mean something."""
    return None if value is None else round(value, 4)


def run_video(clip: ClipModel, scene: MovingScene, changes: dict[str, Any]) -> tuple[list[Segmentation], list[float]]:
    """Segment a video; return its results and the time of each frame in seconds."""
    config = find_preset("demo").config.changed({"compute.max_features_cached": 0, **changes})
    segmenter = Segmenter(clip)  # which knows nothing of what another variant has encoded
    results, seconds, start = [], [], time.process_time()
    for result in segmenter.segment_video(scene.frames, scene.queries, config):
        seconds.append(time.process_time() - start)
        results.append(result)
        start = time.process_time()
    return results, seconds


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--videos", type=int, default=10)
    parser.add_argument("--frames", type=int, default=24, help="of each video")
    parser.add_argument("--model", default="demo", help="the packaged checkpoint, or a folder")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), help="the first one is compared with")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure the chosen variants and store the figures."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    segmenter = Segmenter(options.model)
    figures = {name: Figures() for name in options.variants}
    for seed in range(FIRST_SEED, FIRST_SEED + options.videos):
        scene = draw_moving_scene(seed, options.frames)
        segmenter.segment(scene.frames[0], scene.queries, find_preset("demo").config)  # encodes the texts
        for name in options.variants:
            figures[name].add(scene, *run_video(segmenter.f, scene, VARIANTS[name]))
        print(f"video {seed} done", flush=True)
    base = figures[options.variants[0]]
    report = {
        "what": " ".join((__doc__ or "").split("\n\n")[0].split()),
        "videos": {"seeds": [FIRST_SEED, FIRST_SEED + options.videos - 1], "n_frames": options.frames},
        "checkpoint_sha256": segmenter.f.identity.sha256,
        "preset": "demo",
        "environment": describe_environment(),
        "variants": {name: {"changes": VARIANTS[name], **counted.summary(base)} for name, counted in figures.items()},
    }
    for name, found in report["variants"].items():
        print(
            f"{name:36} J&F {found['j_and_f']:.3f}  flicker {found['flicker']:+.3f}  "
            f"absent found {found['absent_found_share']:.3f}  time {found['time_ratio']['median']:.2f}"
        )
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
