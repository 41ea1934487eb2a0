"""SAM's answers to points, boxes, strokes and masks are those of the library called directly."""

import numpy as np
import pytest
import torch
from segment_anything_hq import SamPredictor as LibraryPredictor

from napari_car.errors import PromptError
from napari_car.results import Progress, drain
from napari_car.sam.encoding import EncodedImage
from napari_car.sam.interactive import SamImage, SamPredictor
from napari_car.sam.loading import SamModel, load_sam
from napari_car.sam.prompts import MaskPredictor, OpenImage, Point, Prompts, Scribble

POINTS = ((10.0, 70.0, True), (50.0, 20.0, False))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (60, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def opened(tiny_sam: SamModel, image: np.ndarray) -> SamImage:
    predictor: MaskPredictor = SamPredictor(tiny_sam)
    opened: OpenImage = drain(predictor.open(image))
    assert predictor.name == tiny_sam.identity.name
    assert opened.size_px == (60, 90)
    return opened


@pytest.fixture(scope="module")
def library(tiny_sam: SamModel, image: np.ndarray) -> LibraryPredictor:
    predictor = LibraryPredictor(tiny_sam.network)
    predictor.set_image(image)
    return predictor


def points(*given: tuple[float, float, bool]) -> tuple[Point, ...]:
    return tuple(Point(*point) for point in given)


def test_several_points_give_one_mask(opened: SamImage, library: LibraryPredictor) -> None:
    prediction = opened.predict(Prompts(points(*POINTS)))
    masks, scores, logits = library.predict(
        np.array([[70.0, 10.0], [20.0, 50.0]]), np.array([1, 0]), multimask_output=False
    )
    np.testing.assert_array_equal(prediction.masks, masks)
    np.testing.assert_allclose(prediction.scores, scores.clip(0, 1), rtol=1e-5)
    np.testing.assert_allclose(prediction.logits, logits, atol=1e-4)


def test_a_box_is_given_from_corner_to_corner(opened: SamImage, library: LibraryPredictor) -> None:
    prediction = opened.predict(Prompts(points(POINTS[0]), box=(5.0, 40.0, 30.0, 80.0)))
    masks, _, _ = library.predict(
        np.array([[70.0, 10.0]]), np.array([1]), box=np.array([40.0, 5.0, 80.0, 30.0]), multimask_output=False
    )
    np.testing.assert_array_equal(prediction.masks, masks)


def test_a_single_point_may_mean_three_things(opened: SamImage, library: LibraryPredictor) -> None:
    prediction = opened.predict(Prompts(points(POINTS[0])))
    assert len(prediction.masks) == 3
    assert (np.diff(prediction.scores) <= 0).all()
    best, _, _ = library.predict(np.array([[70.0, 10.0]]), np.array([1]), multimask_output=True)
    np.testing.assert_array_equal(prediction.masks[:1], best)


def test_plain_sam_as_well(tiny_plain_file, image: np.ndarray) -> None:
    sam = load_sam(str(tiny_plain_file), device="cpu", precision="fp32")
    prediction = drain(SamPredictor(sam).open(image)).predict(Prompts(points(POINTS[0])))
    library = LibraryPredictor(sam.network)
    library.set_image(image)
    masks, scores, _ = library.predict(np.array([[70.0, 10.0]]), np.array([1]), multimask_output=True)
    np.testing.assert_array_equal(prediction.masks, masks[np.argsort(-scores, kind="stable")])


def test_the_next_prediction_goes_on_from_the_last(opened: SamImage, library: LibraryPredictor) -> None:
    first = opened.predict(Prompts(points(*POINTS)))
    second = opened.predict(Prompts(points(*POINTS, (30.0, 30.0, True)), logits=first.logits[0]))
    masks, _, _ = library.predict(
        np.array([[70.0, 10.0], [20.0, 50.0], [30.0, 30.0]]),
        np.array([1, 0, 1]),
        mask_input=first.logits[:1],
        multimask_output=False,
    )
    np.testing.assert_array_equal(second.masks, masks)


def test_a_mask_is_turned_into_logits_where_it_is(opened: SamImage) -> None:
    mask = np.zeros((60, 90), dtype=bool)
    mask[:30, 45:] = True
    logits = opened._encoded.logits_of(mask)
    assert logits.shape == (256, 256)
    assert (logits[2:83, 130:254] > 6).all()  # the image fills 256 of 256 columns, 171 of 256 rows
    assert (logits[:, :126] < -6).all()
    assert (logits[88:] < -6).all()
    with_mask = opened.predict(Prompts(points(POINTS[0]), mask=mask))
    assert len(with_mask.masks) == 1
    assert (with_mask.logits != opened.predict(Prompts(points(POINTS[0]))).logits[:1]).any()


def test_strokes_are_points_along_them(opened: SamImage) -> None:
    stroke = Scribble(np.array([[10.0, -9.0], [10.0, 81.0]]), is_positive=True)
    along = opened._points_of(stroke)
    assert len(along) == 8
    assert {point.row for point in along} == {10.0}
    assert [point.col for point in along] == pytest.approx([0.0, 7.875, 19.125, 30.375, 41.625, 52.875, 64.125, 75.375])
    assert opened._points_of(Scribble(np.array([[3.0, 4.0]]), is_positive=False)) == [Point(3.0, 4.0, False)]
    np.testing.assert_array_equal(
        opened.predict(Prompts(scribbles=(stroke,))).masks, opened.predict(Prompts(tuple(along))).masks
    )


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        (Prompts(), "Nothing was pointed at"),
        (Prompts(mask=np.zeros((60, 90), dtype=bool)), "Nothing was pointed at"),
        (Prompts(points(POINTS[0]), mask=np.zeros((90, 60), dtype=bool)), "The mask is 60 x 90 px, but the image is"),
        (Prompts(points(POINTS[0]), logits=np.zeros((9, 9), dtype=np.float32)), "not those of a prediction of SAM"),
    ],
)
def test_what_cannot_be_predicted_is_said(opened: SamImage, prompts: Prompts, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        opened.predict(prompts)


def test_images_are_encoded_once_and_a_few_remembered(
    tiny_sam: SamModel, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []

    class Encoded(EncodedImage):
        def __init__(self, _: SamModel, image: np.ndarray) -> None:
            encoded.append(image.shape[0])

    monkeypatch.setattr("napari_car.sam.interactive.EncodedImage", Encoded)
    predictor = SamPredictor(tiny_sam, max_images=2)
    images = [image[:height] for height in (10, 20, 30)]
    assert list(predictor.open(images[0])) == [Progress("sam-image", 0, 0, 1), Progress("sam-image", 0, 1, 1)]
    assert list(predictor.open(images[0].copy())) == []
    for each in (images[1], images[0], images[2], images[0], images[1]):
        drain(predictor.open(each))
    assert encoded == [10, 20, 30, 20]


def test_too_little_memory_is_said(tiny_sam: SamModel, image: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("napari_car.sam.interactive.EncodedImage", fail)
    with pytest.raises(MemoryError, match=r"cpu ran out of memory for .*: take a smaller SAM"):
        drain(SamPredictor(tiny_sam).open(image))
