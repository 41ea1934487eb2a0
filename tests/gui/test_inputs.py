"""Every kind of image through the dock in a real window: kinds of values, channels, and where the values are stored."""

from collections.abc import Callable
from threading import Lock

import dask.array as da
import numpy as np
import pytest
import zarr
from dock_driving import ask_for, choose, result_layers, run_and_wait, show_only
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_car.gui.layer_notes import KEY

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]

QUERIES = ("blue circle", "sand", "snow")
TOGETHER = "All visible channels together"


@pytest.fixture
def sand(scenes):
    """Blue and orange circles and a plank on sand, (150, 150, 3); there is no snow."""
    return scenes["shapes-on-sand"]


@pytest.fixture
def segment(dock, qtbot) -> Callable[..., Labels]:
    """Return a function that asks for queries, presses Segment, and returns the only result layer."""
    viewer, widget = dock

    def run(*queries: str, **changes: object) -> Labels:
        ask_for(widget, queries or QUERIES)
        for name, value in changes.items():
            widget.options.parameters.set_value(name.replace("__", "."), value)
        run_and_wait(qtbot, widget)
        (layer,) = result_layers(viewer)
        return layer

    return run


def agreement(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Return the share of pixels with the same label."""
    assert one.shape == other.shape
    return float(np.mean(one == other))


def notes_of(layer: Labels) -> str:
    """Return what was changed on the user's behalf in the last run, as it is kept with the labels."""
    return " ".join(layer.metadata[KEY]["runs"][-1]["notes"])


def grey_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the brightness of a picture."""
    return np.rint(rgb @ (0.299, 0.587, 0.114)).astype(np.uint8)


def as_rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey picture as it is seen."""
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


class TestValues:
    def test_rgb_is_what_the_engine_finds_without_a_window(self, dock, qtbot, sand, headless):
        viewer, widget = dock
        viewer.add_image(sand)
        ask_for(widget, QUERIES)
        assert run_and_wait(qtbot, widget) == "Found 2 of 3. Not found: snow."
        (layer,) = result_layers(viewer)
        np.testing.assert_array_equal(layer.data, headless(sand, QUERIES))
        assert layer.features["verdict"].tolist()[1:] == ["present", "present", "absent"]
        assert notes_of(layer) == ""

    def test_rgb_of_other_types(self, dock, segment, sand, headless):
        opaque = np.full(sand.shape[:2], 255, np.uint8)
        kinds = {
            "16 bit": sand.astype(np.uint16) * 257,
            "float": sand / np.float32(255),
            "alpha": np.dstack([sand, opaque]),
        }
        for name, values in kinds.items():
            show_only(dock[0], values)
            assert agreement(segment().data, headless(sand, QUERIES)) >= 0.99, name

    def test_alpha_is_laid_over_black_as_on_the_canvas(self, dock, segment, sand, headless):
        alpha = np.full(sand.shape[:2], 255, np.uint8)
        alpha[:, :75] = 0
        dock[0].add_image(np.dstack([sand, alpha]))
        seen = sand * (alpha == 255)[..., np.newaxis]
        layer = segment()
        assert agreement(layer.data, headless(seen, QUERIES)) >= 0.99
        assert "ransparent" in notes_of(layer)

    def test_grey_with_limits_of_the_full_range(self, dock, segment, sand, headless):
        grey, queries = grey_of(sand), ("dark circle", "sand")
        kinds = {
            "8 bit": (grey, (0, 255)),
            "16 bit": (grey.astype(np.uint16) * 257, (0, 65535)),
            "float": ((grey / 255).astype(np.float32), (0, 1)),
            "negative": (grey.astype(np.int32) * 1000 - 2**16, (-(2**16), 255_000 - 2**16)),
        }
        for name, (values, limits) in kinds.items():
            show_only(dock[0], values, contrast_limits=limits)
            assert agreement(segment(*queries).data, headless(as_rgb(grey), queries)) >= 0.99, name

    def test_contrast_gamma_and_colour_map_are_those_on_the_canvas(self, dock, segment, sand, headless):
        grey = grey_of(sand).astype(np.float64)
        dock[0].add_image(grey, contrast_limits=(60, 190), gamma=0.6, colormap="green")
        seen = np.zeros_like(sand)
        seen[..., 1] = np.rint(255 * np.clip((grey - 60) / 130, 0, 1) ** 0.6)
        assert agreement(segment("sand", "circle").data, headless(seen, ("sand", "circle"))) >= 0.99

    def test_bool(self, dock, segment, sand):
        mask = grey_of(sand) > 120
        dock[0].add_image(mask)
        assert segment("circle", crf__n_iterations=2).data.shape == mask.shape


class TestOddImages:
    def test_a_sane_result(self, dock, segment):
        kinds = {
            "1 px": np.full((1, 1), 7, np.uint8),
            "1 px RGB": np.full((1, 1, 3), 7, np.uint8),
            "1 row": np.full((1, 90), 7, np.uint8),
            "constant": np.full((40, 30), 1234, np.uint16),
            "NaN": np.full((40, 30), np.nan, np.float32),
            "infinite": np.full((40, 30), np.inf),
            "some NaN": np.where(np.eye(40, dtype=bool), np.nan, np.arange(40.0)),
        }
        for name, values in kinds.items():
            layer = show_only(dock[0], values, rgb=values.shape[-1] == 3)
            labels = segment("circle", "sand", crf__n_iterations=2)
            assert labels.data.shape == layer.data.shape[:2], name
            assert set(np.unique(labels.data)) <= {0, 1, 2}, name
            assert ("NaN" in notes_of(labels)) == bool(np.isnan(values).any()), name

    def test_a_sentence_says_what_is_missing(self, dock):
        viewer, widget = dock
        ask_for(widget, "circle")

        def sentence() -> str:
            widget.run()
            assert not widget.session.is_running
            return widget.run_bar.text

        assert "There is no image" in sentence()
        viewer.add_labels(np.ones((9, 9), int))
        assert "There is no image" in sentence()
        viewer.add_image(np.zeros((9, 9)))
        viewer.dims.ndisplay = 3
        assert "switch to the 2D view" in sentence()
        viewer.dims.ndisplay = 2
        ask_for(widget, "not: circle")
        assert "There is nothing to look for" in sentence()
        assert result_layers(viewer) == []


class TestChannels:
    @pytest.fixture
    def channels(self, dock, sand) -> list[Image]:
        """Red, green and blue of the picture as three layers, as a file of channels is opened."""
        return dock[0].add_image(
            sand, rgb=False, channel_axis=2, colormap=["red", "green", "blue"], contrast_limits=[(0, 255)] * 3
        )

    def test_what_is_seen_together_is_segmented_together(self, channels, segment, sand, headless):
        labels = segment()
        assert agreement(labels.data, headless(sand, QUERIES)) >= 0.98
        run = labels.metadata[KEY]["runs"][-1]
        assert [channel["colormap"] for channel in run["image"]["channels"]] == ["red", "green", "blue"]
        assert labels.metadata[KEY]["image"] == channels[0].name

    def test_a_hidden_channel_is_not_seen(self, dock, channels, segment, sand, headless):
        channels[0].visible = False
        choose(dock[1], "Image", TOGETHER)
        labels = segment()
        assert agreement(labels.data, headless(sand * np.uint8([0, 1, 1]), QUERIES)) >= 0.98
        assert labels.metadata[KEY]["image"] == channels[0].name  # one layer of labels for all channels

    def test_contrast_and_gamma_of_each_channel(self, channels, segment, sand, headless):
        channels[0].contrast_limits, channels[1].gamma, channels[2].opacity = (0, 128), 2, 0.5
        seen = sand.astype(np.float64)
        seen[..., 0] = np.clip(seen[..., 0] / 128, 0, 1) * 255
        seen[..., 1] = (seen[..., 1] / 255) ** 2 * 255
        seen[..., 2] *= 0.5
        assert agreement(segment().data, headless(np.rint(seen).astype(np.uint8), QUERIES)) >= 0.98

    def test_one_channel_alone(self, dock, channels, segment, sand, headless):
        choose(dock[1], "Image", channels[1].name)
        seen = sand * np.uint8([0, 1, 0])
        labels = segment()
        np.testing.assert_array_equal(labels.data, headless(seen, QUERIES))
        assert labels.metadata[KEY]["image"] == channels[1].name

    def test_the_choice_of_channels_stays(self, dock, channels, sand):
        viewer, widget = dock
        choose(widget, "Image", channels[2].name)
        viewer.layers.move(0, 3)
        viewer.add_image(sand, name="other")
        assert widget.image_controls.image is channels[2]
        choose(widget, "Image", TOGETHER)
        viewer.layers.reverse()
        viewer.layers.remove("other")
        assert len(widget.image_controls.capture().channels) == 3

    def test_of_two_images_the_hidden_one_is_not_mixed_in(self, dock, segment, sand, scenes, headless):
        viewer, widget = dock
        viewer.add_image(sand, name="sand")
        viewer.add_image(scenes["shapes-on-gravel"], name="gravel", visible=False)
        np.testing.assert_array_equal(segment().data, headless(sand, QUERIES))
        choose(widget, "Image", TOGETHER)
        np.testing.assert_array_equal(segment().data, headless(sand, QUERIES))
        assert not widget.session.results.has_proposal

    def test_a_hidden_image_can_be_chosen_and_that_is_said(self, dock, qtbot, sand, scenes, headless):
        viewer, widget = dock
        viewer.add_image(scenes["shapes-on-gravel"], name="gravel")
        viewer.add_image(sand, name="sand", visible=False)
        choose(widget, "Image", "sand")
        ask_for(widget, QUERIES)
        said = run_and_wait(qtbot, widget)
        (layer,) = result_layers(viewer)
        np.testing.assert_array_equal(layer.data, headless(sand, QUERIES))
        assert "sand is hidden" in notes_of(layer)
        assert "sand is hidden" in said


class TestStorage:
    def test_multiscale_labels_have_the_size_of_the_finest_level(self, dock, segment, sand, headless):
        fine = sand.repeat(2, axis=0).repeat(2, axis=1)
        dock[0].add_image([fine, sand, sand[::2, ::2]])
        labels = segment(crf__n_iterations=2)
        np.testing.assert_array_equal(labels.data, headless(fine, QUERIES, crf__n_iterations=2))

    def test_no_level_is_read_that_is_finer_than_needed(self, dock, segment, sand, headless):
        levels = [CountingArray(sand.repeat(2, axis=0).repeat(2, axis=1)), sand, sand[::2, ::2]]
        image = dock[0].add_image(levels, multiscale=True)
        levels[0].read.clear()
        labels = segment(compute__max_side_px=150)
        assert levels[0].read == []
        expected = headless(sand, QUERIES).repeat(2, axis=0).repeat(2, axis=1)
        assert labels.data.shape == (300, 300)
        assert agreement(labels.data, expected) >= 0.97
        np.testing.assert_allclose(labels.extent.world, image.extent.world)
        assert "level 1" in notes_of(labels)

    def test_dask_computes_the_shown_plane_only(self, dock, segment, scenes, headless):
        viewer, _ = dock
        planes = [scenes[name][:140, :150] for name in SHAPES]
        stack, computed = counted_planes(planes)
        viewer.add_image(stack, rgb=True)
        viewer.dims.set_point(0, 1)
        computed.clear()
        labels = segment()
        assert set(computed) <= {1}
        np.testing.assert_array_equal(labels.data[1], headless(planes[1], QUERIES))
        assert not labels.data[[0, 2]].any()

    def test_zarr(self, dock, segment, scenes, headless):
        viewer, _ = dock
        planes = np.stack([scenes[name][:140, :150] for name in SHAPES])
        viewer.add_image(zarr.array(planes, chunks=(1, 50, 50, 3)), rgb=True)
        viewer.dims.set_point(0, 2)
        labels = segment()
        np.testing.assert_array_equal(labels.data[2], headless(planes[2], QUERIES))
        assert isinstance(labels.data, np.ndarray)  # to be painted in

    def test_pixels_that_cannot_be_read_end_in_a_sentence(self, dock, qtbot, sand):
        viewer, widget = dock
        image = CountingArray(sand)
        viewer.add_image(image, name="far away")
        image.is_gone = True
        ask_for(widget, QUERIES)
        widget.run()
        qtbot.waitUntil(lambda: not widget.session.is_running)
        assert "The pixels of far away cannot be read: the share is gone." in widget.run_bar.text


SHAPES = ("shapes-on-sand", "shapes-on-gravel", "shapes-on-brick")


class CountingArray:
    """An array that notes what is read of it, and can vanish as a file on a network does."""

    def __init__(self, values: NDArray[np.uint8]) -> None:
        self._values = values
        self.shape, self.dtype, self.ndim, self.size = values.shape, values.dtype, values.ndim, values.size
        self.read: list[object] = []
        self.is_gone = False

    def __getitem__(self, index: object) -> NDArray[np.uint8]:
        if self.is_gone:
            raise OSError("the share is gone")
        self.read.append(index)
        return self._values[index]

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[np.uint8]:
        return np.asarray(self[...], dtype=dtype)


def counted_planes(planes: list[NDArray[np.uint8]]) -> tuple[da.Array, list[int]]:
    """Return planes as a lazy stack, and the list in which each plane that is computed is noted."""
    computed: list[int] = []
    lock = Lock()

    def compute(block: NDArray[np.uint8], block_info: dict) -> NDArray[np.uint8]:
        with lock:
            computed.append(block_info[0]["chunk-location"][0])
        return block

    lazy = da.from_array(np.stack(planes), chunks=(1, -1, -1, -1))
    return lazy.map_blocks(compute, dtype=np.uint8, meta=np.zeros((0, 0, 0, 0), np.uint8)), computed
