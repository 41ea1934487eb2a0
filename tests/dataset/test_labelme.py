"""Files of labelme become labels, with the pixels that labelme's own conversion draws."""

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_car.dataset.format import ReadImage
from napari_car.dataset.labelme import Labelme
from napari_car.dataset.labelme_shapes import draw_shape
from napari_car.errors import DocumentError

SIZE = (20, 30)


def shape(label: str, kind: str | None, *points: tuple[float, float], **fields: object) -> dict[str, Any]:
    """A shape as labelme's files hold it."""
    return {"label": label, "points": [list(point) for point in points], "shape_type": kind, "flags": {}, **fields}


def square(label: str, left: int, top: int, side: int, **fields: object) -> dict[str, Any]:
    """A rectangle of so many pixels a side."""
    return shape(label, "rectangle", (left, top), (left + side - 1, top + side - 1), **fields)


def in_base64(image: Image.Image, kind: str = "PNG") -> str:
    stream = io.BytesIO()
    image.save(stream, format=kind)
    return base64.b64encode(stream.getvalue()).decode()


def record(*shapes: dict[str, Any], **fields: object) -> dict[str, Any]:
    about = {"version": "5.5.0", "flags": {}, "imagePath": "a.png", "imageData": None}
    return {**about, "imageHeight": SIZE[0], "imageWidth": SIZE[1], "shapes": list(shapes), **fields}


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an image."""
    (tmp_path / "set").mkdir()
    Image.new("RGB", SIZE[::-1]).save(tmp_path / "set/a.png")
    return tmp_path / "set"


def read(folder: Path) -> dict[str, ReadImage]:
    return {image.name: image for image in Labelme().read(folder, Labelme().read_ontology(folder))}


def drawn(kind: str | None, *points: tuple[float, float], size: tuple[int, int] = SIZE, **fields: object) -> Any:
    """Return the pixels of a shape in the whole image."""
    mask = np.zeros(size, bool)
    box, part = draw_shape(shape("a", kind, *points, **fields), size)
    mask[box.slices] = part
    return mask


def rows_of(mask: NDArray[np.bool_]) -> list[str]:
    """Return the rows that hold pixels, from the left border to the last pixel."""
    return ["".join(".#"[int(value)] for value in row).rstrip(".") for row in mask if row.any()]


CORNERS = st.tuples(st.integers(0, 29), st.integers(0, 19))


@given(st.lists(CORNERS, min_size=3, max_size=6, unique=True))
def test_polygons_hold_the_pixels_whose_centres_are_inside(corners: list[tuple[int, int]]) -> None:
    """An oracle pixel by pixel, where it is beyond doubt: well inside, and well outside."""
    mask = drawn("polygon", *corners)
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    for row, column in np.ndindex(SIZE):
        if min(distance_px((column, row), a, b) for a, b in sides) <= 1:
            continue
        crossings = sum(
            (a[1] > row) != (b[1] > row) and column < a[0] + (row - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
            for a, b in sides
        )
        assert mask[row, column] == crossings % 2
    assert all(mask[y, x] for x, y in corners)


def distance_px(point: tuple[int, int], a: tuple[int, int], b: tuple[int, int]) -> float:
    """Return the distance of a point from a line between two."""
    length = math.dist(a, b)
    along = ((point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])) / length**2
    along = min(max(along, 0), 1)
    return math.dist(point, (a[0] + along * (b[0] - a[0]), a[1] + along * (b[1] - a[1])))


@given(CORNERS, CORNERS)
def test_rectangles_hold_both_corners_in_any_order(first: tuple[int, int], last: tuple[int, int]) -> None:
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, last, strict=True))
    expected = np.zeros(SIZE, bool)
    expected[top : bottom + 1, left : right + 1] = True
    assert (drawn("rectangle", first, last) == expected).all()


@given(CORNERS, st.integers(1, 25))
def test_circles_go_through_their_second_point(centre: tuple[int, int], radius: int) -> None:
    mask = drawn("circle", centre, (centre[0], centre[1] + radius))
    rows, columns = np.indices(SIZE)
    distance = np.hypot(columns - centre[0], rows - centre[1])
    assert mask[distance <= radius - 0.5].all()
    assert not mask[distance > radius + 1].any()


def test_lines_and_points_are_thick() -> None:
    assert (drawn("point", (10, 10)) == drawn("circle", (10, 10), (15, 10))).all()
    line = drawn("line", (5, 10), (25, 10))
    assert np.count_nonzero(line[:, 15]) == 10
    assert (drawn("linestrip", (5, 10), (25, 10)) == line).all()
    strip = drawn("linestrip", (5, 3), (25, 3), (25, 19))
    assert strip[3, 5:25].all()
    assert strip[3:19, 25].all()


LABELME = {
    "polygon": [".#", "..#######", "..######", "...####", "...####", "....##", "....#"],
    "circle": [".....###", "....#####", "...#######", "...#######", "...#######", "....#####", ".....###"],
    "rectangle": ["..######", "..######", "..######"],
    "line": [
        ".....#",
        "....###",
        "....#####",
        "...#######",
        "..##########",
        ".############",
        ".###########",
        "############",
        ".##########",
        "...#######",
        "....#####",
        "......###",
        ".......#",
    ],
    "oriented_rectangle": [
        ".....#",
        "....###",
        "...#####",
        "..#######",
        ".#########",
        "..#######",
        "...#####",
        "....###",
        ".....#",
    ],
}


def test_the_pixels_are_those_of_labelme() -> None:
    """Copied from what ``shape_to_mask`` of labelme 6.3.1 gives."""
    assert rows_of(drawn("polygon", (1.2, 1.6), (8.7, 2.4), (4.5, 7.9))) == LABELME["polygon"]
    assert rows_of(drawn(None, (1.2, 1.6), (8.7, 2.4), (4.5, 7.9))) == LABELME["polygon"]
    assert rows_of(drawn("circle", (6.3, 5.5), (8.9, 7.1))) == LABELME["circle"]
    assert rows_of(drawn("rectangle", (7.6, 5.4), (2.5, 3.3))) == LABELME["rectangle"]
    assert rows_of(drawn("line", (2.5, 3.5), (9.4, 8.8))) == LABELME["line"]
    assert rows_of(drawn("oriented_rectangle", (5, 1), (9, 5), (5, 9), (1, 5))) == LABELME["oriented_rectangle"]


def test_masks_lie_at_their_points() -> None:
    pixels = np.random.default_rng(0).integers(0, 2, (4, 6), dtype=np.uint8)
    code = in_base64(Image.fromarray(pixels))
    mask = drawn("mask", (3, 5), (8, 8), mask=code)
    assert (mask[5:9, 3:9] == pixels).all()
    assert mask.sum() == pixels.sum()
    assert (drawn("mask", (-2, 18), (3, 21), mask=code)[18:, :4] == pixels[:2, 2:]).all()
    assert not drawn("mask", (40, 5), (45, 8), mask=code).any()
    assert (drawn("mask", (3, 5), (8, 8), mask=in_base64(Image.fromarray(pixels == 1)))[5:9, 3:9] == pixels).all()


def test_later_shapes_lie_over_earlier_ones_and_groups_are_one_object(folder: Path) -> None:
    shapes = [
        square("leaf", 0, 0, 8),
        square("leaf", 10, 0, 4),
        square("soil", 4, 4, 8),
        square("soil", 20, 0, 3, group_id=1),
        square("soil", 25, 0, 3, group_id=1),
        square("leaf", 25, 8, 3, group_id=1),
        square("_background_", 0, 0, 2),
        square("__ignore__", 6, 6, 2),
    ]
    write(folder / "a.json", record(*shapes))
    sheet = Labelme().read_ontology(folder)
    assert [(entry.id, entry.text) for entry in sheet.entries] == [(1, "leaf"), (2, "soil")]
    image = read(folder)["a"]
    classes, objects = np.zeros(SIZE, int), np.zeros(SIZE, int)
    classes[0:8, 0:8], objects[0:8, 0:8] = 1, 1
    classes[0:4, 10:14], objects[0:4, 10:14] = 1, 2
    classes[4:12, 4:12], objects[4:12, 4:12] = 2, 3
    classes[0:3, 20:23], objects[0:3, 20:23] = 2, 4
    classes[0:3, 25:28], objects[0:3, 25:28] = 2, 4
    classes[8:11, 25:28], objects[8:11, 25:28] = 1, 5
    for erased in ((slice(0, 2), slice(0, 2)), (slice(6, 8), slice(6, 8))):
        classes[erased] = objects[erased] = 0
    assert (image.classes == classes).all()
    assert image.objects is not None
    assert (image.objects == objects).all()


def test_labels_that_differ_in_case_are_one_class(folder: Path) -> None:
    write(folder / "a.json", record(square("Leaf", 0, 0, 2), square(" leaf", 4, 4, 2)))
    assert len(Labelme().read_ontology(folder).entries) == 1
    assert set(np.unique(read(folder)["a"].classes)) == {0, 1}


def test_images_are_beside_elsewhere_in_the_set_or_in_the_file(folder: Path) -> None:
    (folder / "images").mkdir()
    Image.new("RGB", SIZE[::-1]).save(folder / "images/b.png")
    code = in_base64(Image.new("RGB", SIZE[::-1], (9, 9, 9)), "JPEG")
    write(folder / "json/b.json", record(imagePath="..\\images\\b.png"))
    write(folder / "a.json", record(imagePath="C:\\elsewhere\\a.png", imageData=code))
    write(folder / "inside.json", record(imagePath="gone.png", imageData=code, imageWidth=None))
    sheet = Labelme().read_ontology(folder)
    found = {}
    for image in Labelme().read(folder, sheet):
        assert image.image is not None
        found[image.name] = image.image.read_bytes()
        assert image.classes.shape == SIZE
    assert found == {
        "a": (folder / "a.png").read_bytes(),
        "inside": base64.b64decode(code),
        "json/b": (folder / "images/b.png").read_bytes(),
    }


def test_a_file_outside_of_the_data_set_is_not_read(folder: Path) -> None:
    Image.new("RGB", SIZE[::-1]).save(folder.parent / "b.png")
    for named in ("../b.png", str(folder.parent / "b.png"), None, "", "a\0.png", "x" * 5000):
        write(folder / "a.json", record(imagePath=named))
        assert read(folder)["a"].image is None
        assert read(folder)["a"].classes.shape == SIZE
        write(folder / "a.json", record(imagePath=named, imageWidth=None))
        with pytest.raises(DocumentError, match=r"a\.json .* is not in the data set: put it beside the file"):
            read(folder)
    write(folder / "a.json", record(imagePath=None, imageWidth=10**9))
    with pytest.raises(DocumentError, match=r"a\.json .* an image of \d+ x 1000000000 px"):
        read(folder)


PIXELS = in_base64(Image.new("L", (2, 2)))
BAD = [
    ([], 'it has no list of "shapes"'),
    ({"shapes": 3}, 'it has no list of "shapes"'),
    ({"shapes": [3]}, 'it has no list of "shapes"'),
    (record({"points": []}), "shape 1 has no label"),
    (record(square(" ", 0, 0, 2)), "shape 1 has no label"),
    (record(square("a", 0, 0, 2, group_id=[1])), "group_id of shape 1 must be a number"),
    (record(square("a", 0, 0, 2), shape("b", "polygon", (0, 0), (1, 1))), 'shape 2, "b", .*cannot have 2 points'),
    (record(shape("a", "circle", (0, 0))), "a circle cannot have 1 points"),
    (record(shape("a", "cube", (0, 0))), "shapes of the type 'cube' are not known"),
    (record({"label": "a", "points": 3}), "pairs of x and y"),
    (record({"label": "a", "points": [[1, 2, 3]]}), "pairs of x and y"),
    (record(shape("a", "point", (0, math.nan))), "lead far out"),
    (record(shape("a", "point", (0, 1e9))), "lead far out"),
    (record({"label": "a", "points": [["1", 2]]}), "lead far out"),
    (record(shape("a", "mask", (0, 0), (1, 1))), "it has no mask"),
    (record(shape("a", "mask", (0, 0), (1, 1), mask="no!")), "its mask cannot be read"),
    (record(shape("a", "mask", (0, 0), (1, 1), mask="aaaa")), "its mask cannot be read"),
    (record(shape("a", "mask", (0, 0), (2, 1), mask=PIXELS)), "its mask has 2 x 2 px, but its points are for 2 x 3 px"),
    (record(shape("a", "mask", (0, 0), mask=PIXELS)), "a mask must have two points"),
    (record(shape("a", "mask", (0, 0), (1, 1), mask=in_base64(Image.new("RGB", (2, 2))))), "its mask must be grey"),
    (record(imageWidth=31), "it is for an image of 20 x 31 px, but a.png has 20 x 30 px"),
    (record(imagePath="b.png", imageData="no!"), "its imageData is no image"),
    (record(imagePath="b.png", imageData="aaaa"), "its imageData is no image of a known type"),
    (record(imagePath="b.png", imageData=base64.b64encode(b"\x89PNG").decode()), "cannot be read as an image"),
]


@pytest.mark.parametrize(("content", "reason"), BAD)
def test_bad_files_end_in_a_sentence_with_their_name(folder: Path, content: Any, reason: str) -> None:
    write(folder / "a.json", content)
    with pytest.raises(DocumentError, match=rf"a\.json cannot be read as labelme's JSON: .*{reason}[^\n]*\.$"):
        read(folder)


def test_what_is_no_data_set(folder: Path) -> None:
    with pytest.raises(DocumentError, match=r"holds no files of labelme: there is no NAME\.json in it"):
        read(folder)
    (folder / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"a\.json cannot be read .*it is not JSON"):
        read(folder)
    (folder / "a.json").unlink()
    (folder / "a.json").mkdir()
    with pytest.raises(DocumentError, match=r"a\.json cannot be read .*directory"):
        read(folder)
