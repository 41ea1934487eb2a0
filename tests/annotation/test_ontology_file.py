"""Ontologies as files: what is written is read again, and what is no ontology is refused in one sentence."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.annotation.ontology_file import from_record, load_schema, read_ontology, to_record, write_ontology
from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import DocumentError, OutputError, QueryError

SHEET, _ = QuerySheet().added("plant, leaf | foliage, stuff: soil, not: label")
PLANTS = (
    SHEET.changed(2, name="Leaf (any)", parent=1, templates=("{} of a weed",), notes="No petioles.\nNo “cotyledons”.")
    .changed(3, enabled=False)
    .removed([4])
)


@pytest.mark.parametrize("name", ["plants.toml", "plants.json", "PLANTS.TOML"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    path = write_ontology(tmp_path / name, PLANTS)
    assert read_ontology(path) == PLANTS
    assert read_ontology(path).next_id == 5
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_file_says_no_more_than_is_needed() -> None:
    records = to_record(PLANTS)["classes"]
    assert records[0] == {"id": 1, "text": "plant", "colour": list(PLANTS.entry(1).colour)}
    assert records[2]["enabled"] is False
    assert set(records[1]) == {"id", "text", "synonyms", "colour", "name", "parent", "templates", "notes"}


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="|{}"), min_size=1, max_size=8)


@st.composite
def sheets(draw: st.DrawFn) -> QuerySheet:
    words = draw(st.lists(TEXTS, unique_by=lambda word: word.casefold(), max_size=6))
    sheet, _ = QuerySheet().added_each(words)
    for entry in sheet.entries:
        changes = {
            "enabled": draw(st.booleans()),
            "role": draw(st.sampled_from(["query", "background"])),
            "group": draw(st.sampled_from(["thing", "stuff"])),
            "notes": draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
            "templates": tuple(draw(st.lists(TEXTS.map(lambda text: f"{text} {{}}"), max_size=2))),
            "parent": draw(st.sampled_from([0, *(other.id for other in sheet.entries if other.id < entry.id)])),
        }
        sheet = sheet.changed(entry.id, **changes)
    return sheet.removed(draw(st.sets(st.integers(1, 6), max_size=2)))


@given(sheets())
def test_any_list_survives_both_formats_and_fits_the_schema(sheet: QuerySheet) -> None:
    record = to_record(sheet)
    jsonschema.validate(record, load_schema())
    assert from_record(json.loads(json.dumps(record))) == sheet
    import tomli_w

    assert from_record(tomllib.loads(tomli_w.dumps(record, multiline_strings=True))) == sheet


def test_the_schema_is_one_and_knows_all_fields() -> None:
    schema = load_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["$defs"]["class"]["properties"]) == set(PLANTS.entry(1).to_dict())


WRONG = [
    ({"format": "coco"}, "not an ontology"),
    ({"version": 2}, "newer napari-car"),
    ({"version": True}, "its version is True"),
    ({"version": None}, "its version is None"),
    ({"colour": "red"}, "it holds colour"),
    ({"next_id": 2}, "next id is 2"),
    ({"next_id": None}, "next_id a whole number"),
    ({"classes": {}}, "entries must be a list"),
    ({"classes": [{"id": 1, "text": "a"}]}, "colour"),
    ({"classes": [{"id": 1, "text": "a", "colour": [1, 2, 3], "parent": 7}]}, "kind of class 7"),
    ({"classes": [{"id": 1, "text": "a", "colour": [1, 2, 3], "templates": ["no place"]}]}, "must contain {} once"),
]


@pytest.mark.parametrize(("change", "reason"), WRONG)
def test_what_is_no_ontology_is_refused(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    path = tmp_path / "plants.json"
    path.write_text(json.dumps(to_record(PLANTS) | change), encoding="utf-8")
    with pytest.raises(DocumentError, match=reason) as caught:
        read_ontology(path)
    assert str(caught.value).startswith(f"{path} cannot be opened: ")
    assert str(caught.value).count(".") <= str(path).count(".") + 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("plants.toml", b"format = ", "it is not TOML"),
        ("plants.json", b"{", "it is not JSON"),
        ("plants.json", b"[1]", "not an ontology"),
        ("plants.json", b"\xff\xfe", "not a text in UTF-8"),
        ("plants.txt", b"", "ends in .toml or .json"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DocumentError, match=reason):
        read_ontology(tmp_path / name)


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="there is no such file"):
        read_ontology(tmp_path / "plants.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(DocumentError, match="directory"):
        read_ontology(tmp_path / "folder.toml")
    with pytest.raises(OutputError, match=r"ends in \.toml or \.json"):
        write_ontology(tmp_path / "plants.yaml", PLANTS)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_ontology(tmp_path / "file" / "plants.toml", PLANTS)


def test_names_of_classes_differ_and_parents_are_there() -> None:
    with pytest.raises(QueryError, match=r'Two classes are called "soil"'):
        PLANTS.changed(2, name="SOIL")
    with pytest.raises(QueryError, match="cannot be a kind of itself"):
        PLANTS.changed(1, parent=2)
    with pytest.raises(QueryError, match="kind of class 9"):
        PLANTS.changed(1, parent=9)
    sheet, notes = PLANTS.added("leaf (any)")
    assert sheet == PLANTS
    assert notes == ('"leaf (any)" was not added: the class of "leaf" is called so.',)
    assert PLANTS.entry(2).class_name == "Leaf (any)"
    assert PLANTS.entry(1).class_name == "plant"


def test_kinds_of_a_class_that_is_removed_are_kinds_of_what_it_was_a_kind_of() -> None:
    sheet, _ = QuerySheet().added("thing, plant, leaf, petal")
    sheet = sheet.changed(2, parent=1).changed(3, parent=2).changed(4, parent=2)
    assert [entry.parent for entry in sheet.removed([2]).entries] == [0, 1, 1]
    assert [entry.parent for entry in sheet.removed([1, 2]).entries] == [0, 0]


def test_classes_are_merged_into_one_that_keeps_its_id() -> None:
    sheet, _ = QuerySheet().added("leaf | foliage, needle | spine, frond, soil")
    merged = sheet.changed(3, parent=2).merged([2, 3], into=1)
    assert [entry.id for entry in merged.entries] == [1, 4]
    assert merged.entry(1).words == ("leaf", "foliage", "needle", "spine", "frond")
    assert merged.next_id == 5
    assert merged.merged([1], into=1) == merged
    with pytest.raises(KeyError):
        sheet.merged([9], into=1)


def test_templates_of_a_class_make_its_phrases() -> None:
    sheet = PLANTS.changed(2, templates=("{} of a weed", "a dry {}"))
    assert sheet.entry(2).query.phrases == (
        "leaf of a weed",
        "foliage of a weed",
        "a dry leaf",
        "a dry foliage",
    )
    assert PLANTS.entry(1).query.phrases == ("plant",)
