"""A project becomes a page: whole, well formed, escaped, and dependent on nothing else."""

import base64
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from page_reading import Page, check_page
from PIL import Image

from napari_car.annotation.document import Document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project
from napari_car.annotation.project_summary import summarise_project
from napari_car.annotation.sheet import QuerySheet
from napari_car.cli.report_page import render_report, write_duration, write_iou, write_share
from napari_car.cli.small_pictures import SIDE_PX

EVIL = "<script>alert('x')</script>"
SHEET, _ = QuerySheet().added_each([EVIL, 'soil & "stones"', "moss"])


def layer(labels: np.ndarray, automatic: np.ndarray, uncertain: bool = False) -> LabelLayer:
    verdicts = ["–", "uncertain" if uncertain else "present", "absent", "absent"]
    return LabelLayer(
        name="labels",
        labels=labels,
        human=labels != automatic,
        automatic=automatic,
        features={
            "index": [0, 1, 2, 3],
            "class": ["background", *SHEET.names.values()],
            "verdict": verdicts,
            "score": [None, 0.47, 0.1, 0.2],
        },
        provenance={"queries": SHEET.to_dict()["entries"], "runs": [{"preset": EVIL, "seconds": {"image": 61.0}}]},
    )


def blob(n_rows: int, shape: tuple[int, ...] = (30, 40)) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    labels[..., :n_rows, :] = 1
    return labels


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Of five images, one is slightly and one much corrected, one in doubt, one a stack, one without labels."""
    (tmp_path / "photos").mkdir()
    for name in ("slight", "much", "doubt", "stack", "new"):
        pixels = np.random.default_rng(1).integers(0, 255, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
    project = Project.create(tmp_path / "weeds", tmp_path / "photos", SHEET)
    layers = {
        "slight": layer(blob(11), blob(10)),
        "much": layer(blob(2), blob(20)),
        "doubt": layer(blob(5), blob(5), uncertain=True),
        "stack": layer(blob(4, (2, 30, 40)), blob(2, (2, 30, 40))),
    }
    for name, own in layers.items():
        project.save(project.image(f"{name}.png"), Document(layers=(own,), spent_s=90 if name == "much" else 0), None)
    return project


def test_page_is_one_whole_file(command: Command, project: Project) -> None:
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    result = command("report", "weeds")
    assert result.exit_code == 0, result.output
    assert "The report on 4 images with labels is weeds/report.html." in result.output.replace("\\", "/")
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in project.folder.iterdir()} == {
        "labels",
        "ontology.toml",
        "project.toml",
        "report.html",
    }
    html = (project.folder / "report.html").read_text(encoding="utf-8")
    check_page(html)
    assert len(re.sub(r"base64,[^\"]*", "", html)) < 30_000


def test_what_users_named_is_escaped(command: Command, project: Project) -> None:
    command("report", "weeds")
    html = (project.folder / "report.html").read_text(encoding="utf-8")
    assert EVIL not in html
    page = Page(html)
    assert page.words.count(EVIL) >= 3  # in the table of classes, in sentences, and as the preset
    assert 'soil & "stones"' in page.words


def test_tables_say_what_their_cells_are(command: Command, project: Project) -> None:
    command("report", "weeds")
    page = Page((project.folder / "report.html").read_text(encoding="utf-8"))
    assert len(page.all("table")) == len(page.all("caption")) == 3
    assert {cell.get("scope") for cell in page.all("th")} == {"col", "colgroup", "row"}


def test_numbers_stand_in_the_page(command: Command, project: Project) -> None:
    command("report", "weeds")
    words = Page((project.folder / "report.html").read_text(encoding="utf-8")).words
    assert "Images 5 With labels 4 Edited by people 3" in words
    assert "Corrected: IoU 0.100 of automatic and corrected labels, 0 px added and 720 px removed." in words
    assert f"In doubt: the program was uncertain of {EVIL} (0.47)" in words
    assert "Computing 4 4 min 04 s 1 min 01 s 1 min 01 s" in words
    assert "People 1 1 min 30 s 1 min 30 s 1 min 30 s" in words
    assert "Images without labels yet: 1 new.png" in words


def test_worst_images_come_first_with_pictures(command: Command, project: Project) -> None:
    command("report", "weeds")
    html = (project.folder / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert re.findall(r"<h3>\d\. (\w+)\.png</h3>", html) == ["much", "stack", "slight", "doubt"]
    assert [image["alt"] for image in page.all("img")] == [
        "Automatic: labels over much.png",
        "Corrected: labels over much.png",
        "Automatic: labels over slight.png",
        "Corrected: labels over slight.png",
        "Labels: labels over doubt.png",
    ]
    assert "There is no picture of a stack." in page.words
    for image in page.all("img"):
        with Image.open(io.BytesIO(base64.b64decode(str(image["src"]).partition(",")[2]))) as picture:
            assert (str(picture.width), str(picture.height)) == (image["width"], image["height"])
            assert picture.size == (SIDE_PX, SIDE_PX * 30 // 40)


def test_out_and_worst_are_chosen(command: Command, project: Project) -> None:
    result = command("report", "weeds", "--out", "pages/weeds.html", "--worst", "1")
    assert result.exit_code == 0, result.output
    assert not (project.folder / "report.html").exists()
    assert Path("pages/weeds.html").read_text(encoding="utf-8").count("<h3>") == 1
    command("report", "weeds", "--out", "pages/weeds.html", "--worst", "0")
    assert "No image is shown." in Page(Path("pages/weeds.html").read_text(encoding="utf-8")).words
    assert command("report", "weeds", "--worst", "-1").exit_code == 2
    Path("file").touch()
    result = command("report", "weeds", "--out", "file/page.html")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_bad_files_are_listed_and_the_others_counted(command: Command, project: Project) -> None:
    project.image("slight.png").document.write_text(f'"{EVIL}"', encoding="utf-8")
    project.image("doubt.png").path.unlink()
    project.image("much.png").path.write_bytes(b"no image")
    result = command("report", "weeds")
    assert result.exit_code == 3
    assert "Failed: slight.png: " in result.stderr
    assert "Failed: doubt.png: The image is gone" in result.stderr
    page = Page((project.folder / "report.html").read_text(encoding="utf-8"))
    assert "With labels 2" in page.words
    assert "Not readable 2" in page.words
    assert "There is no picture: " in page.words
    assert page.all("img") == []


def test_labels_of_another_size_than_their_image_have_no_picture(command: Command, project: Project) -> None:
    Image.new("RGB", (9, 9)).save(project.image("much.png").path)
    result = command("report", "weeds", "--worst", "1")
    assert result.exit_code == 0, result.output
    assert "There is no picture: The image has (9, 9) rows and columns, but its labels have (30, 40)." in (
        Page((project.folder / "report.html").read_text(encoding="utf-8")).words
    )


def test_without_labels_there_is_one_sentence(command: Command, project: Project) -> None:
    for name in ("slight", "much", "doubt", "stack"):
        project.image(f"{name}.png").document.unlink()
    result = command("report", "weeds")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: There is nothing to report: no image of weeds has labels yet. napari-car batch makes them.\n"
    )
    assert not (project.folder / "report.html").exists()
    assert "is no project" in command("report", "photos").stderr


def test_where_nothing_was_corrected_or_is_in_doubt_that_is_said(project: Project) -> None:
    summary = summarise_project(project)
    summary = replace(summary, images=(), unlabelled=(), unreadable=summary.unreadable)
    page = Page(render_report(summary, {}, name="weeds", now=datetime(2026, 11, 30, tzinfo=UTC)))
    assert "None: nothing was corrected, and nothing is in doubt." in page.words
    assert "Agreement (IoU) — Time of people —" in page.words
    assert "Computing 0 — — —" in page.words
    assert "No run is noted in the labels." in page.words
    assert "Report of 2026-11-30 00:00 ." in page.words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (3.21, "3.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (252, "4 min 12 s"),
        (3599.7, "1 h 00 min"),
        (3_900, "1 h 05 min"),
        (7_260_000, "2,016 h 40 min"),
    ],
)
def test_durations_are_written_for_people(seconds: float | None, text: str) -> None:
    assert write_duration(seconds) == text


@pytest.mark.parametrize(
    ("iou", "text"), [(None, "—"), (1.0, "1.000"), (0.99999, "0.999"), (0.3, "0.300"), (0.0, "0.000")]
)
def test_only_equal_masks_agree_wholly(iou: float | None, text: str) -> None:
    assert write_iou(iou) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "—"), (0.0, "0.0 %"), (1e-6, "< 0.1 %"), (0.1234, "12.3 %"), (1.0, "100.0 %")]
)
def test_small_shares_are_not_none(share: float | None, text: str) -> None:
    assert write_share(share) == text
