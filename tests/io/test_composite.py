"""Channels are painted over each other; that napari's canvas does the same is tested in tests/gui/test_canvas.py."""

import tracemalloc

import numpy as np
import pytest

from napari_car.errors import ImageError
from napari_car.io import Channel, compose_channels

RAMP = np.linspace(0, 1, 256, dtype=np.float32)[:, np.newaxis]
OPAQUE = np.ones_like(RAMP)
GREY = np.hstack([RAMP, RAMP, RAMP, OPAQUE])
GREEN = np.hstack([0 * RAMP, RAMP, 0 * RAMP, OPAQUE])
MAGENTA = np.hstack([RAMP, 0 * RAMP, RAMP, OPAQUE])


def channel(values, limits=(0, 255), **settings):
    """Return a grey channel."""
    return Channel(values=np.asarray(values), contrast_limits=limits, **({"lut": GREY} | settings))


def painted(*channels):
    """Return the picture as nested lists, without notes."""
    rgb, notes = compose_channels(channels)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert notes == ()
    return rgb.tolist()


class TestOneGreyChannel:
    def test_8_bit_with_full_range_is_itself(self):
        every_value = np.arange(256, dtype=np.uint8).reshape(16, 16)
        rgb, notes = compose_channels([channel(every_value)])
        np.testing.assert_array_equal(rgb, np.repeat(every_value[..., np.newaxis], 3, axis=2))
        assert notes == ()

    @pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64", "float16", "float32", "float64", ">u2"])
    def test_contrast_limits_clip(self, dtype):
        grey = painted(channel(np.array([[5, 10, 60, 110, 120]], dtype), (10, 110)))[0]
        assert grey == [[value] * 3 for value in (0, 0, 128, 255, 255)]

    def test_bool(self):
        assert painted(channel([[False, True]], (0, 1))) == [[[0] * 3, [255] * 3]]

    def test_gamma_is_applied_between_the_limits(self):
        values = np.float32([[10, 35, 60, 110]])
        assert [pixel[0] for pixel in painted(channel(values, (10, 110), gamma=2))[0]] == [0, 16, 64, 255]
        assert [pixel[0] for pixel in painted(channel(values, (10, 110), gamma=0.5))[0]] == [0, 128, 180, 255]

    def test_values_that_single_precision_cannot_tell_apart(self):
        values = np.int64([[10**12, 10**12 + 1]])
        assert painted(channel(values, (10**12, 10**12 + 1))) == [[[0] * 3, [255] * 3]]

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_looking_up_gives_what_computing_gives(self, dtype):
        values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (300, 300), dtype=dtype)
        settings = {"limits": (20, 0.7 * np.iinfo(dtype).max), "gamma": 0.7, "opacity": 0.8, "lut": MAGENTA}
        looked_up, _ = compose_channels([channel(values, **settings)])
        computed, _ = compose_channels([channel(values[:100, :100].astype(np.float32), **settings)])
        np.testing.assert_array_equal(looked_up[:100, :100], computed)

    def test_colour_map(self):
        assert painted(channel(np.uint8([[0, 100, 255]]), lut=MAGENTA)) == [[[0, 0, 0], [100, 0, 100], [255, 0, 255]]]

    def test_nan_is_transparent_or_has_its_colour(self):
        values = np.float32([[np.nan, 0.2, np.inf, -np.inf]])
        rgb, notes = compose_channels([channel(values, (0, 1))])
        assert rgb[0, :, 0].tolist() == [0, 51, 255, 0]
        assert notes == ("Values that are NaN (1) are shown as the colour map says, black by default.",)
        rgb, _ = compose_channels([channel(values, (0, 1), nan_colour=(1, 0, 0, 1))])
        assert rgb[0, 0].tolist() == [255, 0, 0]

    def test_low_and_high_colours_begin_at_the_limits(self):
        extremes = {"low_colour": (0, 0, 1, 1), "high_colour": (1, 0, 0, 1)}
        row = painted(channel(np.uint16([[10, 11, 59999, 60000, 60001]]), (10, 60000), **extremes))[0]
        assert row == [[0, 0, 255], [0, 0, 0], [255, 255, 255], [255, 0, 0], [255, 0, 0]]

    def test_opacity_darkens(self):
        assert painted(channel(np.uint8([[200]]), opacity=0.5)) == [[[100, 100, 100]]]


class TestRGB:
    def test_plain_8_bit_is_not_copied(self):
        rgb = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
        picture, notes = compose_channels([channel(rgb, lut=None)])
        assert np.shares_memory(picture, rgb)
        assert notes == ()

    def test_a_view_becomes_contiguous(self):
        rgb = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
        picture, _ = compose_channels([channel(rgb.swapaxes(0, 1), lut=None)])
        assert picture.flags.c_contiguous
        np.testing.assert_array_equal(picture, rgb.swapaxes(0, 1))

    def test_contrast_limits_and_gamma_are_for_each_colour(self):
        assert painted(channel(np.uint8([[[100, 150, 200]]]), (100, 200), lut=None, gamma=2)) == [[[0, 64, 255]]]

    def test_floats(self):
        assert painted(channel([[[0.0, 0.2, 2.0]]], (0, 1), lut=None)) == [[[0, 51, 255]]]

    @pytest.mark.parametrize(("dtype", "half"), [("uint8", 51), ("uint16", 13107), ("float32", 0.2), (">u2", 13107)])
    def test_alpha_is_laid_over_black_untouched_by_the_limits(self, dtype, half):
        top = 1 if dtype == "float32" else np.iinfo(dtype).max
        rgba = np.array([[[top, 0, top, top], [top, 0, top, half]]], dtype)
        rgb, notes = compose_channels([channel(rgba, (0, top), lut=None)])
        assert rgb.tolist() == [[[255, 0, 255], [51, 0, 51]]]
        assert notes == ("Transparent pixels (1) are laid over what is below them, or black.",)

    def test_nan_is_black_and_transparent(self):
        rgb, _ = compose_channels([channel([[[np.nan, 1, 1, 1], [1, 1, 1, np.nan]]], (0, 1), lut=None)])
        assert rgb.tolist() == [[[0, 255, 255], [0, 0, 0]]]


class TestBlending:
    below = channel(np.uint8([[100, 200]]))

    @pytest.mark.parametrize(
        ("blending", "opacity", "expected"),
        [
            ("translucent", 1, [40, 40]),
            ("translucent", 0.5, [70, 120]),
            ("translucent_no_depth", 0.5, [70, 120]),
            ("additive", 1, [140, 240]),
            ("additive", 0.5, [120, 220]),
            ("minimum", 0.5, [40, 40]),
            ("opaque", 0.5, [40, 40]),
            ("multiplicative", 0.5, [16, 31]),
        ],
    )
    def test_second_channel(self, blending, opacity, expected):
        above = channel(np.uint8([[40, 40]]), blending=blending, opacity=opacity)
        assert [pixel[0] for pixel in painted(self.below, above)[0]] == expected

    @pytest.mark.parametrize(
        ("blending", "expected"), [("additive", 50), ("translucent", 50), ("minimum", 100), ("multiplicative", 50)]
    )
    def test_the_lowest_channel_does_not_blend_with_the_canvas(self, blending, expected):
        assert painted(channel(np.uint8([[100]]), blending=blending, opacity=0.5)) == [[[expected] * 3]]

    def test_what_is_opaque_lets_less_of_it_be_added_to(self):
        opaque = channel(np.uint8([[200, 200]]), blending="opaque", opacity=0.5)
        added = channel(np.uint8([[40, 40]]), blending="additive")
        assert painted(self.below, opaque, added)[0] == [[140] * 3] * 2
        between = channel(np.uint8([[100, 100]]), opacity=0.25)
        assert painted(self.below, opaque, between, added)[0] == [[171] * 3] * 2

    def test_a_faint_lowest_channel_is_added_to_in_full(self):
        faint = channel(np.uint8([[100, 200]]), opacity=0.5)
        added = channel(np.uint8([[40, 40]]), blending="additive")
        assert painted(faint, added)[0] == [[90] * 3, [140] * 3]

    def test_colours_add_up_and_saturate(self):
        green = channel(np.uint8([[200, 200]]), lut=GREEN)
        magenta = channel(np.uint8([[100, 100]]), lut=MAGENTA, blending="additive")
        grey = channel(np.uint8([[0, 80]]), blending="additive")
        assert painted(green, magenta, grey) == [[[100, 200, 100], [180, 255, 180]]]

    def test_nan_shows_what_is_below(self):
        above = channel(np.float32([[np.nan, 1]]), (0, 1))
        rgb, _ = compose_channels([self.below, above])
        assert rgb[0, :, 0].tolist() == [100, 255]


class TestBlocks:
    def test_blocks_join_without_seam(self, monkeypatch):
        values = np.random.default_rng(0).random((37, 11))
        whole, _ = compose_channels([channel(values, (0, 1)), channel(values.T.reshape(37, 11), (0, 1))])
        monkeypatch.setattr("napari_car.io.composite._BLOCK_PIXELS", 44)
        in_blocks, _ = compose_channels([channel(values, (0, 1)), channel(values.T.reshape(37, 11), (0, 1))])
        np.testing.assert_array_equal(whole, in_blocks)

    def test_a_large_plane_needs_no_float_copy(self):
        values = np.full((3000, 3000), 7, dtype=np.uint16)
        tracemalloc.start()
        compose_channels([channel(values, (0, 255)), channel(values, (0, 255), blending="additive")])
        peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        assert peak_mb < 26 + 40  # the picture has 26 MB, its colours as floating point would have 137


class TestRefusals:
    @pytest.mark.parametrize(
        ("channels", "message"),
        [
            ([], "No image layer is visible"),
            ([channel(np.zeros((2, 2), complex))], "type complex128"),
            ([channel(np.zeros((2, 2, 3)))], "neither a plane of grey values"),
            ([channel(np.zeros((2, 2)), lut=None)], "nor one of RGB"),
            ([channel(np.zeros((2, 2, 2)), lut=None)], "nor one of RGB"),
            ([channel(np.zeros((0, 2)))], "no pixels"),
            ([channel(np.zeros((2, 2))), channel(np.zeros((2, 3)))], "cannot be laid over each other"),
        ],
    )
    def test_one_sentence(self, channels, message):
        with pytest.raises(ImageError, match=message):
            compose_channels(channels)
