"""Classes of other programs become classes here, with their ids where that is possible."""

import json
from pathlib import Path

import pytest

from napari_car.annotation.class_lists import ForeignClass, add_classes, read_classes
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError

COCO = {
    "images": [],
    "categories": [
        {"id": 3, "name": "car", "supercategory": "vehicle"},
        {"id": 1, "name": "vehicle", "supercategory": "none"},
        {"id": 90, "name": "traffic light", "supercategory": "outdoor"},
    ],
}


def read(folder: Path, name: str, text: str) -> tuple[ForeignClass, ...]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_classes(folder / name)


def added(*classes: ForeignClass, to: QuerySheet | None = None) -> tuple[QuerySheet, tuple[str, ...]]:
    return add_classes(to or QuerySheet(), classes)


def test_coco_categories_keep_ids_and_kinds(tmp_path: Path) -> None:
    sheet, notes = added(*read(tmp_path, "instances.json", json.dumps(COCO)))
    assert notes == ()
    assert sheet.names == {1: "vehicle", 3: "car", 90: "traffic light"}
    assert [entry.parent for entry in sheet.entries] == [0, 1, 0]
    assert sheet.next_id == 91


@pytest.mark.parametrize("names", ["[person, bus]", "{0: person, 1: bus}", "\n  0: person\n  1: bus"])
def test_yolo_names_are_numbered_from_one(tmp_path: Path, names: str) -> None:
    classes = read(tmp_path, "data.yaml", f"path: .\ntrain: images\nnames: {names}\n")
    sheet, _ = added(*classes)
    assert sheet.names == {1: "person", 2: "bus"}


def test_lists_of_labels(tmp_path: Path) -> None:
    classes = read(tmp_path, "labels.txt", "__ignore__\n_background_\naeroplane\n\n bicycle \n")
    assert [item.name for item in classes] == ["aeroplane", "bicycle"]


def test_tables(tmp_path: Path) -> None:
    titles, leaf = "Name, ID, Synonyms, Color, Parent, Notes", 'leaf,7,foliage|frond,#00ff80,plant,"green, flat"'
    text = "\n".join([titles, leaf, "plant,,,,,", ",,,,,"])
    sheet, notes = added(*read(tmp_path, "classes.csv", text))
    assert notes == ()
    entry = sheet.entry(7)
    assert (entry.synonyms, entry.colour, entry.notes) == (("foliage", "frond"), (0, 255, 128), "green, flat")
    assert sheet.entry(entry.parent).text == "plant"


def test_what_is_there_already_stays_and_is_told() -> None:
    sheet, _ = QuerySheet().added("leaf | foliage, soil")
    after, notes = added(
        ForeignClass(name="Leaf", id=9),
        ForeignClass(name="stem", id=2),
        ForeignClass(name="root", id=12, parent="leaf"),
        to=sheet,
    )
    assert after.names == {1: "leaf", 2: "soil", 3: "stem", 12: "root"}
    assert notes == ('"stem" has the id 3 here, not 2: that one was given before.', '"Leaf" is in the list already.')
    assert after.entry(12).parent == 1
    assert after.entry(1) == sheet.entry(1)


def test_circles_of_kinds_are_left_out() -> None:
    sheet, notes = added(ForeignClass(name="a", parent="b"), ForeignClass(name="b", parent="a"))
    assert [entry.parent for entry in sheet.entries] == [2, 0]
    assert notes == ('"a" cannot be a kind of itself.',)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", 'no list of "categories"'),
        ("a.json", '{"categories": [{"id": 1}]}', "a category has no name"),
        ("a.json", '{"categories": []}', "holds no classes"),
        ("a.yaml", "names: [", "not YAML"),
        ("a.yaml", "names: 3", 'no "names"'),
        ("a.yaml", "!!python/object/apply:os.system ['true']", "not YAML"),
        ("a.csv", "title\nleaf\n", 'no column "name"'),
        ("a.csv", "name,id\nleaf,x\n", "in line 2, the id 'x' is not a whole number"),
        ("a.csv", "name,colour\nleaf,green\n", "in line 2, the colour 'green'"),
        ("a.txt", "\n", "holds no classes"),
        ("a.xml", "<a/>", "end in .json"),
    ],
)
def test_what_holds_no_classes_is_refused(tmp_path: Path, name: str, text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        read(tmp_path, name, text)
    assert str(caught.value).startswith(f"{tmp_path / name} cannot be opened: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file"):
        read_classes(tmp_path / "classes.txt")
