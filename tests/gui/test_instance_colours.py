"""Each query has its colour, each instance a shade of it, and the canvas shows just these."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap
from napari.viewer import Viewer
from skimage.color import rgb2hsv

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.gui.instance_colours import OTHER_COLOUR, colour_labels, instance_colormap

pytestmark = pytest.mark.gui

COLOURS = {1: (255, 0, 0), 2: (0, 200, 0), 3: (40, 40, 255), 900: (0, 0, 0)}
TABLE, IDS = InstanceTable().added([1, 2, 3, 900] * 10)


def rgb(colormap: CyclicLabelColormap, *labels: int) -> np.ndarray:
    return np.asarray(colormap.map(np.array(labels)))[:, :3]


def test_queries_have_their_colours_and_others_are_grey() -> None:
    colormap = instance_colormap(COLOURS, TABLE)
    np.testing.assert_allclose(rgb(colormap, *COLOURS) * 255, list(COLOURS.values()), atol=1e-3)
    np.testing.assert_allclose(colormap.map(np.array([4, 500, 4_000])), [OTHER_COLOUR] * 3, atol=1e-6)
    assert colormap.map(np.array([0]))[0, 3] == colormap.colors[0, 3] == 0


def test_instances_have_shades_of_their_querys_colour_that_can_be_told_apart() -> None:
    colormap = instance_colormap(COLOURS, TABLE)
    for place, strongest in ((0, 0), (1, 1), (2, 2)):
        shades = rgb(colormap, *IDS[place::4])
        assert (shades.argmax(axis=1) == strongest).all()
        assert len(np.unique(shades.round(2), axis=0)) == len(shades)
        assert len(np.unique(rgb2hsv(shades)[:, 0].round(3))) == len(shades)  # hues
        assert np.abs(np.diff(shades, axis=0)).max(axis=1).min() > 0.1
    assert (rgb(colormap, *IDS[3::4]) <= 0.46).all()  # of black: up to dark grey


@given(st.integers(1, 65_535), st.integers(1, 3_000), st.sampled_from([FIRST_ID, FIRST_ID + 70_000]))
def test_no_instance_takes_the_colour_of_a_query(query_id: int, n: int, first: int) -> None:
    table, ids = InstanceTable(next_id=first).added([query_id] * n)
    colormap = instance_colormap({query_id: (255, 0, 0)}, table)
    np.testing.assert_allclose(rgb(colormap, query_id), [[1, 0, 0]])
    shades = rgb(colormap, *ids)
    if query_id < 30_000 and first == FIRST_ID:
        assert (shades[:, 0] > shades[:, 1:].max(axis=1)).all()
        others = [id_ for id_ in range(1, 4_097) if id_ != query_id]
        np.testing.assert_allclose(rgb(colormap, *others), [OTHER_COLOUR[:3]] * len(others))


def test_a_query_without_a_colour_is_grey_as_its_instances_are() -> None:
    colormap = instance_colormap({}, TABLE)
    shades = rgb(colormap, *IDS)
    np.testing.assert_allclose(shades, shades[:, :1] * np.ones(3))
    np.testing.assert_allclose(rgb(colormap, 1), [OTHER_COLOUR[:3]])


def test_a_layer_without_instances_keeps_a_colour_for_each_id() -> None:
    layer = Labels(np.zeros((3, 3), dtype=np.int32))
    colour_labels(layer, COLOURS, InstanceTable())
    assert isinstance(layer.colormap, DirectLabelColormap)
    np.testing.assert_allclose(layer.get_color(2), [0, 200 / 255, 0, 1], atol=1e-6)
    colour_labels(layer, COLOURS, TABLE)
    assert isinstance(layer.colormap, CyclicLabelColormap)


@pytest.mark.parametrize("table", [InstanceTable(), TABLE])
def test_only_the_chosen_label_stays_shown(table: InstanceTable) -> None:
    layer = Labels(np.array([[1, 2, IDS[0]]], dtype=np.int32))
    layer.selected_label = 2
    layer.show_selected_label = True
    colour_labels(layer, COLOURS, table)
    assert layer.colormap.map(np.array([1, 2]))[:, 3].tolist() == [0, 1]


def test_the_canvas_shows_them(make_napari_viewer: Callable[..., Viewer]) -> None:
    """Labels go to the canvas as numbers of 16 bits: none may be taken for its neighbour there."""
    table, ids = InstanceTable().added([1, 2, 3] * 20_000)
    edges = np.concatenate([np.arange(255, 60_000, 256), np.arange(256, 60_000, 256)]) + FIRST_ID
    labels = np.concatenate([[0, 1, 2, 3, 77], np.arange(4_090, 4_100), ids[:500], ids[-100:], edges])
    side = int(np.ceil(len(labels) ** 0.5))
    grid = np.resize(labels, (side, side)).astype(np.int32)
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_labels(grid.repeat(8, 0).repeat(8, 1), opacity=1.0)
    colour_labels(layer, COLOURS, table)
    viewer.reset_view()
    camera = viewer.scene.camera
    seen = viewer.screenshot(canvas_only=True, flash=False)
    middles = (np.indices((side, side)).transpose(1, 2, 0) * 8 + 3.5 - camera.center[-2:]) * camera.zoom
    rows, columns = (np.floor(middles + np.array(seen.shape[:2]) / 2)).astype(int).transpose(2, 0, 1)
    shown, wanted = seen[rows, columns, :3] / 255, layer.colormap.map(grid)[..., :3]
    background = grid == 0
    np.testing.assert_allclose(shown[~background], wanted[~background], atol=1.01 / 255)
    assert (shown[background] == shown[background][0]).all()
