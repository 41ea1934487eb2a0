"""Labels of one image of a data set, of each format, for a list of queries that is there already."""

import base64
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from dataset_cases import same_objects
from ome_zarr.writer import write_image, write_labels
from PIL import Image

from napari_car.annotation.correction.instance_table import FIRST_ID, InstanceTable
from napari_car.annotation.layer_reading import read_instances
from napari_car.annotation.sheet import QuerySheet
from napari_car.dataset.export import export
from napari_car.dataset.formats import FORMATS, LABEL_READERS
from napari_car.dataset.image_names import OneImage, ReadingStopped, names_of
from napari_car.dataset.import_labels import ImageQuestion, ImportedLabels, LabelRequest, Reading, import_labels
from napari_car.dataset.labelled_image import LabelledImage
from napari_car.dataset.recognition import find_data_set
from napari_car.errors import DocumentError, QueryError

SHEET, _ = QuerySheet().added("leaf, soil, stone")
TABLE = InstanceTable({FIRST_ID: 1, FIRST_ID + 1: 1}, FIRST_ID + 2)
LABELS = np.kron(
    np.array([[FIRST_ID, 0, FIRST_ID + 1, 0], [2, 2, 0, 0], [0, 0, 0, 0]], np.int32), np.ones((6, 6), np.int32)
).astype(np.int32)
"""Two leaves and soil, 18 x 24 px."""

MINE, _ = QuerySheet().added("root, earth | Soil, sky")
"""A list whose ids mean other things, and which knows soil by a synonym."""


def ask(path: Path, **changes: object) -> LabelRequest:
    fields = {
        "path": path,
        "fmt": None,
        "sheet": MINE,
        "title": "my field",
        "names": frozenset(["field"]),
        "size_px": LABELS.shape,
    }
    return LabelRequest(**(fields | changes))  # type: ignore[arg-type]


def answer(request: LabelRequest) -> ImageQuestion | ImportedLabels:
    reading, last = import_labels(request, threading.Event())
    assert isinstance(reading, Reading)
    assert not isinstance(last, Reading)
    return last


def imported(request: LabelRequest) -> ImportedLabels:
    found = answer(request)
    assert isinstance(found, ImportedLabels), found
    return found


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a data set of a format."""
    pixels = np.random.default_rng(0).integers(0, 255, (*LABELS.shape, 3), dtype=np.uint8)
    images = {}
    for name, labels in (("bare", LABELS * 0), ("field", LABELS), ("other", LABELS[::-1].copy())):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        images[name] = LabelledImage(name=name, image=tmp_path / f"{name}.png", labels=labels, instances=TABLE)

    def write(name: str) -> Path:
        folder = tmp_path / "data set"
        if name == "labelme":
            folder.mkdir()
            for image in images.values():
                write_labelme(folder / f"{image.name}.json", image.labels)
        else:
            export(images, SHEET, FORMATS[name], folder)
        return folder

    return write


def write_labelme(path: Path, labels: np.ndarray) -> None:
    """Write labels as a file of labelme, without the image."""
    shapes = []
    for label in np.unique(labels[labels > 0]).tolist():
        rows, columns = np.nonzero(labels == label)
        box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        stream = io.BytesIO()
        Image.fromarray((labels[box] == label).astype(np.uint8) * 255).save(stream, format="PNG")
        points = [[int(columns.min()), int(rows.min())], [int(columns.max()), int(rows.max())]]
        mask = base64.b64encode(stream.getvalue()).decode()
        name = SHEET.names[TABLE.query_of(label)]
        shapes.append({"label": name, "points": points, "shape_type": "mask", "mask": mask})
    about = {"imagePath": f"../photos/{path.stem}.jpg", "imageData": None, "imageHeight": 18, "imageWidth": 24}
    path.write_text(json.dumps({"version": "5.5.0", "shapes": shapes, **about}))


@pytest.mark.parametrize("name", LABEL_READERS)
def test_each_format_is_found_and_imported(make: Callable[[str], Path], name: str) -> None:
    folder, fmt = make(name), LABEL_READERS[name]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert find_data_set(folder) == (fmt, folder)
    found = imported(ask(folder))
    assert (found.fmt, found.name) == (fmt, "field")
    assert found.sheet.entries[:3] == MINE.entries
    assert [entry.text for entry in found.added] == ["leaf"] if name == "labelme" else ["leaf", "stone"]
    ids = {entry.text: entry.id for entry in found.sheet.entries}
    (layer,) = found.document.layers
    labels, table = np.asarray(layer.labels), read_instances(layer)
    expected = np.array([0, ids["leaf"], ids["earth"]])[TABLE.semantic(LABELS)]
    np.testing.assert_array_equal(table.semantic(labels), expected)
    if fmt.tells_objects_apart:
        assert same_objects(labels, LABELS)
        assert set(table.query_ids.values()) == {ids["leaf"]}
    else:
        assert not table.query_ids
    assert (found.n_objects, found.n_classes) == (3 if fmt.tells_objects_apart else 2, 2)
    assert layer.is_corrected
    assert layer.class_names == {0: "background", **found.sheet.names}
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("name", LABEL_READERS)
def test_any_file_of_a_data_set_leads_to_it(make: Callable[[str], Path], name: str) -> None:
    folder, fmt = make(name), LABEL_READERS[name]
    for path in folder.rglob("*"):
        if path.is_file():
            found = find_data_set(path)
            assert found == find_data_set(path, fmt)
            if name == "ome-zarr":
                assert found[0] is fmt
                assert found[1].suffix == ".zarr"
                assert found[1] in path.parents
            elif name in ("coco", "labelme") and path.suffix == ".json":
                assert found == (fmt, path)
            else:
                assert found == (fmt, folder)


@pytest.mark.parametrize("name", [name for name in LABEL_READERS if name != "ome-zarr"])
def test_labels_of_other_images_are_not_read(make: Callable[[str], Path], name: str) -> None:
    folder = make(name)
    if name == "coco":
        (path,) = folder.glob("annotations/*.json")
        record = json.loads(path.read_text())
        other = next(image["id"] for image in record["images"] if image["file_name"] == "other.png")
        of_other = [item for item in record["annotations"] if item["image_id"] == other]
        for item in of_other:
            item["segmentation"] = "damaged"
        assert of_other
        for keys in (("images", "categories", "annotations"), ("annotations", "categories", "images")):
            path.write_text(json.dumps({key: record[key] for key in keys}))
            assert imported(ask(folder)).n_objects == 3
        return
    damaged = [path for path in folder.rglob("other*") if path.is_file() and path.suffix != ".json"]
    for path in damaged:
        path.write_bytes(b"damaged")
    assert damaged or name == "labelme"
    assert imported(ask(folder)).n_objects >= 2


def test_an_image_without_labels_has_none(make: Callable[[str], Path]) -> None:
    found = imported(ask(make("coco"), names=frozenset(["bare"])))
    assert (found.name, found.n_objects, found.n_classes) == ("bare", 0, 0)
    assert [entry.text for entry in found.added] == ["leaf", "stone"]


def test_only_the_classes_that_are_there(make: Callable[[str], Path]) -> None:
    folder = make("voc")
    assert [entry.text for entry in imported(ask(folder, only_present=True)).added] == ["leaf"]
    assert imported(ask(folder, only_present=True, names=frozenset(["bare"]))).sheet == MINE


def test_new_classes_keep_their_ids_where_these_were_not_given(make: Callable[[str], Path]) -> None:
    folder = make("label-tiff")
    table = folder / "classes.csv"
    text = table.read_text()
    table.write_text(text.replace("1,leaf", "40,leaf").replace("2,soil", "3,soil").replace("3,stone", "2,stone"))
    for path in (folder / "labels").iterdir():
        Image.fromarray(np.array([0, 40, 3, 2], np.uint8)[TABLE.semantic(LABELS)]).save(path)
    found = imported(ask(folder))
    assert found.sheet.names == {1: "root", 2: "earth", 3: "sky", 4: "stone", 40: "leaf"}
    assert len(set(found.sheet.colours.values())) == 5
    assert dict(found.document.layers[0].colours) == found.sheet.colours


def test_names_in_data_sets_are_kept_and_found(tmp_path: Path) -> None:
    classes = [{"id": 1, "name": "a | b", "supercategory": "leaf"}, {"id": 2, "name": "Leaf"}]
    image = {"id": 1, "file_name": "field.png", "height": 1, "width": 2}
    items = [
        {"id": id_, "image_id": 1, "category_id": id_, "segmentation": {"size": [1, 2], "counts": counts}}
        for id_, counts in ((1, [0, 1, 1]), (2, [1, 1]))
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": [image], "categories": classes, "annotations": items}))
    mine, _ = QuerySheet().added("weed")
    mine = mine.changed(1, name="leaf")
    found = imported(ask(path, sheet=mine, size_px=(1, 2)))
    (entry,) = found.added
    assert (entry.text, entry.class_name, entry.parent) == ("a / b", "a | b", 1)
    assert np.asarray(found.document.layers[0].labels).tolist() == [[entry.id, 1]]
    again = imported(ask(path, sheet=found.sheet, size_px=(1, 2)))
    assert again.sheet == found.sheet


def test_labels_of_a_distractor_are_refused(make: Callable[[str], Path]) -> None:
    folder = make("coco")
    mine, _ = QuerySheet().added("leaf, not: soil, stone")
    with pytest.raises(QueryError, match='"soil" is a distractor in the list'):
        answer(ask(folder, sheet=mine))
    mine, _ = QuerySheet().added("leaf, soil, not: stone")  # of which the image has none
    assert imported(ask(folder, sheet=mine)).added == ()


def test_a_list_without_free_ids_cannot_take_a_class(make: Callable[[str], Path]) -> None:
    mine = QuerySheet(MINE.entries, next_id=65_536)
    with pytest.raises(QueryError, match='cannot take the class "leaf": "leaf" was not added: the list has used all'):
        answer(ask(make("coco"), sheet=mine))


def test_another_size_is_refused(make: Callable[[str], Path]) -> None:
    with pytest.raises(DocumentError, match="field has 18 x 24 px in the data set, but my field has 24 x 18 px: open"):
        answer(ask(make("voc"), size_px=(24, 18)))


def test_an_image_that_is_called_otherwise_is_asked_for(make: Callable[[str], Path]) -> None:
    folder = make("yolo")
    question = answer(ask(folder, names=frozenset(["shot 7"])))
    assert isinstance(question, ImageQuestion)
    assert (question.names, question.matches) == (("bare", "field", "other"), ())
    assert imported(ask(folder, names=frozenset(["shot 7"]), number=1)).name == "field"


def test_several_images_of_one_name_are_asked_for(tmp_path: Path) -> None:
    files = ("day 1/Field.png", "day 2/field.png", "day 3\\field.jpg", "c.png")
    images = [{"id": id_, "file_name": name, "height": 2, "width": 2} for id_, name in enumerate(files)]
    code = {"size": [2, 2], "counts": [0, 4]}
    items = [{"id": 9, "image_id": 2, "category_id": 1, "segmentation": code}]
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"images": images, "annotations": items, "categories": [{"id": 1, "name": "sky"}]}, indent=1)
    )
    question = answer(ask(path, size_px=(2, 2)))
    assert isinstance(question, ImageQuestion)
    assert question.names == ("day 1_Field", "day 2_field", "day 3_field", "c")
    assert question.matches == (1, 2)
    assert imported(ask(path, size_px=(2, 2), number=1)).n_objects == 0
    assert imported(ask(path, size_px=(2, 2), number=2)).n_objects == 1
    assert imported(ask(path, size_px=(2, 2), names=frozenset(["C!"]))).name == "c"


def test_what_an_open_image_may_be_called() -> None:
    assert names_of("Image", "/a/Shot 1.ome.tif") == {"Image", "Shot 1.ome"}
    assert names_of("field.png", None) == {"field.png", "field"}
    assert names_of("0", "/a/cells.zarr/0") == {"0", "cells"}


@pytest.mark.parametrize("name", LABEL_READERS)
def test_reading_ends_when_nobody_wants_it_any_more(make: Callable[[str], Path], name: str) -> None:
    stop = threading.Event()
    events = import_labels(ask(make(name)), stop)
    next(events)
    stop.set()
    with pytest.raises(ReadingStopped):
        next(events)


def test_how_far_a_large_file_is(make: Callable[[str], Path]) -> None:
    seen = []

    class Watched(OneImage):
        def note(self, fraction: float) -> None:
            super().note(fraction)
            seen.append(self.fraction)

    folder, fmt = make("coco"), LABEL_READERS["coco"]
    list(fmt.read(folder, fmt.read_ontology(folder), Watched(["field"], None, threading.Event())))
    assert seen == sorted(seen)
    assert len(seen) > 6
    assert 0 < seen[0] < seen[-1] <= 1


@pytest.mark.parametrize("make_folder", [True, False])
def test_what_is_no_data_set(tmp_path: Path, make_folder: bool) -> None:
    path = tmp_path / "notes"
    if make_folder:
        path.mkdir()
        (path / "a.json").write_text("{}")
        (path / "empty.json").touch()
    else:
        path.write_text("shapes")
    with pytest.raises(DocumentError, match="notes is of no data set that is known here"):
        find_data_set(path)
    with pytest.raises(DocumentError, match=r"There is no .*gone: choose a file of the data set"):
        find_data_set(tmp_path / "gone")


def test_a_file_that_is_not_of_the_chosen_format(tmp_path: Path) -> None:
    write_labelme(tmp_path / "field.json", LABELS)
    with pytest.raises(DocumentError, match=r"field\.json is no data set of Pascal VOC index PNG: choose its folder"):
        find_data_set(tmp_path / "field.json", LABEL_READERS["voc"])


def test_a_single_file_of_labelme(tmp_path: Path) -> None:
    write_labelme(tmp_path / "field.json", LABELS)
    (tmp_path / "broken.json").write_text("{")
    assert imported(ask(tmp_path / "field.json")).n_objects == 3


@pytest.mark.parametrize("end", ["_cp_masks.tif", "_cp_masks.png", "_masks.tif"])
def test_masks_that_cellpose_wrote_beside_the_image(tmp_path: Path, end: str) -> None:
    Image.fromarray(np.zeros(LABELS.shape, np.uint8)).save(tmp_path / "field.png")
    numbers = np.where(LABELS > 0, LABELS % 7 + 1, 0).astype(np.uint16)
    Image.fromarray(numbers).save(tmp_path / f"field{end}")
    Image.fromarray(numbers[:4]).save(tmp_path / f"other{end}")
    for path in (tmp_path, tmp_path / f"field{end}"):
        found = imported(ask(path))
        assert (found.fmt.name, found.name) == ("cellpose", "field")
        assert [entry.text for entry in found.added] == ["cell"]
        assert same_objects(np.asarray(found.document.layers[0].labels), numbers)


def test_label_images_that_others_wrote_into_ome_zarr(tmp_path: Path) -> None:
    path = tmp_path / "field.zarr"
    leaves, soil = np.where(LABELS >= FIRST_ID, LABELS, 0), np.where(LABELS == 2, 5, 0)
    write_image(np.zeros((1, *LABELS.shape), np.uint8), str(path), axes="cyx", scale_factors=[])
    for name, labels in (("leaf", leaves), ("soil", soil)):
        write_labels(labels[None].astype(np.int32), str(path), name=name, axes="cyx", scaler=None, scale_factors=[])
    found = imported(ask(tmp_path))
    ids = {entry.text: entry.id for entry in found.sheet.entries}
    (layer,) = found.document.layers
    expected = np.array([0, ids["leaf"], ids["earth"]])[TABLE.semantic(LABELS)]
    np.testing.assert_array_equal(read_instances(layer).semantic(np.asarray(layer.labels)), expected)
    assert same_objects(np.asarray(layer.labels), LABELS)
    group = zarr.open_group(path / "labels", mode="a")
    group.attrs["ome"] = {"labels": []}
    with pytest.raises(DocumentError, match="There is no mask of field"):
        answer(ask(path))


@pytest.mark.parametrize(("folder", "name", "fmt"), [("voc2011", "", "voc"), ("coco8", "000000000025", "yolo")])
def test_real_data_sets(photo_folder: Path, folder: str, name: str, fmt: str) -> None:
    if not (photo_folder / folder).is_dir():
        pytest.skip(f"no {folder} in {photo_folder}")
    photo = next(path for path in sorted((photo_folder / folder).rglob("*.jpg")) if name in path.stem)
    with Image.open(photo) as picture:
        size_px = picture.height, picture.width
    found = imported(ask(photo, names=names_of("photo", str(photo)), size_px=size_px, only_present=True))
    assert (found.fmt.name, found.name) == (fmt, photo.stem)
    assert found.n_objects >= found.n_classes == len(found.added) > 0
