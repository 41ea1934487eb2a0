"""The why view's contents: rivals, reasons and pictures of time steps."""

import itertools

import cv2
import numpy as np
import pytest

from napari_car import PRESETS, CaRConfig, Query, Segmentation, Segmenter, Step, read_image
from napari_car.annotation.explain import Rival, explain_run, explain_step, rival_of, say_reason
from napari_car.annotation.thumbnails import PromptPainter, thumbnail_size_px, tint_mask
from napari_car.config import RecurrenceConfig
from napari_car.core.prompts import draw_prompts
from napari_car.results import Proposals
from napari_car.scenes import load_scenes

QUERIES = (Query("sofa"), Query("cat"), Query("lamp"))
CONFIG = CaRConfig().changed(
    {
        "proposals.background_lists": [],
        "proposals.background_words": ["wall", "Cat", "floor"],  # "Cat" is asked for, so it does not compete
        "prompts.mask_threshold": 0.5,
        "recurrence.score_threshold": 0.5,
    }
)
RULE = CONFIG.recurrence


def hand_made_step() -> Step:
    """A second time step, in which "cat" is no longer; columns: sofa, lamp, wall, floor."""
    maps = np.zeros((2, 4, 8), dtype=np.float32)
    maps[0, :, :4] = 1  # the left half, up to the middle of two patches
    similarity = np.array([[0.22, 0.10, 0.61, 0.07], [0.15, 0.80, 0.02, 0.03]], dtype=np.float32)
    return Step(2, (0, 2), Proposals(maps, (40, 80)), similarity, similarity[[0, 1], [0, 1]], np.array([False, True]))


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter("demo")


def run(segmenter: Segmenter, name: str, queries: list[str | Query] | None = None, **changes: object) -> Segmentation:
    scene = next(scene for scene in load_scenes() if scene.name == name)
    config = PRESETS["demo"].config.changed({"crf.backend": "none", **changes})
    return segmenter.segment(read_image(scene.image).rgb, queries or scene.queries, config)


def test_a_step_says_scores_rivals_and_shares() -> None:
    view = explain_step(hand_made_step(), np.full((40, 80, 3), 90, dtype=np.uint8), QUERIES, CONFIG)
    sofa, lamp = view.rows
    assert view.heading == "Step 2 — 2 queries, 1 dropped"
    assert (view.mask_threshold, view.score_threshold, view.group) == (0.5, 0.5, None)
    assert (sofa.query, sofa.text, sofa.survives, sofa.share) == (0, "sofa", False, 0.5)
    assert sofa.score == pytest.approx(0.22)
    assert sofa.rival == Rival("wall", pytest.approx(0.61), True)
    assert sofa.reason == 'Its mask looks more like the background word "wall" (0.61) than "sofa" (0.22).'
    assert (lamp.query, lamp.text, lamp.survives, lamp.share) == (2, "lamp", True, 0.0)
    assert lamp.rival == Rival("sofa", pytest.approx(0.15), False)
    assert lamp.reason == 'Its mask is empty, and the whole image looks like "lamp" (0.80); next comes "sofa" (0.15).'


def test_without_competing_background_only_queries_are_rivals() -> None:
    step = hand_made_step()
    alone = Step(2, (0, 2), step.proposals, step.similarity[:, :2], step.scores, step.survives)
    view = explain_step(
        alone, np.zeros((40, 80, 3), np.uint8), QUERIES, CONFIG.changed({"classifier.background": False})
    )
    assert view.rows[0].rival == Rival("lamp", pytest.approx(0.10), False)
    one = Step(2, (0,), step.proposals, np.ones((1, 1), "f4"), np.ones(1, "f4"), np.array([True]))
    assert rival_of(one, 0, ["sofa"], {"sofa"}) is None


WALL = Rival("wall", 0.3, True)


@pytest.mark.parametrize(
    ("score", "survives", "rival", "rule", "sentence"),
    [
        (0.302, False, Rival("cat", 0.304, False), RULE, 'Its mask looks more like "cat" (0.304) than "sofa" (0.302).'),
        (
            0.45,
            False,
            WALL,
            RULE,
            'Its mask looks most like "sofa", but 0.45 is too low: at least 0.50 is needed. '
            'Next: the background word "wall" (0.30).',
        ),
        (
            0.5,
            False,
            WALL,
            RecurrenceConfig(score_threshold=0.5, ties_survive=False),
            'Its mask looks most like "sofa", but 0.50 is too low: more than 0.50 is needed. '
            'Next: the background word "wall" (0.30).',
        ),
        (
            0.31,
            True,
            Rival("cat", 0.5, False),
            RecurrenceConfig(score_threshold=0.3),
            'Its mask looks even more like "cat" (0.50) than "sofa" (0.31), but 0.30 is enough.',
        ),
        (
            0.31,
            True,
            WALL,
            RecurrenceConfig(score_threshold=0.5, keep_best=True),
            "Its mask scores 0.31, which is below 0.50; it was kept because the best query always is.",
        ),
        (0.998, True, Rival("cat", 0.001, False), RULE, 'Its mask looks like "sofa" (1.00); nothing else comes close.'),
        (1.0, True, None, RULE, 'Its mask can only look like "sofa": nothing competes with it.'),
    ],
)
def test_every_outcome_has_its_sentence(
    score: float, survives: bool, rival: Rival | None, rule: RecurrenceConfig, sentence: str
) -> None:
    assert say_reason("sofa", score, survives, rival, 0.2, rule) == sentence


@pytest.mark.parametrize(
    ("survives", "heading"),
    [
        ([True], "Step 1 — 1 query, kept"),
        ([False], "Step 1 — 1 query, dropped"),
        ([True, True], "Step 1 — 2 queries, all kept"),
        ([False, False], "Step 1 — 2 queries, all dropped"),
    ],
)
def test_headings_count(survives: list[bool], heading: str) -> None:
    n = len(survives)
    similarity = np.full((n, n + 2), 0.2, dtype=np.float32)
    proposals = Proposals(np.zeros((n, 2, 2), "f4"), (6, 6))
    step = Step(1, tuple(range(n)), proposals, similarity, np.diagonal(similarity).copy(), np.array(survives))
    assert explain_step(step, np.zeros((6, 6, 3), np.uint8), [QUERIES[0], QUERIES[2]][:n], no_cat()).heading == heading


def no_cat() -> CaRConfig:
    """Return the parameters with two background words, whatever is asked for."""
    return CONFIG.changed({"proposals.background_words": ["wall", "floor"]})


@pytest.mark.parametrize(
    "kinds",
    [kinds for n in (1, 2, 3) for kinds in itertools.combinations(("blur", "gray", "black", "circle", "contour"), n)],
)
def test_prompts_are_those_of_the_recurrence(kinds: tuple[str, ...]) -> None:
    random = np.random.default_rng(3)
    image = random.integers(0, 255, (37, 53, 3), dtype=np.uint8)
    masks = [cv2.resize(random.random((4, 5)).astype("f4"), (53, 37)) > 0.5, np.zeros((37, 53), bool)]
    one_px = np.zeros((37, 53), bool)
    one_px[3, 4] = True
    masks.append(one_px)
    painter = PromptPainter(image, kinds)  # type: ignore[arg-type]
    for drawn, prompted in zip(map(painter.draw, masks), draw_prompts(image, masks, kinds), strict=True):  # type: ignore[arg-type]
        np.testing.assert_array_equal(drawn, prompted)


def test_pictures_of_a_run_are_what_the_classifier_saw(segmenter: Segmenter) -> None:
    result = run(segmenter, "shapes-on-sand", **{"prompts.kinds": ["circle", "blur"]})
    views = explain_run(result)
    assert len(views) == len(result.steps) > 1
    for view, step in zip(views, result.steps, strict=True):
        eta = result.config.prompts.mask_threshold
        prompted = draw_prompts(result.image, step.proposals.masks(eta), result.config.prompts.kinds)
        for row, image, mask in zip(view.rows, prompted, step.proposals.masks(eta), strict=True):
            np.testing.assert_array_equal(row.prompted_thumbnail, image)  # small enough to be shown as it is
            assert row.share == pytest.approx(mask.mean())
            np.testing.assert_array_equal(row.score_map > 255 * eta, mask)
    dropped = {row.text for view in views for row in view.rows if not row.survives}
    assert dropped == {query.text for query in result.queries if not query.has_mask}
    assert "snow" in dropped


def test_large_images_are_shrunk_after_the_prompts_are_drawn() -> None:
    random = np.random.default_rng(0)
    image = cv2.resize(random.integers(0, 255, (24, 32, 3), dtype=np.uint8), (1024, 768))
    maps = random.random((2, 6, 8)).astype(np.float32)
    similarity = np.full((2, 4), 0.25, dtype=np.float32)
    step = Step(1, (0, 1), Proposals(maps, (768, 1024)), similarity, similarity[0, :2], np.array([True, False]))
    view = explain_step(step, image, [QUERIES[0], QUERIES[2]], no_cat().changed({"prompts.kinds": ["circle", "blur"]}))
    (prompted, _) = draw_prompts(image, step.proposals.masks(0.5), ("circle", "blur"))
    expected = cv2.resize(prompted, (256, 192), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(view.rows[0].prompted_thumbnail, expected)
    assert view.thumbnail.shape == (192, 256, 3)
    assert view.rows[0].score_map.shape == (192, 256)


@pytest.mark.parametrize("n", [1, 10, 64, 65, 200, 5000])
def test_thumbnails_stay_within_their_budget(n: int) -> None:
    for size in ((768, 1024), (2000, 100), (512, 512)):
        height, width = thumbnail_size_px(size, n)
        assert max(height, width) <= 256
        assert height / width == pytest.approx(size[0] / size[1], rel=0.25)
        assert 4 * n * height * width <= 17 * 2**20 or max(height, width) == 96
    assert thumbnail_size_px((30, 40), n) == (30, 40)


def test_masks_are_tinted_and_the_rest_is_dimmed() -> None:
    image = np.full((20, 20, 3), 100, dtype=np.uint8)
    score_map = np.zeros((20, 20), dtype=np.uint8)
    score_map[:, :10] = 255
    score_map[:, 10] = 100
    picture = tint_mask(image, score_map, 0.5, (255, 0, 0))
    inside, edge, outside, below_threshold = picture[10, 5], picture[10, 9], picture[10, 15], picture[10, 10]
    assert edge.tolist() == [255, 0, 0]
    assert inside[0] > 150 > 60 > inside[1]
    assert outside.tolist() == [50, 50, 50]
    assert below_threshold[0] > below_threshold[1] == below_threshold[2]


def test_things_come_before_stuff_each_with_its_own_prompts_and_rivals(segmenter: Segmenter) -> None:
    queries = [Query("sand", group="stuff"), Query("blue circle"), Query("orange circle"), Query("snow", group="stuff")]
    result = run(
        segmenter,
        "shapes-on-sand",
        queries,
        **{
            "mutual_background.enabled": True,
            "mutual_background.thing_background": "stuff",
            "mutual_background.stuff_prompts": ["gray"],
        },
    )
    views = explain_run(result)
    assert [view.group for view in views] == sorted((view.group for view in views), reverse=True)
    assert {view.group for view in views} == {"thing", "stuff"}
    things = next(view for view in views if view.group == "thing")
    stuff = next(view for view in views if view.group == "stuff")
    assert [row.query for row in things.rows] == [1, 2]
    assert [row.query for row in stuff.rows] == [0, 3]
    assert things.heading.startswith("Things, step 1 — 2 queries")
    assert stuff.heading.startswith("Stuff, step 1 — 2 queries")
    texts = {query.text for query in queries}
    for row in (*things.rows, *stuff.rows):
        assert row.rival is not None
        assert row.rival.text in texts - {row.text}
        assert not row.rival.is_background
    step = result.steps[views.index(stuff)]
    (grey, *_) = draw_prompts(result.image, step.proposals.masks(result.config.prompts.mask_threshold), ("gray",))
    np.testing.assert_array_equal(stuff.rows[0].prompted_thumbnail, grey)


def test_referring_expressions_compete_as_they_are_asked(segmenter: Segmenter) -> None:
    scene = next(scene for scene in load_scenes() if scene.name == "shapes-on-sand")
    image = read_image(scene.image).rgb
    config = PRESETS["demo"].config.changed({"mode": "referring", "crf.backend": "none"})
    asked = [Query('"Blue" circle'), Query("gr/ass")]  # cleaned, "grass" is asked for and no background word any more
    result = segmenter.segment(image, asked, config)
    live = explain_step(result.steps[0], image, asked, config)
    assert [row.text for row in live.rows] == ["blue circle", "grass"]
    assert [row.reason for row in live.rows] == [row.reason for row in explain_run(result)[0].rows]


def test_steps_of_a_run_that_was_decided_anew_need_its_own_parameters(segmenter: Segmenter) -> None:
    result = run(segmenter, "shapes-on-sand")
    anew = result.redecide(score_threshold=0.999, mask_threshold=0.9, crf=False)
    views = explain_run(anew, result.config)
    assert [row.reason for view in views for row in view.rows] == [
        row.reason for view in explain_run(result) for row in view.rows
    ]
    assert views[0].score_threshold == result.config.recurrence.score_threshold
