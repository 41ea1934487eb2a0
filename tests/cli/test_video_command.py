"""``napari-car video``: what it reads, what it writes, and what is left of a video that ends too soon."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tifffile
from command_line import Command, fast_options, process_command, write_image
from PIL import Image

from napari_car.cli import video_batch
from napari_car.errors import ImageError
from napari_car.io.video import FrameRange, Video

OUT = Path("napari-car-output")
SIZE_PX = (40, 56)


def make_pictures(n: int) -> list[np.ndarray]:
    """Blocks of colours that move; noise, so that no encoder makes next to nothing of it."""
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(0, 200, (5, 7, 3)), np.ones((8, 8, 1))).astype(np.int64)
    return [
        np.clip(np.roll(blocks, 3 * i, axis=1) + rng.integers(0, 40, blocks.shape), 0, 255).astype(np.uint8)
        for i in range(n)
    ]


def write_video(path: Path, n: int = 6, codec: str = "libx264", **options: Any) -> Path:
    """Encode a video of ten frames per second."""
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = *SIZE_PX, "yuv420p"
        stream.bit_rate = 2_000_000  # so that it is more than its head
        for picture in make_pictures(n):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_frames(folder: Path, n: int = 4) -> Path:
    """Write frames whose names are in order as numbers, but not as text."""
    for number, picture in enumerate(make_pictures(n), start=8):
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def video(command: Command, tiny_clip: Path) -> Command:
    """Run ``napari-car video`` with the tiny checkpoint, few texts and no CRF; every query gets a mask."""

    def run(*arguments: str | Path) -> Any:
        return command("video", *arguments, *fast_options(tiny_clip))

    return run


def summary_of(name: str, out: Path = OUT) -> dict[str, Any]:
    return json.loads((out / name / "summary.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
def test_a_video_file(video: Command, tmp_path: Path, ending: str) -> None:
    write_video(tmp_path / f"clip.{ending}", codec="mpeg4" if ending == "avi" else "libx264")
    result = video(f"clip.{ending}", "-q", "cat", "-q", "sofa")
    assert result.exit_code == 0, result.stderr
    assert f"clip.{ending}, frame 5: " in result.stdout
    assert result.stdout.endswith("1 video: 1 segmented. Results are in napari-car-output.\n")
    assert {path.name for path in OUT.iterdir()} == {"clip"}
    with tifffile.TiffFile(OUT / "clip" / "labels.tif") as stack:
        assert [series.shape for series in stack.series] == [(6, *SIZE_PX)]
        labels = stack.asarray()
    assert labels.dtype == np.uint16
    summary = summary_of("clip")
    assert summary["is_whole"] is True
    assert [frame["index"] for frame in summary["frames"]] == list(range(6))
    assert summary["frames"][3]["time_s"] == pytest.approx(0.3, abs=0.01)
    assert [query["text"] for query in summary["queries"]] == ["cat", "sofa"]
    for page, frame in zip(labels, summary["frames"], strict=True):
        assert [query["area_px"] for query in frame["queries"]] == [np.count_nonzero(page == id_) for id_ in (1, 2)]
        assert frame["seconds"] > 0


def test_every_frame_is_segmented_as_an_image_is(video: Command, segment: Command, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames")
    assert video("frames", "-q", "cat", "-q", "sofa").exit_code == 0
    assert segment("frames", "-q", "cat", "-q", "sofa", "--out", "images").exit_code == 0
    stack = tifffile.imread(OUT / "frames" / "labels.tif")
    names = [frame["name"] for frame in summary_of("frames")["frames"]]
    assert names == ["8.png", "9.png", "10.png", "11.png"]
    for labels, name in zip(stack, names, strict=True):
        np.testing.assert_array_equal(labels, tifffile.imread(Path("images") / Path(name).stem / "labels.tif"))


def test_labels_and_overlays_as_a_file_for_each_frame(video: Command, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames")
    options = ("--labels", "png", "--overlay", "png", "--start", "1", "--every", "2")
    assert video("frames", "-q", "cat", *options).exit_code == 0
    folder = OUT / "frames"
    files = ["labels/00001.png", "overlay/00001.png", "labels/00003.png", "overlay/00003.png"]
    assert summary_of("frames")["files"] == files
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.*")} == {*files, "summary.json"}
    with Image.open(folder / "labels" / "00003.png") as labels:
        assert (labels.mode, labels.size) == ("P", SIZE_PX[::-1])


def test_an_overlay_video(video: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    assert video("clip.mp4", "-q", "cat", "--overlay", "mp4", "--every", "2", "--end", "5").exit_code == 0
    with av.open(str(OUT / "clip" / "overlay.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width, float(stream.average_rate)) == (*SIZE_PX, 5.0)
        assert sum(1 for _ in container.decode(stream)) == 3


def test_what_is_taken_over_is_said_frame_by_frame(video: Command, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames")
    queries = ("-q", "cat", "-q", "sofa", "-q", "tree")
    result = video("frames", *queries, "--smoothing", "0.5")
    assert result.exit_code == 0
    plain = summary_of("frames")
    assert plain["config"]["video"]["smoothing"] == 0.5
    scores = sorted(query["score"] for query in plain["frames"][0]["queries"])
    options = ("--carry-queries", "--ask-again-every", "0", "--max-steps", "1", "--out", "carried")
    threshold = str((scores[0] + scores[1]) / 2)
    assert video("frames", *queries, *options, "--set", f"recurrence.score_threshold={threshold}").exit_code == 0
    frames = summary_of("frames", Path("carried"))["frames"]
    (dropped,) = (query["id"] for query in frames[0]["queries"] if not query["has_mask"])
    for number, frame in enumerate(frames[:3]):
        assert frame["queries"][dropped - 1]["frames_ago"] == number
        assert frame["queries"][dropped - 1]["area_px"] == 0


def test_frames_of_other_sizes_need_files_of_their_own(video: Command, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", 1)
    write_image(tmp_path / "frames" / "99.png", 60, 56)
    result = video("frames", "-q", "cat")
    assert result.exit_code == 1
    assert "does not fit into the stack of 56 x 40 px: choose --labels png" in result.stderr
    assert tifffile.imread(OUT / "frames" / "labels.tif").shape == SIZE_PX
    assert summary_of("frames")["is_whole"] is False
    assert video("frames", "-q", "cat", "--labels", "png", "--overwrite").exit_code == 0
    assert summary_of("frames")["is_whole"] is True
    assert not (OUT / "frames" / "labels.tif").exists()


class TestDamage:
    @pytest.mark.parametrize(("ending", "options"), [("mp4", {"options": {"movflags": "faststart"}}), ("avi", {})])
    def test_of_a_video_that_is_cut_off_the_rest_is_kept(
        self, video: Command, tmp_path: Path, ending: str, options: dict[str, Any]
    ) -> None:
        whole = write_video(tmp_path / f"whole.{ending}", 20, "mpeg4", **options).read_bytes()
        (tmp_path / f"cut.{ending}").write_bytes(whole[: len(whole) * 6 // 10])
        result = video(f"cut.{ending}", "-q", "cat", "--labels", "png")
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith(f"Error: cut.{ending} ")
        assert "damaged" in result.stderr
        summary = summary_of("cut")
        n_frames = len(summary["frames"])
        assert 5 < n_frames < 20
        assert f"The {n_frames} frames before are in napari-car-output" in result.stderr
        assert summary["is_whole"] is False
        assert "damaged" in summary["stopped"]
        assert len(list((OUT / "cut" / "labels").iterdir())) == n_frames

    def test_the_head_is_missing(self, video: Command, tmp_path: Path) -> None:
        (tmp_path / "headless.mp4").write_bytes(write_video(tmp_path / "whole.mp4", 20).read_bytes()[:3000])
        result = video("headless.mp4", "-q", "cat")
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: headless.mp4 ")
        assert result.stderr.count("\n") == 1
        assert list(OUT.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("missing.mp4", "There is no file or folder missing.mp4."),
            ("text.mp4", "text.mp4 cannot be read as a video: Invalid data found"),
            ("empty.mp4", "empty.mp4 cannot be read as a video"),
            ("photo.png", "photo.png is an image, not a video: name the folder that its frames are in."),
            ("nothing", "The folder nothing holds no image file."),
            ("sound.wav", "sound.wav holds no pictures, only sound or text."),
            ("http://example.org/clip.mp4", "There is no file or folder http:/example.org/clip.mp4."),
        ],
    )
    def test_what_is_no_video_is_one_sentence(self, video: Command, tmp_path: Path, name: str, said: str) -> None:
        (tmp_path / "text.mp4").write_text("hello " * 100)
        (tmp_path / "empty.mp4").touch()
        (tmp_path / "nothing").mkdir()
        write_image(tmp_path / "photo.png")
        with av.open(str(tmp_path / "sound.wav"), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000)
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            samples.sample_rate = 8000
            container.mux(stream.encode(samples))
        result = video(name, "-q", "cat")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {said}")
        assert result.stderr.count("\n") == 1

    def test_one_damaged_video_does_not_stop_the_others(self, video: Command, tmp_path: Path) -> None:
        write_frames(tmp_path / "a", 1)
        (tmp_path / "a" / "8.png").write_bytes(b"nothing")
        write_frames(tmp_path / "b", 1)
        result = video("a", "b", "-q", "cat")
        assert result.exit_code == 1
        assert "2 videos: 1 segmented, 1 failed." in result.stdout
        assert result.stderr.startswith("Failed: a/8.png: ")
        assert {path.name for path in OUT.iterdir()} == {"b"}


class TestInterruption:
    def test_what_is_done_is_kept(self, video: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_frames(tmp_path / "frames")
        describe = video_batch.describe_result
        seen: list[object] = []

        def stop_at_third(result: Any) -> str:
            seen.append(result)
            if len(seen) == 3:
                raise KeyboardInterrupt
            return describe(result)

        monkeypatch.setattr(video_batch, "describe_result", stop_at_third)
        result = video("frames", "-q", "cat", "--overlay", "mp4")
        assert result.exit_code == 130
        assert result.stderr == f"Stopped. The 3 frames that are done are in {OUT / 'frames'}.\n"
        summary = summary_of("frames")
        assert (len(summary["frames"]), summary["is_whole"]) == (3, False)
        assert summary["stopped"] == "Stopped by the user."
        assert tifffile.imread(OUT / "frames" / "labels.tif").shape == (3, *SIZE_PX)
        assert {path.name for path in OUT.iterdir()} == {"frames"}

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
    def test_ctrl_c(self, tiny_clip: Path, tmp_path: Path) -> None:
        write_video(tmp_path / "clip.mp4", 400)
        arguments = ("video", tmp_path / "clip.mp4", "-q", "cat", "--out", tmp_path / "out", *fast_options(tiny_clip))
        process = subprocess.Popen(
            process_command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        assert process.stdout is not None
        deadline = time.monotonic() + 240
        while "frame 2:" not in process.stdout.readline() and time.monotonic() < deadline:
            pass
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 130, stderr
        n_frames = len(summary_of("clip", tmp_path / "out")["frames"])
        assert 3 <= n_frames < 400
        assert len(tifffile.TiffFile(tmp_path / "out" / "clip" / "labels.tif").pages) == n_frames

    def test_results_are_replaced_only_if_asked(self, video: Command, tmp_path: Path) -> None:
        write_frames(tmp_path / "frames", 2)
        assert video("frames", "-q", "cat").exit_code == 0
        (OUT / "frames" / "notes.txt").write_text("mine")
        result = video("frames", "-q", "dog")
        assert result.exit_code == 1
        assert "holds a result: give --overwrite" in result.stderr
        assert summary_of("frames")["queries"][0]["text"] == "cat"
        assert video("frames", "-q", "dog", "--overwrite").exit_code == 0
        assert summary_of("frames")["queries"][0]["text"] == "dog"
        assert (OUT / "frames" / "notes.txt").read_text() == "mine"


def test_wrong_usage(video: Command, tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", 2)
    assert video("frames").exit_code == 2
    assert video("frames", "-q", "cat", "--start", "3", "--end", "3").exit_code == 2
    result = video("frames", "-q", "cat", "--start", "9")
    assert result.exit_code == 1
    assert "has no frame between --start and --end" in result.stderr
    assert list(OUT.iterdir()) == []


@pytest.mark.parametrize("overlay", ["none", "mp4"])
def test_without_the_decoder_the_command_to_install_it_is_said(
    video: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlay: str
) -> None:
    write_video(tmp_path / "clip.mp4")
    write_frames(tmp_path / "frames", 1)
    monkeypatch.setitem(sys.modules, "av", None)
    result = video("frames" if overlay == "mp4" else "clip.mp4", "-q", "cat", "--overlay", overlay)
    assert result.exit_code == 1
    assert 'pip install "napari-car[video]"' in result.stderr
    assert video("frames", "-q", "cat").exit_code == 0


class TestReading:
    def test_frames_are_decoded_when_they_are_asked_for(self, tmp_path: Path) -> None:
        frames = Video(write_frames(tmp_path / "frames")).frames(FrameRange())
        assert next(frames).name == "8.png"
        (tmp_path / "frames" / "9.png").write_bytes(b"nothing")
        with pytest.raises(ImageError):
            next(frames)

    @pytest.mark.parametrize(
        ("chosen", "indices"),
        [
            (FrameRange(), [0, 1, 2, 3, 4, 5]),
            (FrameRange(2, 5), [2, 3, 4]),
            (FrameRange(1, None, 2), [1, 3, 5]),
            (FrameRange(0, 4, 3), [0, 3]),
            (FrameRange(0, 90, 5), [0, 5]),
            (FrameRange(7), []),
        ],
    )
    def test_ranges(self, tmp_path: Path, chosen: FrameRange, indices: list[int]) -> None:
        video = Video(write_video(tmp_path / "clip.mp4"))
        assert (video.n_frames, video.rate_hz) == (6, 10.0)
        frames = list(video.frames(chosen))
        assert [frame.index for frame in frames] == indices
        assert chosen.count(6) == len(indices)
        pictures = make_pictures(6)
        for frame in frames:
            assert frame.rgb.shape == (*SIZE_PX, 3)
            assert np.abs(frame.rgb.astype(int) - pictures[frame.index]).mean() < 30

    def test_frames_are_turned_as_the_file_says(self, tmp_path: Path) -> None:
        """Players turn a picture against the clock by the angle of its display matrix."""
        plain = [frame.rgb for frame in Video(write_video(tmp_path / "clip.mp4", 1)).frames(FrameRange())]
        content = bytearray((tmp_path / "clip.mp4").read_bytes())
        turned_matrix = _matrix(0, -1, 1, 0)
        place = content.index(b"tkhd") + 4 + 40
        assert content[place : place + 36] == _matrix(1, 0, 0, 1)
        content[place : place + 36] = turned_matrix
        (tmp_path / "turned.mp4").write_bytes(content)
        (turned,) = Video(tmp_path / "turned.mp4").frames(FrameRange())
        np.testing.assert_array_equal(turned.rgb, np.rot90(plain[0]))


def _matrix(a: int, b: int, c: int, d: int) -> bytes:
    """Return a display matrix as it stands in a track's head: 16.16 numbers, and 2.30 in the last column."""
    values = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    return b"".join(value.to_bytes(4, "big", signed=True) for value in values)
