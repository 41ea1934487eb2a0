"""An evaluation in words."""

from dataclasses import replace

import pytest
from evaluation_cases import CLASSES, HEADER, NETWORK, count_image, header_of, record_of

from napari_car.evaluation.benchmarks.semantic import BenchmarkClass
from napari_car.evaluation.report_text import describe_scores, find_warnings, percent, write_markdown
from napari_car.evaluation.run_header import RunHeader
from napari_car.evaluation.scored_classes import without_files
from napari_car.evaluation.summary import EvaluationSummary, summarise
from napari_car.queries import Query

RECORD = record_of("a", count_image("a", [0, 0, 1, 1], [0, 0, 1, 0]))
OPENAI = {
    part: replace(NETWORK, name=name)
    for part, name in (("f", "ViT-B-16/openai"), ("g", "ViT-L-14/openai"), ("sam", "sam-hq/vit_h"))
}
PAPER = header_of("voc", "val", n_items=1449, preset="voc", f=OPENAI["f"], g=OPENAI["g"])


def summary_of(header: RunHeader = HEADER, **changes: object) -> EvaluationSummary:
    benchmark = without_files(header.benchmark, header.title, header.split, CLASSES)
    return summarise(header, replace(benchmark, **changes), [RECORD])


def test_terminals_get_the_first_score_and_the_others() -> None:
    first, others, speed, *warnings = describe_scores(summary_of())
    assert first == "plots (all): mIoU 58.33 %"
    assert others.startswith("Also, in percent: mIoU without the background class 50.00, pixel accuracy 75.00, ")
    assert speed == "1 item of 2 evaluated; 1.00 s per picture."
    assert warnings == ["Only 1 of 2 items are evaluated."]
    assert describe_scores(summary_of(PAPER))[0] == "VOC-21 (val): mIoU 58.33 %, 67.60 in the paper"


def test_markdown_holds_scores_classes_and_speed() -> None:
    text = write_markdown(summary_of(PAPER))
    assert text.startswith("# VOC-21, val\n")
    assert "| mIoU | 58.33 | 67.60 | -9.27 |" in text
    assert "| pixel accuracy | 75.00 | – | – |" in text
    assert "| leaf | 50.00 | 50.00 | 2 | 1 |" in text
    assert "| cell | – | – | 0 | 0 |" in text
    assert "| median time | 1.000 s |" in text
    assert "| highest memory | 100 MiB |" in text
    assert "**Only 1 of 1,449 items are evaluated.**" in text
    assert "SAM" not in text
    with_sam = replace(PAPER, sam=OPENAI["sam"])
    assert "SAM `sam-hq/vit_h`" in write_markdown(summary_of(with_sam))


def test_names_stay_in_their_cells() -> None:
    classes = (
        BenchmarkClass(id=3, name="a | b\nc", query=Query("a")),
        BenchmarkClass(id=300, name="`x`", query=Query("x")),
    )
    text = write_markdown(summary_of(classes=classes))
    assert "| a \\| b c | 50.00 | 50.00 | 2 | 1 |" in text


def test_nothing_is_warned_of_where_all_is_as_in_the_paper() -> None:
    summary = replace(summary_of(PAPER), n_done=1449)
    assert find_warnings(summary) == []


@pytest.mark.parametrize(
    ("header", "n_done", "said"),
    [
        (PAPER, 1448, "Only 1,448 of 1,449 items are evaluated."),
        (
            replace(PAPER, n_items=3),
            3,
            "The data set has 3 items in this split, and as published it has 1,449.",
        ),
        (
            replace(PAPER, preset="demo"),
            1449,
            "The paper's parameters are those of the preset voc, and these are demo's.",
        ),
        (replace(PAPER, g=OPENAI["f"]), 1449, "The paper's g is ViT-L-14/openai, and this one is ViT-B-16/openai."),
    ],
)
def test_what_keeps_figures_from_being_compared_is_said(header: RunHeader, n_done: int, said: str) -> None:
    assert find_warnings(replace(summary_of(header), n_done=n_done)) == [said]


@pytest.mark.parametrize(
    ("benchmark", "options", "said"),
    [
        ("gres", {}, ["The paper's figure is with targets=first, and this one with targets=union."]),
        ("gres", {"targets": "first"}, []),
        ("refcoco", {"unit": "sentence"}, ["The paper's figure is with unit=object, and this one with unit=sentence."]),
        ("refcoco", {"unit": "object"}, []),
    ],
)
def test_other_ways_of_counting_are_said(benchmark: str, options: dict[str, str], said: list[str]) -> None:
    header = replace(PAPER, benchmark=benchmark, options=options)
    assert [text for text in find_warnings(replace(summary_of(PAPER), header=header)) if "=" in text] == said


def test_folders_are_compared_with_nothing() -> None:
    assert find_warnings(replace(summary_of(), n_done=2)) == []


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.5, "50.00"), (1 / 3, "33.33"), (-0.1, "-10.00")])
def test_fractions_in_percent(value: float | None, text: str) -> None:
    assert percent(value) == text
