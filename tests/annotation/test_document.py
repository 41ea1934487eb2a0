"""Documents come back as they were written; wrong ones are refused in a sentence; a crash never costs the old one."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.annotation import document_files
from napari_car.annotation.document import Document, read_document, write_document
from napari_car.annotation.label_layer import AutomaticPixels, Display, HumanPixels, LabelLayer, Transform
from napari_car.annotation.ledger import UNKNOWN, Ledger
from napari_car.errors import DocumentError, OutputError, ResourceError

LARGEST = 2**31 - 1


def layer(labels: Any = None, **parts: Any) -> LabelLayer:
    labels = np.array([[0, 1, 1], [2, 2, 0]], dtype=np.int32) if labels is None else labels
    return LabelLayer(**{"name": "nuclei", "labels": labels} | parts)


def rich_layer(seed: int = 0) -> LabelLayer:
    labels = np.random.default_rng(seed).integers(0, 4, (2, 3, 5)).astype(np.int32)
    return layer(
        labels,
        human=labels == 2,
        automatic=np.where(labels == 2, 7, labels),
        colours={1: (255, 0, 0), 70000: (1, 2, 3, 128)},
        other_colour=(9, 8, 7),
        features={"index": [0, 1, 2], "class": ["background", "nucleus", "Zellkern µ"], "score": [None, 0.25, 1.0]},
        transform=Transform(
            scale=(2, 0.5, 0.5),
            translate=np.array([0.1, -3.5, 1e-9]),
            rotate=np.eye(3),
            shear=(0, 0.1, 0.2),
            affine=np.eye(4).tolist(),
            units=("micrometer",) * 3,
            axis_labels=("z", "y", "x"),
        ),
        display=Display(opacity=0.25, contour=2, blending="additive", visible=False),
        provenance={
            "kind": "labels",
            "image": "cells",
            "queries": [{"id": 1, "text": "nucleus"}],
            "runs": [{"f": None}],
        },
    )


def assert_same(found: Document, expected: Document) -> None:
    assert len(found.layers) == len(expected.layers)
    for a, b in zip(found.layers, expected.layers, strict=True):
        np.testing.assert_array_equal(a.labels, np.asarray(b.labels))
        assert a.labels.dtype == np.int32
        assert (a.human is None) == (b.human is None)
        if b.human is not None:
            np.testing.assert_array_equal(a.human, b.human[...])
            assert a.human.dtype == bool
        assert_same_automatic(a, b)
        for name in ("name", "colours", "other_colour", "colour_cycle", "features", "display", "transform"):
            assert getattr(a, name) == getattr(b, name), name
        assert a.provenance == b.provenance


def assert_same_automatic(found: LabelLayer, expected: LabelLayer) -> None:
    if expected.automatic is None or (expected.automatic[...] == np.asarray(expected.labels)).all():
        assert found.automatic is None
    else:
        np.testing.assert_array_equal(found.automatic, expected.automatic[...])
        assert found.automatic.dtype == np.int32


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cells.car.json"


class TestRoundTrip:
    def test_all_parts_of_several_layers(self, path: Path) -> None:
        document = Document(layers=(rich_layer(0), layer(), rich_layer(1)))
        files = write_document(path, document)
        assert_same(read_document(path), document)
        assert {file.name for file in files} == names_in(path.parent)
        assert files[0] == path
        assert read_document(path).written_by.startswith("napari-car ")

    def test_times(self, path: Path) -> None:
        write_document(path, Document(layers=(layer(),), created="2026-11-30T09:15:02+00:00", spent_s=312.46))
        again = read_document(path)
        assert (again.created, again.spent_s) == ("2026-11-30T09:15:02+00:00", 312.5)
        assert abs(datetime.now(tz=UTC) - datetime.fromisoformat(again.saved)) < timedelta(minutes=5)
        write_document(path, Document(layers=(layer(),)))
        assert read_document(path).created == read_document(path).saved >= again.saved

    @pytest.mark.parametrize(
        ("key", "value", "said"), [("saved", "soon", "is not a time"), ("spent_s", -1, "is not a number of seconds")]
    )
    def test_what_is_no_time(self, path: Path, key: str, value: Any, said: str) -> None:
        write_document(path, Document(layers=(layer(),)))
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {key: value}))
        with pytest.raises(DocumentError, match=said):
            read_document(path)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data(), name=st.text(max_size=12))
    def test_any_labels(self, tmp_path: Path, data: st.DataObject, name: str) -> None:
        shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=4))
        ids = st.sampled_from([0, 1, 255, 65535, 65536, LARGEST])
        labels = data.draw(hnp.arrays(np.int64, shape, elements=ids))
        human = data.draw(st.none() | hnp.arrays(np.bool_, shape))
        automatic = data.draw(st.none() | hnp.arrays(np.int64, shape, elements=ids))
        first = layer(labels, human=human, automatic=automatic, name=name)
        document = Document(layers=(first, layer(labels[::-1], name=name)))
        write_document(tmp_path / "any.car.json", document)
        assert_same(read_document(tmp_path / "any.car.json"), document)
        assert len(names_in(tmp_path)) <= 5

    @pytest.mark.parametrize(("largest", "dtype"), [(65535, np.uint16), (65536, np.int32)])
    def test_other_programs_read_the_labels(self, path: Path, largest: int, dtype: type) -> None:
        labels = np.zeros((2, 3, 4, 5), dtype=np.uint32)
        labels[1, 2, 3, 4] = largest
        _, file = write_document(path, Document(layers=(layer(labels),)))
        assert file.name.startswith("cells.nuclei.")
        assert file.name.endswith(".labels.tif")
        found = tifffile.imread(file)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, labels)

    def test_a_persons_pixels_are_one_bit_each(self, path: Path) -> None:
        labels = np.ones((3, 70, 90), dtype=np.int32)
        human = np.random.default_rng(0).random(labels.shape) < 0.5
        write_document(path, Document(layers=(layer(labels, human=human),)))
        (file,) = path.parent.glob("*.human.tif")
        assert file.stat().st_size < labels.size / 8 * 1.2 + 3000
        np.testing.assert_array_equal(tifffile.imread(file), human)

    def test_a_persons_pixels_come_from_the_ledger(self, path: Path) -> None:
        labels = np.array([[0, 1], [2, 2]], dtype=np.int32)
        ledger = Ledger(np.array([[3, 1], [2, 1]], dtype=np.int32))
        write_document(path, Document(layers=(layer(labels, human=HumanPixels(ledger, labels)),)))
        (read,) = read_document(path).layers
        restored = Ledger.restored(read.labels, read.human)
        np.testing.assert_array_equal(restored.human(labels), [[True, False], [False, True]])

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_a_ledger_comes_back_exactly(self, tmp_path: Path, data: st.DataObject) -> None:
        shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=4))
        ids = [0, 1, 2, 65535, 65536]
        labels = data.draw(hnp.arrays(np.int64, shape, elements=st.sampled_from(ids)))
        written = data.draw(hnp.arrays(np.int32, shape, elements=st.sampled_from([UNKNOWN, *ids])))
        ledger = Ledger(written.copy())
        human, automatic = HumanPixels(ledger, labels), AutomaticPixels(ledger, labels)
        assert automatic.shape == shape
        path = tmp_path / "any.car.json"
        write_document(path, Document(layers=(layer(labels, human=human, automatic=automatic),)))
        np.testing.assert_array_equal(ledger.automatic(), written)
        (read,) = read_document(path).layers
        np.testing.assert_array_equal(Ledger.restored(read.labels, read.human, read.automatic).automatic(), written)

    def test_automatic_labels_have_a_file_only_where_they_differ(self, path: Path) -> None:
        labels = np.array([[1, 2], [3, 0]])
        for value, n_files in ((3, 2), (4, 3), (3, 2)):
            automatic = labels.copy()
            automatic[1, 0] = value
            write_document(path, Document(layers=(layer(labels, automatic=automatic),)))
            assert len(names_in(path.parent)) == n_files
        assert records(path)[0]["automatic"] is None

    @pytest.mark.parametrize(("largest", "dtype"), [(65535, np.uint16), (65536, np.int32)])
    def test_automatic_labels_are_as_wide_as_the_labels(self, path: Path, largest: int, dtype: type) -> None:
        low, high = np.zeros((2, 3, 4, 5), dtype=int), np.full((2, 3, 4, 5), largest)
        for labels, automatic in ((low, high), (high, low)):
            write_document(path, Document(layers=(layer(labels, automatic=automatic),)))
            (record,) = records(path)
            for kind, expected in (("labels", labels), ("automatic", automatic)):
                found = tifffile.imread(path.with_name(record[kind]["file"]))
                assert found.dtype == dtype
                np.testing.assert_array_equal(found, expected)

    def test_the_text_is_strict_and_one_row_is_one_line(self, path: Path) -> None:
        rows = range(60)
        features = {"index": list(rows), "score": [float("nan")] * 60, "class": [f"Größe {i}" for i in rows]}
        write_document(path, Document(layers=(layer(features=features, colour_cycle=[(i, i, i) for i in rows]),)))
        text = path.read_text(encoding="utf-8")
        json.loads(text, parse_constant=pytest.fail)
        assert '          [7, null, "Größe 7"],\n' in text
        assert max(map(len, text.splitlines())) <= 110
        assert len(text.splitlines()) < 105

    def test_planes_are_read_one_at_a_time(self, path: Path) -> None:
        class Lazy:
            shape = (2, 3, 4, 5)

            def __init__(self) -> None:
                self.read: list[Any] = []

            def __getitem__(self, index: Any) -> np.ndarray:
                self.read.append(index)
                return np.full((4, 5), index[0] * 3 + index[1], dtype=np.uint8)

        lazy = Lazy()
        write_document(path, Document(layers=(layer(lazy),)))
        assert lazy.read == list(np.ndindex(2, 3))
        automatic = Lazy()
        write_document(path, Document(layers=(layer(lazy, automatic=automatic),)))
        assert automatic.read == list(np.ndindex(2, 3))  # compared, found to be the same, and not written
        (read,) = read_document(path).layers
        np.testing.assert_array_equal(read.labels[:, :, 0, 0].ravel(), range(6))

    @pytest.mark.skipif(sys.platform != "linux", reason="names are texts there")
    def test_names_that_are_not_unicode(self, tmp_path: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.car.json"))
        document = Document(layers=(layer(name="a\udcff\\"),))
        write_document(path, document)
        path.read_text(encoding="utf-8")
        assert_same(read_document(path), document)

    def test_many_pixels_make_a_big_tiff(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(document_files, "_BIG_TIFF_BYTES", 1000)
        document = Document(layers=(rich_layer(), layer(np.zeros((1, 1), dtype=np.int32), name="small")))
        files = write_document(path, document)
        versions = sorted((file.name.split(".")[1], file.read_bytes()[2]) for file in files[1:])
        assert versions == [("nuclei", 43)] * 3 + [("small", 42)]
        assert_same(read_document(path), document)

    def test_names_and_colours_by_id(self) -> None:
        rich = rich_layer()
        assert rich.class_names == {0: "background", 1: "nucleus", 2: "Zellkern µ"}
        assert [rich.colour_of(id_) for id_ in (0, 1, 5, 70000)] == [
            (0, 0, 0, 0),
            (255, 0, 0),
            (9, 8, 7),
            (1, 2, 3, 128),
        ]
        cycle = layer(colour_cycle=[(1, 1, 1), (2, 2, 2, 255)])
        assert [cycle.colour_of(id_) for id_ in (0, 1, 2, 3)] == [(0, 0, 0, 0), (1, 1, 1), (2, 2, 2), (1, 1, 1)]


class TestReplacing:
    def test_the_old_files_go_and_only_they(self, path: Path) -> None:
        write_document(path, Document(layers=(rich_layer(0), layer())))
        others = {"cells.tif", "cells.nuclei.labels.tif", "cells.b.nuclei.0123456789ab.labels.tif", "notes.txt"}
        for name in others:
            (path.parent / name).touch()
        files = write_document(path, Document(layers=(rich_layer(1),)))
        assert names_in(path.parent) == {file.name for file in files} | others

    def test_each_step_is_on_the_disk_before_the_next(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_document(path, Document(layers=(layer(),)))
        steps: list[str] = []

        def noting(owner: Any, function: str, text: Callable[..., str]) -> None:
            original = getattr(owner, function)
            replacement = lambda *args, **named: (steps.append(text(*args)), original(*args, **named))[1]  # noqa: E731
            monkeypatch.setattr(owner, function, replacement)

        noting(os, "fsync", lambda descriptor: "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        noting(Path, "replace", lambda _, target: f"name {target.suffix}")
        noting(Path, "unlink", lambda path: f"remove {path.suffix}")
        write_document(path, Document(layers=(layer(np.ones((2, 2), dtype=int)),)))
        assert [step for step in steps if step != "remove .part"] == [
            *("content", "name .tif", "folder"),
            *("content", "name .json", "folder"),
            "remove .tif",
        ]

    def test_writers_take_turns(self, path: Path) -> None:
        documents = [Document(layers=(layer(np.full((3, 3), number)),)) for number in (1, 2, 3) * 10]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write_document, [path] * len(documents), documents))
        (read,) = read_document(path).layers
        assert len(names_in(path.parent)) == 2
        assert read.labels.flat[0] in (1, 2, 3)

    def test_what_has_not_changed_keeps_its_file(self, path: Path) -> None:
        first = write_document(path, Document(layers=(rich_layer(),)))
        assert write_document(path, Document(layers=(rich_layer(),))) == first

    def test_files_that_a_document_should_not_name_are_not_removed(self, path: Path) -> None:
        write_document(path, Document(layers=(layer(),)))
        record = json.loads(path.read_text())
        (path.parent / "precious.tif").touch()
        record["layers"][0]["human"] = {"file": "precious.tif", "bytes": 0, "sha256": "0"}
        path.write_text(json.dumps(record))
        write_document(path, Document(layers=()))
        assert names_in(path.parent) == {"cells.car.json", "precious.tif"}

    @pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    @pytest.mark.parametrize(("owner", "function"), [(Path, "replace"), (os, "fsync"), (tifffile.TiffWriter, "write")])
    def test_a_failure_leaves_the_old_or_the_new_document_and_nothing_else(
        self, tmp_path: Path, owner: Any, function: str, failure: BaseException
    ) -> None:
        old, new = Document(layers=(rich_layer(0), layer())), Document(layers=(rich_layer(1), layer(), rich_layer(2)))
        kept = []
        for number in range(100):
            path = tmp_path / str(number) / "cells.car.json"
            write_document(path, old)
            with pytest.MonkeyPatch.context() as patch:
                calls = fail_at(patch, owner, function, number, failure)
                try:
                    write_document(path, new)
                except (OutputError, KeyboardInterrupt) as error:
                    text = str(error)
                    assert not text or text.startswith(f"{path} cannot be written: the disk is full: free some space")
            if len(calls) <= number:
                break
            kept.append(len(read_document(path).layers) == 2)
            assert_same(read_document(path), old if kept[-1] else new)
            assert {file for record in records(path) for file in files_of(record)} | {path.name} == names_in(
                path.parent
            )
        assert sum(kept) >= 6

    @pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
    def test_a_kill_at_any_moment_leaves_the_old_or_the_new_document(self, tmp_path: Path) -> None:
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True, timeout=120)
        seen = []
        for folder in sorted(tmp_path.iterdir()):
            (read,) = read_document(folder / "cells.car.json").layers
            assert (read.labels == read.labels.flat[0]).all()
            assert read.human.all() == (read.labels.flat[0] == 2)
            assert (read.automatic == read.labels + 7).all()
            seen.append(int(read.labels.flat[0]))
        assert seen == sorted(seen)
        assert set(seen) == {1, 2}

    def test_a_failure_without_an_old_document_leaves_nothing(self, path: Path) -> None:
        with pytest.raises(OutputError, match="from -1 to 0"):
            write_document(path, Document(layers=(rich_layer(), layer(np.array([[-1, 0]])))))
        assert names_in(path.parent) == set()


def fail_at(patch: pytest.MonkeyPatch, owner: Any, function: str, number: int, failure: BaseException) -> list[Any]:
    """Make a function raise when it is called for the nth time; return the list of its calls."""
    original, calls = getattr(owner, function), []

    def replacement(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if len(calls) == number + 1:
            raise failure
        return original(*args, **kwargs)

    patch.setattr(owner, function, replacement)
    return calls


def records(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["layers"]


def files_of(record: dict[str, Any]) -> list[str]:
    return [record[kind]["file"] for kind in ("labels", "human", "automatic") if record[kind]]


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from napari_car.annotation.document import Document, write_document
from napari_car.annotation.label_layer import LabelLayer

def document(value):
    labels = np.full((3, 4), value, dtype=np.int32)
    return Document(layers=(LabelLayer(name="a", labels=labels, human=labels == 2, automatic=labels + 7),))

for number in range(100):
    path = Path(sys.argv[1]) / f"{number:03}" / "cells.car.json"
    write_document(path, document(1))
    child = os.fork()
    if not child:
        calls = iter(range(1000))
        def dying(function):
            def call(*args, **kwargs):
                if next(calls) == number:
                    os._exit(9)
                return function(*args, **kwargs)
            return call
        os.fsync, Path.replace, Path.unlink = dying(os.fsync), dying(Path.replace), dying(Path.unlink)
        write_document(path, document(2))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


class TestWrongDocuments:
    @pytest.fixture
    def path(self, path: Path) -> Path:
        write_document(path, Document(layers=(rich_layer(), layer())))
        return path

    def refuse(self, path: Path, reason: str) -> None:
        with pytest.raises(DocumentError) as caught:
            read_document(path)
        text = str(caught.value)
        assert text.startswith(f"{path} cannot be opened: ")
        assert text.endswith(".")
        assert reason in text

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON: Expecting property name"),
            (b"\xff\xfe", "not a text in UTF-8"),
            (b"[1]", "not a document of napari-car"),
            (b'{"version": 1}', "not a document of napari-car"),
            (b"[" * 100_000, "not JSON"),
            (b'{"format": "napari-car", "version": NaN}', "not JSON: NaN"),
            (b"1" * 5000, "not JSON"),
            (b'{"format": "napari-car"}', "its version, None"),
            (b'{"format": "napari-car", "version": true}', "its version, True"),
            (b'{"format": "napari-car", "version": 2}', "written by a newer napari-car (format 2): update napari-car"),
            (b'{"format": "napari-car", "version": 1}', '"layers" is missing'),
            (b'{"format": "napari-car", "version": 1, "layers": [3]}', "in layer 1, there is no table of parts"),
        ],
        ids=range(13),
    )
    def test_other_files(self, path: Path, content: bytes, reason: str) -> None:
        path.write_bytes(content)
        self.refuse(path, reason)

    def test_no_file(self, path: Path) -> None:
        self.refuse(path.with_name("other.car.json"), "there is no such file")
        self.refuse(path.parent, "directory")

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("name", 3, '"name" is not a text'),
            ("shape", [2, 0], "the shape [2, 0] is not made of whole numbers from 1"),
            ("shape", [30], "does not hold pixels of the shape (30,)"),
            ("shape", [3, 2, 5], "does not hold pixels of the shape (3, 2, 5)"),
            ("shape", [2, 5, 3], "does not hold pixels of the shape (2, 5, 3)"),
            ("shape", [10**12, 10**12], "does not hold pixels of the shape"),
            ("labels", None, '"labels" is not a table'),
            ("labels", {"file": "a.tif"}, "a file is named without bytes, sha256"),
            ("automatic", 3, '"automatic" is not a table'),
            ("automatic", {"file": "a.tif"}, "a file is named without bytes, sha256"),
            ("automatic.file", "gone.tif", "its file gone.tif is missing: put it into the same folder"),
            ("automatic.sha256", "0" * 64, "another program has changed its file cells.nuclei."),
            ("labels.bytes", -1, "StoredFile.bytes is -1"),
            ("labels.file", "gone.tif", "its file gone.tif is missing: put it into the same folder"),
            ("labels.file", "../cells.tif", "only TIFF files in its own folder are allowed"),
            ("labels.file", "/etc/passwd", "only TIFF files in its own folder are allowed"),
            ("labels.file", "..\\cells.tif", "only TIFF files in its own folder are allowed"),
            ("labels.file", "..", "only TIFF files in its own folder are allowed"),
            ("labels.file", "cells.car.json", "only TIFF files in its own folder are allowed"),
            ("labels.file", "a\0.tif", "only TIFF files in its own folder are allowed"),
            ("labels.sha256", "0" * 64, "another program has changed its file cells.nuclei."),
            ("colours", {"-1": "#000000"}, "a colour is given to '-1'"),
            ("colours", {"0": "#000000"}, "a colour is given to 0"),
            ("colours", {"1": "red"}, "'red' is not a colour"),
            ("colour_cycle", ["#000000"], "not both"),
            ("features", {"columns": ["a"], "rows": [[1, 2]]}, "a row of the features does not have 1 values"),
            ("features", {"columns": ["a", "a"], "rows": []}, "are not texts that differ"),
            ("transform.scale", [1, 2], "transform.scale does not fit 3 axes"),
            ("transform.scale", [1, 0, 2], "transform.scale holds a zero"),
            ("transform.scale", 0.0, "transform.scale does not fit 3 axes"),
            ("transform.rotate", [[1, 0, 0], [0, 1]], "transform.rotate does not fit 3 axes"),
            ("transform.affine", [[1, 0, 0, 0]] * 4, "transform.affine makes pixels vanish"),
            ("transform.translate", [1, 2, "a"], "transform.translate holds 'a', which is not a finite number"),
            ("transform.translate", [1, 2, 10**400], "which is not a finite number"),
            ("transform.units", "abc", "transform.units does not fit 3 axes"),
            ("display.opacity", 2, "Display.opacity is 2"),
            ("display.visible", "yes", "Display.visible is 'yes'"),
            ("provenance", [], '"provenance" is not a table'),
        ],
    )
    def test_wrong_parts(self, path: Path, key: str, value: Any, reason: str) -> None:
        change(path, key, value)
        self.refuse(path, reason)

    def test_what_a_later_version_adds_is_passed_over(self, path: Path) -> None:
        expected = read_document(path)
        for key in ("new", "labels.new", "features.new", "transform.new", "display.new"):
            change(path, key, {"a": 1})
        assert_same(read_document(path), expected)

    def test_what_is_missing_is_as_if_the_layer_had_none(self, path: Path) -> None:
        record = json.loads(path.read_text())
        kept = ("name", "shape", "labels")
        record["layers"] = [{key: item[key] for key in kept} for item in record["layers"]]
        path.write_text(json.dumps(record))
        first, _ = read_document(path).layers
        plain = layer(first.labels)
        assert_same(Document(layers=(first,)), Document(layers=(plain,)))

    def test_an_editor_of_windows_may_have_saved_it(self, path: Path) -> None:
        expected = read_document(path)
        path.write_text(path.read_text().replace("\n", "\r\n"), encoding="utf-8-sig")
        assert_same(read_document(path), expected)

    def test_a_file_that_another_program_changed(self, path: Path) -> None:
        (first, *_) = path.parent.glob("*.labels.tif")
        tifffile.imwrite(first, np.ones((2, 3, 5), dtype=np.uint16))
        first.write_bytes(first.read_bytes().ljust(5000, b"\0"))
        self.refuse(path, f"another program has changed its file {first.name}")

    @pytest.mark.parametrize("kind", ["human", "automatic"])
    def test_a_file_that_was_cut_off(self, path: Path, kind: str) -> None:
        file = path.with_name(records(path)[0][kind]["file"])
        content = file.read_bytes()
        file.write_bytes(content[:-20])
        self.refuse(path, f"{file.name} has {len(content) - 20} of {len(content)} bytes: copy it here once more")

    @pytest.mark.parametrize("kind", ["labels", "human", "automatic"])
    @pytest.mark.parametrize("damage", [slice(60), slice(0), slice(None, None, -1)], ids=str)
    def test_a_tiff_that_cannot_be_decoded(self, path: Path, kind: str, damage: slice) -> None:
        forge(path, kind, lambda content: content[damage])
        self.refuse(path, "cannot be decoded")

    @pytest.mark.parametrize(
        ("pixels", "reason"),
        [
            (np.full((2, 3, 5), -1, dtype=np.int32), "holds numbers from -1 to -1"),
            (np.full((2, 3, 5), 2**31, dtype=np.uint32), "holds numbers from 2147483648 to 2147483648"),
            (np.zeros((2, 3, 5), dtype=np.float32), "holds pixels of the type float32, not ids"),
            (np.zeros((2, 5, 3), dtype=np.uint16), "does not hold pixels of the shape (2, 3, 5)"),
        ],
    )
    @pytest.mark.parametrize("kind", ["labels", "automatic"])
    def test_pixels_that_are_no_ids(self, path: Path, kind: str, pixels: np.ndarray, reason: str) -> None:
        forge(path, kind, lambda _: tiff(path.parent, pixels))
        self.refuse(path, reason)

    def test_too_little_memory(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any) -> None:
            raise MemoryError

        monkeypatch.setattr(document_files, "_check_shape", fail)
        with pytest.raises(ResourceError, match="too little memory"):
            read_document(path)


def change(path: Path, key: str, value: Any) -> None:
    """Change a part of the first layer."""
    record = json.loads(path.read_text())
    *places, last = key.split(".")
    part = record["layers"][0]
    for place in places:
        part = part[place]
    part[last] = value
    path.write_text(json.dumps(record))


def forge(path: Path, kind: str, damage: Callable[[bytes], bytes]) -> None:
    """Change a file of the first layer, and what the document says of it."""
    file = path.with_name(records(path)[0][kind]["file"])
    file.write_bytes(content := damage(file.read_bytes()))
    change(path, f"{kind}.bytes", len(content))
    change(path, f"{kind}.sha256", hashlib.sha256(content).hexdigest())


def tiff(folder: Path, pixels: np.ndarray) -> bytes:
    tifffile.imwrite(folder / "forged.tif", pixels, photometric="minisblack")
    return (folder / "forged.tif").read_bytes()


class TestWrongLayers:
    @pytest.mark.parametrize(
        ("labels", "reason"),
        [
            (np.array([[-1, 0]]), "but here from -1 to 0"),
            (np.array([[0, 2**31]]), "but here from 0 to 2147483648"),
            (np.array([[0, 2**63]], dtype=np.uint64), "but here from 0 to 9223372036854775808"),
            (np.array([[0.5, 1.0]]), "labels must be whole numbers, not float64"),
        ],
    )
    def test_labels_that_are_no_ids(self, path: Path, labels: np.ndarray, reason: str) -> None:
        with pytest.raises(OutputError) as caught:
            write_document(path, Document(layers=(layer(labels),)))
        assert str(caught.value).startswith(f"{path} cannot be written: labels ")
        assert str(caught.value).endswith(f"{reason}.")

    @pytest.mark.parametrize("name", ["cells.json", ".car.json", "cells.car.json.tif", "a\\b.car.json", "a\0.car.json"])
    def test_names_that_are_no_documents(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OutputError, match="cannot be written: "):
            write_document(tmp_path / name, Document(layers=(layer(),)))
        assert names_in(tmp_path) == set()

    def test_a_name_that_is_too_long_for_its_files(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="the name is too long: choose a shorter one"):
            write_document(tmp_path / f"{'a' * 230}.car.json", Document(layers=(layer(),)))
        assert names_in(tmp_path) == set()

    def test_labels_that_cannot_be_computed(self, path: Path) -> None:
        class Broken:
            shape = (2, 2)

            def __getitem__(self, index: Any) -> Any:
                raise FileNotFoundError("chunk 0.0")

        with pytest.raises(OutputError, match=r"its labels cannot be computed: FileNotFoundError\('chunk 0.0'\)"):
            write_document(path, Document(layers=(layer(Broken()),)))

    @pytest.mark.parametrize(
        ("parts", "reason"),
        [
            ({"labels": np.zeros(3)}, "two axes"),
            ({"labels": np.zeros((3, 0))}, "two axes"),
            ({"human": np.zeros((3, 3), dtype=bool)}, "a person's pixels have the shape"),
            ({"automatic": np.zeros((3, 3), dtype=int)}, "the automatic labels have the shape"),
            ({"colours": {1: (256, 0, 0)}}, "not three or four whole numbers"),
            ({"colours": {-3: (1, 0, 0)}}, "a colour is given to -3"),
            ({"features": {"a": [1], "b": []}}, "not of one length"),
            ({"features": {"a": [object()]}}, "type object has no JSON form"),
            ({"provenance": {"a": object()}}, "type object has no JSON form"),
            ({"transform": Transform(scale=(1, 1, 1))}, "does not fit 2 axes"),
        ],
    )
    def test_parts_that_do_not_fit(self, parts: dict[str, Any], reason: str) -> None:
        with pytest.raises(DocumentError, match=reason):
            layer(**parts)
