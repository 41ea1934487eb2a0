"""Measure the demo checkpoint on drawn scenes with exact masks: `python benchmarks/demo_checkpoint.py --help`.

Each scene is asked for three concepts it shows and five it does not. Reported are the mean intersection over
union of the present queries (a query that is dropped counts as 0) and the F1 of presence (a query is called
present when it survives the recurrence), with the preset `demo` and with
one thing changed at a time.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from napari_car import Segmenter
from napari_car.config import CaRConfig
from napari_car.presets import DEMO_CHANGES, find_preset
from scenes.seeds import HELD_OUT_SEEDS, VALIDATION_SEEDS, Trial, make_trial

PROMPTS = ("blur", "gray", "black", "circle", "rectangle", "contour")
VARIANTS: dict[str, dict[str, Any]] = {
    "demo": {},
    "annotate as it is": {
        "prompts.kinds": ["circle", "blur"],
        "prompts.mask_threshold": 0.4,
        "crf.background_factor": 1.0,
    },
    "no recurrence (all proposals kept)": {"recurrence.max_steps": 1, "recurrence.score_threshold": 0.0},
    "one time step": {"recurrence.max_steps": 1},
    "Grad-CAM": {"proposals.method": "grad-cam"},
    "no background queries in g": {"classifier.background": False},
    "no background queries in f and g": {"classifier.background": False, "proposals.background_lists": []},
    "no CRF": {"crf.backend": "none"},
    **{f"prompt {kind}": {"prompts.kinds": [kind]} for kind in PROMPTS if kind != "black"},
    "prompts circle, blur": {"prompts.kinds": ["circle", "blur"]},
    "g: all but the last block": {"classifier.blocks": "all-but-last"},
    "g: centre crop": {"classifier.fit": "crop"},
}
"""Name -> what else is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found for one query of one scene."""

    domain: str
    name: str
    is_present: bool
    is_found: bool
    is_uncertain: bool
    score: float
    iou: float | None
    """Intersection over union with the exact mask; None for an absent query."""
    proposal_iou: float | None
    """The same for f's first proposal, binarised at η."""


def answer(segmenter: Segmenter, trial: Trial, config: CaRConfig) -> list[Answer]:
    """Ask one scene all its queries."""
    result = segmenter.segment(trial.scene.image, trial.queries, config)
    answers = []
    for i, name in enumerate(trial.queries):
        is_present = name in trial.present
        truth = trial.scene.mask(name)
        proposal = result.steps[0].proposals[i] > config.prompts.mask_threshold
        answers.append(
            Answer(
                domain=trial.scene.domain,
                name=name,
                is_present=is_present,
                is_found=result[i].has_mask,
                is_uncertain=result[i].verdict == "uncertain",
                score=result[i].score,
                iou=overlap(result.mask(i), truth) if is_present else None,
                proposal_iou=overlap(proposal, truth) if is_present else None,
            )
        )
    return answers


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two (H, W) bool masks; 1 if both are empty."""
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def summarise(answers: Iterable[Answer]) -> dict[str, float]:
    """Compute the figures of some answers."""
    answers = list(answers)
    hits = sum(a.is_present and a.is_found for a in answers)
    false_alarms = sum(a.is_found and not a.is_present for a in answers)
    misses = sum(a.is_present and not a.is_found for a in answers)
    ious = [a.iou for a in answers if a.iou is not None]
    found_ious = [a.iou for a in answers if a.iou is not None and a.is_found]
    figures = {
        "mean_iou": statistics.fmean(ious),
        "mean_iou_when_found": statistics.fmean(found_ious) if found_ious else 0.0,
        "mean_proposal_iou": statistics.fmean(a.proposal_iou for a in answers if a.proposal_iou is not None),
        "presence_f1": 2 * hits / max(2 * hits + false_alarms + misses, 1),
        "presence_precision": hits / max(hits + false_alarms, 1),
        "presence_recall": hits / max(hits + misses, 1),
        "uncertain_share": statistics.fmean(a.is_uncertain for a in answers),
    }
    return {name: round(figure, 4) for name, figure in figures.items()}


def measure(segmenter: Segmenter, trials: list[Trial], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Ask all scenes with some parameters changed, and summarise by domain."""
    config = CaRConfig().changed(changes)
    start = time.perf_counter()
    answers = [a for trial in trials for a in answer(segmenter, trial, config)]
    seconds = time.perf_counter() - start
    domains = sorted({a.domain for a in answers})
    return {
        "changes": dict(changes),
        **summarise(answers),
        "by_domain": {domain: summarise(a for a in answers if a.domain == domain) for domain in domains},
        "seconds_per_scene": round(seconds / len(trials), 3),
    }


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--scenes", choices=("held-out", "validation"), default="held-out")
    parser.add_argument("--count", type=int, help="only the first scenes")
    parser.add_argument("--model", default="demo", help="the packaged checkpoint, or a folder")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), help="names of the variants to measure")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON", help="changes common to all variants")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure the chosen variants and store the figures."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    seeds = (HELD_OUT_SEEDS if options.scenes == "held-out" else VALIDATION_SEEDS)[: options.count]
    trials = [make_trial(seed) for seed in seeds]
    segmenter = Segmenter(options.model)
    common = {key: json.loads(value) for key, value in (item.split("=", 1) for item in options.set)}
    figures = {}
    for name in options.variants:
        figures[name] = measure(segmenter, trials, {**DEMO_CHANGES, **common, **VARIANTS[name]})
        print(
            f"{name:36} IoU {figures[name]['mean_iou']:.3f}  F1 {figures[name]['presence_f1']:.3f}",
            flush=True,
        )
        if options.out:
            options.out.write_text(json.dumps(report(options, seeds, segmenter, figures), indent=1) + "\n")


def report(options: argparse.Namespace, seeds: range, segmenter: Segmenter, figures: dict[str, Any]) -> dict[str, Any]:
    """Put figures beside what they were measured with."""
    return {
        "scenes": options.scenes,
        "seeds": [seeds[0], seeds[-1]],
        "n_scenes": len(seeds),
        "checkpoint_sha256": segmenter.f.identity.sha256,
        "config": find_preset("demo").config.to_dict(),
        "threads": options.threads,
        "versions": {name: version(name) for name in ("napari-car", "torch", "open_clip_torch", "numpy")},
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": figures,
    }


if __name__ == "__main__":
    main()
