"""The page on an evaluation: whole, escaped, with pictures of what is worst, or the reason why there are none."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_miniatures import MINIATURES, make_folder, make_refcoco
from command_line import Command, fast_options
from page_reading import Page, check_page
from PIL import Image

from napari_car.cli.evaluation_page import find_changes
from napari_car.evaluation.benchmarks.catalogue import find_benchmark
from napari_car.evaluation.store import read_header
from napari_car.io.colours import query_colours
from napari_car.presets import find_preset

EVIL = "<script>alert('x')</script>"
DEMO = ("--preset", "demo", "--crf-backend", "none")


def read_page(out: str = "out") -> Page:
    return check_page(Path(out, "report.html").read_text(encoding="utf-8"))


def evaluate(command: Command, benchmark: str, *arguments: str) -> Page:
    """Evaluate a miniature with the demo checkpoint."""
    MINIATURES[benchmark](Path("data"))
    result = command("evaluate", benchmark, "--root", "data", "--out", "out", *DEMO, *arguments)
    assert result.exit_code == 0, result.output
    return read_page()


def pictures(page: Page) -> list[tuple[str, Image.Image]]:
    """Return titles and pictures."""
    found = []
    for image in page.all("img"):
        picture = Image.open(io.BytesIO(base64.b64decode(str(image["src"]).partition(",")[2])))
        assert (str(picture.width), str(picture.height)) == (image["width"], image["height"])
        found.append((str(image["alt"]), picture))
    return found


def test_numbers_of_the_page_are_those_of_the_file(command: Command) -> None:
    page = evaluate(command, "folder", "--mask-threshold", "0.45", "--option", "ignored=255")
    record: dict[str, Any] = json.loads(Path("out", "result.json").read_text())
    for score in record["scores"]:
        assert f"{score['name']} {100 * score['value']:.2f}" in page.words
    for item in record["classes"]:
        if item["iou"] is not None:
            assert f"{item['name']} {100 * item['iou']:.2f}" in page.words
            assert f"{item['n_true_px']:,} {item['n_predicted_px']:,}" in page.words
    assert "neither in the ground truth nor predicted: 1 purple square" in page.words
    assert "prompts.mask_threshold 0.5 0.45" in page.words
    assert "crf.backend auto none" in page.words
    assert record["run"]["f"]["sha256"] in page.words
    assert "Options of the benchmark: ignored=255." in page.words
    assert "paper" not in page.words
    assert "Not the whole" not in page.words


def test_what_differs_from_the_paper_is_said(command: Command) -> None:
    page = evaluate(command, "gres", "--limit", "4")
    assert "GRES val" in page.words
    assert "Not to be compared with the paper as it is Only 4 of 5 items are evaluated." in page.words
    assert "The paper's figure is with targets=first, and this one with targets=union." in page.words
    assert "The paper's parameters are those of the preset gres, and these are demo's." in page.words
    assert "In the paper 16.80" in page.words
    assert re.search(r"Difference [+−]\d+\.\d\d", page.words)


def test_names_of_others_are_escaped(command: Command, tiny_clip: Path) -> None:
    make_folder(Path("data"))
    ontology = Path("data", "ontology.toml")
    text = ontology.read_text().replace('"Blue, of any size"', json.dumps(EVIL))
    ontology.write_text(text.replace("red square", "<b>red</b>"))
    for folder in ("images", "masks"):
        path = next(Path("data", folder).glob("plot 000001.*"))
        path.rename(path.with_name(f"<i>1 & 2{path.suffix}"))
    Path("data").rename("<u>plots")
    options = [*fast_options(tiny_clip), "--max-steps", "1", "--set", f"prompts.kinds={json.dumps(['blur'])}"]
    result = command("evaluate", "folder", "--root", "<u>plots", "--out", "out", *options)
    assert result.exit_code == 0, result.output
    html = Path("out", "report.html").read_text(encoding="utf-8")
    for evil in (EVIL, "<b>red", "<i>1", "<u>plots"):
        assert evil not in html
    page = read_page()
    assert page.words.count(EVIL) >= 2  # in the table of classes, and in a legend
    assert "<i>1 & 2" in page.words
    assert "<u>plots" in page.words


def test_the_worst_items_come_first_with_both_pictures(command: Command) -> None:
    page = evaluate(command, "folder", "--worst", "2")
    record = json.loads(Path("out", "result.json").read_text())
    keys = [item["key"] for item in record["items"] if item["value"] is not None and item["value"] < 1][:2]
    assert len(keys) == 2
    shown = pictures(page)
    assert [title for title, _ in shown] == [
        f"{what} over {key}" for key in keys for what in ("Prediction", "Ground truth")
    ]
    assert "Wrong most often, of " in page.words
    assert "not scored" in page.words
    # Colours of the legend are those of the classes, in the order of their ids.
    entry = next(found for found in find_benchmark("folder").open(Path("data")).classes if found.id == 300)
    red, green, blue = query_colours(4)[3]
    html = Path("out", "report.html").read_text(encoding="utf-8")
    assert f'style="background:#{red:02x}{green:02x}{blue:02x}"></span>{entry.name}' in html
    shutil.rmtree("out")
    assert not evaluate(command, "folder", "--worst", "0").all("img")


def test_ground_truth_is_drawn_where_it_is(command: Command) -> None:
    page = evaluate(command, "refcoco", "--worst", "9")
    made = make_refcoco(Path("data"))
    images = {sample.key: sample.image for sample in find_benchmark("refcoco").open(made.root).samples}
    drawn = [(title, picture) for title, picture in pictures(page) if title.startswith("Ground truth")]
    assert drawn
    for title, picture in drawn:
        key = title.rpartition(" ")[2]
        plain = np.asarray(Image.open(images[key]).resize(picture.size), dtype=int)
        is_painted = np.abs(np.asarray(picture).astype(int) - plain).max(axis=2) > 40
        truth = np.asarray(Image.fromarray(made.objects["val"][key].released).resize(picture.size))
        assert np.sum(is_painted & truth) / np.sum(is_painted | truth) > 0.8
    assert "“the " in page.words
    assert "px are to be found" in page.words


def test_videos_show_their_worst_and_best_frames(command: Command) -> None:
    page = evaluate(command, "ref-davis", "--option", "seen=first-frame")
    titles = [title for title, _ in pictures(page)]
    assert len(titles) == 2 * 2 * 3
    values = [float(match) for match in re.findall(r"Prediction, frame \d, J&F ([\d.]+) over dogs-scale", str(titles))]
    assert values == sorted(values)
    assert len(values) == 3
    assert "J&F by annotator: annot1 " in page.words
    assert "1: “red square” 2: “blue square” not scored" in page.words


@pytest.mark.parametrize("benchmark", ["folder", "refcoco", "ref-davis"])
def test_what_cannot_be_drawn_is_said(command: Command, benchmark: str) -> None:
    evaluate(command, benchmark)
    again = ("evaluate", benchmark, "--root", "data", "--out", "out", *DEMO)
    suffix = ".tif" if benchmark == "ref-davis" else ".png"
    masks = sorted(Path("out", "masks").iterdir())
    masks[0].unlink()
    for mask in masks[1:]:
        mask.write_bytes(mask.read_bytes()[:40])
        assert mask.suffix == suffix
    assert command(*again).exit_code == 0
    page = read_page()
    assert not page.all("img")
    assert "There is no picture: The prediction is gone, or cannot be read." in page.words


def test_predictions_of_another_size_are_said(command: Command) -> None:
    evaluate(command, "folder")
    for mask in Path("out", "masks").iterdir():
        Image.fromarray(np.zeros((3, 4), np.uint8)).save(mask)
    for image in Path("data", "images").glob("plot 000004.*"):
        image.write_bytes(b"")
    assert command("evaluate", "folder", "--root", "data", "--out", "out", *DEMO).exit_code == 0
    page = read_page()
    assert not page.all("img")
    assert "There is no picture: The image has " in page.words


def test_parameters_that_differ_are_all_that_were_changed(command: Command) -> None:
    evaluate(command, "refcoco", "--max-steps", "3", "--background", "moss", "--limit", "1")
    header = read_header(Path("out"))
    assert find_changes(replace(header, config=find_preset("demo").config.changed({"crf.backend": "torch"}))) == []
    assert sorted(find_changes(header)) == [
        ("crf.backend", "auto", "none"),
        ("proposals.background_words", "none", "moss"),
        ("recurrence.max_steps", "0", "3"),
    ]
