"""A layer's notes, features and colours know its instances, also those that are gone."""

import time

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import PromptError
from napari_car.gui.instance_colours import instance_colormap
from napari_car.gui.label_features import label_name, make_features, query_names
from napari_car.gui.layer_instances import can_have_instances, free_table, keep_instances
from napari_car.gui.layer_notes import instances_of, notes_of
from napari_car.gui.result_layers import add_result, carry_over, describe_queries
from napari_car.gui.sources import ImageSource

A, B, C = FIRST_ID, FIRST_ID + 1, FIRST_ID + 2
TABLE = InstanceTable({A: 1, B: 2, C: 1}, C + 1)


def result() -> tuple[ViewerModel, Labels, QuerySheet]:
    """A result layer of the queries 1, cell, and 2, stem."""
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((4, 6), dtype=np.uint8))
    sheet, _ = QuerySheet().added("cell, stem")
    return viewer, add_result(viewer, ImageSource.capture(viewer, image, composite=False), image, 0, sheet), sheet


def foreign(*ids: int, dtype: type = np.int32) -> Labels:
    return Labels(np.array([ids], dtype=dtype), name="theirs")


def rows(layer: Labels) -> list[tuple]:
    return list(layer.features[["index", "class", "query"]].itertuples(index=False, name=None))


def test_each_instance_has_a_row_with_the_name_of_its_query() -> None:
    _, layer, _ = result()
    keep_instances(layer, TABLE)
    assert instances_of(layer) == TABLE
    assert rows(layer) == [
        (0, "background", 0),
        (1, "cell", 1),
        (2, "stem", 2),
        (A, "cell", 1),
        (B, "stem", 2),
        (C, "cell", 1),
    ]
    np.testing.assert_array_equal(layer.colormap.colors, instance_colormap(notes_of(layer)["colours"], TABLE).colors)
    layer.data[0, 0] = C
    assert layer.get_status((0, 0))["value"] == f"{C}; class: cell, query: 1, verdict: "


def test_what_others_noted_of_labels_stays() -> None:
    _, layer, _ = result()
    layer.features = layer.features.assign(area=[0.0, 5.0, 6.0])
    keep_instances(layer, TABLE)
    layer.features = layer.features.assign(area=np.arange(6.0))
    more, (new,) = TABLE.added([2])
    keep_instances(layer, more)
    assert layer.features["index"].tolist() == [0, 1, 2, A, B, C, new]
    np.testing.assert_array_equal(layer.features["area"], [0, 1, 2, 3, 4, 5, np.nan])


def test_the_same_table_again_leaves_colours_that_a_person_chose() -> None:
    _, layer, sheet = result()
    keep_instances(layer, TABLE)
    layer.new_colormap(seed=3)
    chosen = layer.colormap
    keep_instances(layer, InstanceTable(TABLE.query_ids, TABLE.next_id))
    describe_queries(layer, sheet)
    assert layer.colormap is chosen
    describe_queries(layer, sheet.changed(1, colour=(1, 2, 3)))
    assert layer.colormap is not chosen


def test_renamed_and_recoloured_queries_carry_over_to_instances() -> None:
    viewer, layer, sheet = result()
    keep_instances(layer, TABLE)
    before = layer.features
    carry_over(viewer, sheet, sheet)
    assert layer.features is before
    new = sheet.reworded(1, "leaf").changed(1, colour=(0, 0, 255))
    carry_over(viewer, sheet, new)
    assert [name for _, name, _ in rows(layer)] == ["background", "leaf", "stem", "leaf", "stem", "leaf"]
    assert layer.get_color(A)[:3].argmax() == layer.get_color(C)[:3].argmax() == 2
    assert label_name(layer, C) == "leaf 2"


def test_instances_are_numbered_within_their_query() -> None:
    _, layer, _ = result()
    keep_instances(layer, TABLE)
    names = [label_name(layer, id_) for id_ in (0, 1, 2, A, B, C, 7, C + 5)]
    assert names == ["background", "cell", "stem", "cell 1", "stem 1", "cell 2", "label 7", f"label {C + 5}"]
    assert query_names(layer) == {1: "cell", 2: "stem"}


class TestLayersThatThisProgramDidNotMake:
    def test_their_labels_keep_their_colours(self) -> None:
        layer = foreign(0, 3, 9, 70_000)
        colours = layer.colormap.map(np.array([3, 9]))
        keep_instances(layer, InstanceTable({A: 3}, A + 1))
        np.testing.assert_allclose(layer.colormap.map(np.array([3, 9])), colours, atol=1 / 255)
        assert set(notes_of(layer)["colours"]) == {3, 9}
        assert rows(layer) == [(0, "background", 0), (3, "", 3), (A, "", 3)]
        assert label_name(layer, A) == "label 3, object 1"
        assert query_names(layer) == {}

    def test_they_do_so_while_only_one_of_them_is_shown(self) -> None:
        layer = foreign(3, 9)
        colours = layer.colormap.map(np.array([3, 9]))
        layer.selected_label = 9
        layer.show_selected_label = True
        keep_instances(layer, InstanceTable({A: 3}, A + 1))
        layer.show_selected_label = False
        np.testing.assert_allclose(layer.colormap.map(np.array([3, 9])), colours, atol=1 / 255)

    def test_their_features_stay(self) -> None:
        layer = foreign(0, 1, 2)
        layer.features = {"class": ["nothing", "dog", "cat"], "age": [0, 4, 5]}  # a row for each label
        keep_instances(layer, InstanceTable({A: 2}, A + 1))
        assert rows(layer) == [(0, "nothing", 0), (1, "dog", 1), (2, "cat", 2), (A, "cat", 2)]
        assert layer.features["age"].tolist()[:3] == [0, 4, 5]

    @pytest.mark.parametrize(("dtype", "says"), [(np.uint8, "8-bit labels"), (np.int16, "16-bit labels")])
    def test_small_numbers_hold_no_instances(self, dtype: type, says: str) -> None:
        end = f"{np.iinfo(dtype).max:,}"
        with pytest.raises(PromptError, match=f"theirs has {says}, which end at {end}, .* convert it to int32"):
            free_table(foreign(1, dtype=dtype))

    @pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64])
    def test_large_ones_do_with_ids_that_are_not_there(self, dtype: type) -> None:
        assert free_table(foreign(1, 70_000, dtype=dtype), [1]) == InstanceTable(next_id=70_001)

    def test_labels_that_look_like_instances_have_none(self) -> None:
        layer = foreign(1, 70_000)
        with pytest.raises(PromptError, match="Label 70,000 of theirs can have no instances"):
            free_table(layer, [1, 70_000])
        assert [can_have_instances(layer, id_) for id_ in (1, 65_535, 70_000)] == [True, True, False]

    def test_all_planes_count(self) -> None:
        layer = Labels(np.zeros((2, 3, 3), dtype=np.int32))
        layer.data[1, 0, 0] = FIRST_ID + 8
        assert free_table(layer).next_id == FIRST_ID + 9
        layer.data[1, 0, 0] = 6
        keep_instances(layer, TABLE)
        assert 6 in notes_of(layer)["colours"]


def test_the_first_row_of_a_label_gives_way_to_the_last() -> None:
    old = pd.DataFrame({"index": [1, 1], "class": ["old", "new"]})
    assert make_features(old, {}, {}, TABLE)["class"].tolist()[1] == "new"


def test_names_that_are_missing_are_none() -> None:
    layer = foreign(1, 2)
    layer.features = {"index": [1, 2], "class": ["dog", None]}
    assert query_names(layer) == {1: "dog"}


def test_many_instances_take_no_time() -> None:
    _, layer, _ = result()
    table, ids = InstanceTable().added([1, 2] * 35_000)
    start = time.perf_counter()
    keep_instances(layer, table)
    assert time.perf_counter() - start < 2.0
    assert len(layer.features) == 70_003
    assert label_name(layer, ids[-1]) == "stem 35000"
