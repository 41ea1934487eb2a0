"""Sections made from the stored results of the benchmarks; every figure comes from their JSON."""

import statistics
from typing import Any

from markdown_table import code, table

_STAGES = {
    "image": "image features and affinity (f)",
    "texts": "texts",
    "proposals": "mask proposals (f)",
    "classification": "mask classification (g)",
    "refinement": "dense CRF",
}
_RIGHT = {
    "of the queries that are in the image, found": "presence_recall",
    "of the queries that were found, in the image": "presence_precision",
    "IoU of the masks of queries that were found and are in the image, mean": "mean_iou_when_found",
    "verdicts that are uncertain": "uncertain_share",
}
_DOMAINS = {"drawn": "drawn shapes", "microscopy": "drawn cells"}
_CLOCKS = {"first": "first refinement", "again": "another one of the same image"}


def speed(report: dict[str, Any]) -> str:
    """Describe ``speed.json``: a whole run against the compute that cannot be avoided."""
    runs, floors = report["warm_texts"], report["unavoidable"]
    rows = [
        ("unavoidable: f's image encoder", _middle(floors, "f_s"), "", ""),
        ("unavoidable: g's image encoder", _middle(floors, "g_s"), "", ""),
        ("unavoidable, together", _middle(floors, "wall_s"), _middle(floors, "cpu_s"), ""),
        ("whole run, texts known", *_run_cells(runs)),
        ("whole run, texts encoded for the first time", *_run_cells([report["cold_texts"]])),
        ("same image, other queries, texts known", *_run_cells([report["other_queries_on_the_same_image"]])),
    ]
    ratio = report["median_ratio"]
    stages = [
        (_STAGES.get(name, name), _middle([run["stages_s"] for run in runs], name)) for name in runs[0]["stages_s"]
    ]
    return "\n".join(
        [
            f"## A whole run\n\n{report['what']}\n",
            f"The median of {len(runs)} runs, smallest and largest in brackets; memory is the peak above the loaded "
            "networks.\n",
            table(("", "wall time (s)", "CPU time (s)", "peak memory (MB)"), rows, "lrrr"),
            f"Whole to unavoidable, in the median of the pairs of runs: **{ratio['wall']:.2f}** in wall time, "
            f"**{ratio['cpu']:.2f}** in CPU time.\n",
            "Where the time of a run goes:\n",
            table(("stage", "wall time (s)"), stages, "lr"),
            environment(report["environment"]),
        ]
    )


def window(report: dict[str, Any]) -> str:
    """Describe ``window.json``: the longest pauses of napari's window, and how soon Cancel acts."""
    images = report["images"]
    phases = [name for name in images[0] if name != "side_px"]
    header = ("ms", *(f"{image['side_px']:,} x {image['side_px']:,} px" for image in images))
    rows = [(phase, *(f"{image[phase]['median_ms']:.0f}" for image in images)) for phase in phases]
    n_repeats = len(images[0][phases[0]]["all_ms"])
    return "\n".join(
        (
            f"Longest pause of the window in each phase, and the time from Cancel to the end of the run: medians of "
            f"{n_repeats} rounds, in ms, with the demo checkpoint on {report['environment']['threads']} threads.",
            "",
            table(header, rows, "l" + "r" * len(images)),
        )
    )


def crf(report: dict[str, Any]) -> str:
    """Describe ``crf.json``: the torch backend beside pydensecrf."""
    rows = []
    for name, case in report["cases"].items():
        for clock, said in _CLOCKS.items():
            times = [
                f"{case[backend][clock][f'{kind}_median_s']:.2f}"
                for kind in ("wall", "cpu")
                for backend in ("torch", "pydensecrf")
            ]
            size = "x".join(map(str, case["size_px"]))
            image = name.rpartition(", ")[0].split("/")[0]
            rows.append((f"{image}, {size} px", case["n_labels"], said, *times, f"{case['equal_labels']:.2%}"))
    titles = (
        "image",
        "labels",
        "",
        "torch, wall (s)",
        "pydensecrf, wall (s)",
        "torch, CPU (s)",
        "pydensecrf, CPU (s)",
        "equal labels",
    )
    queries = report["queries"]
    machine = f"{report['machine']}, {report['n_cpus']} processors, load {report['load_average_5_min']}"
    memory = [
        (name, "x".join(map(str, case["size_px"])), f"{case['peak_mb']:.0f}") for name, case in report["memory"].items()
    ]
    return "\n".join(
        [
            "## Dense CRF\n",
            "Medians, from the image to the labels; *another one of the same image* uses the lattices made before. "
            "Wall times suffer from whatever else runs on the machine, processor times hardly.\n",
            table(titles, rows, "lrlrrrrr"),
            f"On this machine `--crf-backend auto` takes {code(report['auto_chooses'])}.\n",
            f"Referring mode, {queries['n_queries']} expressions on the first image (torch): "
            f"{queries['in_one_call']['wall_median_s']:.2f} s in one call, "
            f"{queries['one_by_one']['wall_median_s']:.2f} s one by one.\n",
            "Peak memory of the torch backend beyond the libraries':\n",
            table(("case", "size (px)", "peak (MB)"), memory, "lrr"),
            environment(
                {
                    "machine": machine,
                    "python": report["python"],
                    "threads": report["n_threads"],
                    "versions": report["versions"],
                    "date": report["date"],
                }
            ),
        ]
    )


def demo(report: dict[str, Any]) -> str:
    """Describe ``demo_checkpoint.json``: how often the demo checkpoint with its preset is right."""
    figures = report["figures"]["demo"]
    columns = (*(figures["by_domain"][domain] for domain in _DOMAINS), figures)
    rows = [(said, *(f"{column[key]:.1%}" for column in columns)) for said, key in _RIGHT.items()]
    first, last = report["seeds"]
    return "\n".join(
        [
            table(("", *_DOMAINS.values(), "all"), rows, "lrrr"),
            f"*{report['n_scenes']} {report['scenes']} scenes, seeds {first} to {last}; {report['machine']}, "
            f"{report['created'][:10]}.*\n",
        ]
    )


def clicks(report: dict[str, Any]) -> str:
    """Describe ``clicks.json``: how many clicks make a mask right."""
    predictors = report["predictors"]
    rows = [
        (name.partition(",")[0], name.partition(", ")[2], code(predictor), figures["n_objects"], *_click_cells(figures))
        for name in predictors["classical"]["sets"]
        for predictor, measured in predictors.items()
        for figures in (measured["sets"].get(name),)
        if figures
    ]
    titles = (
        "objects in",
        "start",
        "predictor",
        "objects",
        "NoC@85",
        "NoC@90",
        "not reached: 85 %",
        "90 %",
        "IoU after 1, 3, 5",
    )
    classical = predictors["classical"]
    large, first, last = classical["large_image"], *classical["scenes"]["seeds"]
    corrected = next(iter(classical["sets"].values()))
    return "\n".join(
        [
            table(titles, rows, "lllrrrrrr"),
            f"Of the masks of text queries, {corrected['n_right_before_85']} of {corrected['n_objects']} have an IoU "
            f"of 85 % before any click; the others need {corrected['noc_85_of_the_others']:.1f} clicks.\n",
            f"On {large['side_px']:,} x {large['side_px']:,} px the first click of {code('classical')} takes "
            f"{large['first_click_ms']:.0f} ms, each later one {large['median_later_ms']:.0f} ms in the median.\n",
            f"*Scenes: {classical['scenes']['which']}, seeds {first} to {last}.*\n",
            environment(classical["environment"]),
        ]
    )


def video(report: dict[str, Any]) -> str:
    """Describe ``video.json``: frame by frame against what is taken over."""
    rows = [
        (
            name,
            f"{figures['j_and_f']:.3f}",
            f"{figures['j']:.3f}",
            f"{figures['f']:.3f}",
            f"{figures['flicker']:+.3f}",
            f"{figures['absent_found_share']:.1%}",
            f"{figures['queries_asked_per_frame']:.1f}",
            "{median:.2f} ({smallest:.2f} to {largest:.2f})".format(**figures["time_ratio"]),
        )
        for name, figures in report["variants"].items()
    ]
    titles = ("", "J&F", "J", "F", "flicker", "absent found", "queries per frame", "CPU time, ratio to the first")
    first, last = report["videos"]["seeds"]
    seconds = next(iter(report["variants"].values()))["cpu_seconds_per_frame"]["median"]
    return "\n".join(
        [
            table(titles, rows, "lrrrrrrr"),
            f"{last - first + 1} videos of {report['videos']['n_frames']} frames, preset {code(report['preset'])}; the "
            f"first row takes {seconds:.2f} s per frame. Ratios are medians over the videos, smallest and largest in "
            "brackets.\n",
            environment(report["environment"]),
        ]
    )


def _click_cells(figures: dict[str, Any]) -> tuple[str, ...]:
    """Return clicks, failures and IoU of one predictor on one set."""
    noc = (f"{figures[f'noc_{percent}']:.1f}" for percent in (85, 90))
    nof = (str(figures[f"nof_{percent}"]) for percent in (85, 90))
    return (*noc, *nof, ", ".join(f"{figures['iou_after_clicks'][n]:.0%}" for n in ("1", "3", "5")))


def _run_cells(runs: list[dict[str, Any]]) -> tuple[str, str, str]:
    """Return wall time, CPU time and largest memory of some runs."""
    return _middle(runs, "wall_s"), _middle(runs, "cpu_s"), str(max(run["peak_memory_mb"] for run in runs))


def _middle(records: list[dict[str, Any]], key: str) -> str:
    """Return the median of a figure, and its spread where there are several."""
    values = [record.get(key, 0.0) for record in records]
    middle = f"{statistics.median(values):.2f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f} to {max(values):.2f})"


def environment(environment: dict[str, Any]) -> str:
    """Say what the figures were measured on."""
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items() if version)
    threads = f"{environment['threads']} thread{'s' if environment['threads'] > 1 else ''}"
    return (
        f"*Measured on {environment['date']}: {environment['machine']}, {threads}, "
        f"Python {environment['python']}; {versions}.*\n"
    )
