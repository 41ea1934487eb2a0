"""What an evaluation says, against numbers by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import CLASSES, HEADER, count_image, header_of, record_of

from napari_car.errors import ConfigError
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS
from napari_car.evaluation.items import ItemRecord
from napari_car.evaluation.metrics.flicker import FlickerTally
from napari_car.evaluation.metrics.referring import ReferringTally
from napari_car.evaluation.metrics.video import VideoTally
from napari_car.evaluation.scored_classes import without_files
from napari_car.evaluation.summary import EvaluationSummary, summarise

FOLDER = without_files("folder", "plots", "all", CLASSES)
GOOD = record_of("good", count_image("good", [0, 0, 1, 1], [0, 0, 1, 1]), memory_mb=300.0, n_steps=1)
BAD = record_of("bad", count_image("bad", [0, 0, 1, 2], [0, 1, 1, 0]), seconds={"proposals": 2.0, "all": 4.0})
EMPTY = record_of("empty", count_image("empty", [0, 0], [0, 0]))


def values(summary: EvaluationSummary) -> dict[str, float | None]:
    return {row.score.name: row.score.value for row in summary.rows}


def mask(*pixels: int) -> np.ndarray:
    return np.array([pixels], dtype=bool)


def referring(key: str, found: np.ndarray, truth: np.ndarray) -> ItemRecord:
    tally = ReferringTally()
    tally.update(key, found, truth)
    return record_of(key, {"referring": tally.to_dict()})


def video(key: str, n_right: dict[str, int], n_frames: int = 4) -> ItemRecord:
    """Return a video in which each annotator's expression is right in some frames and finds nothing in the others."""
    counts = {}
    for name, n in n_right.items():
        truth, tally = np.zeros((8, 8), bool), VideoTally()
        truth[2:6, 2:6] = True
        for frame in range(n_frames):
            tally.update(key, "1", frame, truth if frame < n else np.zeros_like(truth), truth)
        counts[name] = {"video": tally.to_dict(), "flicker": FlickerTally().to_dict()}
    return record_of(key, counts, n_frames=2 * n_frames, seconds={"all": 16.0})


def test_classes_are_summed_over_images() -> None:
    summary = summarise(HEADER, FOLDER, [GOOD, BAD])
    # Of background 3 of 5, of leaf 3 of 4, of cell 0 of 1.
    assert values(summary)["mIoU"] == pytest.approx((3 / 5 + 3 / 4 + 0) / 3)
    assert values(summary)["mIoU without the background class"] == pytest.approx((3 / 4 + 0) / 2)
    assert values(summary)["pixel accuracy"] == pytest.approx(6 / 8)
    assert [(item.name, item.n_true_px, item.n_predicted_px) for item in summary.classes] == [
        ("background", 4, 4),
        ("leaf", 3, 4),
        ("cell", 1, 0),
    ]
    assert values(summary)["presence precision"] == values(summary)["presence recall"] == 0
    assert [row.paper for row in summary.rows] == [None] * len(summary.rows)
    assert summary.title == "plots"


def test_items_are_ranked_by_their_own_score() -> None:
    ranked = summarise(HEADER, FOLDER, [GOOD, EMPTY, BAD]).ranked
    assert [(item.record.key, item.value) for item in ranked] == [("bad", 0.25), ("good", 1.0), ("empty", None)]


def test_an_image_in_which_only_others_were_found_is_the_worst() -> None:
    wrong = record_of("wrong", count_image("wrong", [0, 0], [0, 1]))
    assert [item.value for item in summarise(HEADER, FOLDER, [BAD, wrong, EMPTY]).ranked] == [0.0, 0.25, None]


def test_order_changes_nothing() -> None:
    records = [GOOD, EMPTY, BAD]
    assert summarise(HEADER, FOLDER, records).to_dict() == summarise(HEADER, FOLDER, records[::-1]).to_dict()


def test_speed_is_by_picture() -> None:
    speed = summarise(HEADER, FOLDER, [GOOD, BAD]).speed
    assert (speed.seconds, speed.stages, speed.memory_mb, speed.n_steps) == (2.5, {"proposals": 1.25}, 300.0, 1.5)
    unknown = [replace(record, memory_mb=None) for record in (GOOD, BAD)]
    assert summarise(HEADER, FOLDER, unknown).speed.memory_mb is None
    films = without_files("ref-davis", "D", "val", None)
    film = summarise(header_of("ref-davis", "val"), films, [video("v", {"a": 4})])
    assert film.speed.seconds == 2.0


def test_expressions_are_averaged() -> None:
    records = [
        referring("1", mask(1, 1, 0, 0), mask(1, 1, 0, 0)),
        referring("2", mask(0, 1, 1, 0), mask(1, 1, 0, 0)),
        referring("3", mask(0, 0, 0, 0), mask(0, 0, 0, 0)),
    ]
    plain = summarise(header_of("refcoco", "val"), without_files("refcoco", "R", "val", None), records)
    assert values(plain)["mIoU"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert values(plain)["overall IoU"] == pytest.approx(3 / 5)
    assert values(plain)["precision@0.5"] == pytest.approx(1 / 3)
    assert "gIoU" not in values(plain)
    assert [item.record.key for item in plain.ranked] == ["3", "2", "1"]
    general = summarise(header_of("gres", "val"), without_files("gres", "G", "val", None), records)
    assert values(general)["gIoU"] == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert values(general)["no-target accuracy"] == values(general)["target accuracy"] == 1
    assert [item.record.key for item in general.ranked] == ["2", "1", "3"]


def test_videos_are_averaged_over_annotators() -> None:
    records = [video("dogs", {"annot1": 4, "annot2": 2}), video("cars", {"annot1": 0, "annot2": 2})]
    summary = summarise(header_of("ref-davis", "val"), without_files("ref-davis", "D", "val", None), records)
    assert values(summary)["J&F"] == values(summary)["J mean"] == pytest.approx((0.5 + 0.5) / 2)
    assert values(summary)["flicker"] is None
    assert [(item.record.key, item.value) for item in summary.ranked] == [("cars", 0.25), ("dogs", 0.75)]
    papers = {row.score.name: round(100 * row.paper, 2) for row in summary.rows if row.paper is not None}
    assert papers == {"J&F": 30.34, "J mean": 28.15, "F mean": 32.53}


@pytest.mark.parametrize("with_sam", [False, True])
def test_the_papers_figures_stand_beside_ours(with_sam: bool) -> None:
    header = header_of("voc", "val", config=HEADER.config.changed({"sam.enabled": with_sam}))
    first = summarise(header, replace(FOLDER, name="voc"), [GOOD, BAD]).rows[0]
    assert first.paper == pytest.approx(0.702 if with_sam else 0.676)
    assert first.difference == pytest.approx(0.45 - first.paper)
    assert summarise(replace(header, split="train"), replace(FOLDER, name="voc"), [GOOD]).rows[0].paper is None


def test_every_published_figure_is_shown() -> None:
    for name, entry in BENCHMARKS.items():
        benchmark = without_files(name, "title", "", CLASSES if entry.kind == "semantic" else None)
        records = {
            "semantic": [GOOD],
            "referring": [referring("1", mask(1), mask(1))],
            "video": [video("v", {"a": 4})],
        }
        for figure in entry.figures:
            config = HEADER.config.changed({"sam.enabled": figure.with_sam})
            rows = summarise(header_of(name, figure.split, config=config), benchmark, records[entry.kind]).rows
            assert figure.value / 100 in [row.paper for row in rows]


@pytest.mark.parametrize("counts", [{}, {"confusion": {}}, {"confusion": 3, "presence": 3}, {"referring": {}}])
@pytest.mark.parametrize("name", ["folder", "refcoco", "ref-davis"])
def test_counts_of_something_else_are_refused(name: str, counts: dict[str, object]) -> None:
    benchmark = without_files(name, "title", "val", CLASSES if name == "folder" else None)
    with pytest.raises(ConfigError):
        summarise(header_of(name, "val"), benchmark, [record_of("a", {"x": counts} if name == "ref-davis" else counts)])


def test_a_summary_is_json() -> None:
    record = json.loads(json.dumps(summarise(HEADER, FOLDER, [GOOD]).to_dict()))
    assert (record["n_done"], record["n_items"], record["n_published"]) == (1, 2, None)
    assert record["scores"][0] == {
        "name": "mIoU",
        "value": 1.0,
        "published_as": "mIoU",
        "paper": None,
        "difference": None,
    }
    assert record["run"] == json.loads(json.dumps(HEADER.to_dict()))
