"""The list of queries as Qt's views see it."""

import pytest
from pytestqt.modeltest import ModelTester
from qtpy.QtCore import QModelIndex, QPersistentModelIndex, Qt

from napari_car.annotation.sheet import QuerySheet
from napari_car.gui.query_cells import Column
from napari_car.gui.query_model import QueryModel

pytestmark = pytest.mark.gui

TOP = QModelIndex()


@pytest.fixture
def model(qapp: object) -> QueryModel:
    model = QueryModel()
    model.set_sheet(QuerySheet().added("leaf | foliage, stem, soil, sky")[0])
    return model


def order(model: QueryModel) -> list[int]:
    return [entry.id for entry in model.sheet.entries]


def test_it_is_a_sound_model(model: QueryModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(model)


@pytest.mark.parametrize(
    ("row", "count", "child", "expected"),
    [
        (0, 1, 2, [2, 1, 3, 4]),
        (1, 1, 0, [2, 1, 3, 4]),
        (3, 1, 0, [4, 1, 2, 3]),
        (0, 2, 4, [3, 4, 1, 2]),
        (1, 2, 0, [2, 3, 1, 4]),
    ],
)
def test_rows_are_moved(model: QueryModel, row: int, count: int, child: int, expected: list[int]) -> None:
    edits: list[QuerySheet] = []
    model.edited.connect(edits.append)
    assert model.moveRows(TOP, row, count, TOP, child)
    assert order(model) == expected
    assert edits == [model.sheet]


@pytest.mark.parametrize(("row", "count", "child"), [(1, 1, 1), (1, 1, 2), (0, 3, 2), (4, 1, 0)])
def test_rows_that_stay_are_not_moved(model: QueryModel, row: int, count: int, child: int) -> None:
    assert not model.moveRows(TOP, row, count, TOP, child)
    assert order(model) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("rows", "target", "expected"),
    [([0], 2, [2, 1, 3, 4]), ([3, 0], 1, [1, 4, 2, 3]), ([1, 2], -1, [1, 4, 2, 3]), ([2], 0, [3, 1, 2, 4])],
)
def test_dragged_rows_land_where_they_are_dropped(
    model: QueryModel, rows: list[int], target: int, expected: list[int]
) -> None:
    data = model.mimeData([model.index(row, column) for row in rows for column in Column])
    assert model.canDropMimeData(data, Qt.DropAction.MoveAction, target, 0, TOP)
    assert model.dropMimeData(data, Qt.DropAction.MoveAction, target, 0, TOP)
    assert order(model) == expected


def test_rows_of_another_list_are_not_taken(model: QueryModel) -> None:
    other = QueryModel()
    other.set_sheet(model.sheet)
    data = other.mimeData([other.index(0, 0)])
    assert not model.canDropMimeData(data, Qt.DropAction.MoveAction, 2, 0, TOP)
    assert not model.dropMimeData(data, Qt.DropAction.MoveAction, 2, 0, TOP)
    assert order(model) == [1, 2, 3, 4]


def test_indexes_follow_their_entries(model: QueryModel) -> None:
    stem, soil = (QPersistentModelIndex(model.index(row, Column.TEXT)) for row in (1, 2))
    model.apply(model.sheet.moved(2, 0).removed([3]))
    assert (stem.row(), soil.isValid()) == (0, False)
    model.apply(model.sheet.added("bud")[0])
    assert stem.data() == "stem"


def test_cells(model: QueryModel) -> None:
    model.apply(model.sheet.changed(1, role="background", enabled=False, text="<b>leaf</b>"))
    check = Qt.ItemDataRole.CheckStateRole
    assert model.index(0, Column.TEXT).data() == "<b>leaf</b> | foliage"
    assert model.index(0, Column.ENABLED).data(check) == Qt.CheckState.Unchecked
    assert model.index(0, Column.ROLE).data(check) == Qt.CheckState.Checked
    assert model.index(0, Column.GROUP).data() is None
    assert model.index(1, Column.GROUP).data() == "thing"
    assert model.index(1, Column.COLOUR).data(Qt.ItemDataRole.DecorationRole).getRgb()[:3] == model.sheet.colours[2]
    tips = [[model.index(row, column).data(Qt.ItemDataRole.ToolTipRole) for column in Column] for row in (0, 1)]
    assert "&lt;b&gt;leaf" in tips[0][Column.TEXT]
    assert "foliage" in tips[0][Column.TEXT]
    assert "gets no mask" in tips[0][Column.TEXT]
    assert "Label 2" in tips[1][Column.TEXT]
    assert "leaves it out" in tips[0][Column.ENABLED]
    assert "uses it" in tips[1][Column.ENABLED]


def test_verdicts_go_when_words_change(model: QueryModel) -> None:
    model.set_verdicts({1: "present", 2: "absent", 3: "uncertain", 9: "present"})
    assert [model.index(row, Column.VERDICT).data() for row in range(4)] == ["✓", "✗", "?", None]
    assert "Not found" in model.index(1, Column.VERDICT).data(Qt.ItemDataRole.ToolTipRole)
    model.apply(model.sheet.changed(1, text="blade").changed(2, enabled=False).moved(3, 0).removed([4]))
    assert model.verdicts == {2: "absent", 3: "uncertain"}


def test_an_edit_that_changes_nothing_is_none(model: QueryModel) -> None:
    edits: list[QuerySheet] = []
    model.edited.connect(edits.append)
    assert model.setData(model.index(0, Column.TEXT), "leaf | foliage")
    assert model.change([1], enabled=True)
    assert edits == []
    assert not model.can_undo


def test_several_entries_change_in_one_edit(model: QueryModel) -> None:
    model.change([1, 3], enabled=False)
    assert model.sheet.query_ids == (2, 4)
    model.undo()
    assert model.sheet.query_ids == (1, 2, 3, 4)


def test_a_refused_edit_says_why(model: QueryModel) -> None:
    said: list[str] = []
    model.refused.connect(said.append)
    before = model.sheet
    assert not model.setData(model.index(1, Column.TEXT), "Foliage")
    assert not model.change([1, 2], text="moss")
    assert model.sheet == before
    assert said[0] == '"Foliage" is in the list already, as a synonym of "leaf".'
    assert len(said) == 2


def test_another_list_has_no_history(model: QueryModel) -> None:
    edits: list[QuerySheet] = []
    model.edited.connect(edits.append)
    model.apply(model.sheet.removed([1]))
    model.set_sheet(QuerySheet().added("cat")[0])
    assert not model.can_undo
    assert len(edits) == 1
