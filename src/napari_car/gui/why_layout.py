"""Where things stand in a row of the why view."""

from dataclasses import dataclass

from qtpy.QtCore import QPoint, QRect, QSize, Qt
from qtpy.QtGui import QFontMetrics

from .why_steps import VERDICTS, WhyItem

REASON_FLAGS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
_PICTURE_EM, _WIDE_EM, _READABLE_EM = 5.5, 32, 8
"""Longer side of a picture, width from which on pictures stand at the left, and narrowest column of text, in ems."""


@dataclass(frozen=True, slots=True)
class RowFrame:
    """What is the same in all rows: rectangles from a row's upper left corner."""

    swatch: QRect
    name: QRect
    verdict: QRect
    track: QRect
    """Of the bar: scores of 0 to 1."""
    rival_track: QRect
    number: QRect
    mask: QRect
    prompted: QRect
    beside: QRect
    """The line of text that starts beside the pictures."""
    below: QRect
    """The line of text that starts below them."""
    can_be_beside: bool
    """Whether the column beside the pictures is wide enough for text."""
    margin: int


@dataclass(frozen=True, slots=True)
class RowLayout:
    """What is a row's own, besides its frame."""

    frame: RowFrame
    bar: QRect
    """As far as the score reaches."""
    rival_bar: QRect
    threshold_x: int
    reason: QRect
    height: int


def lay_out_frame(width: int, image_size: QSize, metrics: QFontMetrics) -> RowFrame:
    """Lay out rows of a width: pictures at the left of a wide one, below name and bar in a narrow one."""
    em, gap = metrics.height(), metrics.height() // 3
    pad = em // 2
    left, right = pad + gap, max(width - pad, pad + 10 * em)
    side = round(_PICTURE_EM * em)
    picture = image_size.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
    is_wide = width >= _WIDE_EM * em
    column_left = left + 2 * (picture.width() + gap) + gap if is_wide else left
    bar_top, head_bottom = pad + em + gap, pad + 2 * em + gap
    mask = QRect(QPoint(left, pad if is_wide else head_bottom + gap), picture)
    prompted = mask.translated(picture.width() + gap, 0)
    swatch_side = round(0.8 * em)
    swatch = QRect(column_left, pad + (em - swatch_side) // 2, swatch_side, swatch_side)
    verdict = _at_right(right, pad, max(map(metrics.horizontalAdvance, VERDICTS.values())), em)
    number = _at_right(right, bar_top, metrics.horizontalAdvance("0.00"), em)
    name_left = swatch.right() + 1 + gap
    thick, thin = round(0.5 * em), max(2, round(0.2 * em))
    track = QRect(column_left, bar_top + (em - thick - thin - 1) // 2, number.left() - gap - column_left, thick)
    beside_left = prompted.right() + 1 + 2 * gap
    return RowFrame(
        swatch=swatch,
        name=QRect(name_left, pad, verdict.left() - gap - name_left, em),
        verdict=verdict,
        track=track,
        rival_track=QRect(track.left(), track.bottom() + 2, track.width(), thin),
        number=number,
        mask=mask,
        prompted=prompted,
        beside=QRect(QPoint(beside_left, head_bottom + gap), QPoint(right, head_bottom + gap + em)),
        below=QRect(QPoint(left, prompted.bottom() + gap), QPoint(right, prompted.bottom() + gap + em)),
        can_be_beside=right - beside_left >= _READABLE_EM * em,
        margin=pad,
    )


def lay_out_row(frame: RowFrame, item: WhyItem, metrics: QFontMetrics) -> RowLayout:
    """Lay out a row: its bars, and the lines of its reason, below the pictures if a word is too long otherwise."""
    reason = _text_rect(item, frame.beside, metrics) if frame.can_be_beside else None
    if reason is None or reason.width() > frame.beside.width():
        reason = _text_rect(item, frame.below, metrics)
    rival = item.query.rival
    return RowLayout(
        frame=frame,
        bar=_filled(item.query.score, frame.track),
        rival_bar=_filled(rival.probability if rival else 0.0, frame.rival_track),
        threshold_x=frame.track.left() + round(item.step.score_threshold * frame.track.width()),
        reason=reason,
        height=max(frame.prompted.bottom(), reason.bottom(), frame.number.bottom()) + 1 + frame.margin,
    )


def _at_right(right: int, top: int, width: int, height: int) -> QRect:
    """Return a rectangle that ends at the right, with room for the edges of letters."""
    return QRect(right - width - 2, top, width + 3, height)


def _filled(share: float, track: QRect) -> QRect:
    """Return a share of a track."""
    return QRect(track.left(), track.top(), round(share * track.width()), track.height())


def _text_rect(item: WhyItem, line: QRect, metrics: QFontMetrics) -> QRect:
    """Return the place of the reason, from the top of a line and as wide; wider if a word does not fit."""
    room = QRect(0, 0, max(1, line.width()), 100 * metrics.height())
    bounds = metrics.boundingRect(room, REASON_FLAGS, item.query.reason)
    return QRect(line.left(), line.top(), max(line.width(), bounds.width()), bounds.height())
