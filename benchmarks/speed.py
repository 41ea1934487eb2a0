"""Time and memory of a whole run against the compute that cannot be avoided.

One image of 500 x 375 px, 20 queries, 23 background queries, 15 templates, B/16 as f and L/14 as g with random
weights, two time steps of 20 and 5 queries: so at least one B/16 encode and 25 L/14 encodes. Which queries survive is
forced, since scores of random weights mean nothing.

    python benchmarks/speed.py --models FOLDER
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from environment import describe_environment
from napari_car import CaRConfig, Segmenter, Step
from napari_car.core import recurrence
from napari_car.core.classifier import MAX_BATCH_ON_CPU
from random_models import write_random_model

QUERIES = [f"thing {i}" for i in range(20)]
OTHER_QUERIES = [f"object {i}" for i in range(20)]
N_SURVIVORS = 5
SIZE_PX = (375, 500)
CONFIG = CaRConfig().changed(
    {
        "classifier.background": False,
        "recurrence.min_steps": 2,
        "crf.backend": "torch",
        "compute.max_features_cached": 1,
    }
)


class PeakMemory:
    """Largest resident memory above that at the start, sampled every 5 ms, in MB."""

    def __enter__(self) -> "PeakMemory":
        self._process = psutil.Process()
        self._start = self._process.memory_info().rss
        self.mb = 0.0
        self._running = True
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running = False
        self._thread.join()

    def _sample(self) -> None:
        while self._running:
            self.mb = max(self.mb, (self._process.memory_info().rss - self._start) / 1e6)
            time.sleep(0.005)


@contextmanager
def forced_survivors() -> Iterator[None]:
    """Let five queries survive the first time step, and all the second."""
    real = recurrence.surviving
    recurrence.surviving = lambda scores, _: np.arange(len(scores)) < N_SURVIVORS
    try:
        yield
    finally:
        recurrence.surviving = real


def draw_image(seed: int) -> np.ndarray:
    """Draw smooth random blobs with noise, (375, 500, 3) uint8."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, SIZE_PX[::-1], interpolation=cv2.INTER_CUBIC).astype(float)
    return (smooth + rng.normal(0, 5, smooth.shape)).clip(0, 255).astype(np.uint8)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return wall seconds, CPU seconds and the result of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def measure_run(segmenter: Segmenter, image: np.ndarray, queries: list[str]) -> dict[str, Any]:
    """Run once; return times, memory and what was done."""
    with PeakMemory() as memory, forced_survivors():
        wall, cpu, result = timed(lambda: segmenter.segment(image, queries, CONFIG))
    assert [len(step.queries) for step in result.steps if isinstance(step, Step)] == [len(queries), N_SURVIVORS]
    return {
        "wall_s": round(wall, 3),
        "cpu_s": round(cpu, 3),
        "peak_memory_mb": round(memory.mb),
        "stages_s": dict(result.provenance.seconds),
    }


def measure_unavoidable(segmenter: Segmenter) -> dict[str, Any]:
    """Time one encode by f at image size and 25 by g, with open_clip's own forward passes."""
    f, g = segmenter.f.tower, segmenter.g.tower
    height, width = (-(-side // f.patch_px) * f.patch_px for side in SIZE_PX)
    with torch.no_grad():
        image = torch.randn(1, 3, height, width)

        def encode_f() -> None:
            tokens = f.embed(image)
            for block in f.blocks:
                tokens = block(tokens)

        def encode_g() -> None:
            for start in range(0, len(QUERIES) + N_SURVIVORS, MAX_BATCH_ON_CPU):
                n = min(MAX_BATCH_ON_CPU, len(QUERIES) + N_SURVIVORS - start)
                g.visual(torch.randn(n, 3, *g.native_size_px))

        f_wall, f_cpu, _ = timed(encode_f)
        g_wall, g_cpu, _ = timed(encode_g)
    return {
        "f_s": round(f_wall, 3),
        "g_s": round(g_wall, 3),
        "wall_s": round(f_wall + g_wall, 3),
        "cpu_s": round(f_cpu + g_cpu, 3),
    }


def main() -> None:
    """Measure and write ``results/speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, help="folder for the random-weight models (2.4 GB), kept")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "speed.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        models = arguments.models or Path(scratch)
        names = [str(write_random_model(name, models)) for name in ("ViT-B-16", "ViT-L-14")]
        segmenter = Segmenter(*names, device="cpu", cache_file=Path(scratch) / "texts.sqlite")
        report = measure(segmenter, arguments.repeats)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def measure(segmenter: Segmenter, repeats: int) -> dict[str, Any]:
    """Interleave whole runs and unavoidable compute, so that noise hits both."""
    cold = measure_run(segmenter, draw_image(0), QUERIES)
    runs, floors, ratios = [], [], []
    for repeat in range(1, repeats + 1):
        floors.append(measure_unavoidable(segmenter))
        runs.append(measure_run(segmenter, draw_image(repeat), QUERIES))
        ratios.append(
            {
                "wall": round(runs[-1]["wall_s"] / floors[-1]["wall_s"], 3),
                "cpu": round(runs[-1]["cpu_s"] / floors[-1]["cpu_s"], 3),
            }
        )
        print(ratios[-1], runs[-1], floors[-1], flush=True)
    segmenter.f.texts.embed([f"a clean origami {text}." for text in OTHER_QUERIES])
    again = measure_run(segmenter, draw_image(repeats), OTHER_QUERIES)
    return {
        "what": " ".join((__doc__ or "").split("\n\n")[1].split()),
        "environment": describe_environment(),
        "cold_texts": cold,
        "warm_texts": runs,
        "unavoidable": floors,
        "ratio_whole_to_unavoidable": ratios,
        "median_ratio": {key: round(float(np.median([ratio[key] for ratio in ratios])), 3) for key in ("wall", "cpu")},
        "other_queries_on_the_same_image": again,
    }


if __name__ == "__main__":
    main()
