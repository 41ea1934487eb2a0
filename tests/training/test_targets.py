"""What the losses ask for is true of the scenes."""

import numpy as np
import pytest
import torch

from demo_clip import rows, targets
from demo_clip.architecture import CompactVocabulary
from demo_clip.batches import MAX_CONCEPTS, SceneBatches, perturb_mask, region_truth


@pytest.fixture(scope="module")
def batch():
    return next(iter(SceneBatches(seed=1, batch_size=6, regions_per_scene=2)))


def test_coverage_sums_to_one_per_patch(batch):
    shares = targets.coverage(torch.from_numpy(batch.labels))
    torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))


def test_targets_are_distributions_over_competing_true_texts(batch):
    rng = np.random.default_rng(0)
    truth = targets.presence(batch)
    may_win = truth.any(1) | rows.IS_BACKGROUND
    for softmax in (
        targets.image_softmax(rng, batch, truth),
        targets.region_softmax(rng, torch.from_numpy(batch.region_truth), truth).__class__(
            *(part[::2] for part in _parts(targets.region_softmax(rng, torch.from_numpy(batch.region_truth), truth)))
        ),
    ):
        total = softmax.target.sum(1)
        assert ((total - 1).abs().lt(1e-5) | total.eq(0)).all()
        assert not softmax.target[~softmax.columns].any()
        assert not softmax.target[~may_win].any()
        assert not softmax.target[:, rows.IS_UNKNOWN].any()


def _parts(softmax):
    return softmax.columns, softmax.target


def test_what_is_not_asked_for_goes_to_words_that_are_never_drawn():
    truth = torch.zeros(1, MAX_CONCEPTS, rows.N_ROWS, dtype=torch.bool)
    truth[0, 0, rows.ROW_OF["blue star"]] = True
    weights = torch.zeros(1, MAX_CONCEPTS)
    weights[0, 0] = 1
    columns = rows.IS_BACKGROUND.clone()[None]
    columns[0, rows.ROW_OF["blue circle"]] = True
    target = targets.spread(weights, truth, columns, 0.0).target[0]
    torch.testing.assert_close(target[rows.IS_NEVER_DRAWN].sum(), torch.tensor(1.0))


def test_an_unasked_surface_goes_to_the_background_words_that_are_true_of_it():
    truth = torch.zeros(1, MAX_CONCEPTS, rows.N_ROWS, dtype=torch.bool)
    truth[0, 0, rows.ROW_OF["water"]] = True
    weights = torch.zeros(1, MAX_CONCEPTS)
    weights[0, 0] = 1
    target = targets.spread(weights, truth, rows.IS_BACKGROUND[None], 0.0).target[0]
    winners = {rows.ROW_NAMES[i] for i in target.nonzero().flatten().tolist()}
    assert winners == {f"background {word}" for word in ("water", "lake", "river", "sea", "ocean")}


def test_a_region_shows_the_concept_it_overlaps_most():
    labels = np.zeros((24, 24), np.uint8)
    labels[6:18, 6:18] = 1
    mask = np.zeros((24, 24), bool)
    mask[5:19, 5:19] = True
    truth = region_truth(mask, labels)
    assert truth.argmax() == 1
    assert truth[1] > 0.9
    assert not region_truth(np.zeros((24, 24), bool), labels).any()


def test_perturbed_masks_still_overlap_the_object():
    rng = np.random.default_rng(0)
    mask = np.zeros((120, 144), bool)
    mask[30:80, 40:100] = True
    overlaps = [(m := perturb_mask(rng, mask)) & mask for _ in range(30)]
    assert np.mean([o.sum() > 0.5 * mask.sum() for o in overlaps]) > 0.9
    assert m.shape == mask.shape


def test_every_text_of_a_step_has_trained_words_only_where_it_should():
    vocabulary = CompactVocabulary()
    texts = rows.sample_texts(np.random.default_rng(0))
    encoded, end = vocabulary.encode(texts)
    assert len(texts) == rows.N_ROWS
    for name in ("red star", "rod-shaped cell", "grass"):
        row = rows.ROW_OF[name]
        assert (encoded[row, : end[row] + 1] > 0).all()
    for row in rows.IS_UNKNOWN.nonzero().flatten():
        assert (encoded[row, : end[row]] == 0).any()
