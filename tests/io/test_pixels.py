"""Arrays of any type become RGB uint8, and the notes say how."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_car.errors import ImageError
from napari_car.io.pixels import to_rgb8


def grey_values(array, **options):
    """Return the one channel of a grey result, and the notes."""
    rgb, notes = to_rgb8(np.array(array), **options)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    np.testing.assert_array_equal(rgb[..., 0], rgb[..., 1])
    np.testing.assert_array_equal(rgb[..., 0], rgb[..., 2])
    return rgb[..., 0].tolist(), notes


class TestContrast:
    def test_8_bit_is_never_stretched(self):
        assert grey_values(np.uint8([[10, 20]])) == ([[10, 20]], ())

    def test_rgb_uint8_is_not_copied(self):
        rgb = np.zeros((2, 3, 3), np.uint8)
        assert np.shares_memory(to_rgb8(rgb)[0], rgb)

    def test_bool(self):
        assert grey_values([[False, True]]) == ([[0, 255]], ())

    @pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "uint64", "int64"])
    def test_integers_use_their_range(self, dtype):
        values, notes = grey_values(np.array([[120, 2075, 4030]], dtype))
        assert values == [[0, 128, 255]]
        assert notes == (f"{8 * np.dtype(dtype).itemsize}-bit range 120..4030 mapped to 0..255",)

    def test_negative_integers(self):
        assert grey_values(np.int8([[-128, 127]])) == ([[0, 255]], ("8-bit range -128..127 mapped to 0..255",))

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_floats_within_0_and_1(self, dtype):
        values, notes = grey_values(np.array([[0.0, 0.2, 0.5]], dtype))
        assert values == [[0, 51, 128]]
        assert notes == ("float range 0..1 mapped to 0..255",)

    def test_floats_beyond_1_use_their_range(self):
        values, notes = grey_values([[-1.0, 0.0, 3.0]])
        assert values == [[0, 64, 255]]
        assert notes == ("float range -1..3 mapped to 0..255",)

    def test_all_channels_share_one_range(self):
        rgb, _ = to_rgb8(np.array([[[0, 100, 1000]]], np.uint16))
        assert rgb.tolist() == [[[0, 26, 255]]]

    def test_one_hot_pixel_does_not_darken_the_rest(self):
        image = np.tile(np.arange(100, 200, dtype=np.uint16), (100, 1))
        image[50, 50] = 65535
        rgb, notes = to_rgb8(image)
        assert rgb[0, -1, 0] == 255
        assert notes == ("16-bit range 100..199 (percentiles 0.1 and 99.9) mapped to 0..255",)
        assert to_rgb8(image, percentiles=(0, 100))[0][0, -1, 0] == 0

    def test_sparse_spots_on_black_stay_visible(self):
        image = np.zeros((200, 200), np.uint16)
        image[7, 7] = 900
        values, notes = to_rgb8(image)
        assert values[7, 7].tolist() == [255, 255, 255]
        assert notes == ("16-bit range 0..900 mapped to 0..255",)

    def test_percentiles_of_a_large_image_come_from_every_kth_pixel(self):
        image = np.tile(np.arange(3000, dtype=np.uint16), (3000, 1))
        assert to_rgb8(image)[1] == ("16-bit range 2..2996 (percentiles 0.1 and 99.9) mapped to 0..255",)

    def test_a_flat_image_is_black(self):
        assert grey_values(np.full((2, 2), 700, np.uint16)) == (
            [[0, 0], [0, 0]],
            ("every pixel has the value 700 and is shown as black",),
        )

    def test_a_given_range_holds_for_8_bit_too(self):
        values, notes = grey_values(np.uint8([[0, 20, 100, 200]]), display_range=(0, 100))
        assert values == [[0, 51, 255, 255]]
        assert notes == ("8-bit range 0..100 mapped to 0..255",)

    def test_nan_is_black_and_infinity_the_end_of_the_range(self):
        values, notes = grey_values([[np.nan, -np.inf, 0, 5, 10, np.inf]])
        assert values == [[0, 0, 0, 128, 255, 255]]
        assert notes == (
            "float range 0..10 mapped to 0..255",
            "NaN shown as black (1 values)",
            "infinity shown as black or white (2 values)",
        )

    def test_values_at_the_ends_of_float64(self):
        assert grey_values([[-1.7e308, 1.7e308]])[0][0][0] == 0

    def test_big_endian(self):
        assert grey_values(np.array([[0, 256, 512]], ">u2"))[0] == [[0, 128, 255]]

    @settings(deadline=None)
    @given(
        hnp.arrays(
            st.sampled_from(["uint16", "int32", "float32", "float64", "bool", "uint8"]),
            hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        )
    )
    def test_order_of_finite_values_is_kept(self, array):
        if array.dtype.kind == "f" and not np.isfinite(array).any():
            with pytest.raises(ImageError, match="no finite pixel value"):
                to_rgb8(array)
            return
        rgb, _ = to_rgb8(array)
        shown = rgb[..., 0][np.isfinite(array)]
        order = np.argsort(array[np.isfinite(array)], kind="stable")
        assert (np.diff(shown[order].astype(int)) >= 0).all()


class TestChannels:
    def test_first_axis(self):
        planes = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
        rgb, notes = to_rgb8(planes, channel_axis=0)
        np.testing.assert_array_equal(rgb, planes.transpose(1, 2, 0))
        assert rgb.flags.c_contiguous
        assert notes == ()

    def test_one_channel(self):
        assert grey_values(np.uint8([[[7], [8]]])) == ([[7, 8]], ())

    def test_opaque_alpha_changes_nothing(self):
        rgba = np.full((1, 2, 4), 255, np.uint8)
        rgba[..., :3] = 9
        assert to_rgb8(rgba)[0].tolist() == [[[9, 9, 9]] * 2]
        assert to_rgb8(rgba)[1] == ()

    def test_transparent_pixels_show_the_backdrop(self):
        rgba = np.uint8([[[100, 0, 0, 255], [100, 0, 0, 51], [100, 0, 0, 0]]])
        rgb, notes = to_rgb8(rgba)
        assert rgb.tolist() == [[[100, 0, 0], [224, 204, 204], [255, 255, 255]]]
        assert notes == ("alpha composited over (255, 255, 255) (66.7 % of the pixels are not opaque)",)
        assert to_rgb8(rgba, backdrop=(1, 2, 3))[0][0, 2].tolist() == [1, 2, 3]

    def test_alpha_of_16_bits_and_of_floats(self):
        deep, _ = to_rgb8(np.array([[[0, 0, 0, 65535], [9, 9, 9, 0]]], np.uint16))
        assert deep.tolist() == [[[0, 0, 0], [255, 255, 255]]]
        unit, _ = to_rgb8(np.array([[[0, 0, 0, 1.0], [0, 0, 0, np.nan], [0, 0, 0, 0.5]]]))
        assert unit[0, :, 0].tolist() == [0, 255, 128]

    def test_alpha_that_hides_everything_is_ignored(self):
        rgba = np.zeros((1, 1, 4), np.uint8)
        rgba[..., 1] = 80
        rgb, notes = to_rgb8(rgba)
        assert rgb.tolist() == [[[0, 80, 0]]]
        assert notes == ("alpha ignored: it is zero everywhere",)

    def test_two_channels_are_grey_and_alpha_with_8_bits_only(self):
        assert to_rgb8(np.uint8([[[80, 255], [80, 0]]]))[0][..., 0].tolist() == [[80, 255]]
        with pytest.raises(ImageError, match="has 2 channels"):
            to_rgb8(np.zeros((4, 4, 2), np.uint16))
        assert to_rgb8(np.array([[[9, 65535], [0, 65535]]], np.uint16), alpha=True)[0][..., 0].tolist() == [[255, 0]]


@pytest.mark.parametrize(
    ("array", "options", "text"),
    [
        (np.zeros(5), {}, "1 axes"),
        (np.zeros((2, 3, 4, 5)), {}, "4 axes"),
        (np.zeros((5, 9, 9)), {}, "choose one plane"),
        (np.zeros((4, 4, 4)), {"channel_axis": 3}, "channel_axis must be"),
        (np.zeros((4, 4, 4)), {"alpha": False}, "4 channels"),
        (np.zeros((0, 4)), {}, "no pixels"),
        (np.zeros((4, 4, 0)), {}, "no pixels"),
        (np.zeros((2, 2), complex), {}, "complex128"),
        (np.array([["a"]]), {}, "cannot be shown"),
        (np.full((2, 2), np.nan), {}, "no finite"),
        (np.zeros((2, 2)), {"display_range": (3, 3)}, "display_range"),
        (np.zeros((2, 2)), {"display_range": (0, np.inf)}, "display_range"),
        (np.zeros((2, 2)), {"percentiles": (90, 10)}, "percentiles"),
        (np.zeros((2, 2)), {"percentiles": (-1, 10)}, "percentiles"),
    ],
)
def test_what_cannot_be_shown_is_refused(array, options, text):
    with pytest.raises(ImageError, match=text):
        to_rgb8(array, **options)
