"""The whole engine on random weights: what it returns, caches, bounds and refuses."""

import json
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_car import CaRConfig, Progress, Query, Segmentation, Segmenter, Step
from napari_car.clip.loading import load_clip
from napari_car.clip.model import ClipModel
from napari_car.core import proposals as proposals_module
from napari_car.decisions import group_background
from napari_car.errors import ConfigError, ImageError, QueryError, ResourceError
from napari_car.presets import BACKGROUND_LISTS, find_preset

QUICK = CaRConfig().changed({"crf.backend": "none", "recurrence.score_threshold": 0.0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from random_clip import TINY, random_model, write_folder

    return write_folder(tmp_path_factory.mktemp("tiny"), TINY, random_model(TINY).state_dict())


@pytest.fixture(scope="module")
def clip(folder: Path) -> ClipModel:
    return load_clip(str(folder), device="cpu", cache_file=folder / "texts.sqlite")


@pytest.fixture
def segmenter(clip: ClipModel) -> Segmenter:
    return Segmenter(clip)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 60, (70, 90, 3), dtype=np.uint8)
    picture[10:40, 20:60] += 120
    return picture


def threshold_between(result: Segmentation) -> float:
    """Return a θ that keeps some queries of the first step and drops others."""
    scores = np.sort(result.steps[0].scores)
    return float((scores[0] + scores[1]) / 2)


def test_shapes_and_types(segmenter: Segmenter, image: np.ndarray) -> None:
    result = segmenter.segment(image, ["leaf", "cat", "dog"], QUICK)
    assert [query.text for query in result.queries] == ["leaf", "cat", "dog"]
    assert [query.id for query in result.queries] == [1, 2, 3]
    assert result.label_map.shape == image.shape[:2]
    assert result.label_map.dtype == np.int32
    assert set(np.unique(result.label_map)) <= {0, 1, 2, 3}
    for text in ("leaf", "cat", "dog"):
        assert result.mask(text).dtype == bool
        assert result.score_map(text).shape == image.shape[:2]
        assert 0 <= result.score_map(text).min() <= result.score_map(text).max() <= 1
    np.testing.assert_array_equal(result.label_map == 2, result.mask("cat"))


def test_events(segmenter: Segmenter, image: np.ndarray) -> None:
    events = list(segmenter.run(image, ["leaf", "cat"], CaRConfig().changed({"recurrence.score_threshold": 0.0})))
    stages = Counter(event.stage for event in events if isinstance(event, Progress))
    assert stages["refinement"] == 10
    assert set(stages) >= {"image", "proposals", "classification", "refinement"}
    assert sum(isinstance(event, Step) for event in events) == 1


def test_masks_are_those_of_the_last_step_before_the_crf(segmenter: Segmenter, image: np.ndarray) -> None:
    result = segmenter.segment(image, ["leaf", "cat"], QUICK)
    maps = result.steps[-1].proposals.stacked()
    background = 1 - maps.max(axis=0)
    np.testing.assert_array_equal(result.mask("leaf"), (maps[0] > background) & (maps[0] >= maps[1]))


def test_a_dropped_query_has_no_mask_but_a_score_map(segmenter: Segmenter, image: np.ndarray) -> None:
    queries = ["leaf", "cat", "dog"]
    threshold = threshold_between(segmenter.segment(image, queries, QUICK))
    result = segmenter.segment(image, queries, QUICK.changed({"recurrence.score_threshold": threshold}))
    dropped = [query for query in result.queries if not query.has_mask]
    assert dropped
    for query in dropped:
        assert query.dropped_at_step is not None
        assert len(query.scores) == query.dropped_at_step
        assert not result.mask(query.text).any()
        assert result.score_map(query.text).any()
        assert query.score < threshold


@pytest.mark.parametrize(("margin", "verdicts"), [(0.0, {"present"}), (1.0, {"uncertain"})])
def test_verdicts_follow_the_margin(segmenter: Segmenter, image, margin: float, verdicts: set[str]) -> None:
    config = QUICK.changed({"recurrence.uncertain_margin": margin})
    assert {query.verdict for query in segmenter.segment(image, ["leaf", "cat"], config).queries} == verdicts


def test_a_single_absent_query_is_rejected_by_the_background(segmenter: Segmenter, image: np.ndarray) -> None:
    result = segmenter.segment(image, ["leaf"])  # random weights: one of 24 texts scores far below 0.5
    assert result["leaf"].verdict == "absent"
    assert result["leaf"].dropped_at_step == 1
    assert not result.label_map.any()
    kept = segmenter.segment(image, ["leaf"], find_preset("voc").config)
    assert kept["leaf"].score == 1.0


def test_a_query_without_anything_to_compete_with_is_refused(segmenter: Segmenter, image: np.ndarray) -> None:
    config = CaRConfig().changed({"proposals.background_lists": []})
    with pytest.raises(QueryError, match="nothing to be told apart from"):
        segmenter.segment(image, ["leaf"], config)
    with pytest.raises(QueryError, match="nothing to be told apart from"):
        segmenter.segment(image, ["leaf", "cat"], config.changed({"mode": "referring"}))
    assert segmenter.segment(image, ["leaf", "cat"], config).queries


def test_referring_masks_may_overlap_and_expressions_are_cleaned(segmenter: Segmenter, image: np.ndarray) -> None:
    config = QUICK.changed({"mode": "referring", "crf.background_factor": 1.0})
    result = segmenter.segment(image, ['The "LEAF"', "cat"], config)
    assert result.queries[0].text == "the leaf"
    maps = result.steps[-1].proposals.stacked()
    np.testing.assert_array_equal(result.mask(0), maps[0] > 1 - maps[0])
    np.testing.assert_array_equal(result.mask(1), maps[1] > 1 - maps[1])


def test_things_and_stuff_are_segmented_apart(segmenter: Segmenter, image: np.ndarray) -> None:
    config = QUICK.changed({"mutual_background.enabled": True})
    queries = [Query("grass", group="stuff"), Query("cat"), Query("sky", group="stuff"), Query("dog")]
    result = segmenter.segment(image, queries, config)
    assert [step.queries for step in result.steps] == [(1, 3), (0, 2)]
    assert result.provenance.background == ("cat", "dog")
    labels = result.label_map
    things = result.mask("cat") | result.mask("dog")
    assert set(np.unique(labels[things])) <= {2, 4}


def test_background_of_things_may_be_all_stuff(segmenter: Segmenter, image: np.ndarray) -> None:
    config = QUICK.changed({"mutual_background.enabled": True, "mutual_background.thing_background": "stuff"})
    queries = [Query("grass", group="stuff"), Query("cat"), Query("dog")]
    assert group_background([1, 2], queries, config) == ("grass",)
    assert group_background([0], queries, config) == ("cat", "dog")
    assert group_background([1, 2], queries, QUICK) == BACKGROUND_LISTS["released"]


def test_features_of_an_image_are_computed_once(segmenter, image, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Counter()
    encode = proposals_module.encode_image

    def counted(*arguments):
        calls["image"] += 1
        return encode(*arguments)

    monkeypatch.setattr("napari_car.segmenter.encode_image", counted)
    first = segmenter.segment(image, ["leaf", "cat"], QUICK)
    segmenter.segment(image, ["dog", "cow"], QUICK)
    again = segmenter.segment(image, ["leaf", "cat"], QUICK)
    assert calls["image"] == 1
    np.testing.assert_array_equal(first.steps[0].similarity, again.steps[0].similarity)
    segmenter.segment(image[:-1], ["leaf", "cat"], QUICK)
    assert calls["image"] == 2


def test_the_number_of_kept_features_is_bounded(segmenter: Segmenter, image: np.ndarray) -> None:
    for rows in range(6):
        segmenter.segment(image[rows:], ["leaf", "cat"], QUICK)
    assert len(segmenter._features) == QUICK.compute.max_features_cached
    segmenter.segment(image, ["leaf", "cat"], QUICK.changed({"compute.max_features_cached": 0}))
    assert not segmenter._features


def test_texts_are_encoded_once(folder: Path, image: np.ndarray, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = Segmenter(str(folder), device="cpu", cache_file=tmp_path / "texts.sqlite")
    encoded: list[str] = []
    encode = type(segmenter.f.texts)._encode
    monkeypatch.setattr(
        type(segmenter.f.texts), "_encode", lambda self, texts: (encoded.extend(texts), encode(self, texts))[1]
    )
    segmenter.segment(image, ["leaf", "cat"])
    assert len(encoded) == len(set(encoded)) == 25 * 15
    segmenter.segment(image[5:], ["cat", "leaf"])
    assert len(encoded) == 25 * 15


def test_new_texts_are_encoded_in_pieces(folder: Path, image: np.ndarray, tmp_path: Path) -> None:
    segmenter = Segmenter(str(folder), device="cpu", cache_file=tmp_path / "texts.sqlite")
    run = segmenter.run(image, ["leaf", "cat"])
    done = [event.done for event in run if isinstance(event, Progress) and event.stage == "texts"]
    assert done[:2] == [16, 25]  # f: two queries and 23 background queries
    assert len(done) == 2 + -(-25 * 14 // 16)  # g: one of its 15 templates is f's


def test_synonyms_change_the_embedding(segmenter: Segmenter, image: np.ndarray) -> None:
    plain = segmenter.segment(image, ["leaf", "cat"], QUICK)
    helped = segmenter.segment(image, [Query("leaf", synonyms=("foliage",)), "cat"], QUICK)
    assert np.abs(plain.steps[0].similarity - helped.steps[0].similarity).max() > 1e-6


def test_large_images_are_worked_on_smaller_and_come_back_at_full_size(segmenter: Segmenter, image) -> None:
    large = np.kron(image, np.ones((4, 4, 1), dtype=np.uint8))
    result = segmenter.segment(large, ["leaf", "cat"], QUICK.changed({"compute.max_side_px": 90}))
    assert result.image.shape == image.shape
    assert result.label_map.shape == large.shape[:2]
    assert result.score_map(0).shape == large.shape[:2]
    assert any("was worked on at 90 x 70 px" in note for note in result.provenance.notes)
    small = segmenter.segment(image, ["leaf", "cat"], QUICK)
    agreement = (result.label_map[2::4, 2::4] == small.label_map).mean()
    assert agreement > 0.98


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (2, 3), (17, 17, 4)])
def test_odd_sizes(segmenter: Segmenter, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    result = segmenter.segment(picture, ["leaf", "cat"], CaRConfig().changed({"recurrence.score_threshold": 0.0}))
    assert result.label_map.shape == shape[:2]


def test_seventy_seven_visual_tokens(segmenter: Segmenter) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 304, 3), dtype=np.uint8)  # 4 x 19 patches
    assert segmenter.segment(picture, ["leaf", "cat"], QUICK).steps[0].proposals.maps.shape == (2, 4, 19)


def test_hundreds_of_queries(segmenter: Segmenter, image: np.ndarray) -> None:
    config = QUICK.changed({"classifier.templates": ["{}"], "compute.batch_memory_mb": 16})
    result = segmenter.segment(image, [f"thing {i}" for i in range(300)], config)
    assert len(result.present) == 300


@pytest.mark.parametrize("method", ["clip-es", "grad-cam"])
@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
def test_variants_run(segmenter: Segmenter, image: np.ndarray, method: str, fit: str) -> None:
    config = QUICK.changed({"proposals.method": method, "classifier.fit": fit, "classifier.blocks": "all-but-last"})
    assert segmenter.segment(image, ["leaf", "cat"], config).steps[0].proposals.maps.max() == pytest.approx(1)


def test_plain_gradcam_has_no_affinity(segmenter: Segmenter, image: np.ndarray) -> None:
    maps = [
        segmenter.segment(image, ["leaf", "cat"], QUICK.changed({"proposals.method": method})).steps[0].proposals.maps
        for method in ("clip-es", "grad-cam")
    ]
    assert np.abs(maps[0] - maps[1]).max() > 0.01


def test_duplicate_queries_are_said(segmenter: Segmenter, image: np.ndarray) -> None:
    result = segmenter.segment(image, ["leaf", "Leaf", "cat"], QUICK)
    assert len(result.queries) == 2
    assert any("given twice" in note for note in result.provenance.notes)


def test_a_closed_run_stops(segmenter: Segmenter, image: np.ndarray) -> None:
    run = segmenter.run(image, ["leaf", "cat"])
    next(run)
    run.close()
    with pytest.raises(StopIteration):
        next(run)


def test_out_of_memory_is_said(segmenter: Segmenter, image, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("napari_car.segmenter.encode_image", fail)
    with pytest.raises(ResourceError, match=r"ran out of memory: lower compute\.max_side_px"):
        segmenter.segment(image, ["leaf", "cat"])


@pytest.mark.parametrize("bad", [np.zeros((0, 5, 3), "u1"), np.zeros(5, "u1"), np.full((4, 4), np.nan)])
def test_what_is_no_image(segmenter: Segmenter, bad: np.ndarray) -> None:
    with pytest.raises(ImageError):
        segmenter.segment(bad, ["leaf"])


def test_too_long_query(segmenter: Segmenter, image: np.ndarray) -> None:
    with pytest.raises(QueryError, match="too long"):
        segmenter.segment(image, ["leaf " * 300])


def test_the_result_as_json_and_pickle(segmenter: Segmenter, image: np.ndarray) -> None:
    result = segmenter.segment(image, ["leaf", "cat"], QUICK)
    summary = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert summary["queries"][0]["text"] == "leaf"
    assert summary["provenance"]["f"]["sha256"] == segmenter.f.identity.sha256
    assert CaRConfig.from_dict(summary["config"]) == QUICK
    assert set(summary["provenance"]["seconds"]) >= {"image", "proposals", "classification"}
    copy = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(copy.label_map, result.label_map)


class TestRedecide:
    """Decisions from stored scores and proposals."""

    @pytest.fixture
    def result(self, segmenter: Segmenter, image: np.ndarray) -> Segmentation:
        return segmenter.segment(image, ["leaf", "cat", "dog"], QUICK.changed({"crf.backend": "torch"}))

    @pytest.fixture(autouse=True)
    def _no_clip(self, result: Segmentation, monkeypatch: pytest.MonkeyPatch) -> None:
        assert result.steps  # computed before CLIP is forbidden

        def forbidden(*_: object, **__: object) -> None:
            raise AssertionError("CLIP was run")

        for name in ("tokens_before_last_block", "mean_patch_embedding", "class_token_embedding"):
            monkeypatch.setattr(f"napari_car.clip.tower.VisionTower.{name}", forbidden)

    def test_nothing_changed(self, result: Segmentation) -> None:
        same = result.redecide()
        np.testing.assert_array_equal(same.label_map, result.label_map)
        assert same.queries == result.queries

    def test_higher_score_threshold_drops(self, result: Segmentation) -> None:
        threshold = threshold_between(result)
        fewer = result.redecide(score_threshold=threshold)
        assert len(fewer.present) == 2
        assert fewer.config.recurrence.score_threshold == threshold
        dropped = next(query for query in fewer.queries if not query.has_mask)
        assert dropped.dropped_at_step == 1
        assert not fewer.mask(dropped.text).any()
        back = fewer.redecide(score_threshold=0.0)
        np.testing.assert_array_equal(back.label_map, result.label_map)

    def test_mask_threshold_moves_the_edge(self, result: Segmentation) -> None:
        areas = [np.count_nonzero(result.redecide(mask_threshold=eta, crf=False).label_map) for eta in (0.2, 0.5, 0.8)]
        assert areas[0] > areas[1] > areas[2]
        maps = result.steps[-1].proposals.stacked().max(axis=0)
        lowered = result.redecide(mask_threshold=0.3, crf=False).label_map > 0
        assert not (lowered ^ (maps > 0.3))[np.abs(maps - 0.3) > 1e-4].any()

    @pytest.mark.parametrize("bad", [0.0, 1.0, -1.0, float("nan")])
    def test_thresholds_are_checked(self, result: Segmentation, bad: float) -> None:
        with pytest.raises(ConfigError):
            result.redecide(mask_threshold=bad)
        with pytest.raises(ConfigError):
            result.redecide(score_threshold=bad * 1.5 - 0.1)

    def test_unknown_query(self, result: Segmentation) -> None:
        with pytest.raises(QueryError, match="was not asked for"):
            result.mask("cow")
        assert result["LEAF"].text == "leaf"
