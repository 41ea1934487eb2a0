"""Measure what variants of an experiment save by sharing: `python benchmarks/experiments.py --help`.

The same scenes are evaluated twice in one process: variant by variant, each with segmenters that remember nothing, as
separate runs would; and scene by scene, all variants with the same segmenters, as `napari-car evaluate --experiment`
does. Networks are loaded, and texts known, before either; both are measured in turns, in processor time.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from environment import describe_environment
from evaluation_scenes import write_scenes
from napari_car import Segmenter
from napari_car.evaluation.benchmarks.catalogue import find_benchmark
from napari_car.evaluation.benchmarks.semantic import SemanticBenchmark, SemanticSample
from napari_car.evaluation.experiments import EXPERIMENTS, Variant
from napari_car.evaluation.lanes import NetworkRoles, build_like
from napari_car.evaluation.run import evaluate_item
from napari_car.presets import find_preset
from napari_car.results import drain
from scenes.seeds import VALIDATION_SEEDS

CONFIG = find_preset("demo").config
SHARING = ("recurrence", "cam", "prompts", "thresholds", "backgrounds")
"""All but the exchange of networks, of which there is one here."""

Labels = dict[tuple[str, str], np.ndarray]
"""Label maps by variant and scene."""


def evaluate_apart(segmenter: Segmenter, benchmark: SemanticBenchmark, variants: Sequence[Variant]) -> Labels:
    """Evaluate variant by variant; nothing of an image is known before."""
    return {
        (variant.name, sample.key): evaluate_one(new, benchmark, sample, variant)
        for variant in variants
        for new in [build_like(segmenter, segmenter.f, segmenter.g)]
        for sample in benchmark.samples
    }


def evaluate_together(segmenter: Segmenter, benchmark: SemanticBenchmark, variants: Sequence[Variant]) -> Labels:
    """Evaluate image by image, all variants one after the other."""
    roles = NetworkRoles(build_like(segmenter, segmenter.f, segmenter.g))
    return {
        (variant.name, sample.key): evaluate_one(roles.segmenter(variant.networks), benchmark, sample, variant)
        for sample in benchmark.samples
        for variant in variants
    }


def evaluate_one(
    segmenter: Segmenter, benchmark: SemanticBenchmark, sample: SemanticSample, variant: Variant
) -> np.ndarray:
    """Return the label map of a scene."""
    return drain(evaluate_item(segmenter, benchmark, sample, variant.apply(CONFIG))).prediction


def clocked(evaluate: Callable[..., Labels], *arguments: Any) -> tuple[dict[str, float], Labels]:
    """Return wall and processor time, and label maps."""
    wall, cpu = time.perf_counter(), time.process_time()
    labels = evaluate(*arguments)
    return {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}, labels


def measure(segmenter: Segmenter, benchmark: SemanticBenchmark, name: str, n_rounds: int) -> dict[str, Any]:
    """Measure both ways of an experiment in turns, and check that they say the same."""
    variants = EXPERIMENTS[name].find_variants("folder", CONFIG)
    evaluate_together(segmenter, benchmark, variants)  # texts are known from here on
    apart, together = [], []
    for _ in range(n_rounds):
        times, expected = clocked(evaluate_apart, segmenter, benchmark, variants)
        apart.append(times)
        times, found = clocked(evaluate_together, segmenter, benchmark, variants)
        together.append(times)
        assert all(np.array_equal(found[key], labels) for key, labels in expected.items())
    return {
        "n_variants": len(variants),
        "apart": apart,
        "together": together,
        "median_ratio": {
            clock: round(
                statistics.median(a[f"{clock}_s"] / b[f"{clock}_s"] for a, b in zip(apart, together, strict=True)), 3
            )
            for clock in ("wall", "cpu")
        },
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=6, help="how many scenes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is measured")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "experiments.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    segmenter = Segmenter("demo")
    loading_s = round(time.perf_counter() - start, 3)
    seeds = VALIDATION_SEEDS[: options.count]
    with tempfile.TemporaryDirectory() as folder:
        benchmark = find_benchmark("folder").open(write_scenes(Path(folder) / "scenes", seeds))
        assert isinstance(benchmark, SemanticBenchmark)
        report = {
            "what": f"{len(seeds)} validation scenes, {len(benchmark.classes)} queries each, demo checkpoint",
            "seeds": [seeds[0], seeds[-1]],
            "loading_s": loading_s,
            "experiments": {name: measure(segmenter, benchmark, name, options.rounds) for name in SHARING},
            "environment": describe_environment(),
        }
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
