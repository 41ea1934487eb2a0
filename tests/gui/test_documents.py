"""Label layers of napari come back from a document: labels, whose pixels they are, names, colours and place."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap, label_colormap
from npe2 import PluginManifest

from napari_car.annotation.document import Document, write_document
from napari_car.annotation.label_layer import Display, LabelLayer, Transform
from napari_car.annotation.ledger import Ledger
from napari_car.annotation.proposal import Change
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, OutputError
from napari_car.gui import document_layers
from napari_car.gui.documents import get_reader, write_layers
from napari_car.gui.layer_notes import KEY
from napari_car.gui.tracking import track

MANIFEST = {
    "name": "napari-car",
    "contributions": {
        "commands": [
            {"id": "napari-car.read", "title": "Read", "python_name": "napari_car.gui.documents:get_reader"},
            {"id": "napari-car.write", "title": "Write", "python_name": "napari_car.gui.documents:write_layers"},
        ],
        "readers": [{"command": "napari-car.read", "filename_patterns": ["*.car.json"]}],
        "writers": [
            {"command": "napari-car.write", "layer_types": ["labels+"], "filename_extensions": [".car.json"]},
        ],
    },
}


@pytest.fixture
def _plugin(npe2pm: Any) -> Iterator[None]:
    with npe2pm.tmp_plugin(manifest=PluginManifest(**MANIFEST)):
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cells.car.json"


def save(path: Path, *layers: Labels) -> list[str]:
    return write_layers(str(path), [layer.as_layer_data_tuple() for layer in layers])


def reopen(path: Path) -> list[Labels]:
    viewer = ViewerModel()
    reader = get_reader(str(path))
    assert reader is not None
    return [viewer._add_layer_from_data(*data)[0] for data in reader(str(path))]


def change_of(row: int, column: int, label: int) -> tuple[Change, ...]:
    """One pixel gets a label."""
    block = (slice(row, row + 1), slice(column, column + 1))
    return (Change(block, np.array([[label]], dtype=np.int32), np.ones((1, 1), dtype=bool)),)


def result_layer(labels: np.ndarray, **attributes: Any) -> Labels:
    """A layer as a run leaves it."""
    sheet = QuerySheet().added("nucleus | nuclei\ndebris")[0]
    notes = {
        "kind": "labels",
        "image": "cells",
        "image_uid": "0123",
        "query": 0,
        "queries": sheet.to_dict()["entries"],
        "runs": [{"preset": "demo", "config": {"mode": "semantic"}, "seconds": {"f": 0.5}}],
        "colours": {1: (255, 0, 0)},
        "ledger": Ledger(labels.astype(np.int32)),
    }
    colours = {None: (0.6, 0.6, 0.6, 1), 0: (0, 0, 0, 0), 1: (1, 0, 0, 1), 2: (0, 0.2, 1, 0.4)}
    return Labels(
        labels.copy(),
        metadata={KEY: notes, "other": object()},
        features={"index": [0, 1], "class": ["background", "nucleus"], "score": [np.nan, 0.75], "note": [object()] * 2},
        colormap=DirectLabelColormap(color_dict=colours),
        **{"name": "cells labels"} | attributes,
    )


@pytest.mark.usefixtures("_plugin")
class TestInAViewer:
    def test_painted_pixels_stay_a_persons(self, path: Path) -> None:
        viewer = ViewerModel()
        layer = viewer.add_layer(result_layer(np.tril(np.ones((6, 7), dtype=np.int32))))
        track(layer).write(change_of(0, 6, 2))
        layer.selected_label = 2
        layer.paint((3, 3), 2)
        layer.selected_label = 0
        layer.paint((5, 0), 0)
        expected = track(layer).ledger.human(layer.data)
        assert expected[3, 3]
        assert expected[5, 0]
        assert not expected[0, 6]
        files = viewer.layers.save(str(path), plugin="napari-car")
        assert files[0] == str(path)
        assert len(files) == 4

        (again,) = ViewerModel().open(path, plugin="napari-car")
        np.testing.assert_array_equal(again.data, layer.data)
        np.testing.assert_array_equal(track(again).ledger.automatic(), track(layer).ledger.automatic())
        assert track(again).ledger.automatic()[5, 0] == 1
        np.testing.assert_array_equal(track(again).ledger.human(again.data), expected)
        again.data_setitem((np.array([0]), np.array([6])), 1)
        assert track(again).ledger.human(again.data)[0, 6]
        assert again.selected_label == 1

    def test_a_single_layer_saves_itself_and_no_plugin_need_be_named(self, path: Path) -> None:
        layer = result_layer(np.ones((2, 3), dtype=np.int32))
        assert layer.save(str(path))[0] == str(path)
        (again,) = ViewerModel().open(path, plugin=None)
        assert again.name == "cells labels"
        assert layer.save(str(path.with_name("new")), plugin="napari-car")[0] == str(path.with_name("new.car.json"))

    def test_several_documents_at_once(self, path: Path) -> None:
        paths = [path, path.with_name("b.c.CAR.json")]
        for number, name in enumerate(paths):
            save(name, Labels(np.full((2, 2), number), name=f"layer {number}"), Labels(np.ones((3, 3), dtype=int)))
        for stack in (False, True):
            viewer = ViewerModel()
            viewer.open(paths, plugin="napari-car", stack=stack)
            assert [layer.name for layer in viewer.layers] == ["layer 0", "Labels", "layer 1", "Labels [1]"]

    def test_layers_of_other_types_are_not_ours(self, path: Path) -> None:
        with pytest.warns(UserWarning, match="not a valid writer"):
            assert Image(np.zeros((3, 3))).save(str(path), plugin="napari-car") == []
        assert get_reader("cells.json") is None
        assert get_reader(["cells.car.json", "cells.tif"]) is None

    def test_a_failure_reaches_the_user_in_our_words(self, path: Path) -> None:
        layer = Labels(np.array([[-1, 0]]))
        with pytest.raises(OutputError, match="labels are from 0 to 2147483647, but here from -1 to 0"):
            layer.save(str(path), plugin="napari-car")
        layer = Labels(np.array([[1, 0]]))
        layer.metadata[KEY] = {"queries": [{"text": "nucleus"}]}
        layer.save(str(path), plugin="napari-car")
        with pytest.raises(DocumentError, match='the queries of the layer "Labels" cannot be read'):
            ViewerModel().open(path, plugin="napari-car")


def test_names_colours_and_provenance(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    layer = result_layer(np.eye(3, dtype=np.int32), opacity=0.3, blending="additive", visible=False)
    save(path, layer)
    assert '"note" of the layer "cells labels" is not saved' in caplog.text
    (again,) = reopen(path)
    assert (again.name, again.opacity, again.blending, again.visible) == ("cells labels", 0.3, "additive", False)
    expected = layer.features.drop(columns="note")
    pd.testing.assert_frame_equal(again.features, expected)
    again.visible = True
    assert again.get_status((1, 1))["value"] == "1; class: nucleus, score: 0.75"
    for id_ in (None, 0, 1, 2):
        np.testing.assert_allclose(again.colormap.color_dict[id_], layer.colormap.color_dict[id_])
    notes = again.metadata[KEY]
    assert {name: notes[name] for name in ("kind", "image", "query", "queries", "runs")} == json.loads(
        json.dumps({name: layer.metadata[KEY][name] for name in ("kind", "image", "query", "queries", "runs")})
    )
    assert "agreement" in json.loads(path.read_text())["layers"][0]["provenance"]
    assert set(notes) == {"kind", "image", "query", "queries", "runs", "ledger"}


def test_contours_are_kept_without_a_window(path: Path) -> None:
    layer = result_layer(np.eye(3, dtype=np.int32))
    layer.metadata[KEY]["contour"] = 3
    save(path, layer)
    (again,) = reopen(path)
    save(path, again)
    assert json.loads(path.read_text())["layers"][0]["display"]["contour"] == 3


@pytest.mark.gui
@pytest.mark.usefixtures("_plugin")
def test_contours_and_hidden_undo_in_a_window(path: Path, make_napari_viewer: Any) -> None:
    viewer = make_napari_viewer()
    layer = viewer.add_layer(result_layer(np.zeros((3, 3), dtype=np.int32)))
    track(layer).write(change_of(0, 0, 2))
    layer.visible = False
    layer.undo()
    layer.contour = 2
    viewer.layers.save(str(path), plugin="napari-car")
    viewer.layers.clear()
    viewer.add_labels(np.zeros((3, 3), dtype=int))
    (again,) = viewer.open(path, plugin="napari-car")
    other = viewer.add_labels(np.zeros((3, 3), dtype=int))
    assert (again.contour, other.contour) == (2, 0)
    assert not track(again).ledger.human(again.data).any()
    again.contour = 0
    viewer.layers.save(str(path), plugin="napari-car")
    viewer.layers.clear()
    assert [layer.contour for layer in viewer.open(path, plugin="napari-car")] == [0, 0, 0]


TRANSFORMS = [
    {},
    {"scale": (2, 0.5), "translate": (-3, 7.25), "rotate": 33.0, "shear": [0.25]},
    {"affine": [[1, 0.5, 3], [-0.5, 2, 1e6], [0, 0, 1]], "units": ("um", "nm"), "axis_labels": ("row", "Spalte µ")},
    {"scale": (5, 2, 2), "rotate": (10, 20, 30), "shear": [0.1, 0.2, 0.3], "units": ("s", "um", "um")},
    {"shear": [[1, 0, 0], [0.5, 1, 0], [0.25, 0.5, 1]], "translate": (1, 2, 3), "affine": np.diag([1, 2, 3, 1.0])},
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=range(len(TRANSFORMS)))
@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_it_lies_where_it_lay(path: Path, transform: dict[str, Any]) -> None:
    n_axes = 3 if any(len(np.atleast_1d(transform.get(key, 0))) == 3 for key in ("scale", "translate")) else 2
    shape = (4, 5, 6)[:n_axes]
    layer = Labels(np.zeros(shape, dtype=int), **transform)
    save(path, layer)
    (again,) = reopen(path)
    for corner in itertools.product(*((0, length) for length in shape)):
        np.testing.assert_allclose(again.data_to_world(corner), layer.data_to_world(corner), rtol=1e-12, atol=1e-12)
    assert again.units == layer.units
    assert again.axis_labels == layer.axis_labels


class TestForeignLayers:
    def test_all_labels_are_a_persons(self, path: Path) -> None:
        save(path, Labels(np.eye(3, dtype=np.uint8)))
        (again,) = reopen(path)
        np.testing.assert_array_equal(track(again).ledger.human(again.data), np.eye(3, dtype=bool))
        assert again.features.empty
        assert again.data.dtype == np.int32

    def test_a_ledger_of_another_shape_does_not_count(self, path: Path) -> None:
        layer = result_layer(np.eye(3, dtype=np.int32))
        layer.data = np.tri(4, dtype=np.int32)
        save(path, layer)
        (again,) = reopen(path)
        np.testing.assert_array_equal(track(again).ledger.human(again.data), np.tri(4, dtype=bool))

    def test_colours_that_repeat(self, path: Path) -> None:
        layer = Labels(np.arange(120).reshape(10, 12), colormap=label_colormap(7, 0.25))
        save(path, layer)
        (again,) = reopen(path)
        np.testing.assert_allclose(again.colormap.map(again.data), layer.colormap.map(layer.data), atol=0.5 / 255)

    def test_pyramids_dask_and_many_axes(self, path: Path) -> None:
        full = np.random.default_rng(0).integers(0, 300, (2, 3, 16, 16))
        lazy = da.from_array(full, chunks=(1, 2, 16, 8))
        save(path, Labels([lazy, lazy[..., ::4, ::4]], multiscale=True), Labels(lazy), Labels(full))
        for again in reopen(path):
            np.testing.assert_array_equal(again.data, full)


def test_a_script_may_give_labels_and_a_name(path: Path) -> None:
    write_layers(str(path), [(np.eye(3, dtype=np.uint16), {"name": "a", "scale": (2, 2)}, "labels")])
    (again,) = reopen(path)
    assert (again.name, again.opacity, again.scale.tolist()) == ("a", 0.7, [2, 2])


def test_colours_of_numbers_that_are_no_ids_are_left_out(path: Path) -> None:
    data, state, kind = Labels(np.eye(3, dtype=int)).as_layer_data_tuple()
    colours = {None: "red", -1: "blue", 0: "green", 2**31: "blue", 5: "blue"}
    write_layers(str(path), [(data, state | {"colormap": DirectLabelColormap(color_dict=colours)}, kind)])
    (again,) = reopen(path)
    found = {id_: tuple(colour) for id_, colour in again.colormap.color_dict.items()}
    assert found == {None: (1, 0, 0, 1), 0: (0, 0, 0, 0), 5: (0, 0, 1, 1)}


def test_colours_of_large_ids_do_not_stop_napari(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    labels = np.array([[0, 1], [70000, 65536]])
    colours = {1: (0, 0, 255), 65536: (0, 255, 0), 70000: (0, 0, 255)}
    write_document(path, Document(layers=(LabelLayer(name="a", labels=labels, colours=colours),)))
    monkeypatch.setattr(document_layers, "find_spec", {}.get)
    (again,) = reopen(path)
    np.testing.assert_array_equal(again.data, labels)
    assert set(again.colormap.color_dict) == {None, 0, 1, 65536}
    assert 'Labels of the layer "a" above 65536 are shown in one colour' in caplog.text


@pytest.mark.parametrize("kind", ["proposal", "preview"])
def test_proposals_and_previews_are_not_saved(path: Path, kind: str) -> None:
    proposal = Labels(np.ones((2, 2), dtype=int), metadata={KEY: {"kind": kind}})
    with pytest.raises(OutputError, match="accept the proposal"):
        save(path, proposal)
    save(path, proposal, Labels(np.zeros((2, 2), dtype=int), name="kept"))
    assert [layer.name for layer in reopen(path)] == ["kept"]


def test_a_document_is_not_replaced_unasked(path: Path) -> None:
    layer = Labels(np.ones((2, 2), dtype=int))
    for name in ("cells", "cells.json", "cells.car"):
        path.unlink(missing_ok=True)
        assert save(path.with_name(name), layer)[0] == str(path)
    with pytest.raises(OutputError, match="exists already"):
        save(path.with_name("cells"), layer)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"transform": Transform(units=("parsnip", "um"))}, "parsnip"),
        ({"display": Display(blending="glossy")}, "glossy"),
        ({"provenance": {"queries": 3}}, "cannot be read"),
    ],
)
def test_what_napari_cannot_show(path: Path, parts: dict[str, Any], reason: str) -> None:
    write_document(path, Document(layers=(LabelLayer(name="a", labels=np.zeros((2, 3), dtype=int), **parts),)))
    with pytest.raises(DocumentError, match=rf'cells.car.json cannot be opened: .* the layer "a".*{reason}'):
        reopen(path)
