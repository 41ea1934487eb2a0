"""Instances, what was checked, and how far labels are still the automatic ones, in a document and back."""

import json
import logging
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_car.annotation.correction.agreement import measure_agreement
from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.correction.label_state import digest_labels
from napari_car.annotation.document import Document, write_document
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.ledger import UNKNOWN, Ledger
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, OutputError
from napari_car.gui import document_notes
from napari_car.gui.documents import read_layers, write_layers
from napari_car.gui.instance_colours import instance_colormap
from napari_car.gui.layer_notes import KEY, checked_of, instances_of, notes_of, set_checked, set_instances
from napari_car.gui.tracking import track

LEAF, OTHER_LEAF, STEM = range(FIRST_ID, FIRST_ID + 3)
TABLE = InstanceTable({LEAF: 1, OTHER_LEAF: 1, STEM: 2}, FIRST_ID + 7)
AUTOMATIC = np.array([[LEAF, LEAF, 0, OTHER_LEAF], [0, 0, 0, 0], [2, 2, STEM, 0]], dtype=np.int32)
COLOURS = {1: (255, 0, 0), 2: (0, 128, 255), 3: (9, 9, 9)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plants.car.json"


@pytest.fixture
def layer() -> Labels:
    """A layer of two queries and a distractor, some instances told apart, corrected, and one query checked."""
    sheet, _ = QuerySheet().added("leaf, stem, not: soil")
    notes = {"kind": "labels", "queries": sheet.to_dict()["entries"], "colours": COLOURS}
    layer = Labels(AUTOMATIC.copy(), metadata={KEY: notes | {"ledger": Ledger(AUTOMATIC.copy())}})
    layer.colormap = instance_colormap(COLOURS, TABLE)
    set_instances(layer, TABLE)
    layer.data[0, 1], layer.data[1, 0], layer.data[2, 0] = OTHER_LEAF, 1, 0
    set_checked(layer, digest_labels(layer.data, [1], TABLE))
    return layer


def save(path: Path, layer: Labels) -> dict[str, Any]:
    """Save a layer; return what the document says of it."""
    write_layers(str(path), [layer.as_layer_data_tuple()])
    (record,) = json.loads(path.read_text())["layers"]
    return record


def reopen(path: Path) -> Labels:
    (data,) = read_layers(str(path))
    (layer,) = ViewerModel()._add_layer_from_data(*data)
    return layer


def test_instances_and_what_was_checked_come_back(path: Path, layer: Labels) -> None:
    save(path, layer)
    again = reopen(path)
    assert instances_of(again) == TABLE
    assert checked_of(again) == digest_labels(again.data, [1], TABLE)
    assert instances_of(again).added([1])[1] == (FIRST_ID + 7,)


def test_ids_that_were_given_are_not_given_again_even_if_no_instance_is_left(path: Path, layer: Labels) -> None:
    set_instances(layer, InstanceTable({}, FIRST_ID + 9))
    save(path, layer)
    assert instances_of(reopen(path)).next_id == FIRST_ID + 9
    set_instances(layer, InstanceTable())
    assert "instances" not in save(path, layer)["provenance"]


class TestAgreement:
    EXPECTED = (
        {"query": 1, "text": "leaf", "iou": 0.75, "n_added": 1, "n_removed": 0}
        | {"n_automatic": 3, "n_corrected": 4, "n_unknown": 0, "human_share": 0.25},
        {"query": 2, "text": "stem", "iou": 0.6667, "n_added": 0, "n_removed": 1}
        | {"n_automatic": 3, "n_corrected": 2, "n_unknown": 0, "human_share": 0.0},
    )

    def test_it_is_in_the_document_for_each_query_with_a_mask(self, path: Path, layer: Labels) -> None:
        assert save(path, layer)["provenance"]["agreement"] == list(self.EXPECTED)

    def test_it_is_the_same_after_opening(self, path: Path, layer: Labels) -> None:
        save(path, layer)
        again = reopen(path)
        expected = measure_agreement(track(layer).ledger.automatic(), layer.data, [1, 2], TABLE)
        assert measure_agreement(track(again).ledger.automatic(), again.data, [1, 2], TABLE) == expected
        assert save(path, again)["provenance"]["agreement"] == list(self.EXPECTED)

    def test_it_is_measured_anew_at_each_saving(self, path: Path, layer: Labels) -> None:
        save(path, layer)
        again = reopen(path)
        assert "agreement" not in notes_of(again)
        again.data[2, 0] = 2
        notes_of(again)["agreement"] = "of yesterday"
        assert [item["iou"] for item in save(path, again)["provenance"]["agreement"]] == [0.75, 1.0]
        del notes_of(again)["ledger"]
        assert "agreement" not in save(path, again)["provenance"]

    def test_what_is_not_known_stays_so(self, path: Path, layer: Labels) -> None:
        labels = layer.data
        notes_of(layer)["ledger"] = ledger = Ledger.restored(labels, labels != AUTOMATIC)
        save(path, layer)
        again = reopen(path)
        np.testing.assert_array_equal(track(again).ledger.automatic(), ledger.automatic())
        assert (track(again).ledger.automatic() == UNKNOWN).sum() == 3
        assert [item["n_unknown"] for item in save(path, again)["provenance"]["agreement"]] == [3, 3]

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int64])
    def test_labels_may_be_of_any_whole_numbers(self, path: Path, layer: Labels, dtype: type) -> None:
        set_instances(layer, InstanceTable())
        layer.data = np.minimum(AUTOMATIC, 3).astype(dtype)
        found = save(path, layer)["provenance"]["agreement"]
        assert [item["n_corrected"] for item in found] == [0, 2]

    def test_labels_that_are_not_in_memory_have_none(self, path: Path, layer: Labels) -> None:
        layer.data = da.from_array(layer.data)
        assert "agreement" not in save(path, layer)["provenance"]
        np.testing.assert_array_equal(track(reopen(path)).ledger.automatic(), AUTOMATIC)

    def test_without_queries_no_pixel_is_looked_at(
        self, path: Path, layer: Labels, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(document_notes, "measure_agreement", pytest.fail)
        notes_of(layer)["queries"] = []
        assert "agreement" not in save(path, layer)["provenance"]

    def test_labels_that_are_no_ids_end_in_one_sentence(self, path: Path, layer: Labels) -> None:
        layer.data[1, 1] = -1
        with pytest.raises(OutputError, match="labels are from 0 to 2147483647, but here from -1 to 65538"):
            save(path, layer)


class TestColours:
    def test_only_those_of_queries_are_saved(self, path: Path, layer: Labels) -> None:
        for shown in (layer, reopen_saved(path, layer)):
            record = save(path, shown)
            assert record["colours"] == {"1": "#ff0000", "2": "#0080ff", "3": "#090909"}
            assert record["colour_cycle"] == []

    def test_instances_have_theirs_again(self, path: Path, layer: Labels) -> None:
        again = reopen_saved(path, layer)
        np.testing.assert_array_equal(again.colormap.colors, instance_colormap(COLOURS, TABLE).colors)
        assert notes_of(again)["colours"] == COLOURS

    @pytest.mark.parametrize("colours", [{}, {1: (255, 0, 0, 128), 70_000: (1, 2, 3), 2**31 - 1: (4, 5, 6)}])
    def test_what_queries_cannot_have_is_passed_over(self, path: Path, colours: dict[int, Any]) -> None:
        parts = {"colours": colours, "provenance": {"instances": TABLE.to_dict()}}
        write_document(path, Document(layers=(LabelLayer(name="a", labels=AUTOMATIC, **parts),)))
        assert notes_of(reopen(path))["colours"] == ({1: (255, 0, 0)} if colours else {})

    def test_without_instances_queries_have_theirs(self, path: Path, layer: Labels) -> None:
        set_instances(layer, InstanceTable())
        layer.colormap = DirectLabelColormap(color_dict={None: "red", 0: "transparent", 1: "blue"})
        again = reopen_saved(path, layer)
        assert isinstance(again.colormap, DirectLabelColormap)
        assert "colours" not in notes_of(again)


def reopen_saved(path: Path, layer: Labels) -> Labels:
    save(path, layer)
    return reopen(path)


class TestWrongNotes:
    @pytest.mark.parametrize(
        ("provenance", "reason"),
        [
            ({"queries": [3]}, "the queries of the layer"),
            ({"instances": 3}, "the instances of the layer"),
            ({"instances": {"next_id": FIRST_ID, "instances": [[1, 1]]}}, "1 is no id of an instance"),
            ({"instances": {"next_id": FIRST_ID}}, "must have next_id and instances"),
            ({"checked": [1]}, "the checked queries of the layer"),
            ({"checked": {"01": "a" * 32}}, "'01' is no id of a query"),
            ({"checked": {"0": "a" * 32}}, "'0' is no id of a query"),
            ({"checked": {str(2**31): "a" * 32}}, "'2147483648' is no id of a query"),
            ({"checked": {"1": 5}}, "The digest of query 1 is 5, not 32 hexadecimal digits"),
            ({"checked": {"1": "a" * 31}}, "not 32 hexadecimal digits"),
        ],
    )
    def test_they_are_refused_in_a_sentence(self, path: Path, provenance: dict[str, Any], reason: str) -> None:
        labels = np.zeros((2, 3), dtype=int)
        write_document(path, Document(layers=(LabelLayer(name="a", labels=labels, provenance=provenance),)))
        with pytest.raises(DocumentError) as caught:
            reopen(path)
        text = str(caught.value)
        assert text.startswith(f"{path} cannot be opened: the ")
        assert 'of the layer "a" cannot be read: ' in text
        assert reason in text
        assert text.endswith(".")
        assert not text.endswith("..")

    def test_what_other_programs_put_there_does_not_stop_saving(
        self, path: Path, layer: Labels, caplog: pytest.LogCaptureFixture
    ) -> None:
        notes_of(layer).update(instances=object(), queries=[{"id": 1}], other=object())
        with caplog.at_level(logging.WARNING):
            record = save(path, layer)
        assert set(record["provenance"]) == {"kind", "queries", "checked"}
        assert '"other" of the layer "Labels" is not saved' in caplog.text
