"""Boxes, visual prompts, SAM matching, merging and painting against the authors' program: exact."""

from pathlib import Path

import numpy as np
import pytest

from napari_car.config import SamConfig
from napari_car.core.affinity import draw_box_mask, find_boxes
from napari_car.core.labels import merge_expressions, paint_labels, painting_order
from napari_car.core.prompts import draw_prompt
from napari_car.sam import MaskSet, match_sam_masks


def test_boxes(golden: Path) -> None:
    stored = np.load(golden / "boxes.npz")
    n_cases = sum(key.endswith("/score") for key in stored)
    assert n_cases > 30
    for i in range(n_cases):
        score, threshold = stored[f"{i}/score"], float(stored[f"{i}/thr"])
        if score.any():
            np.testing.assert_array_equal(find_boxes(score, threshold), stored[f"{i}/boxes"])
        else:  # the authors' program returns one empty box instead of none
            assert find_boxes(score, threshold) == []
        np.testing.assert_array_equal(draw_box_mask(score, threshold), stored[f"{i}/mask"].astype(bool))


@pytest.mark.parametrize("name", ["img0", "img1", "img2"])
def test_visual_prompts(golden: Path, images: dict[str, np.ndarray], name: str) -> None:
    stored = np.load(golden / "visual_prompts.npz")
    masks = stored[f"{name}/masks"].astype(bool)
    intermediates = {"masks", "center_hw", "gauss15", "bgr2gray_on_rgb"}
    kinds = {key.split("/")[1] for key in stored if key.startswith(f"{name}/")} - intermediates
    assert {"circle", "contour", "blur", "gray", "black", "rectangle", "circle+blur"} <= kinds
    for combination in kinds:
        drawn = [draw_prompt(images[name], mask, combination.split("+")) for mask in masks]
        np.testing.assert_array_equal(drawn, stored[f"{name}/{combination}"])


def test_sam_matching(golden: Path) -> None:
    stored = np.load(golden / "sam_match.npz")
    n_cases = sum(key.endswith("/query_masks") for key in stored)
    assert n_cases == 14
    for i in range(n_cases):
        iom, min_overlap, iou = (float(value) for value in stored[f"{i}/params_iom_minpred_iou"])
        config = SamConfig(iom_threshold=iom, min_overlap=min_overlap, iou_threshold=iou)
        objects = MaskSet.pack(stored[f"{i}/sam_masks"], stored[f"{i}/sam_masks"].shape[1:])
        for query, mask in enumerate(stored[f"{i}/query_masks"]):
            match = match_sam_masks(mask, objects, config)
            np.testing.assert_array_equal(match.matched, stored[f"{i}/kept"][query])
            np.testing.assert_array_equal(match.combined, stored[f"{i}/combined"][query])
            np.testing.assert_array_equal(match.mask, stored[f"{i}/out"][query].astype(bool))
            np.testing.assert_allclose(match.agreement.iou, stored[f"{i}/iou"][query], atol=1e-6)
            if mask.any():  # 0 / 0 in the authors' program
                np.testing.assert_allclose(match.iom, stored[f"{i}/iom"][query], atol=1e-6)


def test_merging_of_expressions(golden: Path) -> None:
    stored = np.load(golden / "merge_assign.npz")
    for i in range(6):
        height, width = (int(side) for side in stored[f"merge{i}/target_hw"])
        merged = merge_expressions(stored[f"merge{i}/masks"], stored[f"merge{i}/scores"], (height, width))
        np.testing.assert_array_equal(merged, stored[f"merge{i}/out"].astype(bool))


def test_painting_of_labels(golden: Path) -> None:
    stored = np.load(golden / "merge_assign.npz")
    for i in range(4):
        case = {key: stored[f"assign{i}/{key}"] for key in ("masks", "scores", "stuff_masks", "stuff_scores")}
        ids = {group: stored[f"assign{i}/{group}_ids"] + 1 for group in ("thing", "stuff")}
        things = [(m.astype(bool), s, k) for m, s, k in zip(case["masks"], case["scores"], ids["thing"], strict=True)]
        stuff = zip(case["stuff_masks"], case["stuff_scores"], ids["stuff"], strict=True)
        stuff = [(m.astype(bool), s, k) for m, s, k in stuff]
        plain = [(m, s, index + 1) for index, (m, s, _) in enumerate(things)]
        assert_painted(plain, [], stored[f"assign{i}/label_plain"])
        assert_painted(things, stuff, stored[f"assign{i}/label_thing_stuff"])


def assert_painted(things: list, stuff: list, expected: np.ndarray) -> None:
    """Compare a label map painted from (mask, score, id); a score of 0 means dropped."""
    kept = [(*item, False) for item in things if item[1] > 0] + [(*item, True) for item in stuff if item[1] > 0]
    masks, scores, ids, is_stuff = zip(*kept, strict=True)
    size = (expected.shape[0], expected.shape[1])
    order = painting_order([float(score) for score in scores], is_stuff)
    painted = paint_labels((masks[i] for i in order), [int(ids[i]) for i in order], size)
    np.testing.assert_array_equal(painted, expected)


def test_referring_expressions_are_cleaned(manifest) -> None:
    from napari_car.queries import clean_expression

    for example in manifest["process_sentence"]:
        if example["ds"].startswith("refcoco"):
            assert clean_expression(example["input"][0]) == example["out"]
