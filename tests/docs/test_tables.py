"""The tables that the site makes from the code and from stored benchmarks."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, ROOT

from napari_car.checkpoints.registry import load_registry
from napari_car.cli.app import app
from napari_car.cli.parameters import WITHOUT_OPTION, option_name
from napari_car.config import CaRConfig
from napari_car.evaluation.experiments import EXPERIMENTS
from napari_car.gui.shortcuts import CORRECTION_SHORTCUTS, SHORTCUTS
from napari_car.presets import PRESETS
from napari_car.schema import field_keys

sys.path.append(str(ROOT / "docs" / "hooks"))

import generated
from benchmark_tables import clicks, crf, demo, speed
from experiment_tables import distractors, experiments, sharing
from markdown_table import table
from roles import link_roles

CLI = generated.fill((ROOT / "docs" / "cli.md").read_text(encoding="utf-8"))


def test_cells_stay_in_their_row() -> None:
    assert table(("a", "b"), [("x | y", "two\nlines")], "lr") == "| a | b |\n| --- | ---: |\n| x \\| y | two lines |\n"


def test_bars_in_code_are_left_alone() -> None:
    assert table(("a",), [("`x | y` | z",)]).endswith("| `x | y` \\| z |\n")


def test_every_option_of_every_command_is_listed() -> None:
    for command in app.commands.values():
        for parameter in command.params:
            for name in parameter.opts:
                assert not name.startswith("--") or re.search(rf"`{name}[ `]", CLI), f"{command.name} {name}"


def test_every_parameter_is_listed_with_its_option() -> None:
    for key in field_keys(CaRConfig()):
        option = f"`--{option_name(key)}`" if key not in WITHOUT_OPTION else ""
        if key == "mode":
            option = "`--refer`"
        assert f"| `{key}` | {option} |" in CLI


@pytest.mark.parametrize(
    "row",
    [
        "| `recurrence.score_threshold` | `--score-threshold` | `0.5` | 0 to 1 |",
        "| `recurrence.min_steps` | `--min-steps` | `1` | at least 1 |",
        "| `recurrence.keep_best` | `--keep-best` | `false` | `true`, `false` |",
        '| `classifier.fit` | `--classifier-fit` | `"squash"` | `crop`, `squash`, `pad` |',
        "| `classifier.templates` | `--classifier-template` | 15 texts | list of: text |",
    ],
)
def test_rows_state_default_and_range(row: str) -> None:
    assert row in CLI


def test_every_preset_is_listed() -> None:
    assert all(f"| `{name}` |" in CLI for name in PRESETS)


def test_every_checkpoint_is_listed() -> None:
    page = generated.fill((ROOT / "docs" / "install.md").read_text(encoding="utf-8"))
    assert all(f"| `{name}` | {entry.size_mb} MB |" in page for name, entry in load_registry().items())


def test_every_key_of_the_dock_is_listed() -> None:
    page = generated.fill((ROOT / "docs" / "keyboard.md").read_text(encoding="utf-8"))
    assert all(f"| `{shortcut.keys}` | {shortcut.text} |" in page for shortcut in (*SHORTCUTS, *CORRECTION_SHORTCUTS))


def test_a_marker_that_names_nothing_is_an_error() -> None:
    with pytest.raises(KeyError):
        generated.fill("<!-- generated: speeed -->")


def test_all_markers_of_the_pages_are_known() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    named = {match[1].split()[0] for text in texts for match in generated.MARKER.finditer(text)}
    assert named == set(generated.SOURCES)


def test_roles_become_references() -> None:
    html = link_roles("see :func:<code>~napari_car.io.read_image</code> and :meth:<code>segment</code>")
    titled = link_roles(":meth:<code>Segmenter.run &lt;napari_car.segmenter.Segmenter.run&gt;</code>")
    assert titled == (
        '<autoref identifier="napari_car.segmenter.Segmenter.run" optional><code>Segmenter.run</code></autoref>'
    )
    assert '<autoref identifier="napari_car.io.read_image" optional><code>read_image</code></autoref>' in html
    assert '<autoref identifier="segment" optional><code>segment</code></autoref>' in html


ENVIRONMENT: dict[str, Any] = {
    "machine": "abacus",
    "python": "3.11.0",
    "threads": 2,
    "versions": {"torch": "2.4", "pydensecrf2": None},
    "date": "2026-01-02",
}


def test_experiments_are_listed_with_the_papers_figures() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", experiments(), re.MULTILINE))
    assert set(rows) == set(EXPERIMENTS)
    assert rows["prompts"].endswith("| 15 | VOC: mask → 61.8, circle blur → 67.6")
    assert "COCO Object: f for both → 15.9, f and g → 36.6" in rows["backbones"]


class TestBenchmarks:
    def speed_report(self) -> dict[str, Any]:
        def run(wall_s: float) -> dict[str, Any]:
            stages = {"image": 1.5, "classification": wall_s - 1.5}
            return {"wall_s": wall_s, "cpu_s": 2 * wall_s, "peak_memory_mb": round(100 * wall_s), "stages_s": stages}

        return {
            "what": "One image.",
            "environment": ENVIRONMENT,
            "cold_texts": run(91.25),
            "warm_texts": [run(31), run(30), run(35)],
            "unavoidable": [{"f_s": 1.25, "g_s": 27.0, "wall_s": 28.25, "cpu_s": 55.0}] * 3,
            "median_ratio": {"wall": 1.0973, "cpu": 1.127},
            "other_queries_on_the_same_image": run(29.5),
        }

    def crf_report(self) -> dict[str, Any]:
        timing = {"wall_median_s": 0.4567, "cpu_median_s": 0.7891}
        again = {"wall_median_s": 0.1234, "cpu_median_s": 0.2345}
        backend = {"first": timing, "again": again}
        case = {"size_px": [500, 375], "n_labels": 21, "torch": backend, "pydensecrf": backend, "equal_labels": 0.9987}
        return {
            **{key: ENVIRONMENT[key] for key in ("machine", "python", "versions", "date")},
            "n_threads": 2,
            "n_cpus": 2,
            "load_average_5_min": 3.5,
            "auto_chooses": "torch",
            "cases": {"voc2011/JPEGImages/2011_000006.jpg, 21 labels": case},
            "queries": {"n_queries": 8, "in_one_call": timing, "one_by_one": again},
            "memory": {"photograph, 2 labels": {"size_px": [854, 480], "n_labels": 2, "peak_mb": 321.4}},
        }

    def test_speed_shows_medians_spread_and_ratio(self) -> None:
        text = speed(self.speed_report())
        assert "| whole run, texts known | 31.00 (30.00 to 35.00) | 62.00 (60.00 to 70.00) | 3500 |" in text
        assert "| whole run, texts encoded for the first time | 91.25 | 182.50 | 9125 |" in text
        assert "**1.10** in wall time, **1.13** in CPU time" in text
        assert "| mask classification (g) | 29.50 (28.50 to 33.50) |" in text
        assert "abacus, 2 threads, Python 3.11.0; torch 2.4.*" in text

    def test_crf_shows_both_backends(self) -> None:
        text = crf(self.crf_report())
        assert "| voc2011, 500x375 px | 21 | first refinement | 0.46 | 0.46 | 0.79 | 0.79 | 99.87% |" in text
        assert "0.46 s in one call, 0.12 s one by one" in text
        assert "| photograph, 2 labels | 854x480 | 321 |" in text

    def test_demo_shows_shares_of_each_domain(self) -> None:
        def figures(share: float) -> dict[str, float]:
            keys = ("presence_recall", "presence_precision", "mean_iou_when_found", "uncertain_share")
            return {key: share + 0.01 * number for number, key in enumerate(keys)}

        by_domain = {"drawn": figures(0.25), "microscopy": figures(0.5)}
        text = demo(
            {
                "figures": {"demo": figures(0.75) | {"by_domain": by_domain}},
                "seeds": [7, 9],
                "n_scenes": 3,
                "scenes": "held-out",
                "machine": "abacus",
                "created": "2026-01-02T03:04:05+00:00",
            }
        )
        assert "| drawn shapes | drawn cells | all |" in text
        assert "| of the queries that were found, in the image | 26.0% | 51.0% | 76.0% |" in text
        assert "3 held-out scenes, seeds 7 to 9; abacus, 2026-01-02.*" in text

    def test_clicks_shows_each_predictor_on_each_set(self) -> None:
        def measured(noc: float) -> dict[str, Any]:
            figures = {
                "n_objects": 12,
                "noc_85": noc,
                "noc_90": noc + 1,
                "nof_85": 0,
                "nof_90": 3,
                "n_right_before_85": 7,
                "noc_85_of_the_others": 2.345,
                "iou_after_clicks": {"1": 0.5, "3": 0.75, "5": 0.811},
            }
            return {
                "sets": {"scenes, from nothing": figures},
                "scenes": {"which": "held-out", "seeds": [7, 9]},
                "large_image": {"side_px": 1024, "first_click_ms": 201.4, "median_later_ms": 99.6},
                "environment": ENVIRONMENT,
            }

        text = clicks({"predictors": {"classical": measured(2.5), "other": measured(7.25)}})
        assert "| scenes | from nothing | `classical` | 12 | 2.5 | 3.5 | 0 | 3 | 50%, 75%, 81% |" in text
        assert "| scenes | from nothing | `other` | 12 | 7.2 | 8.2 | 0 | 3 | 50%, 75%, 81% |" in text
        assert "7 of 12 have an IoU of 85 % before any click; the others need 2.3 clicks" in text
        assert "the first click of `classical` takes 201 ms, each later one 100 ms" in text
        assert "held-out, seeds 7 to 9" in text

    def test_distractors_shows_each_point(self) -> None:
        def point(n_absent: int, recurs: bool) -> dict[str, Any]:
            scores = {"mean_iou": 0.5, "precision": None if n_absent == 0 else 0.75, "recall": 1.0}
            return scores | {"n_absent": n_absent, "recurs": recurs, "false_alarm_rate": 0.0125, "seconds": 1.234}

        points = [point(count, recurs) for count in (0, 200) for recurs in (True, False)]
        scenes = {"n_images": 40, "which": "held-out", "seeds": [7, 46], "preset": "demo", "points": points}
        rows = distractors({"scenes": scenes, "environment": ENVIRONMENT}).splitlines()
        assert rows[2:6] == [
            "| with | 0 | 50.0 | – | 100.0 | 1.2 | 1.23 |",
            "| with | 200 | 50.0 | 75.0 | 100.0 | 1.2 | 1.23 |",
            "| without | 0 | 50.0 | – | 100.0 | 1.2 | 1.23 |",
            "| without | 200 | 50.0 | 75.0 | 100.0 | 1.2 | 1.23 |",
        ]
        assert "*In percent; 40 held-out scenes, seeds 7 to 46, preset `demo`.*" in rows

    def test_sharing_shows_ratios(self) -> None:
        measured = {"n_variants": 7, "median_ratio": {"cpu": 1.315, "wall": 1.2}}
        report = {"what": "4 scenes", "loading_s": 1.25, "experiments": {"cam": measured}, "environment": ENVIRONMENT}
        text = sharing(report)
        assert "| `cam` | 7 | 1.31 | 1.20 |" in text
        assert "*4 scenes; besides, loading the networks (1.2 s) is done once.*" in text

    def test_what_was_not_measured_is_left_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(generated, "RESULTS", tmp_path)
        assert generated.fill("<!-- generated: speed -->\n<!-- generated: crf -->").strip() == ""
        (tmp_path / "speed.json").write_text(json.dumps(self.speed_report()), encoding="utf-8")
        assert "## A whole run" in generated.fill("<!-- generated: speed -->")

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("speed", "speed"),
            ("crf", "crf"),
            ("demo", "demo_checkpoint"),
            ("clicks", "clicks"),
            ("distractors", "distractors"),
            ("sharing", "experiments"),
            ("video", "video"),
        ],
    )
    def test_stored_results_can_be_shown(self, name: str, file: str) -> None:
        is_stored = (generated.RESULTS / f"{file}.json").is_file()
        assert bool(generated.fill(f"<!-- generated: {name} -->")) == is_stored
