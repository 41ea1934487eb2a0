"""Text of any script can be measured, wrapped and drawn."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.io import lettering
from napari_car.io.lettering import draw_text, printable, wrap

FONTS = [lettering._PillowFont()]
if hasattr(cv2, "FontFace"):
    FONTS.append(lettering._OpenCvFont())

fonts = pytest.mark.parametrize("font", FONTS, ids=lambda font: type(font).__name__)
opencv_font = pytest.mark.skipif(not hasattr(cv2, "FontFace"), reason="OpenCV is older than 5")


def test_the_default_font_fits_the_opencv():
    assert isinstance(lettering.default_font(), type(FONTS[-1]))


@fonts
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red cell", "red cell"),
        ("  two\n\tlines ", "two lines"),
        ("dog \N{DOG FACE}", "dog [dog face]"),
        ("\N{MAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}\ufe0f", "[man][personal computer]"),
        ("\ud800", "?"),
        ("\U000e0fff\uffff", "??"),
        ("a\0b", "a b"),
        ("", ""),
    ],
)
def test_printable(font, text, expected):
    assert printable(text, font) == expected


def test_what_pillow_lacks_becomes_base_letters():
    assert printable("émigré, 猫, e\N{COMBINING ACUTE ACCENT}", FONTS[0]) == "emigre, ?, e"


@opencv_font
@pytest.mark.parametrize("text", ["émigré", "ядро", "μ-Opiat", "細胞", "核", "→"])
def test_opencv_writes_more_than_ascii(text):
    assert printable(text, FONTS[-1]) == text


@opencv_font
def test_decomposed_letters_are_composed():
    assert printable("e\N{COMBINING ACUTE ACCENT}", FONTS[-1]) == "é"


@fonts
@settings(deadline=None)
@given(text=st.text(st.characters(categories=None), max_size=60), size_px=st.integers(8, 40))
def test_any_text_is_drawn_within_its_box(font, text, size_px):
    shown = printable(text, font)
    canvas = np.full((90, 300, 3), 250, np.uint8)
    draw_text(canvas, shown, (60, 20), size_px, (0, 0, 0), font)
    width = font.width_px(shown, size_px)
    assert (canvas[:, : 20 - 3] == 250).all()
    assert (canvas[:, 20 + width + 4 :] == 250).all()
    if any(character.isalpha() and character.isascii() for character in shown):
        assert canvas.min() < 120


@fonts
@settings(deadline=None)
@given(text=st.text("ab cé猫", max_size=60), max_width_px=st.integers(40, 200), max_lines=st.integers(1, 4))
def test_wrapped_lines_fit(font, text, max_width_px, max_lines):
    shown = printable(text, font)
    lines = wrap(shown, 14, max_width_px, max_lines, font)
    assert 1 <= len(lines) <= max_lines
    assert all(font.width_px(line, 14) <= max_width_px for line in lines)
    joined = "".join(lines).replace(" ", "")
    if lines[-1].endswith("…"):
        assert shown.replace(" ", "").startswith(joined[:-1])
    else:
        assert joined == shown.replace(" ", "")


@fonts
def test_lines_break_between_words(font):
    assert wrap("the tall man in a coat", 14, font.width_px("the tall man ", 14), 9, font) == [
        "the tall man",
        "in a coat",
    ]


def test_text_beyond_the_canvas_is_cut():
    canvas = np.zeros((10, 10, 3), np.uint8)
    for origin in ((-50, -50), (5, -4), (500, 500), (12, 4)):
        draw_text(canvas, "wide text", origin, 20, (255, 255, 255), FONTS[-1])
    assert canvas.any()
