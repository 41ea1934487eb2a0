"""Scenes are deterministic, exactly described, and cover the promised vocabulary."""

import itertools

import numpy as np
import pytest

from scenes.compose import SCENE_SHAPES_PX, draw_scene
from scenes.seeds import (
    HELD_OUT_SEEDS,
    N_ABSENT,
    N_PRESENT,
    SAMPLE_SEEDS,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    make_trial,
)
from scenes.vocabulary import (
    CELLS,
    COLOURS,
    CONCEPTS,
    DRAWN_OBJECTS,
    PATTERNS,
    SHAPES,
    SURFACES,
)

SEEDS = range(5_000, 5_030)


@pytest.fixture(scope="module", params=["drawn", "microscopy"])
def some_scenes(request):
    return [draw_scene(seed, request.param) for seed in SEEDS]


def test_a_seed_always_gives_the_same_scene():
    first, second = draw_scene(7), draw_scene(7)
    np.testing.assert_array_equal(first.image, second.image)
    assert [region.name for region in first.concepts] == [region.name for region in second.concepts]
    assert not np.array_equal(first.image, draw_scene(8, first.domain, first.image.shape[:2]).image)


def test_images_have_the_size_asked_for():
    assert draw_scene(1, shape=(96, 200)).image.shape == (96, 200, 3)
    assert draw_scene(1).image.shape[:2] in SCENE_SHAPES_PX


def test_concept_masks_partition_the_image(some_scenes):
    for scene in some_scenes:
        owners = sum(region.mask.astype(int) for region in scene.concepts)
        assert (owners == 1).all()
        assert scene.image.dtype == np.uint8


def test_every_concept_is_named_in_the_vocabulary_and_has_true_texts(some_scenes):
    for scene in some_scenes:
        for region in scene.concepts:
            assert scene.texts(region.name)[0] == region.name
            assert CONCEPTS[region.name].domain == scene.domain
            np.testing.assert_array_equal(scene.mask(region.name), region.mask)


def test_a_coloured_object_has_its_colour(some_scenes):
    for scene in some_scenes:
        for region in scene.concepts:
            colour = CONCEPTS[region.name].colour
            if colour is None or region.mask.sum() < 50:
                continue
            mean = np.median(scene.image[region.mask].reshape(-1, 3), axis=0)
            chroma = mean - mean.mean()
            expected = np.subtract(COLOURS[colour], np.mean(COLOURS[colour]))
            if np.linalg.norm(expected) > 60:
                cosine = chroma @ expected / (np.linalg.norm(chroma) * np.linalg.norm(expected))
                assert cosine > 0.8, (region.name, mean)


def test_attributes_are_unions_of_objects():
    for seed in SEEDS:
        scene = draw_scene(seed, "drawn")
        for attribute in scene.attributes:
            if attribute.name in SHAPES:
                union = sum(
                    region.mask for region in scene.concepts if CONCEPTS[region.name].shape == attribute.name
                ).astype(bool)
                np.testing.assert_array_equal(attribute.mask, union)
            if attribute.name in PATTERNS:
                objects = np.any([r.mask for r in scene.concepts if CONCEPTS[r.name].shape], axis=0)
                assert not (attribute.mask & ~objects).any()


def test_an_unseen_concept_has_an_empty_mask():
    scene = draw_scene(3, "microscopy")
    assert not scene.mask("grass").any()


def test_vocabulary_has_the_promised_size():
    assert len(SHAPES) >= 6
    assert len(COLOURS) >= 8
    assert len(DRAWN_OBJECTS) == len(SHAPES) * len(COLOURS)
    assert len(SURFACES) >= 8
    assert len(CELLS) >= 8
    assert sum(len(concept.synonyms) > 0 for concept in CONCEPTS.values()) > 20


def test_every_concept_gets_drawn():
    seen = {region.name for seed in range(400) for region in draw_scene(seed).concepts}
    assert seen == set(CONCEPTS)


def test_no_text_is_true_of_two_concepts():
    texts = [text for concept in CONCEPTS.values() for text in concept.texts]
    assert len(texts) == len(set(texts))


def test_seed_ranges_are_disjoint():
    ranges = sorted((HELD_OUT_SEEDS, VALIDATION_SEEDS, TRAINING_SEEDS, SAMPLE_SEEDS), key=lambda seeds: seeds.start)
    for first, second in itertools.pairwise(ranges):
        assert first.stop <= second.start
    assert len(HELD_OUT_SEEDS) == 200


@pytest.mark.parametrize("seed", [*VALIDATION_SEEDS[:20]])
def test_a_trial_asks_three_present_and_five_absent_queries(seed):
    trial = make_trial(seed)
    assert (len(trial.present), len(trial.absent)) == (N_PRESENT, N_ABSENT)
    assert sorted(trial.queries) == sorted(trial.present + trial.absent)
    for name in trial.present:
        assert trial.scene.mask(name).mean() >= 0.01
    for name in trial.absent:
        assert not trial.scene.mask(name).any()
