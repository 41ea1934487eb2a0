"""Images, queries, checkpoints and folders as they should not be: the right result or one clear sentence."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from command_line import Command, fast_options, write_image
from PIL import Image

OUT = Path("napari-car-output")


def assert_one_sentence(result: object, *words: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.rstrip().endswith((".", ")"))
    for word in words:
        assert word in result.stderr


def save(folder: Path, name: str, array: np.ndarray, mode: str | None = None, **options: object) -> None:
    picture = Image.fromarray(array) if mode is None else Image.fromarray(array).convert(mode)
    picture.save(folder / name, **options)


class TestImages:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "in"
        folder.mkdir()
        return folder

    def test_every_kind_of_pixel(self, segment: Command, folder: Path) -> None:
        random = np.random.default_rng(0)
        rgb = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        rgba = np.dstack([rgb, np.full((30, 40), 128, np.uint8)])
        save(folder, "grey8.png", rgb[..., 0])
        save(folder, "grey_alpha.png", rgba, "LA")
        save(folder, "rgba.png", rgba)
        save(folder, "cmyk.jpg", rgb, "CMYK")
        save(folder, "palette.gif", rgb, "P")
        save(folder, "rotated.jpg", rgb, exif=exif_rotation())
        save(folder, "grey16.png", random.integers(0, 65536, (30, 40), dtype=np.uint16))
        floats = random.random((30, 40), dtype=np.float32)
        tifffile.imwrite(folder / "float.tif", floats)
        tifffile.imwrite(folder / "int32.tif", (floats * 1e6).astype(np.int32))
        tifffile.imwrite(folder / "nan.tif", np.where(floats < 0.1, np.nan, np.where(floats > 0.9, np.inf, floats)))
        result = segment("in", "-q", "cat", "-q", "dog")
        assert result.exit_code == 0, result.output
        assert "10 images: 10 segmented." in result.stdout
        for name in OUT.iterdir():
            expected = (40, 30) if name.name == "rotated" else (30, 40)
            assert tifffile.imread(name / "labels.tif").shape == expected
        assert "note: " in result.stdout
        assert json.loads((OUT / "nan" / "summary.json").read_text())["reading"]["notes"]

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1)])
    def test_thin_images(self, segment: Command, folder: Path, height: int, width: int) -> None:
        write_image(folder / "thin.png", height, width)
        result = segment("in", "-q", "cat", "-q", "dog")
        assert result.exit_code == 0, result.output
        assert tifffile.imread(OUT / "thin" / "labels.tif").shape == (height, width)
        if max(height, width) == 5000:
            assert f"The image of {width} x {height} px was worked on at" in result.stdout

    @pytest.mark.slow
    def test_a_hundred_megapixels(self, segment: Command, folder: Path) -> None:
        write_image(folder / "huge.png", 9000, 12000)
        result = segment("in", "-q", "cat", "-q", "dog", "--max-side-px", "128")
        assert result.exit_code == 0, result.output
        assert "The image of 12000 x 9000 px was worked on at 128 x 96 px." in result.stdout
        assert tifffile.imread(OUT / "huge" / "labels.tif").shape == (9000, 12000)
        assert max(Image.open(OUT / "huge" / "overlay.png").size) <= 2048

    def test_a_bad_image_does_not_stop_the_others(self, segment: Command, folder: Path) -> None:
        for seed, name in enumerate(["first.png", "last.png"]):
            write_image(folder / name, seed=seed)
        whole = write_image(folder / "cut.png", 200, 200).read_bytes()
        (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
        (folder / "empty.jpg").write_bytes(b"")
        (folder / "letter.tif").write_text("Dear reader")
        result = segment("in", "-q", "cat")
        assert result.exit_code == 1
        assert "5 images: 2 segmented, 3 failed." in result.stdout
        assert {path.name for path in OUT.iterdir()} == {"first", "last"}
        lines = result.stderr.splitlines()
        assert len(lines) == 3
        for line, name in zip(lines, ["cut.png", "empty.jpg", "letter.tif"], strict=True):
            assert line.startswith("Failed: ")
            assert name in line

    def test_a_bad_image_alone_is_one_sentence(self, segment: Command, folder: Path) -> None:
        (folder / "letter.png").write_text("Dear reader")
        assert_one_sentence(segment("in/letter.png", "-q", "cat"), "letter.png")

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("name", ["none.png", "in", "in/*.png"])
    def test_no_image_at_all_is_one_sentence(self, segment: Command, name: str) -> None:
        assert_one_sentence(segment(name, "-q", "cat"), name.split("/")[0])
        assert not OUT.exists()


def exif_rotation() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


class TestQueries:
    @pytest.fixture
    def image(self, tmp_path: Path) -> Path:
        return write_image(tmp_path / "blocks.png")

    @pytest.mark.parametrize("text", ["", "   ", "|", "stuff:"])
    def test_blank(self, segment: Command, image: Path, text: str) -> None:
        assert_one_sentence(segment(image, "-q", "cat", "-q", text), "A query is empty")

    def test_character_that_is_none(self, segment: Command, image: Path) -> None:
        assert_one_sentence(segment(image, "-q", "ca\x07t"), "cannot be shown")

    def test_too_long(self, segment: Command, image: Path) -> None:
        assert_one_sentence(segment(image, "-q", "leaf " * 300), "is too long for this model")
        assert list(OUT.iterdir()) == []

    def test_duplicates_are_merged(self, segment: Command, image: Path) -> None:
        result = segment(image, "-q", "Red  Circle", "-q", "red circle", "-q", "leaf")
        assert result.stdout.count("was given twice and is answered once") == 1
        assert {path.name for path in (OUT / "blocks" / "masks").iterdir()} <= {"red_circle.png", "leaf.png"}

    def test_emoji(self, segment: Command, image: Path) -> None:
        result = segment(image, "-q", "🐱", "-q", "Blüte", "-q", "猫", "--uncertain-margin", "0")
        assert result.exit_code == 0, result.output
        assert "🐱 0." in result.stdout
        assert {path.name for path in (OUT / "blocks" / "masks").iterdir()} == {"cat_face.png", "blüte.png", "猫.png"}

    def test_one_query_against_nothing(self, segment: Command, image: Path) -> None:
        result = segment(image, "-q", "grass")  # grass, the only background query, gives way to the query
        assert_one_sentence(result, "add background queries")

    def test_a_thousand(self, segment: Command, tmp_path: Path) -> None:
        image = write_image(tmp_path / "small.png", 16, 24)
        (tmp_path / "many.txt").write_text("".join(f"thing number {i}\n" for i in range(1000)))
        result = segment(image, "--queries-file", "many.txt", "--max-steps", "1", "--labels", "png")
        assert result.exit_code == 0, result.output
        assert "and 992 more" in result.stdout
        assert len(json.loads((OUT / "small" / "summary.json").read_text())["queries"]) == 1000


class TestCheckpoints:
    @pytest.fixture
    def refused(self, command: Command, tmp_path: Path):
        image = write_image(tmp_path / "blocks.png")

        def run(model: str | Path, *words: str) -> None:
            result = command("segment", image, "-q", "cat", *fast_options(model))
            assert_one_sentence(result, *words)
            assert not OUT.exists() or list(OUT.iterdir()) == []

        return run

    @pytest.fixture
    def copy(self, tiny_clip: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(tiny_clip, tmp_path / "copy"))

    def test_unknown_name(self, refused) -> None:
        refused("ViT-B-61/openai", "There is no checkpoint 'ViT-B-61/openai'")

    def test_truncated_weights(self, refused, copy: Path) -> None:
        weights = copy / "open_clip_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100_000])
        refused(copy, "is damaged or no checkpoint")

    def test_folder_without_configuration(self, refused, copy: Path) -> None:
        (copy / "open_clip_config.json").unlink()
        refused(copy, "has no open_clip_config.json")

    def test_folder_without_weights(self, refused, copy: Path) -> None:
        (copy / "open_clip_model.safetensors").unlink()
        refused(copy, "has no weights")

    def test_damaged_configuration(self, refused, copy: Path) -> None:
        (copy / "open_clip_config.json").write_text("{")
        refused(copy, "open_clip_config.json is damaged")

    def test_weights_of_another_architecture(self, refused, copy: Path) -> None:
        refused(f"ViT-B-32:{copy / 'open_clip_model.safetensors'}", "does not hold ViT-B-32")

    def test_file_without_architecture(self, refused, copy: Path) -> None:
        refused(copy / "open_clip_model.safetensors", "is a single file", "such as ViT-B-16:")

    def test_file_that_is_gone(self, refused, tmp_path: Path) -> None:
        refused(f"ViT-B-32:{tmp_path / 'none.pt'}", "There is no checkpoint file")

    def test_resnet(self, refused, copy: Path) -> None:
        refused(f"RN50:{copy / 'open_clip_model.safetensors'}", "RN50", "cannot serve")

    def test_letter(self, refused, tmp_path: Path) -> None:
        (tmp_path / "letter.pt").write_text("Dear reader")
        refused(f"ViT-B-32:{tmp_path / 'letter.pt'}", "letter.pt")

    def test_program_is_never_run(self, refused, tmp_path: Path) -> None:
        class Program:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return os.system, (f"touch {tmp_path / 'was run'}",)

        torch.save({"state_dict": Program()}, tmp_path / "program.pt")
        refused(f"ViT-B-32:{tmp_path / 'program.pt'}", "is not loaded")
        (tmp_path / "bare.pt").write_bytes(pickle.dumps(Program()))
        refused(f"ViT-B-32:{tmp_path / 'bare.pt'}", "bare.pt")
        assert not (tmp_path / "was run").exists()

    def test_device_that_is_not_there(self, segment: Command, tmp_path: Path) -> None:
        image = write_image(tmp_path / "blocks.png")
        assert_one_sentence(segment(image, "-q", "cat", "--device", "cuda:99"), "no cuda:99 device")
        assert_one_sentence(segment(image, "-q", "cat", "--device", "abacus"), "Unknown device 'abacus'")


class TestOutputFolders:
    @pytest.fixture
    def image(self, tmp_path: Path) -> Path:
        return write_image(tmp_path / "blocks.png", 200, 200)

    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
        if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("needs root on Linux to mount a file system")
        yield folder
        subprocess.run(["umount", str(folder)], check=True)

    def test_full(self, segment: Command, image: Path, small_disk: Path) -> None:
        result = segment(image, "-q", "cat", "-q", "dog", "--out", small_disk)
        assert_one_sentence(result, str(small_disk), "the disk is full")
        assert list(small_disk.iterdir()) == []

    def test_full_ends_the_whole_run(self, segment: Command, image: Path, small_disk: Path, tmp_path: Path) -> None:
        write_image(tmp_path / "second.png", 200, 200)
        result = segment(image, tmp_path / "second.png", "-q", "cat", "--out", small_disk)
        assert_one_sentence(result, "the disk is full")

    def test_read_only(self, segment: Command, image: Path, small_disk: Path) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        result = segment(image, "-q", "cat", "--out", small_disk / "out")
        assert_one_sentence(result, "the file system is read-only")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
    def test_forbidden(self, segment: Command, image: Path, tmp_path: Path) -> None:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
        assert_one_sentence(segment(image, "-q", "cat", "--out", folder), "permission is denied")

    def test_file_in_its_place(self, segment: Command, image: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert_one_sentence(segment(image, "-q", "cat", "--out", "file/out"), "a part of this path is a file")
        assert segment(image, "-q", "cat", "--out", "file").exit_code == 2
