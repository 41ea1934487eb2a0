"""Image files of every format become the right RGB, or one clear sentence."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from napari_car.errors import ImageError
from napari_car.io.images import read_image

RNG = np.random.default_rng(7)
SMOOTH = np.add.outer(np.arange(24) * 4, np.arange(40) * 3)[..., None] + np.array([0, 20, 40])
PHOTO = SMOOTH.astype(np.uint8)
GREY16 = (np.arange(24 * 40, dtype=np.uint16).reshape(24, 40) * 4) + 120


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves a Pillow image and gives the path."""

    def save(image, name, **options):
        path = tmp_path / name
        image.save(path, **options)
        return path

    return save


def assert_like(rgb, expected, tolerance=0):
    assert rgb.shape == expected.shape
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert np.abs(rgb.astype(int) - expected.astype(int)).max() <= tolerance


class TestFormats:
    @pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.tga", "a.pcx", "a.jp2"])
    def test_lossless(self, saved, name):
        image = read_image(saved(Image.fromarray(PHOTO), name))
        assert_like(image.rgb, PHOTO)
        assert image.notes == ()
        assert (image.original_dtype, image.original_shape) == ("uint8", (24, 40, 3))
        assert image.original_mode == "RGB"
        assert image.path.name == name

    def test_jpeg(self, saved):
        assert_like(read_image(saved(Image.fromarray(PHOTO), "a.jpg", quality=95)).rgb, PHOTO, tolerance=12)

    def test_webp(self, saved):
        assert_like(read_image(saved(Image.fromarray(PHOTO), "a.webp", lossless=True)).rgb, PHOTO)

    def test_the_ending_of_the_name_does_not_matter(self, saved):
        path = saved(Image.fromarray(PHOTO), "a.png")
        assert_like(read_image(path.rename(path.with_suffix(".jpg"))).rgb, PHOTO)

    def test_a_string_is_a_path(self, saved):
        assert_like(read_image(str(saved(Image.fromarray(PHOTO), "a.png"))).rgb, PHOTO)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_thin_images(self, saved, shape, name):
        pixels = RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)
        assert_like(read_image(saved(Image.fromarray(pixels), name)).rgb, pixels)


class TestModes:
    def test_grey(self, saved):
        image = read_image(saved(Image.fromarray(PHOTO[..., 0]), "a.png"))
        assert_like(image.rgb, np.repeat(PHOTO[..., :1], 3, axis=2))
        assert (image.original_mode, image.original_shape, image.notes) == ("L", (24, 40), ())

    @pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
    def test_one_bit(self, saved, name):
        bits = PHOTO[..., 0] > 80
        assert_like(read_image(saved(Image.fromarray(bits), name)).rgb, np.repeat(bits[..., None] * 255, 3, axis=2))

    @pytest.mark.parametrize("name", ["a.png", "a.tif", "a.gif", "a.bmp"])
    def test_palette(self, saved, name):
        palette = Image.fromarray(PHOTO).quantize(200)
        image = read_image(saved(palette, name))
        assert_like(image.rgb, np.asarray(palette.convert("RGB")))
        assert image.notes == ("palette expanded",)
        assert image.original_shape == (24, 40)

    @pytest.mark.parametrize("name", ["a.png", "a.gif"])
    def test_palette_with_transparency(self, saved, name):
        palette = Image.fromarray(np.uint8([[0, 1], [2, 1]]), "P")
        palette.putpalette([10, 20, 30, 200, 0, 0, 0, 50, 0])
        image = read_image(saved(palette, name, transparency=1))
        white = [255, 255, 255]
        assert image.rgb.tolist() == [[[10, 20, 30], white], [[0, 50, 0], white]]
        assert image.notes[0] == "palette expanded"
        assert image.notes[1].startswith("alpha composited over (255, 255, 255) (50 %")

    @pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
    def test_rgba(self, saved, name):
        alpha = np.full((24, 40, 1), 255, np.uint8)
        alpha[:5] = 0
        rgba = Image.fromarray(np.concatenate([PHOTO, alpha], axis=2))
        options = {"lossless": True} if name.endswith("webp") else {}
        image = read_image(saved(rgba, name, **options))
        assert_like(image.rgb[5:], PHOTO[5:])
        assert (image.rgb[:5] == 255).all()
        assert image.notes == ("alpha composited over (255, 255, 255) (20.8 % of the pixels are not opaque)",)
        assert (read_image(image.path, backdrop=(0, 9, 0)).rgb[:5] == (0, 9, 0)).all()

    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_grey_and_alpha(self, saved, name):
        pixels = np.uint8([[[80, 255], [80, 0]]])
        image = read_image(saved(Image.fromarray(pixels, "LA"), name))
        assert image.rgb[..., 0].tolist() == [[80, 255]]

    def test_transparent_colour_key(self, saved):
        image = read_image(saved(Image.fromarray(np.uint8([[[1, 2, 3], [4, 5, 6]]])), "a.png", transparency=(1, 2, 3)))
        assert image.rgb.tolist() == [[[255, 255, 255], [4, 5, 6]]]

    @pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
    def test_cmyk(self, saved, name):
        inks = np.tile(np.uint8([[[0, 255, 255, 0], [255, 255, 0, 0], [0, 0, 0, 128]]]), (8, 1, 1)).repeat(8, axis=1)
        image = read_image(saved(Image.fromarray(inks, "CMYK"), name))
        assert_like(image.rgb[4:5, 4::8].copy(), np.uint8([[[255, 0, 0], [0, 0, 255], [127, 127, 127]]]), tolerance=12)
        assert image.notes == ("CMYK converted",)

    def test_cmyk_as_pillow_converts_it(self, saved):
        inks = RNG.integers(0, 256, (30, 30, 4), dtype=np.uint8)
        path = saved(Image.fromarray(inks, "CMYK"), "a.tif")
        assert_like(read_image(path).rgb, np.asarray(Image.fromarray(inks, "CMYK").convert("RGB")), tolerance=1)

    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_16_bit_grey(self, saved, name):
        image = read_image(saved(Image.fromarray(GREY16), name), percentiles=(0, 100))
        assert image.rgb[0, 0, 0] == 0
        assert image.rgb[-1, -1, 0] == 255
        assert image.notes == ("16-bit range 120..3956 mapped to 0..255",)
        assert image.original_dtype == "uint16"

    @pytest.mark.parametrize("channels", [2, 3, 4])
    def test_16_bit_colour_png_keeps_its_lower_bytes(self, tmp_path, channels):
        pixels = np.full((24, 40, channels), 65535, np.uint16)
        pixels[..., : channels - (channels != 3)] = GREY16[..., None]
        path = tmp_path / "deep.png"
        path.write_bytes(imagecodecs.png_encode(pixels))
        image = read_image(path, percentiles=(0, 100))
        assert image.original_dtype == "uint16"
        assert image.notes == ("16-bit range 120..3956 mapped to 0..255",)
        assert np.unique(image.rgb).size == 256

    def test_32_bit_float_tiff_with_nan(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.float32([[np.nan, -5], [0, 5]]))
        image = read_image(path)
        assert image.rgb[..., 0].tolist() == [[0, 0], [128, 255]]
        assert image.notes == ("float range -5..5 mapped to 0..255", "NaN shown as black (1 values)")

    def test_uncompressed_ycbcr_tiff_is_left_to_pillow(self, saved):
        image = read_image(saved(Image.fromarray(PHOTO).convert("YCbCr"), "a.tif"))
        assert_like(image.rgb, PHOTO, tolerance=3)

    def test_lab_is_refused(self, saved):
        lab = ImageCms.profileToProfile(
            Image.fromarray(PHOTO), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
        with pytest.raises(ImageError, match=r"a\.tif: colours of mode LAB cannot be shown"):
            read_image(saved(lab, "a.tif"))


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_is_applied_as_pillow_does(self, saved, orientation, name):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = saved(Image.fromarray(PHOTO), name, exif=exif)
        with Image.open(path) as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        image = read_image(path)
        assert_like(image.rgb, expected)
        assert image.notes == (("EXIF rotation applied",) if orientation > 1 else ())
        assert image.original_shape == (24, 40, 3)

    def test_nonsense_counts_as_upright(self, saved):
        exif = Image.Exif()
        exif[0x0112] = 77
        assert_like(read_image(saved(Image.fromarray(PHOTO), "a.png", exif=exif)).rgb, PHOTO)

    @pytest.mark.parametrize("name", ["a.png", "a.webp"])
    def test_damaged_exif_does_not_hide_the_image(self, saved, name):
        image = read_image(saved(Image.fromarray(PHOTO), name, exif=b"Exif\0\0garbage!!"))
        assert image.rgb.shape == PHOTO.shape
        assert image.notes == ("EXIF data ignored: they are damaged",)


class TestFrames:
    def frames(self):
        return [Image.fromarray(np.full((6, 9), 60 * i, np.uint8)) for i in range(4)]

    @pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
    def test_first_frame_of_an_animation(self, saved, name):
        first, *others = self.frames()
        path = saved(first.convert("RGB"), name, save_all=True, append_images=others, duration=50)
        image = read_image(path)
        assert image.rgb.shape == (6, 9, 3)
        assert image.rgb.max() == 0
        assert image.notes[0] == "first of 4 frames"
        assert read_image(path, page=2).rgb[0, 0, 0] == pytest.approx(120, abs=2)
        assert read_image(path, page=2).notes[0] == "frame 2 of 0 to 3"
        with pytest.raises(ImageError, match="no frame 4"):
            read_image(path, page=4)

    @pytest.mark.parametrize(
        "options", [{}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"ome": True, "metadata": {"axes": "ZYX"}}]
    )
    def test_a_stack_is_refused_unless_a_page_is_named(self, tmp_path, options):
        path = tmp_path / "stack.tif"
        tifffile.imwrite(path, np.arange(5, dtype=np.uint8)[:, None, None] + PHOTO[None, ..., 0], **options)
        with pytest.raises(ImageError, match=r"stack\.tif: this is a stack of 5 planes \(axes .YX"):
            read_image(path)
        image = read_image(path, page=3)
        assert_like(image.rgb, np.repeat(PHOTO[..., :1] + 3, 3, axis=2))
        assert image.notes == ("page 3 of 0 to 4",)
        with pytest.raises(ImageError, match="no page 5"):
            read_image(path, page=5)

    def test_first_of_several_separate_images(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            writer.write(PHOTO, photometric="rgb")
            writer.write(PHOTO[:4, :4], photometric="rgb")
        image = read_image(tmp_path / "a.tif")
        assert_like(image.rgb, PHOTO)
        assert image.notes == ("first of 2 images",)


class TestTiff:
    @pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits", "zstd", "lzma"])
    @pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"tile": (16, 16)}, {"byteorder": ">"}])
    def test_storage(self, tmp_path, compression, options):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, PHOTO, photometric="rgb", compression=compression, **options)
        assert_like(read_image(path).rgb, PHOTO)

    def test_jpeg_compression(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, PHOTO, photometric="rgb", compression="jpeg")
        assert_like(read_image(path).rgb, PHOTO, tolerance=25)

    def test_planes_stored_apart(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, PHOTO.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
        assert_like(read_image(path).rgb, PHOTO)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_white_is_zero(self, tmp_path, dtype):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.array([[0, np.iinfo(dtype).max]], dtype), photometric="miniswhite")
        image = read_image(path)
        assert image.rgb[..., 0].tolist() == [[255, 0]]
        assert image.notes[0] == "inverted: the file counts white as 0"

    def test_three_fluorescence_channels_have_contrasts_of_their_own(self, tmp_path):
        path = tmp_path / "a.tif"
        channels = np.stack([GREY16, GREY16 * 10, GREY16 + 7])
        tifffile.imwrite(path, channels, imagej=True, metadata={"axes": "CYX"})
        image = read_image(path, percentiles=(0, 100))
        assert image.rgb[0, 0].tolist() == [0, 0, 0]
        assert image.rgb[-1, -1].tolist() == [255, 255, 255]
        assert image.notes[0] == "3 channels shown as red, green and blue"
        assert len(image.notes) == 4

    def test_two_fluorescence_channels_are_refused(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.zeros((2, 9, 9), np.uint8), imagej=True, metadata={"axes": "CYX"})
        with pytest.raises(ImageError, match="stack of 2 planes"):
            read_image(path)

    def test_near_infrared_beside_rgb_is_ignored(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.dstack([PHOTO, PHOTO[..., 0]]), photometric="rgb", extrasamples=["unspecified"])
        image = read_image(path)
        assert_like(image.rgb, PHOTO)
        assert image.notes == ("1 channels beside red, green and blue ignored",)

    @pytest.mark.parametrize(("dtype", "opaque"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
    def test_colours_multiplied_with_alpha(self, tmp_path, dtype, opaque):
        path = tmp_path / "a.tif"
        unit = np.array([[[0.4, 0, 0, 0.4], [0, 0, 0, 0], [0, 1, 0, 1]]])
        pixels = (unit * opaque).astype(dtype)
        tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=["assocalpha"])
        image = read_image(path, backdrop=(0, 0, 100))
        assert_like(image.rgb, np.uint8([[[102, 0, 60], [0, 0, 100], [0, 255, 0]]]), tolerance=1)

    @pytest.mark.parametrize("options", [{}, {"compression": "group4"}, {"compression": "tiff_lzw"}])
    def test_one_bit_scans(self, saved, options):
        bits = PHOTO[..., 0] > 80
        image = read_image(saved(Image.fromarray(bits), "a.tif", **options))
        assert_like(image.rgb, np.repeat(bits[..., None] * 255, 3, axis=2))


class TestDamage:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("a.png", {}),
            ("a.jpg", {}),
            ("a.webp", {}),
            ("a.gif", {}),
            ("a.bmp", {}),
            ("a.tif", {}),
            ("b.tif", {"compression": "tiff_lzw"}),
            ("c.tif", {"compression": "jpeg"}),
        ],
    )
    def test_a_truncated_file_is_refused_or_read_in_full(self, saved, name, options):
        noise = Image.fromarray(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        path = saved(noise, name, **options)
        whole, content = read_image(path).rgb, path.read_bytes()
        n_refused = 0
        for length in range(1, len(content), max(1, len(content) // 60)):
            path.write_bytes(content[:length])
            try:
                rgb = read_image(path).rgb
            except ImageError as error:
                n_refused += 1
                assert_one_sentence(error, path)
            else:
                np.testing.assert_array_equal(rgb, whole)
        assert n_refused >= 50

    def test_16_bit_colour_png(self, tmp_path):
        content = imagecodecs.png_encode(RNG.integers(0, 65536, (20, 30, 3), dtype=np.uint16))
        path = tmp_path / "deep.png"
        for length in range(9, len(content) - 20, 97):
            path.write_bytes(content[:length])
            with pytest.raises(ImageError):
                read_image(path)

    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a.webp", "a.bmp"])
    def test_flipped_bytes_never_end_in_another_error(self, saved, name):
        path = saved(Image.fromarray(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)), name)
        content = path.read_bytes()
        for _ in range(150):
            damaged = bytearray(content)
            for position in RNG.integers(0, min(len(content), 400), 3):
                damaged[position] = RNG.integers(0, 256)
            path.write_bytes(damaged)
            try:
                read_image(path, max_pixels=1_000_000)
            except ImageError as error:
                assert_one_sentence(error, path)

    @pytest.mark.parametrize(
        "content",
        [
            b"hello",
            b"\x00" * 1000,
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"II*\x00junk",
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
        ],
    )
    def test_what_is_no_image(self, tmp_path, content):
        path = tmp_path / "notes.png"
        path.write_bytes(content)
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert_one_sentence(caught.value, path)

    def test_the_sentence_for_a_text_file(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("not an image")
        with pytest.raises(ImageError, match="this is no image of a known format"):
            read_image(path)


def assert_one_sentence(error, path):
    text = str(error)
    assert str(path) in text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < len(str(path)) + 260


class TestNoFile:
    def test_missing(self, tmp_path):
        with pytest.raises(ImageError, match=r"There is no file .*none\.png"):
            read_image(tmp_path / "none.png")

    def test_below_a_file(self, saved):
        with pytest.raises(ImageError, match="There is no file"):
            read_image(saved(Image.fromarray(PHOTO), "a.png") / "b.png")

    def test_folder(self, tmp_path):
        with pytest.raises(ImageError, match="is a folder, not an image file"):
            read_image(tmp_path)

    def test_empty(self, tmp_path):
        (tmp_path / "a.png").touch()
        with pytest.raises(ImageError, match=r"a\.png is empty"):
            read_image(tmp_path / "a.png")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
    def test_a_pipe_does_not_hang(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match="is not a regular file"):
            read_image(tmp_path / "pipe.png")

    def test_names_no_system_takes(self, tmp_path):
        with pytest.raises(ImageError, match="cannot be opened"):
            read_image("a\0b.png")
        with pytest.raises(ImageError):
            read_image(tmp_path / ("x" * 5000 + ".png"))

    def test_no_permission(self, saved, monkeypatch):
        path = saved(Image.fromarray(PHOTO), "a.png")
        path.chmod(0)
        if os.access(path, os.R_OK):  # root may read everything

            def deny(*args, **kwargs):
                raise PermissionError(13, "Permission denied", str(path))

            monkeypatch.setattr("pathlib.Path.open", deny)
        with pytest.raises(ImageError, match="may not be read: permission is denied"):
            read_image(path)


class TestSize:
    def test_a_ten_gigapixel_bomb_is_refused(self, tmp_path):
        def chunk(kind, content):
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
        path = tmp_path / "bomb.png"
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
        )
        with pytest.raises(ImageError, match="100000 x 100000 pixels, more than the 500 million that are read"):
            read_image(path)
        assert Image.MAX_IMAGE_PIXELS is not None

    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_the_limit_can_be_set(self, saved, name):
        path = saved(Image.fromarray(PHOTO), name)
        with pytest.raises(ImageError, match=r"40 x 24 pixels, more than the 0\.0009 million"):
            read_image(path, max_pixels=900)
        read_image(path, max_pixels=960)

    def test_a_tiff_of_gigapixels_is_refused_before_decoding(self, tmp_path):
        path = tmp_path / "a.tif"
        stream = io.BytesIO()
        tifffile.imwrite(stream, np.zeros((8, 8), np.uint8))
        content = bytearray(stream.getvalue())
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            offsets = [tiff.pages[0].tags[tag].valueoffset for tag in ("ImageWidth", "ImageLength")]
        for offset in offsets:
            content[offset : offset + 2] = struct.pack("<H", 60_000)
        path.write_bytes(content)
        with pytest.raises(ImageError, match="60000 x 60000 pixels"):
            read_image(path)

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory by /proc")
    def test_108_megapixels(self, tmp_path):
        """Read 12,000 x 9,000 px in a process of its own, without a warning, in bounded memory."""
        path = tmp_path / "large.jpg"
        Image.new("RGB", (12_000, 9_000), (10, 200, 30)).save(path, quality=50)
        code = (
            "import sys; from pathlib import Path; from napari_car.io.images import read_image;"
            "image = read_image(sys.argv[1]);"
            # Not ru_maxrss: a child starts with its parent's.
            "lines = Path('/proc/self/status').read_text().splitlines();"
            "peak = next(line for line in lines if line.startswith('VmHWM'));"
            "print(image.rgb.shape, peak.split()[1])"
        )
        command = [sys.executable, "-W", "error", "-c", code, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        shape, kilobytes = done.stdout.rsplit(" ", 1)
        assert shape == "(9000, 12000, 3)"
        assert done.stderr == ""
        assert int(kilobytes) < 1_300_000


def test_reading_does_not_load_torch():
    code = "import sys, napari_car.io; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
