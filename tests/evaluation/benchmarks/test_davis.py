"""DAVIS and Ref-DAVIS 2017, read from miniatures and from photographs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmark_miniatures import N_FRAMES, VideoMiniature, make_davis_2016, make_ref_davis
from PIL import Image

from napari_car.errors import ConfigError, DocumentError, ImageError
from napari_car.evaluation.benchmarks.davis import open_davis
from napari_car.evaluation.benchmarks.davis_frames import name_objects, open_davis_frames
from napari_car.evaluation.benchmarks.ref_davis import open_ref_davis, read_expressions


@pytest.fixture
def made(tmp_path: Path) -> VideoMiniature:
    return make_ref_davis(tmp_path)


def test_frames_and_masks_are_what_was_drawn(made: VideoMiniature) -> None:
    benchmark = open_ref_davis(made.root)
    assert (benchmark.name, benchmark.kind) == ("ref-davis", "video")
    assert [sample.key for sample in benchmark.samples] == list(made.truths)
    for sample in benchmark.samples:
        assert len(sample.frames) == N_FRAMES
        for index, truth in enumerate(made.truths[sample.key]):
            assert np.array_equal(sample.read_truth(index), truth)
            assert sample.read_frame(index).shape == (*truth.shape, 3)


def test_expressions_are_those_of_each_annotator(made: VideoMiniature) -> None:
    benchmark = open_ref_davis(made.root)
    assert benchmark.annotators == ("annot1", "annot1_full_video", "annot2", "annot2_full_video")
    for sample in benchmark.samples:
        assert sample.expressions == made.expressions[sample.key]
    dogs = benchmark.samples[0]
    assert dogs.objects == {
        1: ("red square", "a red square that sinks", "the red box", "rosé square"),
        2: ("blue square", "a square that leaves", 'a "blue" box'),
    }


def test_what_annotators_had_seen_is_chosen(made: VideoMiniature) -> None:
    first, full = open_ref_davis(made.root, seen="first-frame"), open_ref_davis(made.root, seen="full-video")
    assert first.samples[1].objects == {1: ("yellow square", "a yellow box")}
    assert full.samples[1].objects == {1: ("yellow square that moves", "the only square")}


def test_nothing_is_opened_before_it_is_asked_for(made: VideoMiniature) -> None:
    for path in (*made.root.rglob("*.jpg"), *made.root.rglob("*.png")):
        path.write_bytes(b"")
    sample = open_ref_davis(made.root).samples[0]
    with pytest.raises(ImageError, match="is empty"):
        sample.read_frame(0)
    with pytest.raises(DocumentError, match="cannot be read as labels"):
        sample.read_truth(0)


def test_masks_of_the_other_folder(made: VideoMiniature) -> None:
    with pytest.raises(DocumentError, match=r"There is no folder .*Annotations_unsupervised"):
        open_ref_davis(made.root, annotations="Annotations_unsupervised")
    (made.root / "Annotations").rename(made.root / "Annotations_unsupervised")
    assert open_ref_davis(made.root, annotations="Annotations_unsupervised").samples[0].read_truth(0).max() == 2


def test_masks_turned_into_colours_are_refused(made: VideoMiniature) -> None:
    sample = open_ref_davis(made.root).samples[0]
    Image.open(sample.truths[0]).convert("RGB").save(sample.truths[0])
    with pytest.raises(DocumentError, match="a palette PNG whose indices are the objects"):
        sample.read_truth(0)


def test_missing_files_are_named(made: VideoMiniature) -> None:
    sample = open_ref_davis(made.root).samples[0]
    sample.truths[1].unlink()
    with pytest.raises(DocumentError, match=r"1 of 4 files are missing in .*dogs-scale, the first is 00001\.png"):
        open_ref_davis(made.root)
    for frame in sample.frames:
        frame.unlink()
    with pytest.raises(DocumentError, match=r"dogs-scale holds no \.jpg file"):
        open_ref_davis(made.root)
    shutil.rmtree(made.root / "JPEGImages/480p/dogs-scale")
    with pytest.raises(DocumentError, match=r"There is no folder .*dogs-scale: .*davischallenge\.org"):
        open_ref_davis(made.root)
    (made.root / "ImageSets/2017/val.txt").unlink()
    with pytest.raises(DocumentError, match=r"There is no file .*val\.txt: .*davischallenge\.org"):
        open_ref_davis(made.root)


def test_missing_expressions_are_said(made: VideoMiniature) -> None:
    path = made.root / "davis_text_annotations/Davis17_annot2.txt"
    path.write_text('dogs-scale 1 "cut short"\n')
    with pytest.raises(DocumentError, match=r"Davis17_annot2\.txt has no expression for lonely"):
        open_ref_davis(made.root)
    path.unlink()
    with pytest.raises(DocumentError, match=r"There is no file .*Davis17_annot2\.txt: .*mpi-inf\.mpg\.de"):
        open_ref_davis(made.root)


@pytest.mark.parametrize("line", ["dog", "dog 1", "dog one 'a dog'", 'dog 0 "a dog"', 'dog 1 ""', '"a dog"'])
def test_lines_that_are_no_expressions(tmp_path: Path, line: str) -> None:
    path = tmp_path / "texts.txt"
    path.write_text(f'cat 1 "a cat"\r\n\n{line}\n')
    with pytest.raises(DocumentError, match=r"texts\.txt has .* in line 3: a line is a sequence, a number"):
        read_expressions(path)


def test_lines_as_they_are_published(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(
        'cat 1 "a cat"\r\ncat  10\t"the caf\xe9\'s 2nd cat" \nmotor-bike 2 without quotes\n'.encode("latin-1")
    )
    assert read_expressions(path) == {
        "cat": {1: "a cat", 10: "the café's 2nd cat"},
        "motorbike": {2: "without quotes"},
    }
    path.write_text('cat 1 "a cat"\ncat 1 "another"\n')
    with pytest.raises(DocumentError, match="two expressions for object 1 of cat"):
        read_expressions(path)


def test_one_object_in_2016(tmp_path: Path) -> None:
    made = make_davis_2016(tmp_path)
    (sample,) = open_davis(tmp_path, year="2016").samples
    assert sample.objects == {}
    for index, truth in enumerate(made.truths["solo"]):
        assert np.array_equal(sample.read_truth(index), truth)


def test_real_videos_are_read(photo_folder: Path) -> None:
    benchmark = open_davis(photo_folder / "davis16", year="2016", sequences=("dog", "camel"))
    assert [sample.key for sample in benchmark.samples] == ["dog", "camel"]
    sample = benchmark.samples[0]
    assert sample.frames[0].name == "00000.jpg"
    truth = sample.read_truth(0)
    assert set(np.unique(truth).tolist()) == {0, 1}
    assert truth.shape == sample.read_frame(0).shape[:2] == (480, 854)


class TestFrames:
    def test_each_frame_is_an_image_with_the_videos_class(self, tmp_path: Path) -> None:
        made = make_davis_2016(tmp_path)
        benchmark = open_davis_frames(tmp_path)
        assert [item.query.text for item in benchmark.classes] == ["solo"]
        assert [sample.key for sample in benchmark.samples] == [f"solo-{frame:05}" for frame in range(N_FRAMES)]
        for sample, truth in zip(benchmark.samples, made.truths["solo"], strict=True):
            assert np.array_equal(sample.read_truth(), truth)
            assert sample.read_image().shape == (*truth.shape, 3)

    def test_several_objects_are_one_class_and_void_stays_void(self, made: VideoMiniature) -> None:
        benchmark = open_davis_frames(made.root, year="2017")
        assert [item.name for item in benchmark.classes] == ["dogs scale", "lonely"]
        truths = [truth for name in made.truths for truth in made.truths[name]]
        ids = [id_ for id_, name in enumerate(made.truths, start=1) for _ in made.truths[name]]
        for sample, truth, id_ in zip(benchmark.samples, truths, ids, strict=True):
            assert np.array_equal(sample.read_truth(), np.where(truth > 0, id_, truth))

    def test_names_come_from_a_file_and_may_be_shared(self, made: VideoMiniature, tmp_path: Path) -> None:
        names = tmp_path / "names.toml"
        names.write_text('dogs-scale = "Square | box"\nlonely = "square"\nunused = "x"\n', encoding="utf-8")
        benchmark = open_davis_frames(made.root, year="2017", names=names, every=3)
        assert [(item.id, item.name) for item in benchmark.classes] == [(1, "square")]
        assert [sample.key for sample in benchmark.samples] == [
            "dogs-scale-00000", "dogs-scale-00003", "lonely-00000", "lonely-00003",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("lonely = 3", "write each name as a text"),
            ('lonely = " "', "write each name"),
            ("lonely", "cannot be read"),
        ],
    )
    def test_wrong_files_of_names_are_refused(
        self, text: str, complaint: str, made: VideoMiniature, tmp_path: Path
    ) -> None:
        (tmp_path / "names.toml").write_text(text, encoding="utf-8")
        with pytest.raises(DocumentError, match=complaint):
            open_davis_frames(made.root, year="2017", names=tmp_path / "names.toml")

    def test_a_folder_without_lists_has_all_sequences(self, tmp_path: Path) -> None:
        make_davis_2016(tmp_path)
        shutil.rmtree(tmp_path / "ImageSets")
        assert len(open_davis_frames(tmp_path, split="all").samples) == N_FRAMES
        with pytest.raises(DocumentError, match="ImageSets"):
            open_davis_frames(tmp_path)
        shutil.rmtree(tmp_path / "JPEGImages/480p/solo")
        with pytest.raises(DocumentError, match="holds no folder of frames"):
            open_davis_frames(tmp_path, split="all")
        with pytest.raises(DocumentError, match="cannot be read"):
            open_davis_frames(tmp_path / "nowhere", split="all")

    def test_every_is_at_least_one(self, made: VideoMiniature) -> None:
        with pytest.raises(ConfigError, match="every is 0"):
            open_davis_frames(made.root, year="2017", every=0)

    @pytest.mark.parametrize(
        ("sequence", "words"), [("car-shadow", "car shadow"), ("dogs2_jump", "dogs jump"), ("007", "007")]
    )
    def test_sequences_are_read_as_words(self, sequence: str, words: str) -> None:
        assert name_objects(sequence) == words
