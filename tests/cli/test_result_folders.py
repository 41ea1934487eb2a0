"""Names of result folders, and that they are whole or not there."""

import errno
import json
from pathlib import Path

import pytest

from napari_car.cli.folders import check_writable, name_folders, whole_folder
from napari_car.cli.record import describe_difference, make_request, read_summary
from napari_car.config import CaRConfig
from napari_car.errors import ImageError, OutputError
from napari_car.queries import Query


def names(*paths: str) -> list[str]:
    return list(name_folders(map(Path, paths)).values())


def write_and_raise(folder: Path, kind: type[BaseException]) -> None:
    with whole_folder(folder, lambda _: True) as part:
        part.mkdir()
        (part / "a.txt").write_text("1")
        raise kind


def test_folder_has_the_name_of_the_image() -> None:
    assert names("/a/photo.jpg", "/a/cell.tif", "/b/other.scan.png") == ["photo", "cell", "other.scan"]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/a/photo.jpg", "/b/photo.jpg", "/b/x.jpg"], ["a_photo", "b_photo", "x"]),
        (["/a/photo.jpg", "/a/photo.png"], ["a_photo_jpg", "a_photo_png"]),
        (["/a/photo.jpg", "/a/Photo.jpg"], ["a_photo_jpg_1", "a_Photo_jpg_2"]),
        (["/a/x/p.jpg", "/b/x/p.jpg"], ["x_p_jpg_1", "x_p_jpg_2"]),
        (["/a/ .jpg"], ["image"]),
    ],
)
def test_images_of_one_name_get_folders_of_their_own(paths: list[str], expected: list[str]) -> None:
    assert names(*paths) == expected


def test_relative_paths_know_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert names("p.jpg", "p.png") == ["here_p_jpg", "here_p_png"]


def test_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "photo"
    with whole_folder(folder, lambda _: True) as part:
        part.mkdir(parents=True)
        (part / "a.txt").write_text("1")
        assert not folder.exists()
    assert (folder / "a.txt").read_text() == "1"
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError, OutputError])
def test_nothing_is_left_when_writing_is_stopped(tmp_path: Path, kind: type[BaseException]) -> None:
    folder = tmp_path / "photo"
    with pytest.raises(kind):
        write_and_raise(folder, kind)
    assert list(tmp_path.iterdir()) == []


def test_replaced_folder_keeps_what_others_put_there(tmp_path: Path) -> None:
    folder = tmp_path / "photo"
    (folder / "masks").mkdir(parents=True)
    for name in ("labels.tif", "masks/cat.png", "masks/mine.png", "notes.txt"):
        (folder / name).write_text("old")
    ours = {folder / "labels.tif", folder / "masks" / "cat.png"}
    with whole_folder(folder, ours.__contains__) as part:
        part.mkdir()
        (part / "labels.tif").write_text("new")
    kept = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert kept == {"labels.tif": "new", "notes.txt": "old", str(Path("masks/mine.png")): "old"}
    assert list(tmp_path.iterdir()) == [folder]


def test_replaced_folder_stays_when_writing_is_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "photo"
    folder.mkdir()
    (folder / "labels.tif").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_and_raise(folder, KeyboardInterrupt)
    assert (folder / "labels.tif").read_text() == "old"


def test_stop_between_the_two_renamings_restores_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photo"
    folder.mkdir()
    (folder / "labels.tif").write_text("old")
    rename = Path.rename

    def stop(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt), whole_folder(folder, lambda _: True) as part:
        part.mkdir()
    assert (folder / "labels.tif").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_failing_renaming_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "rename", fail)
    with (
        pytest.raises(OutputError, match="photo cannot be written: Input/output error"),
        whole_folder(tmp_path / "photo", lambda _: True) as part,
    ):
        part.mkdir()


def test_longest_file_name_fits(tmp_path: Path) -> None:
    folder = tmp_path / ("n" * 255)
    with whole_folder(folder, lambda _: True) as part:
        part.mkdir()
    assert folder.is_dir()


def test_output_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        check_writable(tmp_path / "file" / "out")


def test_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    assert read_summary(tmp_path / "none") is None
    with pytest.raises(OutputError, match="is no result of napari-car"):
        read_summary(tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps({"request": 1}))
    with pytest.raises(OutputError, match="is no result of napari-car"):
        read_summary(tmp_path)


class TestRequest:
    @pytest.fixture
    def request_of(self, tmp_path: Path):
        image = tmp_path / "image"
        image.write_bytes(b"pixels")

        def make(
            queries: tuple[Query, ...] = (Query("cat"),),
            config: CaRConfig | None = None,
            labels: str = "tiff",
            **networks: str,
        ) -> dict:
            networks = {"f": "a", "g": "b"} | networks
            return make_request(
                image, queries, config or CaRConfig(), networks=networks, precision="auto", labels=labels
            )

        make.image = image
        return make

    def test_it_survives_json(self, request_of) -> None:
        request = request_of((Query("cat", ("kitten",)),))
        assert json.loads(json.dumps(request)) == request
        assert describe_difference(json.loads(json.dumps(request)), request) == ""

    def test_differences_are_named(self, request_of) -> None:
        stored = request_of()
        config = CaRConfig().changed({"recurrence.score_threshold": 0.1, "compute.max_side_px": 64})
        wanted = request_of((Query("dog"),), config, "png", g="c", sam="d")
        said = describe_difference(stored, wanted)
        assert said == (
            "other queries and another checkpoint as g and another SAM and another format of label maps and "
            "other parameters (recurrence.score_threshold, compute.max_side_px)"
        )

    def test_another_image_is_noticed(self, request_of) -> None:
        stored = request_of()
        request_of.image.write_bytes(b"other pixels")
        assert describe_difference(stored, request_of()) == "another image"

    def test_memory_bounds_do_not_count(self, request_of) -> None:
        config = CaRConfig().changed({"compute.batch_memory_mb": 64, "compute.max_features_cached": 0})
        assert describe_difference(request_of(), request_of(config=config)) == ""

    def test_summary_of_an_older_version_differs(self, request_of) -> None:
        assert "other parameters (" in describe_difference({}, request_of())

    def test_image_that_is_gone_is_one_sentence(self, request_of) -> None:
        request_of.image.unlink()
        with pytest.raises(ImageError, match="cannot be read: No such file"):
            request_of()
