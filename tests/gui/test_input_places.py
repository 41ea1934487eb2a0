"""Images anywhere in the world, parts of them, and tiles, through the dock in a real window."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from dock_driving import ask_for, choose, result_layers, run_and_wait, show_only
from napari.layers import Image, Labels, Shapes
from numpy.typing import NDArray

from napari_car.annotation.frames import cut_frames
from napari_car.gui.image_controls import REGION_NAME

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]

QUERIES = ("blue circle", "sand")
FAST = {"crf__n_iterations": 2}
IN_VIEW, RECTANGLE, WHOLE = "What is in view now", "Rectangle that I draw", "Whole image"

PLACEMENTS = {
    "anisotropic": {"scale": (0.5, 2.0), "units": ("um", "um"), "axis_labels": ("height", "width")},
    "rotated": {"rotate": 30, "translate": (40.0, -25.0)},
    "sheared": {"shear": [0.4], "scale": (2.0, 3.0)},
    "affine": {"affine": [[0.8, -0.6, 12.0], [0.6, 0.8, -7.0], [0.0, 0.0, 1.0]], "scale": (1.5, 1.5)},
    "all": {
        "scale": (2.0, 0.7),
        "rotate": -20,
        "shear": [0.1],
        "translate": (3.0, 4.0),
        "affine": [[1.0, 0.2, 5.0], [-0.3, 1.1, 6.0], [0.0, 0.0, 1.0]],
        "units": ("nm", "nm"),
    },
}


@pytest.fixture
def sand(scenes) -> NDArray[np.uint8]:
    """Blue and orange circles and a plank on sand, (150, 150, 3)."""
    return scenes["shapes-on-sand"]


@pytest.fixture
def segment(dock, qtbot) -> Callable[..., Labels]:
    """Return a function that segments what is chosen, and returns the only result layer."""
    viewer, widget = dock

    def run(queries: Iterable[str] = QUERIES) -> Labels:
        ask_for(widget, queries)
        widget.options.parameters.set_value("crf.n_iterations", 2)
        run_and_wait(qtbot, widget)
        (layer,) = result_layers(viewer)
        return layer

    return run


def assert_exactly_over(labels: Labels, image: Image) -> None:
    """Check that the corners of all pixels, units and names of axes are the same."""
    for corner in itertools.product(*((-0.5, length - 0.5) for length in labels.data.shape)):
        np.testing.assert_allclose(labels.data_to_world(corner), image.data_to_world(corner), atol=1e-9)
    assert labels.units == image.units
    assert labels.axis_labels == image.axis_labels


def draw(shapes: Shapes, image: Image, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    """Draw the outline of some rows and columns of an image, ends exclusive, as seen in the world."""
    corners = [(rows[i], columns[j]) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))]
    world = [image.data_to_world(np.subtract(corner, 0.5)) for corner in corners]
    shapes.add_polygons([shapes.world_to_data(point) for point in world])


class TestPlacement:
    def test_labels_lie_exactly_over_the_image(self, dock, segment, sand, headless):
        expected = headless(sand, QUERIES, **FAST)  # seen as it is, not as it lies
        for name, placement in PLACEMENTS.items():
            image = show_only(dock[0], sand, **placement)
            labels = segment()
            assert_exactly_over(labels, image)
            np.testing.assert_array_equal(labels.data, expected, err_msg=name)

    def test_labels_follow_an_image_that_was_calibrated_after_the_first_run(self, dock, segment, sand):
        viewer, widget = dock
        image = viewer.add_image(sand)
        found = segment().data.copy()
        image.scale, image.translate, image.rotate, image.units = (0.5, 2), (10, 20), 30, ("um", "um")
        labels = segment()
        assert_exactly_over(labels, image)
        np.testing.assert_array_equal(labels.data, found)
        assert not widget.session.results.has_proposal

    def test_stacks_of_thick_slices(self, dock, segment, sand, headless):
        viewer, _ = dock
        stack = np.stack([sand[:120], sand[30:]])
        image = viewer.add_image(
            stack, rgb=True, scale=(5, 0.2, 0.2), translate=(100, 7, 8), units="um", axis_labels=("z", "y", "x")
        )
        viewer.dims.set_point(0, 105)
        labels = segment()
        assert_exactly_over(labels, image)
        np.testing.assert_array_equal(labels.data[1], headless(sand[30:], QUERIES, **FAST))
        assert not labels.data[0].any()

    def test_channels_lie_over_each_other(self, dock, segment, sand, headless):
        viewer, widget = dock
        images = viewer.add_image(
            sand,
            rgb=False,
            channel_axis=2,
            colormap=["red", "green", "blue"],
            contrast_limits=[(0, 255)] * 3,
            rotate=15,
            scale=(3, 3),
        )
        assert len(widget.image_controls.capture().channels) == 3
        labels = segment()
        assert_exactly_over(labels, images[0])
        assert np.mean(labels.data == headless(sand, QUERIES, **FAST)) >= 0.98

    def test_multiscale_with_levels_that_are_no_halves(self, dock, segment, sand, headless):
        image = dock[0].add_image([sand, sand[::3, ::3]], scale=(0.5, 0.25), rotate=10, translate=(5, 6))
        labels = segment()
        assert_exactly_over(labels, image)
        np.testing.assert_array_equal(labels.data, headless(sand, QUERIES, **FAST))

    def test_a_score_map_lies_over_the_image(self, dock, segment, sand):
        viewer, widget = dock
        image = viewer.add_image(np.stack([sand, sand]), rgb=True, scale=(4, 2, 1), translate=(8, 0, 0))
        viewer.dims.set_current_step(0, 1)
        segment()
        widget.results.map_wanted.emit(1)
        score_map = viewer.layers["Score map: blue circle"]
        assert score_map.data.shape == (1, *sand.shape[:2])
        np.testing.assert_allclose(score_map.extent.world[:, 1:], image.extent.world[:, 1:])
        assert score_map.data_to_world((0, 0, 0)) == pytest.approx(image.data_to_world((1, 0, 0)))
        assert widget.image_controls.image is image  # a map is no image to segment


class TestRegions:
    def test_a_rectangle(self, dock, segment, sand, headless):
        viewer, widget = dock
        expected = np.zeros(sand.shape[:2], np.int32)
        expected[30:140, 10:110] = headless(sand[30:140, 10:110].copy(), QUERIES, **FAST)
        assert expected.any()
        for name, placement in {"plain": {}, **PLACEMENTS}.items():
            image = show_only(viewer, sand, **placement)
            choose(widget, "Region", WHOLE)
            choose(widget, "Region", RECTANGLE)
            draw(viewer.layers[REGION_NAME], image, (30, 140), (10, 110))
            labels = segment()
            np.testing.assert_array_equal(labels.data, expected, err_msg=name)
            assert_exactly_over(labels, image)

    def test_a_rectangle_leaves_the_rest_of_the_labels_as_it_is(self, dock, segment, sand):
        viewer, widget = dock
        image = viewer.add_image(sand)
        before = segment().data.copy()
        choose(widget, "Region", RECTANGLE)
        draw(viewer.layers[REGION_NAME], image, (0, 150), (0, 75))
        labels = segment()
        np.testing.assert_array_equal(labels.data, before)  # until the proposal is accepted
        widget.session.accept()
        np.testing.assert_array_equal(labels.data[:, 75:], before[:, 75:])
        assert (labels.data != before).any()

    def test_a_rectangle_over_a_stack(self, dock, segment, sand):
        viewer, widget = dock
        viewer.add_image(np.stack([sand, sand]), rgb=True, scale=(1, 2, 2))
        choose(widget, "Region", RECTANGLE)
        choose(widget, "Slices", "All")
        shapes = viewer.layers[REGION_NAME]
        edges = np.array([(19.5, 19.5), (119.5, 119.5)])  # px of the image
        edges = 2 * edges / shapes.scale[-2:]
        shapes.add_rectangles([np.insert(edges, 0, viewer.dims.point[0], axis=1)[:, -shapes.ndim :]])
        labels = segment()
        for plane in labels.data:
            found = np.nonzero(plane)
            assert (np.min(found), np.max(found)) == (20, 119)
        np.testing.assert_array_equal(labels.data[0], labels.data[1])

    def test_what_is_in_view_of_a_rotated_image(self, dock, segment, sand):
        viewer, widget = dock
        image = viewer.add_image(sand, rotate=30, scale=(2, 2), translate=(10, 20))
        choose(widget, "Region", IN_VIEW)
        viewer.scene.camera.zoom = 8
        viewer.scene.camera.center = (0, *image.data_to_world((90, 60)))
        labels = segment(("sand", "blue circle"))
        box = widget.session.request.frames[0].box
        assert 0 < box.top < 90 < box.bottom < 150
        assert box.size_px < (150, 150)
        inside = np.zeros(labels.data.shape, bool)
        inside[box.slices] = True
        assert labels.data[inside].any()
        assert not labels.data[~inside].any()
        corners = itertools.product(*((0, length) for length in viewer.canvas.size))  # all that is seen is inside
        half = np.divide(viewer.canvas.size, 2)
        seen = [image.world_to_data(viewer.scene.camera.center[-2:] + (corner - half) / 8) for corner in corners]
        low, high = np.clip([np.min(seen, axis=0), np.max(seen, axis=0)], -0.5, 149.5)
        assert (box.top, box.left) == pytest.approx(low + 0.5, abs=1)
        assert (box.bottom, box.right) == pytest.approx(high + 0.5, abs=1)

    def test_lines_of_the_rectangle_are_thin_and_visible(self, dock, sand):
        viewer, widget = dock
        for scale in ((1e-6, 1e-6), (1, 1), (3000, 9000)):  # metres, px, nanometres
            image = show_only(viewer, sand, scale=scale)
            choose(widget, "Region", WHOLE)
            choose(widget, "Region", RECTANGLE)
            shapes = viewer.layers[REGION_NAME]
            draw(shapes, image, (30, 140), (10, 110))
            share = shapes.edge_width[0] * shapes.scale / np.ptp(image.extent.world, axis=0).max()
            assert (share > 0.002).all()
            assert (share < 0.01).all()

    def test_a_region_without_pixels(self, dock, sand):
        viewer, widget = dock
        viewer.add_image(sand)
        viewer.scene.camera.center = (0, 1e5, 1e5)
        ask_for(widget, QUERIES)
        for region, sentence in ((RECTANGLE, "There is no rectangle"), (IN_VIEW, "is in view")):
            choose(widget, "Region", region)
            widget.run()
            assert not widget.session.is_running
            assert sentence in widget.run_bar.text


class TestTiles:
    def test_a_tile_larger_than_the_image_is_no_tile(self, dock, segment, sand, headless):
        viewer, widget = dock
        viewer.add_image(sand)
        widget.options.choose_tiles(256)
        np.testing.assert_array_equal(segment().data, headless(sand, QUERIES, **FAST))

    def test_each_pixel_is_that_of_its_tile(self, dock, segment, sand, headless):
        viewer, widget = dock
        image = viewer.add_image(sand, rotate=10)
        widget.options.choose_tiles(96)
        labels = segment()
        frames = cut_frames([()], widget.session.request.source.axes.whole, 96, 24)
        assert len(frames) == 4
        expected = np.full(sand.shape[:2], -1)
        for frame in frames:
            tile = headless(np.ascontiguousarray(sand[frame.box.slices]), QUERIES, **FAST)
            expected[frame.kept.slices] = tile[frame.kept.relative_to(frame.box).slices]
        np.testing.assert_array_equal(labels.data, expected)
        assert_exactly_over(labels, image)

    def test_tiles_of_a_rectangle(self, dock, segment, sand):
        viewer, widget = dock
        image = viewer.add_image(sand, scale=(0.1, 0.1))
        widget.options.choose_tiles(80)
        choose(widget, "Region", RECTANGLE)
        draw(viewer.layers[REGION_NAME], image, (20, 145), (40, 110))
        labels = segment()
        assert len(widget.session.request.frames) == 2
        outside = np.ones(labels.data.shape, bool)
        outside[20:145, 40:110] = False
        assert not labels.data[outside].any()
        assert labels.data[:80].any()
        assert labels.data[100:].any()
