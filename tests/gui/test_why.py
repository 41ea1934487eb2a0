"""The why view, without a viewer: what it shows, where things stand, what can be clicked on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QRect, QSize, Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QApplication, QLabel, QToolButton

from napari_car.annotation.explain import QueryView, Rival, StepView
from napari_car.gui.why import ReadingAid, StepsList, WhyView
from napari_car.gui.why_layout import RowLayout, lay_out_frame, lay_out_row
from napari_car.gui.why_pictures import MAX_PIXMAPS, PicturePopup, PixmapCache, draw_picture
from napari_car.gui.why_steps import ITEM_ROLE, WhyItem

pytestmark = pytest.mark.gui

COLOURS = {0: (230, 159, 0), 1: (86, 180, 233), 2: (0, 158, 115)}
DISPLAY, TIP, SPOKEN = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
)


def query_view(query: int, text: str, score: float, rival: float = 0.3, share: float = 0.25) -> QueryView:
    survives = score >= 0.5
    return QueryView(
        query=query,
        text=text,
        score=score,
        survives=survives,
        rival=Rival("wall", rival, True),
        share=share,
        reason=f"Its mask looks {'' if survives else 'more '}like something.",
        score_map=np.tile(np.linspace(0, 255, 40).astype(np.uint8), (30, 1)),
        prompted_thumbnail=np.full((30, 40, 3), 7, dtype=np.uint8),
    )


def step_view(index: int, *rows: QueryView) -> StepView:
    return StepView(index, None, rows, np.full((30, 40, 3), 80, dtype=np.uint8), 0.5, 0.5)


STEPS = (
    step_view(1, query_view(0, "sofa", 0.2, 0.6), query_view(1, "cat", 0.9), query_view(2, "lamp", 0.7)),
    step_view(2, query_view(1, "cat", 0.95), query_view(2, "lamp", 0.4)),
)


@pytest.fixture
def view(qtbot: Any) -> WhyView:
    view = WhyView()
    qtbot.addWidget(view)
    view.resize(360, 500)
    view.show()
    return view


def shown(view: WhyView, role: int = DISPLAY) -> list[Any]:
    return [view.steps.index(row).data(role) for row in range(view.steps.rowCount())]


def visible_sentence(view: WhyView) -> str:
    aid = view.findChild(ReadingAid)
    labels = [label for label in view.findChildren(QLabel) if label.parent() is not aid and label.isVisible()]
    return " ".join(label.text() for label in labels)


def list_of(view: WhyView) -> StepsList:
    found: StepsList = view.findChild(StepsList)
    return found


def laid_out(width: int, item: WhyItem, qapp: QApplication) -> RowLayout:
    metrics = QFontMetrics(qapp.font())
    height_px, width_px = item.step.thumbnail.shape[:2]
    return lay_out_row(lay_out_frame(width, QSize(width_px, height_px), metrics), item, metrics)


def place_on(view: WhyView, row: int, part: str) -> QPoint:
    steps = list_of(view)
    layout: RowLayout = steps.itemDelegate().layout_of(view.steps.index(row), steps)  # type: ignore[union-attr]
    return (
        steps.visualRect(view.steps.index(row)).topLeft()
        + (layout.reason if part == "reason" else getattr(layout.frame, part)).center()
    )


def test_it_says_what_it_is_for_until_there_are_steps(view: WhyView) -> None:
    assert "why each query was kept or dropped" in visible_sentence(view)
    view.start(COLOURS)
    assert visible_sentence(view) == "No time step is finished yet."
    view.add_step(STEPS[0])
    assert visible_sentence(view) == ""
    assert list_of(view).isVisible()
    view.clear()
    assert "Press Segment" in visible_sentence(view)
    assert view.steps.rowCount() == 0


def test_each_step_is_a_heading_with_its_queries(view: WhyView) -> None:
    view.show_run(STEPS, COLOURS)
    assert shown(view) == [
        "Step 1 — 3 queries, 1 dropped",
        "sofa",
        "cat",
        "lamp",
        "Step 2 — 2 queries, 1 dropped",
        "cat",
        "lamp",
    ]
    items = [item for item in shown(view, ITEM_ROLE) if item is not None]
    assert [item.verdict for item in items] == ["✗ dropped", "✓ kept", "✓ kept", "✓ kept", "✗ dropped"]
    assert [item.colour for item in items] == [COLOURS[i] for i in (0, 1, 2, 1, 2)]
    assert shown(view, TIP)[1] == "sofa: Its mask looks more like something. Its mask covers 25.0% of the image."
    assert shown(view, SPOKEN)[1] == (
        "sofa, dropped in step 1, score 0.20, threshold 0.50. Its mask looks more like something. "
        "Its mask covers 25.0% of the image."
    )
    assert shown(view, SPOKEN)[4] == "Step 2 — 2 queries, 1 dropped"


@pytest.mark.parametrize(("share", "words"), [(0.0, "is empty"), (0.0001, "a few pixels"), (0.0312, "3.1%")])
def test_the_size_of_a_mask_is_told(share: float, words: str) -> None:
    assert words in WhyItem(STEPS[0], query_view(0, "sofa", 0.9, share=share), COLOURS[0]).extent


def test_a_step_of_another_image_takes_the_place_of_the_first(view: WhyView) -> None:
    view.show_run(STEPS, COLOURS)
    view.highlight(1)
    view.clear_steps()
    assert view.steps.rowCount() == 0
    view.add_step(STEPS[1])
    assert shown(view)[1:] == ["cat", "lamp"]
    assert list_of(view).itemDelegate().highlighted == 1  # type: ignore[union-attr]
    view.start(COLOURS)
    assert list_of(view).itemDelegate().highlighted is None  # type: ignore[union-attr]


def test_other_colours_are_shown_at_once(view: WhyView) -> None:
    view.show_run(STEPS, COLOURS)
    before = view.grab().toImage()
    view.set_colours({**COLOURS, 1: (1, 2, 3)})
    assert view.grab().toImage() != before
    assert [item.colour for item in shown(view, ITEM_ROLE) if item is not None and item.query.text == "cat"] == [
        (1, 2, 3)
    ] * 2
    assert view.steps.rowCount() == 7


@pytest.mark.parametrize("width", [200, 330, 360, 600, 1200])
@pytest.mark.parametrize("score", [0.0, 0.22, 0.5, 1.0])
def test_bars_are_as_long_as_scores(qapp: QApplication, width: int, score: float) -> None:
    row = laid_out(width, WhyItem(STEPS[0], query_view(0, "sofa", score, rival=0.4), COLOURS[0]), qapp)
    track = row.frame.track
    assert track.width() > 0
    assert row.bar.width() == pytest.approx(score * track.width(), abs=0.5)
    assert row.rival_bar.width() == pytest.approx(0.4 * track.width(), abs=0.5)
    assert row.threshold_x - track.left() == pytest.approx(0.5 * track.width(), abs=0.5)
    assert row.bar.topLeft() == track.topLeft()
    assert row.rival_bar.left() == track.left()


@pytest.mark.parametrize("width", [330, 360, 600, 1200])
@pytest.mark.parametrize("shape", [(30, 40), (100, 20), (20, 100), (1, 500)])
def test_nothing_in_a_row_overlaps_or_is_cut_off(qapp: QApplication, width: int, shape: tuple[int, int]) -> None:
    step = StepView(1, None, (), np.zeros((*shape, 3), np.uint8), 0.5, 0.5)
    row = laid_out(width, WhyItem(step, query_view(0, "sofa " * 30, 0.2), COLOURS[0]), qapp)
    frame = row.frame
    above: list[QRect] = [frame.swatch, frame.name, frame.verdict, frame.track, frame.rival_track, frame.number]
    parts = [*above, frame.mask, frame.prompted, row.reason]
    for i, part in enumerate(parts):
        assert part.width() > 0
        assert part.left() >= 0
        assert part.right() <= width
        assert part.bottom() < row.height
        assert not any(part.intersects(other) for other in parts[i + 1 :])
    assert frame.mask.width() / frame.mask.height() == pytest.approx(shape[1] / shape[0], rel=0.2) or 1 in shape


def test_long_words_get_the_whole_width(qapp: QApplication) -> None:
    item = WhyItem(STEPS[0], query_view(0, "sofa", 0.2), COLOURS[0])
    row = laid_out(360, item, qapp)
    assert row.reason.left() > row.frame.prompted.right()
    long = replace(item, query=replace(item.query, reason="Rindfleischetikettierungsueberwachung"))
    row = laid_out(360, long, qapp)
    assert row.reason.top() > row.frame.prompted.bottom()


def test_rows_grow_when_lines_break(view: WhyView, qtbot: Any) -> None:
    view.resize(900, 500)
    view.show_run(STEPS, COLOURS)
    steps = list_of(view)
    qtbot.waitUntil(lambda: steps.visualRect(view.steps.index(1)).height() > 0)
    wide = steps.visualRect(view.steps.index(1)).height()
    view.resize(330, 500)
    qtbot.waitUntil(lambda: steps.visualRect(view.steps.index(1)).height() > wide)
    layout = steps.itemDelegate().layout_of(view.steps.index(1), steps)  # type: ignore[union-attr]
    assert steps.visualRect(view.steps.index(1)).height() == layout.height


def test_clicking_a_row_chooses_its_query_in_all_steps(view: WhyView, qtbot: Any) -> None:
    view.show_run(STEPS, COLOURS)
    chosen: list[int] = []
    view.chosen.connect(chosen.append)
    qtbot.mouseClick(list_of(view).viewport(), Qt.MouseButton.LeftButton, pos=place_on(view, 2, "name"))
    assert chosen == [1]
    assert list_of(view).itemDelegate().highlighted == 1  # type: ignore[union-attr]
    qtbot.keyClick(list_of(view), Qt.Key.Key_Down)
    assert chosen == [1, 2]
    qtbot.keyClick(list_of(view), Qt.Key.Key_Down)  # a heading
    assert chosen == [1, 2]


def test_highlighting_shows_a_row_of_the_query_and_says_nothing(view: WhyView) -> None:
    many = step_view(1, *(query_view(i, f"query {i}", 0.9) for i in range(60)))
    view.show_run([many], dict.fromkeys(range(60), (9, 9, 9)))
    chosen: list[int] = []
    view.chosen.connect(chosen.append)
    view.highlight(50)
    rect = list_of(view).visualRect(view.steps.index(51))
    assert list_of(view).viewport().rect().intersects(rect)  # type: ignore[union-attr]
    assert chosen == []
    view.highlight(None)
    assert list_of(view).itemDelegate().highlighted is None  # type: ignore[union-attr]


def test_the_list_follows_a_run_until_a_person_scrolls(view: WhyView) -> None:
    steps = [step_view(t, *(query_view(i, f"query {i}", 0.9) for i in range(12))) for t in (1, 2, 3)]
    view.start(dict.fromkeys(range(12), (9, 9, 9)))
    view.add_step(steps[0])
    assert list_of(view).indexAt(QPoint(5, 5)).data() == steps[0].heading
    view.add_step(steps[1])
    assert list_of(view).indexAt(QPoint(5, 5)).data() == steps[1].heading
    bar = list_of(view).verticalScrollBar()
    assert bar is not None
    bar.setValue(30)
    view.add_step(steps[2])
    assert bar.value() == 30


@pytest.mark.parametrize("by_key", [False, True])
def test_pictures_can_be_enlarged(view: WhyView, qtbot: Any, by_key: bool) -> None:
    view.show_run(STEPS, COLOURS)
    steps = list_of(view)
    if by_key:
        steps.setCurrentIndex(view.steps.index(1))
        qtbot.keyClick(steps, Qt.Key.Key_Return)
    else:
        qtbot.mouseClick(steps.viewport(), Qt.MouseButton.LeftButton, pos=place_on(view, 1, "prompted"))
    (popup,) = steps.findChildren(PicturePopup)
    assert popup.isVisible()
    texts = [label.text() for label in popup.findChildren(QLabel)]
    assert "Mask of sofa" in texts
    assert "✗ dropped in step 1. Its mask looks more like something. Its mask covers 25.0% of the image." in texts
    qtbot.mouseClick(popup, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not steps.findChildren(PicturePopup))


def test_clicking_beside_the_pictures_enlarges_nothing(view: WhyView, qtbot: Any) -> None:
    view.show_run(STEPS, COLOURS)
    for part in ("name", "track", "reason"):
        qtbot.mouseClick(list_of(view).viewport(), Qt.MouseButton.LeftButton, pos=place_on(view, 1, part))
    qtbot.mouseClick(list_of(view).viewport(), Qt.MouseButton.LeftButton, pos=QPoint(20, 5))  # a heading
    assert not list_of(view).findChildren(PicturePopup)


def test_pictures_are_those_of_the_step(qapp: QApplication) -> None:
    item = WhyItem(STEPS[0], STEPS[0].rows[0], COLOURS[0])
    frame = laid_out(400, item, qapp).frame
    prompted = draw_picture(item, "prompted", frame.prompted.size(), 2.0)
    assert prompted.size() == 2 * frame.prompted.size()
    assert prompted.toImage().pixelColor(5, 5).getRgb()[:3] == (7, 7, 7)
    mask = draw_picture(item, "mask", frame.mask.size(), 1.0).toImage()
    expected = STEPS[0].mask_thumbnail(item.query, COLOURS[0])
    inside = mask.pixelColor(mask.width() * 3 // 4, mask.height() // 2).getRgb()[:3]
    np.testing.assert_allclose(inside, expected[15, 30], atol=12)


def test_pictures_seen_long_ago_are_forgotten(qapp: QApplication) -> None:
    cache, item = PixmapCache(), WhyItem(STEPS[0], STEPS[0].rows[0], COLOURS[0])
    size = laid_out(400, item, qapp).frame.mask.size()
    first = cache.get(0, item, "mask", size, 1.0)
    for row in range(1, MAX_PIXMAPS):
        cache.get(row, item, "mask", size, 1.0)
    assert cache.get(0, item, "mask", size, 1.0).cacheKey() == first.cacheKey()
    cache.get(MAX_PIXMAPS, item, "mask", size, 1.0)
    assert cache.get(0, item, "mask", size, 1.0).cacheKey() == first.cacheKey()
    assert len(cache) == MAX_PIXMAPS


def test_the_way_to_read_it_unfolds(view: WhyView, qtbot: Any) -> None:
    aid = view.findChild(ReadingAid)
    paragraph = aid.findChild(QLabel)
    assert not paragraph.isVisible()
    qtbot.mouseClick(aid.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert paragraph.isVisible()
    assert "strongest of those rivals" in paragraph.text()
