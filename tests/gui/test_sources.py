"""What is captured of an image layer, and what a worker thread renders of it; without a window."""

import json
import threading

import dask
import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel

from napari_car.annotation.channel_settings import read_channel
from napari_car.annotation.frames import Box, Frame, PlaneAxes
from napari_car.errors import DocumentError, ImageError, ResourceError
from napari_car.gui.channel_layers import image_layers
from napari_car.gui.sources import ImageSource
from napari_car.io import compose_channels

_random = np.random.default_rng(0)
H, W = 6, 8
GREY = _random.integers(0, 256, (H, W), dtype=np.uint8)
RGB = _random.integers(0, 256, (H, W, 3), dtype=np.uint8)
STACK = _random.integers(0, 256, (3, 4, H, W), dtype=np.uint8)


@pytest.fixture
def viewer():
    return ViewerModel()


def capture(viewer, layer=None, *, composite=False, **options):
    """Return the source of a layer, by default of the topmost one."""
    return ImageSource.capture(viewer, layer or viewer.layers[-1], composite=composite, **options)


def render(source, plane=None, box=None, max_side_px=10**6):
    """Return a part of a plane, by default all of the current one, and the notes."""
    box = box or source.axes.whole
    return source.render(Frame(source.current if plane is None else plane, box, box), max_side_px)


def grey(source, **options):
    """Return the rendered plane of a grey image."""
    rgb, _ = render(source, **options)
    np.testing.assert_array_equal(rgb[..., 0], rgb[..., 2])
    return rgb[..., 0]


class TestKindsOfImages:
    def test_rgb_is_not_copied(self, viewer):
        viewer.add_image(RGB, rgb=True)
        rgb, notes = render(capture(viewer))
        assert np.shares_memory(rgb, RGB)
        assert notes == ()

    def test_axes_of_rgb_have_no_colours(self, viewer):
        viewer.add_image(RGB, rgb=True)
        source = capture(viewer)
        assert source.axes.shape == (H, W)
        assert source.axis_labels == viewer.layers[0].axis_labels

    def test_rgba_is_laid_over_black(self, viewer):
        rgba = np.dstack([RGB, np.full((H, W), 51, np.uint8)])
        viewer.add_image(rgba, rgb=True)
        rgb, notes = render(capture(viewer))
        np.testing.assert_allclose(rgb, RGB / 5, atol=0.51)
        assert len(notes) == 1

    @pytest.mark.parametrize("values", [GREY, GREY.astype(np.uint16) * 257, GREY / 255, GREY > 100], ids=str)
    def test_grey(self, viewer, values):
        viewer.add_image(values, contrast_limits=(0, float(np.array(values).max())))
        expected = values / np.array(values).max() * 255
        np.testing.assert_allclose(grey(capture(viewer)), expected, atol=0.51)

    def test_float_with_nan(self, viewer):
        values = np.float32([[0, np.nan, 4]])
        viewer.add_image(values)
        rgb, notes = render(capture(viewer))
        assert rgb[0, :, 0].tolist() == [0, 0, 255]
        assert "NaN" in notes[0]

    def test_one_pixel(self, viewer):
        viewer.add_image(np.uint8([[7]]))
        source = capture(viewer)
        assert grey(source).tolist() == [[7]]
        assert source.axes.whole == Box(0, 0, 1, 1)

    def test_contrast_gamma_and_colour_map(self, viewer):
        viewer.add_image(np.uint8([[10, 60, 110]]), contrast_limits=(10, 110), gamma=2, colormap="green")
        assert render(capture(viewer))[0][0].tolist() == [[0, 0, 0], [0, 64, 0], [0, 255, 0]]

    def test_settings_are_those_of_the_capture(self, viewer):
        layer = viewer.add_image(GREY)
        source = capture(viewer)
        layer.gamma, layer.opacity, layer.colormap, layer.contrast_limits = 2, 0.1, "red", (100, 101)
        viewer.layers.clear()
        np.testing.assert_array_equal(grey(source), GREY)

    @pytest.mark.parametrize(
        "make", [np.asarray, da.from_array, lambda a: zarr.array(a, chunks=(1, 2, 3, 4))], ids=["numpy", "dask", "zarr"]
    )
    def test_stacks(self, viewer, make):
        viewer.add_image(make(STACK), contrast_limits=(0, 255))
        viewer.dims.set_point((0, 1), (2, 1))
        source = capture(viewer)
        assert source.current == (2, 1)
        assert source.axes.hidden_axes == (0, 1)
        np.testing.assert_array_equal(grey(source), STACK[2, 1])
        np.testing.assert_array_equal(grey(source, plane=(0, 3), box=Box(1, 2, 4, 7)), STACK[0, 3, 1:4, 2:7])

    def test_rgb_stack(self, viewer):
        stack = np.stack([RGB, 255 - RGB])
        viewer.add_image(stack, rgb=True)
        np.testing.assert_array_equal(render(capture(viewer), plane=(1,))[0], 255 - RGB)

    @pytest.mark.parametrize("order", [(0, 1, 3, 2), (1, 2, 0, 3), (3, 0, 2, 1), (2, 3, 1, 0)])
    def test_any_two_axes_can_be_rows_and_columns(self, viewer, order):
        viewer.add_image(STACK, contrast_limits=(0, 255))
        viewer.dims.set_point((0, 1, 2, 3), (2, 1, 5, 6))
        viewer.dims.order = order
        source = capture(viewer)
        assert (source.axes.row_axis, source.axes.column_axis) == order[2:]
        assert source.current == tuple((2, 1, 5, 6)[axis] for axis in sorted(order[:2]))
        shown = STACK[source.axes.index(source.current)]
        np.testing.assert_array_equal(grey(source), shown if order[2] < order[3] else shown.T)
        np.testing.assert_array_equal(
            grey(source, box=Box(1, 0, 3, 2)), source.axes.plane(STACK, source.current)[1:3, 0:2]
        )

    def test_a_layer_of_fewer_axes_than_the_viewer(self, viewer):
        viewer.add_image(STACK)
        flat = viewer.add_image(GREY)
        viewer.dims.set_point((0, 1), (2, 1))
        assert capture(viewer, flat).current == ()
        np.testing.assert_array_equal(grey(capture(viewer, flat)), GREY)
        viewer.dims.order = (0, 1, 3, 2)
        np.testing.assert_array_equal(grey(capture(viewer, flat)), GREY.T)

    def test_thick_slices_are_projected(self, viewer):
        layer = viewer.add_image(STACK[0], contrast_limits=(0, 255), projection_mode="max")
        viewer.dims.set_point(0, 1)
        viewer.dims.thickness = (2, 0, 0)
        source = capture(viewer)
        np.testing.assert_array_equal(grey(source), STACK[0, 0:3].max(axis=0))
        np.testing.assert_array_equal(grey(source, plane=(3,)), STACK[0, 2:4].max(axis=0))
        assert source.describe()["channels"][0]["projection"] == "max"
        layer.projection_mode = "none"
        np.testing.assert_array_equal(grey(capture(viewer)), STACK[0, 1])

    @pytest.mark.parametrize("thickness", [0.2, 1, 1.7, 2, 3, 4.4])
    def test_thick_slices_begin_and_end_where_those_of_napari_do(self, viewer, thickness):
        stack = np.arange(16, dtype=np.float32)[:, np.newaxis, np.newaxis] * np.ones((16, 4, 4), np.float32)
        layer = viewer.add_image(stack, contrast_limits=(0, 255), projection_mode="sum", scale=(0.9, 1, 1))
        for point in np.linspace(0, 13.4, 23):
            viewer.dims.set_point(0, point)
            viewer.dims.thickness = (thickness, 0, 0)
            np.testing.assert_array_equal(grey(capture(viewer)), layer._data_view)

    def test_thick_slices_of_a_coarser_level(self, viewer):
        levels = [np.zeros((16, 8, 8)), np.arange(8.0)[:, np.newaxis, np.newaxis] * np.ones((8, 4, 4))]
        viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255), projection_mode="sum")
        viewer.dims.set_point(0, 8)
        viewer.dims.thickness = (8, 0, 0)
        assert grey(capture(viewer), max_side_px=4)[0, 0] == sum(range(2, 7))

    def test_a_thick_slice_reaches_a_layer_that_ends_before(self, viewer):
        viewer.add_image(np.zeros((9, 4, 4)))
        short = viewer.add_image(STACK[0], contrast_limits=(0, 255), projection_mode="mean")
        viewer.dims.set_point(0, 5)
        viewer.dims.thickness = (4, 0, 0)
        source = capture(viewer, short)
        assert source.current == (3,)
        np.testing.assert_array_equal(grey(source), STACK[0, 3])
        short.projection_mode = "none"
        with pytest.raises(ImageError, match="not shown at this slice"):
            capture(viewer, short)


class TestCurrentSlice:
    def test_scale_translation_and_rounding(self, viewer):
        viewer.add_image(STACK, scale=(1, 2.5, 1, 1), translate=(0, 10, 0, 0))
        viewer.dims.set_point((0, 1), (0, 10 + 2.5 * 1.6))
        assert capture(viewer).current == (0, 2)

    def test_a_rotated_layer_is_sliced_along_its_own_axis(self, viewer):
        viewer.add_image(STACK[0], rotate=30, scale=(2, 1, 1))
        viewer.dims.set_point(0, 6)
        assert capture(viewer).current == (3,)

    @pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
    @pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
    def test_a_layer_turned_out_of_the_plane_is_sliced_as_napari_does(self, viewer, order):
        layer = viewer.add_image(
            np.arange(7.0 * 40 * 31).reshape(7, 40, 31), rotate=[20, 30, 40], shear=[0.1, 0.2, 0.3], scale=(1, 2, 3)
        )
        viewer.dims.order = order
        n_shown = 0
        for point in np.linspace(-50, 50, 41):
            viewer.dims.set_point(order[0], point)
            if layer._slice.empty:
                with pytest.raises(ImageError, match="not shown at this slice"):
                    capture(viewer)
            else:
                source = capture(viewer)
                np.testing.assert_array_equal(source.axes.plane(layer.data, source.current), layer._data_view)
                n_shown += 1
        assert 5 < n_shown < 41

    def test_units_of_other_layers(self, viewer):
        viewer.add_image(STACK[0], units=("nm", "nm", "nm"), scale=(500, 1, 1))
        viewer.add_image(STACK[0], units=("um", "um", "um"))
        viewer.dims.set_point(0, 1.5 if "micro" in str(viewer.dims.units[0]) else 1500)
        assert capture(viewer, viewer.layers[0]).current == (3,)

    def test_units_that_do_not_measure_the_same(self, viewer):
        viewer.add_image(STACK[0], units=("um", "um", "um"), scale=(2, 1, 1))
        viewer.add_image(STACK[0], units=("s", "um", "um"))
        viewer.dims.set_point(0, 2)
        assert capture(viewer, viewer.layers[0]).current == (1,)
        assert len(capture(viewer, viewer.layers[0], composite=True).channels) == 1

    def test_outside_of_the_layer(self, viewer):
        viewer.add_image(np.zeros((9, 4, 4)))
        short = viewer.add_image(STACK[0])
        viewer.dims.set_point(0, 3)
        assert capture(viewer, short).current == (3,)
        viewer.dims.set_point(0, 6)
        with pytest.raises(ImageError, match="not shown at this slice"):
            capture(viewer, short)


class TestChannels:
    def test_composite_of_what_is_visible_and_in_place(self, viewer):
        green = viewer.add_image(np.full((H, W), 100, np.uint8), colormap="green", name="green")
        viewer.add_image(np.full((H, W), 200, np.uint8), colormap="red", blending="additive", visible=False)
        viewer.add_image(np.full((H, W), 50, np.uint8), colormap="magenta", blending="additive")
        viewer.add_image(GREY, name="scores", metadata={"napari-car": {"kind": "scores"}})
        viewer.add_image(GREY, name="moved", translate=(0, 1))
        viewer.add_image(GREY[:-1], name="shorter")
        viewer.add_image(GREY, name="hidden", visible=False, scale=(2, 2))
        source = capture(viewer, green, composite=True)
        assert render(source)[0][0, 0].tolist() == [50, 100, 50]
        assert source.notes == ("Left out, since they do not lie exactly over green: moved, shorter.",)
        alone = capture(viewer, green)
        assert render(alone)[0][0, 0].tolist() == [0, 100, 0]
        assert alone.notes == ()

    def test_the_order_of_layers_is_the_order_of_painting(self, viewer):
        below = viewer.add_image(np.full((H, W), 100, np.uint8))
        viewer.add_image(np.full((H, W), 200, np.uint8), opacity=0.5)
        assert render(capture(viewer, below, composite=True))[0][0, 0, 0] == 150
        viewer.layers.move(1, 0)
        assert render(capture(viewer, below, composite=True))[0][0, 0, 0] == 100

    def test_same_place_through_other_means(self, viewer):
        viewer.add_image(GREY, scale=(2, 2), translate=(3, 5), units=("um", "um"), colormap="red")
        affine = [[2000, 0, 3000], [0, 2000, 5000], [0, 0, 1]]
        viewer.add_image(RGB, rgb=True, affine=affine, units=("nm", "nm"), blending="additive")
        assert len(capture(viewer, composite=True).channels) == 2

    def test_a_hidden_layer_is_taken_alone(self, viewer):
        viewer.add_image(RGB, rgb=True)
        viewer.add_image(GREY, visible=False, name="hidden")
        source = capture(viewer, composite=True)
        np.testing.assert_array_equal(grey(source), GREY)
        assert source.notes == ("hidden is hidden, and segmented as it would be shown alone.",)

    def test_cells_of_a_grid_are_apart(self, viewer):
        for name in "abcd":
            viewer.add_image(GREY, name=name)
        viewer.canvas.grid.stride = 2
        viewer.canvas.grid.enabled = True
        sources = [capture(viewer, layer, composite=True) for layer in viewer.layers]
        together = {frozenset(channel.name for channel in source.channels) for source in sources}
        assert together == {frozenset("ab"), frozenset("cd")}

    def test_image_layers(self, viewer):
        image = viewer.add_image(GREY)
        viewer.add_labels(np.zeros((H, W), int))
        viewer.add_image(GREY, metadata={"napari-car": {"kind": "scores"}})
        sample = viewer.add_image(RGB, rgb=True, metadata={"napari-car": {"queries": ["leaf"]}})
        assert image_layers(viewer) == [image, sample]

    def test_automatic_contrast_is_that_of_the_shown_plane(self, viewer):
        viewer.add_image(STACK, auto_contrast=True)
        assert "contrast limits of the one that is shown" in capture(viewer).notes[0]
        viewer.add_image(GREY, auto_contrast=True)
        assert capture(viewer).notes == ()

    def test_description_is_json(self, viewer):
        viewer.add_image(RGB, rgb=True, name="photograph")
        viewer.add_image(GREY, colormap="green", blending="additive", gamma=0.5, opacity=0.25, contrast_limits=(5, 99))
        described = capture(viewer, composite=True).describe()
        assert json.loads(json.dumps(described)) == described
        assert [channel["name"] for channel in described["channels"]] == ["photograph", "GREY"]
        assert described["channels"][1] == {
            "name": "GREY",
            "dtype": "uint8",
            "rgb": False,
            "colormap": "green",
            "contrast_limits": [5.0, 99.0],
            "gamma": 0.5,
            "opacity": 0.25,
            "blending": "additive",
            "nan_colour": [0.0, 0.0, 0.0, 0.0],
            "colours": [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]],
            "controls": [0.0, 1.0],
            "interpolation": "linear",
        }
        assert described["shape"] == [H, W]

    @pytest.mark.parametrize("name", ["gray", "green", "fire", "HiLo", "gray_r"])
    def test_a_described_channel_is_painted_alike_without_napari(self, viewer, name):
        viewer.add_image(GREY, colormap=name, gamma=0.7, opacity=0.5, contrast_limits=(20, 200))
        pixels = capture(viewer).channels[0]
        again = read_channel(json.loads(json.dumps(pixels.describe())), GREY)
        then = pixels.channel(0, PlaneAxes((H, W), 0, 1), (), Box(0, 0, H, W))
        np.testing.assert_array_equal(compose_channels([again])[0], compose_channels([then])[0])

    def test_large_colour_maps_are_left_out(self, viewer):
        viewer.add_image(GREY, colormap="viridis")
        (described,) = capture(viewer).describe()["channels"]
        with pytest.raises(DocumentError, match="viridis"):
            read_channel(described, GREY)


def pyramid(shape=(101, 64), n_levels=3):
    """Return levels whose pixels are the indices of their rows, at halved sizes, rounded down."""
    return [
        np.broadcast_to(
            np.arange(shape[0] >> level, dtype=np.uint8)[:, None], (shape[0] >> level, shape[1] >> level)
        ).copy()
        for level in range(n_levels)
    ]


class TestMultiscale:
    def test_labels_have_the_finest_level_that_is_small_enough(self, viewer):
        viewer.add_image(pyramid(), multiscale=True, contrast_limits=(0, 255))
        assert capture(viewer, max_label_px=101 * 64).axes.shape == (101, 64)
        half = capture(viewer, max_label_px=101 * 64 - 1)
        assert (half.axes.shape, half.level) == ((50, 32), 1)
        assert "32 x 50 px (level 1)" in half.notes[0]
        assert capture(viewer, max_label_px=1).level == 2

    def test_one_level_is_never_made_smaller(self, viewer):
        viewer.add_image(GREY)
        assert capture(viewer, max_label_px=1).axes.shape == (H, W)

    @pytest.mark.parametrize(
        ("max_side_px", "level"), [(10**6, 0), (101, 0), (51, 0), (50, 1), (26, 1), (25, 2), (16, 2)]
    )
    def test_the_coarsest_sufficient_level_is_read(self, viewer, max_side_px, level):
        levels = pyramid()
        viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
        rgb, notes = render(capture(viewer), max_side_px=max_side_px)
        np.testing.assert_array_equal(rgb[..., 0], levels[level])
        assert len(notes) == (level > 0)
        assert all(f"level {level}" in note for note in notes)

    def test_a_box_is_found_at_every_level(self, viewer):
        viewer.add_image(pyramid((128, 64)), multiscale=True, contrast_limits=(0, 255))
        source, box = capture(viewer), Box(40, 8, 80, 24)
        assert grey(source, box=box)[:, 0].tolist() == list(range(40, 80))
        coarse = grey(source, box=box, max_side_px=10)
        assert coarse.shape == (10, 4)
        assert coarse[:, 0].tolist() == list(range(10, 20))
        assert grey(source, box=Box(127, 63, 128, 64), max_side_px=0).tolist() == [[31]]
        assert grey(source, box=Box(40, 0, 41, 64), max_side_px=16).tolist() == [[10] * 16]

    def test_boxes_count_in_px_of_the_labels(self, viewer):
        levels = pyramid((128, 64))
        viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
        source = capture(viewer, max_label_px=64 * 32)
        np.testing.assert_array_equal(grey(source), levels[1])
        np.testing.assert_array_equal(grey(source, box=Box(10, 0, 20, 32)), levels[1][10:20])

    @pytest.mark.parametrize(("point", "current"), [(0, 0), (1, 0), (2, 1), (5, 2), (6, 2)])
    def test_stacks_whose_planes_are_fewer_at_coarser_levels(self, viewer, point, current):
        levels = [np.arange(7 * 64, dtype=np.uint16).reshape(7, 8, 8), np.full((3, 4, 4), [[[7]], [[8]], [[9]]])]
        viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
        viewer.dims.set_point(0, point)
        source = capture(viewer, max_label_px=16)
        assert source.current == (current,)
        assert grey(source)[0, 0] == 7 + current

    def test_the_largest_level_is_not_read_for_an_overview(self, viewer):
        class Forbidden:
            shape, dtype, ndim = (4096, 4096), np.dtype(np.uint8), 2
            size = 4096**2

            def __getitem__(self, index):
                raise AssertionError("level 0 was read")

        viewer.add_image([Forbidden(), np.zeros((64, 64), np.uint8)], multiscale=True, contrast_limits=(0, 255))
        assert grey(capture(viewer), max_side_px=64).shape == (64, 64)

    def test_dask(self, viewer):
        levels = pyramid((128, 64))
        viewer.add_image([da.from_array(level, chunks=16) for level in levels], contrast_limits=(0, 255))
        assert viewer.layers[0].multiscale
        np.testing.assert_array_equal(grey(capture(viewer), max_side_px=30), levels[2])


def go_to_a_shown_slice(viewer):
    """Move the first slider until the topmost layer is cut."""
    points = iter(np.linspace(*viewer.dims.range[0][:2], 50))
    while viewer.layers[-1]._slice.empty:
        viewer.dims.set_point(0, next(points))


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
class TestTransform:
    placements = (
        {},
        {"scale": (3, 0.5, 2), "translate": (5, -7, 11)},
        {"rotate": 25, "scale": (1, 2, 3), "translate": (4, 5, 6)},
        {"rotate": [20, 30, 40], "shear": [0.1, 0.2, 0.3], "scale": (1, 2, 3)},
        {
            "affine": [[2, 0.1, 0.2, 3], [0.3, 1, 0, 4], [0, 0.3, 2, 5], [0, 0, 0, 1]],
            "scale": (1, 2, 3),
            "rotate": 9,
        },
    )

    @pytest.mark.parametrize("placement", placements)
    @pytest.mark.parametrize("max_label_px", [10**6, 500])
    def test_labels_lie_exactly_over_the_image(self, viewer, placement, max_label_px):
        levels = [np.zeros(shape, np.uint8) for shape in ((7, 40, 31), (3, 20, 15))]
        image = viewer.add_image(
            levels, multiscale=True, units=("um", "um", "nm"), axis_labels=("z", "y", "x"), **placement
        )
        go_to_a_shown_slice(viewer)
        source = capture(viewer, max_label_px=max_label_px)
        assert source.level == (max_label_px == 500)
        labels = viewer.add_labels(np.zeros(source.axes.shape, int), **source.transform)
        assert (labels.units, labels.axis_labels) == (image.units, image.axis_labels)
        for at_end in np.ndindex(2, 2, 2):
            corner = [np.multiply(at_end, layer.level_shapes[0]) - 0.5 for layer in (image, labels)]
            np.testing.assert_allclose(labels.data_to_world(corner[1]), image.data_to_world(corner[0]), atol=1e-9)

    @pytest.mark.parametrize("placement", placements)
    def test_one_plane_lies_where_it_is_in_the_stack(self, viewer, placement):
        image = viewer.add_image(STACK[0], **placement)
        go_to_a_shown_slice(viewer)
        source = capture(viewer)
        flat = viewer.add_image(np.zeros((1, H, W)), **source.transform_at((2,)))
        np.testing.assert_allclose(flat.data_to_world((0, 3, 4)), image.data_to_world((2, 3, 4)), atol=1e-9)

    def test_it_does_not_follow_the_layer(self, viewer):
        layer = viewer.add_image(GREY, affine=np.eye(3))
        source = capture(viewer)
        layer.scale, layer.affine = (5, 5), 7 * np.eye(3)
        assert source.transform["scale"].tolist() == [1, 1]
        assert source.transform["affine"].tolist() == np.eye(3).tolist()


class TestLaziness:
    def test_only_the_chunks_of_the_plane_are_computed(self, viewer):
        computed = []

        def load(block_info=None):
            location = block_info[None]["chunk-location"]
            computed.append(location)
            return np.full((1, 5, 5), location[0], dtype=np.uint8)

        stack = da.map_blocks(load, chunks=((1,) * 6, (5, 5), (5, 5)), dtype=np.uint8)
        viewer.add_image(stack, contrast_limits=(0, 255))
        source = capture(viewer)
        computed.clear()
        with dask.config.set(scheduler="synchronous"):
            assert (grey(source, plane=(4,)) == 4).all()
            assert sorted(computed) == [(4, 0, 0), (4, 0, 1), (4, 1, 0), (4, 1, 1)]
            computed.clear()
            grey(source, plane=(2,), box=Box(0, 5, 5, 10))
            assert computed == [(2, 0, 1)]

    def test_capturing_reads_nothing(self, viewer):
        class Unreadable:
            shape, dtype, ndim = (5, 8, 8), np.dtype(np.uint8), 3
            size = 320

            def __getitem__(self, index):
                raise OSError("the disk is gone")

        viewer.add_image(Unreadable(), contrast_limits=(0, 255), visible=False)
        source = capture(viewer)
        with pytest.raises(ImageError, match=r"The pixels of .* cannot be read: the disk is gone\.$"):
            render(source)

    def test_no_memory(self, viewer):
        class Huge:
            shape, dtype, ndim = (5, 8, 8), np.dtype(np.uint8), 3
            size = 320

            def __getitem__(self, index):
                raise MemoryError

        viewer.add_image(Huge(), contrast_limits=(0, 255), visible=False, name="huge")
        with pytest.raises(ResourceError, match="8 x 8 px of huge"):
            render(capture(viewer))

    def test_a_worker_renders_what_the_layer_was(self, viewer):
        viewer.add_image(STACK, contrast_limits=(0, 255))
        source, pictures = capture(viewer), []
        viewer.layers.clear()
        thread = threading.Thread(target=lambda: pictures.append(grey(source, plane=(1, 2))))
        thread.start()
        thread.join()
        np.testing.assert_array_equal(pictures[0], STACK[1, 2])


class TestRefusals:
    def test_three_dimensions(self, viewer):
        viewer.add_image(STACK)
        viewer.dims.ndisplay = 3
        with pytest.raises(ImageError, match=r"switch to the 2D view \(Ctrl\+Y\)"):
            capture(viewer)

    def test_other_layers(self, viewer):
        viewer.add_labels(np.zeros((H, W), int), name="cells")
        with pytest.raises(ImageError, match="cells is not an image layer"):
            capture(viewer)

    def test_a_layer_that_was_closed(self, viewer):
        layer = viewer.add_image(GREY, name="gone")
        viewer.layers.clear()
        with pytest.raises(ImageError, match="gone is no longer open"):
            capture(viewer, layer)
