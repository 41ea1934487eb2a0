"""Every time step against the authors' program."""

import cv2
import numpy as np
import pytest
import torch
from authors_case import Case

from napari_car.clip.model import ClipModel
from napari_car.config import CaRConfig, ClassifierConfig, CRFConfig, PromptConfig, ProposalConfig, RecurrenceConfig
from napari_car.core.affinity import draw_box_mask, find_boxes, spread_by_affinity
from napari_car.core.cam import GradCam
from napari_car.core.classifier import EmbeddingCache, MaskClassifier
from napari_car.core.crf import open_crf, refine_labels
from napari_car.core.prompts import draw_prompts
from napari_car.core.proposals import ImageFeatures, MaskProposalGenerator, encode_image
from napari_car.core.recurrence import recur
from napari_car.core.refine import with_background
from napari_car.core.texts import embed_queries
from napari_car.queries import Query
from napari_car.results import Step


def configured(case: Case) -> CaRConfig:
    """Return the parameters of a case, as the paper presets set them."""
    options = case.options
    return CaRConfig(
        mode="referring" if options["mode"] == "refer" else "semantic",
        proposals=ProposalConfig(box_threshold=options["lam"], first_step_template="{}"),
        prompts=PromptConfig(mask_threshold=options["eta"], kinds=options["prompt"]),
        classifier=ClassifierConfig(
            templates=options["tpl"] or ("a clean origami {}.",), blocks="all-but-last", fit="crop", background=False
        ),
        recurrence=RecurrenceConfig(score_threshold=options["theta"], keep_best=True, ties_survive=False, min_steps=2),
    )


@pytest.fixture
def features(f: ClipModel, case: Case) -> ImageFeatures:
    return encode_image(f, case.image, configured(case).proposals)


@pytest.fixture
def steps(f: ClipModel, g: ClipModel, case: Case, features: ImageFeatures) -> list[Step]:
    config = configured(case)
    queries = [Query(text) for text in case.options["texts"]]
    separate = config.mode == "referring"
    background = case.options["bg"] or ()
    generator = MaskProposalGenerator(
        f, features, queries, background, config.proposals, config.compute, separate=separate
    )
    classifier = MaskClassifier(g, queries, (), config.classifier, config.compute, EmbeddingCache())
    h = tuple(range(len(queries)))
    run = recur(
        case.image, h, generator, classifier, config.prompts.kinds, config.prompts.mask_threshold, config.recurrence
    )
    return [event for event in run if isinstance(event, Step)]


def test_image_features(case: Case, features: ImageFeatures) -> None:
    tokens = features.tokens[0].numpy()
    expected = case.arrays["image_features"][:, 0]
    np.testing.assert_allclose(tokens, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    squared = features.affinity @ features.affinity
    np.testing.assert_allclose(squared.numpy(), case.arrays["trans_mat"], atol=1e-5)


def test_cams_before_and_after_affinity(f: ClipModel, case: Case, features: ImageFeatures) -> None:
    config = configured(case)
    grad_cam = GradCam(f.tower, features.tokens, features.grid, f.logit_scale)
    background = embed_queries(f.texts, case.options["bg"] or (), [config.proposals.cam_template])[0]
    texts = embed_queries(f.texts, case.options["texts"], [config.proposals.first_step_template])[0]
    if config.mode == "referring":
        maps = torch.cat([grad_cam.maps(torch.cat([text[None], background]), range(1)) for text in texts])
    else:
        maps = grad_cam.maps(torch.cat([texts, background]), range(len(texts)))
    np.testing.assert_allclose(maps.numpy(), case.arrays["step0/cam"], atol=1e-3)
    boxes = [(query, *box) for query, cam in enumerate(maps.numpy()) for box in find_boxes(cam, case.options["lam"])]
    np.testing.assert_array_equal(boxes, case.arrays["step0/boxes"])
    masks = torch.from_numpy(np.stack([draw_box_mask(cam, case.options["lam"]) for cam in maps.numpy()]))
    spread = spread_by_affinity(features.affinity, maps, masks, config.proposals.n_affinity_steps)
    np.testing.assert_allclose(spread.numpy(), case.arrays["step0/cam_refined"], atol=1e-3)


def test_time_steps(case: Case, steps: list[Step]) -> None:
    config = configured(case)
    for k in range(case.n_comparable_steps):
        step, stored = steps[k], {key: case.arrays[f"step{k}/{key}"] for key in ("cam_up", "sim", "kept")}
        np.testing.assert_array_equal(np.flatnonzero(step.survives), stored["kept"])
        np.testing.assert_allclose(step.similarity, stored["sim"], atol=1e-3)
        np.testing.assert_allclose(step.scores, case.arrays[f"step{k}/diag"], atol=1e-3)
        if case.is_stale(k):  # CAR.md, section 2: the survivor's own last proposal stands instead
            np.testing.assert_array_equal(
                step.proposals.maps, steps[k - 1].proposals.select(steps[k - 1].survives).maps
            )
            continue
        np.testing.assert_allclose(step.proposals.stacked(), stored["cam_up"], atol=1e-3)
        masks = step.proposals.masks(config.prompts.mask_threshold)
        np.testing.assert_array_equal(masks, case.arrays[f"step{k}/binary"].astype(bool))
        prompted = list(draw_prompts(case.image, masks, config.prompts.kinds))
        np.testing.assert_array_equal(prompted, case.arrays[f"step{k}/prompted"])


def test_number_of_steps(case: Case, steps: list[Step]) -> None:
    if case.n_comparable_steps == case.n_steps:
        assert len(steps) == case.n_steps


def test_classifier_input_of_prompted_images(g: ClipModel, case: Case) -> None:
    from napari_car.clip.preprocess import fit_to_square

    prompted = case.arrays["step0/prompted"]
    inputs = np.stack([fit_to_square(image, g.tower.native_size_px, "crop") for image in prompted])
    np.testing.assert_allclose(g.normalise(inputs).numpy(), case.arrays["step0/cls_input"], atol=1e-6)


def test_final_masks(case: Case, steps: list[Step]) -> None:
    if case.n_comparable_steps != case.n_steps or case.is_stale(case.n_steps - 1):
        assert len(steps) <= case.n_steps  # the program's last proposals are not truth
        return
    probabilities, labels = final_labels(case, steps[-1])
    assert (labels == case.arrays["crf0/label"]).mean() >= 0.99
    if "crf0/prob_in" in case.arrays:
        stored = case.arrays["crf0/prob_in"]
        np.testing.assert_allclose(probabilities, stored, atol=1e-3)
        assert (probabilities.argmax(axis=0) == stored.argmax(axis=0)).mean() >= 0.999


def final_labels(case: Case, last: Step) -> tuple[np.ndarray, np.ndarray]:
    """Refine the first CRF of a case on the image that the authors' program gave to it."""
    maps = last.proposals.stacked()
    maps = maps[:1] if case.options["mode"] == "refer" else maps
    probabilities = with_background(maps, case.options["bgf"])
    crf = open_crf(case.arrays["crf_image_u8"], CRFConfig(backend="torch"))
    return probabilities, refine_labels(crf, probabilities).labels


def test_min_max_and_enlarging(golden) -> None:
    from napari_car.core.cam import normalise_maps

    stored = np.load(golden / "scale_cam.npz")
    for i in range(4):
        normalised = normalise_maps(torch.from_numpy(stored[f"{i}/in"])[None])[0].numpy()
        np.testing.assert_allclose(normalised, stored[f"{i}/norm"], atol=1e-6)
        np.testing.assert_allclose(cv2.resize(normalised, (101, 75)), stored[f"{i}/up_101x75"], atol=1e-6)
