"""A rendered source is what napari's canvas shows, compared with screenshots of a real window."""

import numpy as np
import pytest

from napari_car.annotation.frames import Frame
from napari_car.gui.sources import ImageSource

pytestmark = pytest.mark.gui

MAX_DIFFERENCE = 2
"""Grey levels: the canvas rounds after each channel, and has colour maps of 8 bits."""

H, W = 48, 64
_random = np.random.default_rng(0)
U8 = np.arange(H * W, dtype=np.uint8).reshape(H, W)
U8_OTHER = _random.integers(0, 256, (H, W), dtype=np.uint8)
U16 = (np.arange(H * W).reshape(H, W) * 21).astype(np.uint16)
FLOAT = np.linspace(-3, 5, H * W, dtype=np.float32).reshape(H, W)
WITH_NAN = np.where(_random.random((H, W)) < 0.2, np.nan, FLOAT).astype(np.float32)
RGB = _random.integers(0, 256, (H, W, 3), dtype=np.uint8)
RGBA = _random.integers(0, 256, (H, W, 4), dtype=np.uint8)

SHOWN = {
    "grey uint8": [(U8, {})],
    "grey uint16": [(U16, {})],
    "grey int32": [(U16.astype(np.int32) - 30000, {})],
    "grey float": [(FLOAT, {})],
    "grey float64, narrow range": [(1e9 + FLOAT.astype(np.float64), {})],
    "bool": [(U8 > 99, {})],
    "float with NaN": [(WITH_NAN, {})],
    "NaN with a colour": [(WITH_NAN, {"colormap": "nan"})],
    "low and high colours": [(U16, {"colormap": "HiLo", "contrast_limits": (1005, 49983)})],
    "green": [(U8, {"colormap": "green"})],
    "magenta": [(U16, {"colormap": "magenta"})],
    "viridis": [(FLOAT, {"colormap": "viridis"})],
    "colour map of steps": [(U8, {"colormap": "steps"})],
    "gamma 0.5": [(U8, {"gamma": 0.5})],
    "gamma 2": [(U16, {"gamma": 2, "colormap": "viridis"})],
    "limits inside the range": [(U8, {"contrast_limits": (50, 130)})],
    "limits inside the range, float": [(FLOAT, {"contrast_limits": (-1, 1.5), "gamma": 0.7})],
    "opacity 0.5": [(U8, {"opacity": 0.5})],
    "two additive": [(U8, {"colormap": "green"}), (U16, {"colormap": "magenta", "blending": "additive"})],
    "three additive": [
        (U8, {"colormap": "red", "blending": "additive"}),
        (U8_OTHER, {"colormap": "green", "blending": "additive", "opacity": 0.6}),
        (U16, {"colormap": "gray", "blending": "additive", "gamma": 2}),
    ],
    "translucent over another": [(U8, {}), (U8_OTHER, {"opacity": 0.5, "colormap": "viridis"})],
    "NaN over another": [(U8, {}), (WITH_NAN, {})],
    "no depth": [(U8, {}), (U8_OTHER, {"opacity": 0.3, "blending": "translucent_no_depth"})],
    "minimum": [(U8, {"blending": "minimum", "opacity": 0.5}), (U8_OTHER, {"blending": "minimum", "opacity": 0.5})],
    "multiplicative": [(U8, {"blending": "multiplicative"}), (RGB, {"blending": "multiplicative", "opacity": 0.5})],
    "added to opaque": [
        (U8, {"opacity": 0.9}),
        (U8_OTHER, {"blending": "opaque", "opacity": 0.5}),
        (U16, {"blending": "additive", "opacity": 0.4}),
    ],
    "RGB": [(RGB, {})],
    "RGB uint16": [(RGB.astype(np.uint16) * 200, {})],
    "RGB float": [(RGB / 255, {})],
    "RGB with settings": [(RGB, {"contrast_limits": (50, 200), "gamma": 0.5, "opacity": 0.8})],
    "RGBA": [(RGBA, {})],
    "RGBA float": [((RGBA / 255).astype(np.float32), {})],
    "RGBA uint16 over grey": [(U8, {}), (RGBA.astype(np.uint16) * 257, {"gamma": 2})],
    "grey over RGB": [(RGB, {}), (U16, {"colormap": "viridis", "opacity": 0.4})],
    "hidden below": [(RGB, {"visible": False}), (U8, {"blending": "minimum", "opacity": 0.5})],
}


@pytest.fixture
def viewer(make_napari_viewer):
    from napari.utils.colormaps import AVAILABLE_COLORMAPS, Colormap

    AVAILABLE_COLORMAPS["steps"] = Colormap(
        [[1, 0, 0, 1], [0, 1, 0, 0.5], [0, 0, 1, 1]], name="steps", controls=[0, 0.3, 0.7, 1], interpolation="zero"
    )
    yield make_napari_viewer(show=True)  # a hidden canvas stays black
    del AVAILABLE_COLORMAPS["steps"]


def rendered(viewer):
    """Return what the topmost layer's source renders."""
    source = ImageSource.capture(viewer, viewer.layers[-1], composite=True)
    return source.render(Frame(source.current, source.axes.whole, source.axes.whole), 10**6)[0]


def test_canvas_and_source_agree(viewer):
    differences = {}
    for name, channels in SHOWN.items():
        viewer.layers.clear()
        for values, settings in channels:
            viewer.add_image(values, **settings)
        shown = viewer.export_figure(flash=False)[..., :3]
        differences[name] = int(np.abs(shown.astype(int) - rendered(viewer)).max())
    assert {name: value for name, value in differences.items() if value > MAX_DIFFERENCE} == {}


def test_thick_slices_and_turned_stacks(viewer):
    stack = _random.integers(0, 256, (9, H, W), dtype=np.uint8)
    layer = viewer.add_image(stack, contrast_limits=(0, 255))
    viewer.dims.set_point(0, 4)
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0)):
        viewer.dims.order = order
        for mode, thickness in (("none", 5), ("mean", 3), ("max", 5), ("min", 0), ("sum", 2)):
            layer.projection_mode = mode
            viewer.dims.thickness = (thickness,) * 3
            shown = viewer.export_figure(flash=False)[..., :3]
            picture = rendered(viewer)
            assert shown.shape == picture.shape, (order, mode)
            assert np.abs(shown.astype(int) - picture).max() <= MAX_DIFFERENCE, (order, mode)


def test_labels_lie_exactly_over_a_level_of_a_pyramid(viewer):
    """A white square, painted at half resolution where the source says it is, hides that of the image."""
    image = np.zeros((H, W), dtype=np.uint8)
    image[10:20, 30:40] = 255
    levels = [image, image[::2, ::2], image[::4, ::4]]
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255), scale=(2, 1), rotate=20, shear=[0.2])
    layer.locked_data_level = 0
    source = ImageSource.capture(viewer, layer, composite=False, max_label_px=H * W // 4)
    assert source.axes.size_px == (H // 2, W // 2)
    labels = viewer.add_labels(np.zeros(source.axes.shape, dtype=np.int32), opacity=1, **source.transform)
    assert viewer.export_figure(flash=False)[..., :3].max() == 255
    painted = np.zeros(source.axes.shape, dtype=np.int32)
    painted[5:10, 15:20] = 1
    labels.data = painted
    labels.colormap = {0: "transparent", 1: "red", None: "red"}
    shown = viewer.export_figure(flash=False)[..., :3].astype(int)
    is_white, is_red = (shown.min(axis=2) > 200), (shown[..., 0] > 200) & (shown[..., 1] < 50)
    assert is_red.sum() > 100
    assert is_white.sum() < 0.02 * is_red.sum()
