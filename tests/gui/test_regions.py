"""Parts of an image, as px of its plane: what is in view, and what a rectangle surrounds."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_car.annotation.frames import Box
from napari_car.errors import ImageError
from napari_car.gui.regions import rectangle_box, visible_box
from napari_car.gui.sources import ImageSource

H, W = 100, 200


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.canvas.size = (80, 120)
    return viewer


def add_image(viewer, shape=(H, W), **settings):
    """Add an image and return its source."""
    layer = viewer.add_image(np.zeros(shape, np.uint8), **settings)
    return ImageSource.capture(viewer, layer, composite=False)


def look_at(viewer, row, column, zoom=1.0):
    """Point the camera at a place of the displayed world."""
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, row, column), zoom


def rectangle(top, left, bottom, right):
    """Return the corners of a rectangle around these pixels, ends exclusive."""
    edges = np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
    return edges - 0.5


class TestView:
    def test_the_canvas_around_the_camera(self, viewer):
        source = add_image(viewer)
        look_at(viewer, 49.5, 99.5, zoom=4)  # 20 by 30 px
        assert visible_box(viewer, source) == Box(40, 85, 60, 115)

    def test_it_ends_where_the_image_does(self, viewer):
        source = add_image(viewer)
        look_at(viewer, -0.5, 189.5, zoom=2)  # 40 by 60 px
        assert visible_box(viewer, source) == Box(0, 160, 20, 200)
        look_at(viewer, 50, 100, zoom=0.01)
        assert visible_box(viewer, source) == source.axes.whole

    def test_nothing_in_view(self, viewer):
        source = add_image(viewer)
        for row, column in ((-21, 50), (121, 50), (50, -31), (50, 231)):
            look_at(viewer, row, column, zoom=2)
            with pytest.raises(ImageError, match=r"Nothing of .* is in view"):
                visible_box(viewer, source)

    def test_within_a_pixel(self, viewer):
        source = add_image(viewer)
        look_at(viewer, 30.2, 60.3, zoom=1000)
        assert visible_box(viewer, source) == Box(30, 60, 31, 61)

    def test_scaled_and_moved(self, viewer):
        source = add_image(viewer, scale=(2, 0.5), translate=(1000, -500))
        look_at(viewer, 1000 + 2 * 49.5, -500 + 0.5 * 99.5, zoom=1)  # 80 by 120 world units
        assert visible_box(viewer, source) == Box(30, 0, 70, 200)

    def test_rotated_by_a_quarter(self, viewer):
        source = add_image(viewer, rotate=90)
        centre = viewer.layers[0].data_to_world((49.5, 99.5))
        look_at(viewer, *centre, zoom=4)
        assert visible_box(viewer, source) == Box(35, 90, 65, 110)

    def test_transposed(self, viewer):
        viewer.add_image(np.zeros((5, H, W), np.uint8))
        viewer.dims.order = (0, 2, 1)
        source = ImageSource.capture(viewer, viewer.layers[0], composite=False)
        look_at(viewer, 99.5, 49.5, zoom=4)
        assert visible_box(viewer, source) == Box(90, 35, 110, 65)

    def test_px_of_a_coarser_level(self, viewer):
        levels = [np.zeros((H, W)), np.zeros((H // 2, W // 2))]
        layer = viewer.add_image(levels, multiscale=True)
        source = ImageSource.capture(viewer, layer, composite=False, max_label_px=H * W // 4)
        look_at(viewer, 49.5, 99.5, zoom=2)  # 40 by 60 px of level 0
        assert visible_box(viewer, source) == Box(15, 35, 35, 65)

    def test_units_of_other_layers(self, viewer):
        viewer.add_image(np.zeros((10, 10)), units=("um", "um"), scale=(100, 100))
        source = add_image(viewer, units=("nm", "nm"), scale=(1000, 1000))
        world = 1 if "micro" in str(viewer.dims.units[0]) else 1000
        look_at(viewer, 49.5 * world, 99.5 * world, zoom=4 / world)
        assert visible_box(viewer, source) == Box(40, 85, 60, 115)

    def test_cells_of_a_grid_are_smaller(self, viewer):
        source = add_image(viewer)
        add_image(viewer)
        viewer.canvas.grid.shape = (1, 2)
        viewer.canvas.grid.enabled = True
        look_at(viewer, 49.5, 99.5, zoom=2)  # 40 by 30 px and a little less
        box = visible_box(viewer, source)
        assert (box.top, box.bottom) == (30, 70)
        assert 20 <= box.right - box.left <= 30

    @pytest.mark.gui
    def test_a_real_canvas(self, make_napari_viewer):
        viewer = make_napari_viewer(show=True)
        layer = viewer.add_image(np.zeros((H, W)), scale=(2, 1), rotate=30)
        source = ImageSource.capture(viewer, layer, composite=False)
        for zoom, shift in ((1.5, 0), (9, 0), (20, 20)):
            look_at(viewer, *layer.data_to_world((45 + shift, 101 - shift)), zoom=zoom)
            viewer.screenshot(flash=False)  # the canvas tells layers what is seen when it is drawn
            first, last = layer.corner_pixels
            box = visible_box(viewer, source)
            ours = [(box.top, box.left), (box.bottom - 1, box.right - 1)]
            np.testing.assert_allclose(ours, [first, last], atol=1)


class TestRectangle:
    def test_the_last_one(self, viewer):
        source = add_image(viewer)
        shapes = viewer.add_shapes([rectangle(0, 0, 5, 5), rectangle(10, 20, 30, 60)])
        assert rectangle_box(source, shapes) == Box(10, 20, 30, 60)

    def test_selected_ones(self, viewer):
        source = add_image(viewer)
        shapes = viewer.add_shapes([rectangle(1, 2, 5, 7), rectangle(50, 60, 70, 80), rectangle(90, 90, 95, 95)])
        shapes.selected_data = {0}
        assert rectangle_box(source, shapes) == Box(1, 2, 5, 7)
        shapes.selected_data = {0, 1}
        assert rectangle_box(source, shapes) == Box(1, 2, 70, 80)

    def test_other_shapes_by_their_bounds(self, viewer):
        source = add_image(viewer)
        shapes = viewer.add_shapes([np.array([(20, 20), (40, 60), (30, 10)]) - 0.5], shape_type="polygon")
        assert rectangle_box(source, shapes) == Box(20, 10, 40, 60)

    def test_edges_go_to_the_nearest_pixel_edge(self, viewer):
        source = add_image(viewer)
        shapes = viewer.add_shapes([rectangle(10, 20, 30, 60) + 0.4])
        assert rectangle_box(source, shapes) == Box(10, 20, 30, 60)
        shapes.data = [rectangle(10, 20, 30, 60) + 0.6]
        assert rectangle_box(source, shapes) == Box(11, 21, 31, 61)

    def test_it_ends_where_the_image_does(self, viewer):
        source = add_image(viewer)
        shapes = viewer.add_shapes([rectangle(-50, 150, 20, 250)])
        assert rectangle_box(source, shapes) == Box(0, 150, 20, 200)

    def test_through_the_world(self, viewer):
        source = add_image(viewer, scale=(2, 3), translate=(10, 20))
        shapes = viewer.add_shapes([rectangle(0, 0, 10, 10)], scale=(4, 6), translate=(11, 21.5))
        assert rectangle_box(source, shapes) == Box(0, 0, 20, 20)

    def test_units(self, viewer):
        source = add_image(viewer, units=("nm", "nm"), scale=(100, 100))
        shapes = viewer.add_shapes([[(1, 2), (1, 4), (3, 4), (3, 2)]], units=("um", "um"))
        assert rectangle_box(source, shapes) == Box(10, 20, 30, 40)

    def test_bounds_within_a_rotated_image(self, viewer):
        source = add_image(viewer, rotate=90, scale=(2, 2))
        image = viewer.layers[0]
        shapes = viewer.add_shapes([[image.data_to_world(corner) for corner in rectangle(10, 20, 30, 60)]])
        assert rectangle_box(source, shapes) == Box(10, 20, 30, 60)

    def test_two_axes_over_a_stack(self, viewer):
        source = add_image(viewer, (5, H, W))
        shapes = viewer.add_shapes([rectangle(10, 20, 30, 60)])
        assert rectangle_box(source, shapes) == Box(10, 20, 30, 60)

    def test_drawn_in_a_transposed_view(self, viewer):
        viewer.add_image(np.zeros((50, H, W), np.uint8))
        viewer.dims.order = (1, 0, 2)
        source = ImageSource.capture(viewer, viewer.layers[0], composite=False)
        corners = np.insert(rectangle(10, 20, 30, 60), 1, 7, axis=1)  # rows along axis 0, columns along axis 2
        assert rectangle_box(source, viewer.add_shapes([corners])) == Box(10, 20, 30, 60)
        flat = viewer.add_shapes([rectangle(10, 20, 30, 60)])
        with pytest.raises(ImageError, match="drawn in another view"):
            rectangle_box(source, flat)

    def test_none(self, viewer):
        source = add_image(viewer)
        with pytest.raises(ImageError, match="There is no rectangle"):
            rectangle_box(source, viewer.add_shapes())

    def test_beside_the_image(self, viewer):
        source = add_image(viewer)
        shapes = viewer.add_shapes([rectangle(-20, 0, -10, 10)])
        with pytest.raises(ImageError, match="outside"):
            rectangle_box(source, shapes)
