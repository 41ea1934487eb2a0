"""Draw text of any script into a picture, with fonts that come with the dependencies."""

import math
import unicodedata
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageDraw, ImageFont

from napari_car.io.colours import RGB

ASCENT = 1.05
"""Height above the base line, in font sizes."""

DESCENT = 0.35
"""Depth below the base line, in font sizes."""

_ELLIPSIS = "…"
_FIRST_COLUMN_PX = 2  # some letters reach a little to the left of where they start


@runtime_checkable
class Font(Protocol):
    """A font that measures and draws one line."""

    def has_glyph(self, character: str) -> bool:
        """Tell whether the font can draw a character."""
        ...

    def width_px(self, text: str, size_px: int) -> int:
        """Return the width of a line."""
        ...

    def paint(self, ink: UInt8[np.ndarray, "h w"], text: str, origin: tuple[int, int], size_px: int) -> None:
        """Draw a line in white, its base line starting at `origin` (row, col)."""
        ...


@lru_cache(maxsize=1)
def default_font() -> Font:
    """Return OpenCV 5's font (Latin, Greek, Cyrillic, Arabic, CJK), or Pillow's (ASCII) beside an older OpenCV."""
    return _OpenCvFont() if hasattr(cv2, "FontFace") else _PillowFont()


def printable(text: str, font: Font) -> str:
    """Return the text in characters that the font has, on one line.

    What it lacks becomes its base letter (é: e), its Unicode name in brackets (an emoji), or a question mark.
    """
    return " ".join("".join(_drawable(character, font) for character in unicodedata.normalize("NFC", text)).split())


def wrap(text: str, size_px: int, max_width_px: int, max_lines: int, font: Font) -> list[str]:
    """Break a printable text into lines, between words where possible; an ellipsis ends what does not fit."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < max_lines:
        n_fitting = _count_fitting(rest, size_px, max_width_px, font)
        if n_fitting < len(rest):
            space = rest.rfind(" ", 1, n_fitting + 1)
            n_fitting = space if space > 0 else n_fitting
        lines.append(rest[:n_fitting].rstrip())
        rest = rest[n_fitting:].lstrip()
    if rest:
        last = lines[-1]
        while last and font.width_px(last + _ELLIPSIS, size_px) > max_width_px:
            last = last[:-1].rstrip()
        lines[-1] = last + _ELLIPSIS
    return lines or [""]


def draw_text(
    canvas: UInt8[np.ndarray, "H W 3"], text: str, origin: tuple[int, int], size_px: int, colour: RGB, font: Font
) -> None:
    """Draw a printable text onto a canvas in place, its base line starting at `origin` (row, col)."""
    above, below = math.ceil(ASCENT * size_px), math.ceil(DESCENT * size_px)
    ink = np.zeros((above + below, font.width_px(text, size_px) + 2 * _FIRST_COLUMN_PX), dtype=np.uint8)
    font.paint(ink, text, (above, _FIRST_COLUMN_PX), size_px)
    blend(canvas, ink / np.float32(255), (origin[0] - above, origin[1] - _FIRST_COLUMN_PX), colour)


def blend(
    canvas: UInt8[np.ndarray, "H W 3"],
    coverage: Float32[np.ndarray, "h w"],
    corner: tuple[int, int],
    colour: RGB,
) -> None:
    """Lay a colour over a canvas in place, as far as `coverage` (h, w) in [0, 1] says, its corner at (row, col)."""
    top, left = corner
    rows = slice(max(0, top), max(0, min(canvas.shape[0], top + coverage.shape[0])))
    cols = slice(max(0, left), max(0, min(canvas.shape[1], left + coverage.shape[1])))
    share = coverage[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left, np.newaxis]
    if share.size:
        below = canvas[rows, cols]
        canvas[rows, cols] = below + share * (np.array(colour, dtype=np.float32) - below) + np.float32(0.5)


class _OpenCvFont:
    """The outline font inside OpenCV 5."""

    def __init__(self) -> None:
        self._face = cv2.FontFace("uni")

    @lru_cache(maxsize=4096)  # noqa: B019 - there is one instance for the life of the program
    def has_glyph(self, character: str) -> bool:
        # Lone surrogates crash OpenCV; of a character without glyph it draws a question mark.
        if unicodedata.category(character) in ("Cs", "Cc", "Cn", "Co", "Cf"):
            return False
        return character == "?" or not np.array_equal(self._sample(character), self._sample("?"))

    def width_px(self, text: str, size_px: int) -> int:
        if not text:
            return 0
        return int(cv2.getTextSize((0, 0), text, (0, 0), self._face, size_px)[2])

    def paint(self, ink: UInt8[np.ndarray, "h w"], text: str, origin: tuple[int, int], size_px: int) -> None:
        cv2.putText(ink, text, origin[::-1], (255,), self._face, size_px)

    def _sample(self, character: str) -> UInt8[np.ndarray, "40 60"]:
        ink = np.zeros((40, 60), dtype=np.uint8)
        self.paint(ink, character, (30, 10), 24)
        return ink


class _PillowFont:
    """The font inside Pillow; without FreeType a bitmap font of one size."""

    @lru_cache(maxsize=4096)  # noqa: B019
    def has_glyph(self, character: str) -> bool:
        return " " <= character <= "~" or character == _ELLIPSIS

    def width_px(self, text: str, size_px: int) -> int:
        return math.ceil(float(self._face(size_px).getlength(text)))

    def paint(self, ink: UInt8[np.ndarray, "h w"], text: str, origin: tuple[int, int], size_px: int) -> None:
        page = Image.fromarray(ink)
        face = self._face(size_px)
        anchor = "ls" if isinstance(face, ImageFont.FreeTypeFont) else None
        top = origin[0] if anchor else origin[0] - size_px
        ImageDraw.Draw(page).text((origin[1], top), text, fill=255, font=face, anchor=anchor)
        ink[:] = np.asarray(page)

    @staticmethod
    @lru_cache(maxsize=8)
    def _face(size_px: int) -> Any:
        return ImageFont.load_default(size_px)


def _drawable(character: str, font: Font) -> str:
    """Return the character or what stands for it."""
    if character.isspace() or unicodedata.category(character) == "Cc":
        return " "
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""  # joiners and variation selectors
    if font.has_glyph(character):
        return character
    base = "".join(part for part in unicodedata.normalize("NFKD", character) if font.has_glyph(part))
    if base:
        return base
    if unicodedata.category(character) == "So":
        return f"[{unicodedata.name(character, '?').lower()}]"
    return "?"


def _count_fitting(text: str, size_px: int, max_width_px: int, font: Font) -> int:
    """Return how many leading characters fit into a width, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.width_px(text[:middle], size_px) <= max_width_px:
            low = middle
        else:
            high = middle - 1
    return low
