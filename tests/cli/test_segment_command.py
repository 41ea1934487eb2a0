"""``napari-car segment``: what is written, what is skipped, what a user is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from command_line import Command, fast_options, write_image
from PIL import Image

from napari_car.cli import batch as batch_module
from napari_car.config import CaRConfig

OUT = Path("napari-car-output")


def read_json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_image(tmp_path / "blocks.png")


class TestResult:
    @pytest.fixture
    def folder(self, segment: Command, image: Path) -> Path:
        result = segment(image, "-q", "red circle", "-q", "leaf | foliage", "--mask-threshold", "0.5")
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return OUT / "blocks"

    def test_files_are_complete(self, folder: Path) -> None:
        masks = {"masks/red_circle.png", "masks/leaf.png"}
        assert contents(OUT) == {f"blocks/{name}" for name in {"labels.tif", "overlay.png", "summary.json", *masks}}
        assert set(read_json(folder / "summary.json")["files"]) == {"labels.tif", "overlay.png", *masks}

    def test_labels_and_masks_agree(self, folder: Path) -> None:
        labels = tifffile.imread(folder / "labels.tif")
        assert labels.shape == (40, 56)
        for index, name in enumerate(["red_circle", "leaf"], start=1):
            mask = np.asarray(Image.open(folder / "masks" / f"{name}.png"))
            assert set(np.unique(mask)) <= {0, 255}
            np.testing.assert_array_equal(mask == 255, labels == index)

    def test_summary_holds_verdicts_parameters_and_provenance(self, folder: Path, image: Path, tiny_clip: Path) -> None:
        summary = read_json(folder / "summary.json")
        assert [query["text"] for query in summary["queries"]] == ["red circle", "leaf"]
        assert summary["queries"][1]["synonyms"] == ["foliage"]
        assert {query["verdict"] for query in summary["queries"]} <= {"present", "uncertain", "absent"}
        assert summary["queries"][0]["mask_file"] == "masks/red_circle.png"
        assert summary["image"] == str(image)
        assert summary["reading"]["dtype"] == "uint8"
        assert summary["config"]["prompts"]["mask_threshold"] == 0.5
        assert summary["config"]["recurrence"]["score_threshold"] == 0
        assert summary["provenance"]["f"]["name"] == str(tiny_clip)
        assert summary["provenance"]["f"]["sha256"] in summary["request"]["f"]

    def test_overlay_is_the_image_with_a_legend(self, folder: Path) -> None:
        overlay = Image.open(folder / "overlay.png")
        assert overlay.mode == "RGB"
        assert overlay.width * overlay.height > 40 * 56


def test_png_labels_hold_the_same_ids(segment: Command, image: Path) -> None:
    segment(image, "-q", "a", "-q", "b")
    segment(image, "-q", "a", "-q", "b", "--labels", "png", "--out", "png")
    picture = Image.open(Path("png", "blocks", "labels.png"))
    assert picture.mode == "P"
    np.testing.assert_array_equal(np.asarray(picture), tifffile.imread(OUT / "blocks" / "labels.tif"))


def test_absent_queries_have_no_mask(segment: Command, image: Path) -> None:
    result = segment(image, "-q", "cat", "-q", "dog", "--set", "recurrence.score_threshold=1.0")
    assert result.exit_code == 0
    assert "nothing found; not found: " in result.stdout
    assert contents(OUT / "blocks") == {"labels.tif", "overlay.png", "summary.json"}
    assert tifffile.imread(OUT / "blocks" / "labels.tif").max() == 0
    assert {query["verdict"] for query in read_json(OUT / "blocks" / "summary.json")["queries"]} == {"absent"}


def test_stdout_says_what_was_found_and_where(segment: Command, image: Path) -> None:
    lines = segment(image, "-q", "cat", "-q", "dog", "--uncertain-margin", "0").stdout.splitlines()
    assert lines[0].startswith(f"{image}: ")
    assert "cat 0." in lines[0]
    assert lines[-1] == f"1 image: 1 segmented. Results are in {OUT}."


def test_referring_masks_may_overlap(segment: Command, image: Path) -> None:
    result = segment(image, "-q", 'The "left" one', "-q", "the left one, too", "--refer", "--mask-threshold", "0.1")
    assert result.exit_code == 0, result.output
    summary = read_json(OUT / "blocks" / "summary.json")
    assert summary["config"]["mode"] == "referring"
    assert summary["queries"][0]["text"] == "the left one"


def test_stuff_and_things_are_segmented_apart(segment: Command, image: Path) -> None:
    assert segment(image, "-q", "cat", "-q", "stuff: sky", "--mutual-background").exit_code == 0
    groups = {query["text"]: query["group"] for query in read_json(OUT / "blocks" / "summary.json")["queries"]}
    assert groups == {"cat": "thing", "sky": "stuff"}


def test_distractors_compete_and_get_no_mask(segment: Command, image: Path) -> None:
    assert segment(image, "-q", "cat", "-q", "not: dog | puppy").exit_code == 0
    summary = read_json(OUT / "blocks" / "summary.json")
    assert [query["text"] for query in summary["queries"]] == ["cat"]
    assert summary["provenance"]["background"] == ["grass", "dog", "puppy"]


def test_queries_of_a_file_follow_those_of_the_command_line(segment: Command, image: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.txt").write_text("# two\ndog | puppy\ncat\n", encoding="utf-8")
    result = segment(image, "-q", "cat", "--queries-file", "queries.txt")
    assert [query["text"] for query in read_json(OUT / "blocks" / "summary.json")["queries"]] == ["cat", "dog"]
    assert 'The query "cat" was given twice and is answered once.' in result.stdout


def test_configuration_file_and_options(segment: Command, image: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[recurrence]\nuncertain_margin = 0.01\n[crf]\nn_iterations = 3\n")
    segment(image, "-q", "cat", "--preset", "voc", "--config", "mine.toml", "--crf-iterations", "4")
    config = read_json(OUT / "blocks" / "summary.json")["config"]
    assert config["recurrence"]["uncertain_margin"] == 0.01
    assert config["recurrence"]["keep_best"] is True
    assert config["crf"]["n_iterations"] == 4
    assert config["classifier"]["fit"] == "crop"


class TestManyImages:
    @pytest.fixture(autouse=True)
    def pictures(self, tmp_path: Path) -> None:
        for seed, name in enumerate(["a/one.png", "a/two.jpg", "a/deep/one.png", "b/one.png"]):
            write_image(tmp_path / "pictures" / name, seed=seed)
        (tmp_path / "pictures" / "a" / "notes.txt").write_text("no image")

    @pytest.mark.parametrize(
        ("arguments", "folders"),
        [
            (["pictures/a"], {"one", "two"}),
            (["pictures/a", "--recursive"], {"a_one", "two", "deep_one"}),
            (["pictures/*/*.png"], {"a_one", "b_one"}),
            (["pictures/a/one.png", "pictures/b/one.png", "pictures/a"], {"a_one", "b_one", "two"}),
        ],
    )
    def test_folders_and_globs(self, segment: Command, arguments: list[str], folders: set[str]) -> None:
        result = segment(*arguments, "-q", "cat")
        assert result.exit_code == 0
        assert {path.name for path in OUT.iterdir()} == folders
        assert f"{len(folders)} images: {len(folders)} segmented." in result.stdout

    def test_rerun_skips_what_is_done(self, segment: Command, no_networks_after_first: Callable[[], None]) -> None:
        segment("pictures/a", "-q", "cat")
        before = {path: path.stat().st_mtime_ns for path in OUT.rglob("*")}
        no_networks_after_first()
        result = segment("pictures/a", "-q", "cat")
        assert result.exit_code == 0
        assert "2 images: 0 segmented, 2 skipped" in result.stdout
        assert {path: path.stat().st_mtime_ns for path in OUT.rglob("*")} == before

    @pytest.fixture
    def no_networks_after_first(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        def load(self: object) -> None:
            raise AssertionError("the networks are not needed")

        return lambda: monkeypatch.setattr(batch_module.Networks, "load", load)

    def test_rerun_does_the_rest(self, segment: Command) -> None:
        segment("pictures/a/one.png", "-q", "cat")
        before = (OUT / "one" / "summary.json").stat().st_mtime_ns
        result = segment("pictures/a", "-q", "cat")
        assert "2 images: 1 segmented, 1 skipped" in result.stdout
        assert (OUT / "one" / "summary.json").stat().st_mtime_ns == before

    def test_overwrite_does_all_again(self, segment: Command) -> None:
        segment("pictures/a", "-q", "cat")
        result = segment("pictures/a", "-q", "dog", "--overwrite")
        assert "2 images: 2 segmented." in result.stdout
        assert contents(OUT / "one") == {"labels.tif", "overlay.png", "summary.json", "masks/dog.png"}

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["-q", "dog"], "holds the result of other queries (2 folders differ): give --overwrite"),
            (["-q", "cat", "--mask-threshold", "0.9"], "other parameters (prompts.mask_threshold)"),
            (["-q", "cat", "--labels", "png"], "another format of label maps"),
            (["-q", "cat", "--precision", "bf16"], "another precision"),
        ],
    )
    def test_results_of_another_request_are_not_mixed(self, segment: Command, arguments: list[str], said: str) -> None:
        segment("pictures/a", "-q", "cat")
        result = segment("pictures/a", *arguments)
        assert result.exit_code == 1
        assert said in result.stderr
        assert result.stderr.count("\n") == 1

    def test_another_image_of_the_same_name_is_noticed(self, segment: Command) -> None:
        segment("pictures/a/one.png", "-q", "cat")
        result = segment("pictures/b/one.png", "-q", "cat")
        assert result.exit_code == 1
        assert f"{OUT / 'one'} holds the result of another image" in result.stderr

    def test_other_weights_are_noticed(
        self, segment: Command, command: Command, tiny_clip: Path, tmp_path: Path
    ) -> None:
        import torch
        from safetensors.torch import load_file, save_file

        segment("pictures/a/one.png", "-q", "cat")
        other = tmp_path / tiny_clip.name
        other.mkdir()
        (other / "open_clip_config.json").write_bytes((tiny_clip / "open_clip_config.json").read_bytes())
        weights = load_file(tiny_clip / "open_clip_model.safetensors")
        weights["logit_scale"] += torch.tensor(0.1)
        save_file(weights, other / "open_clip_model.safetensors")
        result = command("segment", "pictures/a/one.png", "-q", "cat", *fast_options(other))
        assert result.exit_code == 1
        assert "another checkpoint as f and another checkpoint as g" in result.stderr

    def test_folder_of_somebody_else_is_never_replaced(self, segment: Command, tmp_path: Path) -> None:
        (tmp_path / OUT / "one").mkdir(parents=True)
        (tmp_path / OUT / "one" / "thesis.txt").write_text("years of work")
        for option in ([], ["--overwrite"]):
            result = segment("pictures/a", "-q", "cat", *option)
            assert result.exit_code == 1
            assert "is no result of napari-car" in result.stderr
        assert contents(OUT) == {"one/thesis.txt"}


def test_defaults_stand_in_the_configuration_only(segment: Command, image: Path) -> None:
    segment(image, "-q", "cat")
    stored = CaRConfig.from_dict(read_json(OUT / "blocks" / "summary.json")["config"])
    changed = {
        "crf.backend": "none",
        "recurrence.score_threshold": 0.0,
        "proposals.background_lists": [],
        "proposals.background_words": ["grass"],
        "classifier.templates": ["{}"],
    }
    assert stored == CaRConfig().changed(changed)
