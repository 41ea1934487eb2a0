"""Tables of the experiments: what they vary, from the program, and what was measured, from stored results."""

from typing import Any

from benchmark_tables import environment
from markdown_table import code, table

from napari_car.evaluation.experiments import EXPERIMENTS, Experiment, Variant

_FIGURES = {"voc": "VOC", "coco-object": "COCO Object"}


def experiments() -> str:
    """Return a table of the ablations: what each varies, and the paper's figures."""
    rows = [
        (code(item.name), item.table, item.question, len(item.variants), _list_figures(item))
        for item in EXPERIMENTS.values()
    ]
    return table(("experiment", "paper", "what it varies", "variants", "figures of the paper"), rows, "lllrl")


def distractors(report: dict[str, Any]) -> str:
    """Describe ``distractors.json``: the distractor curve of the demo checkpoint."""
    scenes = report["scenes"]
    rows = [
        (
            "with" if point["recurs"] else "without",
            point["n_absent"],
            *(_percent(point[key]) for key in ("mean_iou", "precision", "recall", "false_alarm_rate")),
            f"{point['seconds']:.2f}",
        )
        for point in sorted(scenes["points"], key=lambda point: not point["recurs"])
    ]
    titles = ("recurrence", "absent, K", "mIoU", "presence precision", "presence recall", "false alarms", "s per image")
    first, last = scenes["seeds"]
    which = f"{scenes['n_images']} {scenes['which']} scenes, seeds {first} to {last}"
    return "\n".join(
        [
            table(titles, rows, "lrrrrrr"),
            f"*In percent; {which}, preset {code(scenes['preset'])}.*\n",
            environment(report["environment"]),
        ]
    )


def sharing(report: dict[str, Any]) -> str:
    """Describe ``experiments.json``: what variants save by sharing."""
    rows = [
        (
            code(name),
            measured["n_variants"],
            f"{measured['median_ratio']['cpu']:.2f}",
            f"{measured['median_ratio']['wall']:.2f}",
        )
        for name, measured in report["experiments"].items()
    ]
    titles = ("experiment", "variants", "apart to together, CPU time", "wall time")
    said = f"*{report['what']}; besides, loading the networks ({report['loading_s']:.1f} s) is done once.*\n"
    return "\n".join([table(titles, rows, "lrrr"), said, environment(report["environment"])])


def _list_figures(experiment: Experiment) -> str:
    """Name the variants of which the paper has a figure."""
    said = []
    for benchmark, title in _FIGURES.items():
        variants = experiment.benchmarks.get(benchmark, experiment.variants)
        figures = [_say_figure(variant, benchmark) for variant in variants if benchmark in variant.paper]
        said += [f"{title}: {', '.join(figures)}"] if figures else []
    return "; ".join(said)


def _say_figure(variant: Variant, benchmark: str) -> str:
    """Name a variant with its figure."""
    return f"{variant.title.replace(', ', ' ')} → {variant.paper[benchmark]}"


def _percent(share: float | None) -> str:
    """Write a share in percent."""
    return "–" if share is None else f"{share:.1%}".rstrip("%")
