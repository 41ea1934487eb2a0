"""Ctrl-C: what is finished is kept, and the same command goes on."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Command, fast_options, process_command, write_image

from napari_car.cli import results

OUT = Path("napari-car-output")
FILES = {"labels.tif", "overlay.png", "summary.json", "masks"}


def finished(out: Path) -> set[str]:
    return {path.name for path in out.iterdir() if not path.name.startswith(".")} if out.exists() else set()


def assert_whole(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    summary = json.loads((folder / "summary.json").read_text())
    assert all((folder / name).stat().st_size > 0 for name in summary["files"])


def test_stop_while_writing_leaves_no_half_result(
    segment: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        write_image(tmp_path / "in" / f"{seed}.png", seed=seed)
    write_picture = results.write_picture

    def stop_at_second(path: Path, picture: object) -> None:
        write_picture(path, picture)
        if (tmp_path / OUT / "0").exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(results, "write_picture", stop_at_second)
    result = segment("in", "-q", "cat")
    assert result.exit_code == 130
    assert result.stderr == "Stopped. What is finished is kept; repeat the command to go on.\n"
    assert [path.name for path in OUT.iterdir()] == ["0"]
    assert_whole(OUT / "0")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert "3 images: 2 segmented, 1 skipped" in segment("in", "-q", "cat").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_sigint_in_the_middle_of_a_folder(tiny_clip: Path, tmp_path: Path) -> None:
    n_images, out = 8, tmp_path / "out"
    for seed in range(n_images):
        write_image(tmp_path / "in" / f"{seed}.png", 120, 160, seed=seed)
    queries = [argument for query in ("cat", "dog", "red circle", "leaf") for argument in ("-q", query)]
    options = [*queries, "--out", out, *fast_options(tiny_clip)]
    command = process_command("segment", tmp_path / "in", *options)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not finished(out) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr == "Stopped. What is finished is kept; repeat the command to go on.\n"
    done = finished(out)
    assert 0 < len(done) < n_images, stdout
    for name in done:
        assert_whole(out / name)
    assert {path.name for path in out.iterdir()} == done  # no temporary folder is left
    rest = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert rest.returncode == 0, rest.stderr
    assert f"{n_images - len(done)} segmented, {len(done)} skipped" in rest.stdout
    assert len(finished(out)) == n_images
    for name in finished(out):
        assert_whole(out / name)
