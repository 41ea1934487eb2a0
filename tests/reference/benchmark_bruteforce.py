"""Scores of benchmarks by loops, from official files and stored predictions: nothing of napari_car is imported.

`score` returns what `result.json` should hold, by the names of the scores there. It is slow on purpose: pixels are
compared class by class and boundary pixels one by one, so that nothing has to be believed.
"""

import itertools
import json
import math
import pickle
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

VOID, BACKGROUND = -1, 0
Labels = NDArray[np.int64]
Scores = dict[str, float | None]


@dataclass(frozen=True)
class Scored:
    """What was computed: scores, IoU and accuracy by class, and the number of items."""

    scores: Scores
    classes: dict[str, tuple[float | None, float | None]]
    n_items: int


def score(benchmark: str, root: Path, out: Path, **options: str) -> Scored:
    """Score what is in `out` of a benchmark in `root`."""
    if benchmark in SEMANTIC:
        return score_semantic(benchmark, root, out)
    if benchmark == "ref-davis":
        return score_ref_davis(root, out, options["annotator"])
    return score_referring(benchmark, root, out, **options)


# --- semantic ---------------------------------------------------------------------------------------------------------


def read_index(path: Path) -> Labels:
    """Read the values of a mask; a palette's indices."""
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path)).astype(np.int64)
    with Image.open(path) as image:
        assert image.mode in ("P", "L", "I;16"), image.mode
        return np.array(image).astype(np.int64)


def voc_truth(folder: Path, key: str) -> Labels:
    values = read_index(folder / "VOCdevkit/VOC2012/SegmentationClass" / f"{key}.png")
    return np.where(values == 255, VOID, values)


def voc_keys(root: Path) -> list[str]:
    return (root / "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt").read_text().split()


def context_keys(root: Path) -> list[str]:
    return (root / "VOCdevkit/VOC2010/ImageSets/SegmentationContext/val.txt").read_text().split()


def context_truth(root: Path, key: str) -> Labels:
    return read_index(root / "VOCdevkit/VOC2010/SegmentationClassContext" / f"{key}.png")


def coco_truth(root: Path, key: str) -> Labels:
    return read_index(root / "annotations/val2017" / f"{key}_instanceTrainIds.png")


def ade_truth(root: Path, key: str) -> Labels:
    values = read_index(root / "annotations/validation" / f"{key}.png")
    return np.where(values == 0, VOID, values)


def detectron_truth(folder: str, n_classes: int) -> Callable[[Path, str], Labels]:
    """Values are the id less 1; above the classes', nothing is scored."""

    def read(root: Path, key: str) -> Labels:
        values = read_index(root / folder / "validation" / f"{key}.tif")
        return np.where(values >= n_classes, VOID, values + 1)

    return read


def without_background(read: Callable[[Path, str], Labels]) -> Callable[[Path, str], Labels]:
    def read_without(root: Path, key: str) -> Labels:
        labels = read(root, key)
        return np.where(labels == BACKGROUND, VOID, labels)

    return read_without


def folder_ontology(root: Path) -> list[dict[str, Any]]:
    return tomllib.loads((root / "ontology.toml").read_text(encoding="utf-8"))["classes"]


def is_asked(entry: dict[str, Any]) -> bool:
    return entry.get("enabled", True) and entry.get("role", "query") == "query"


def folder_truth(root: Path, key: str) -> Labels:
    values = read_index(root / "masks" / f"{key}.tif")
    labels = np.where(values == 255, VOID, BACKGROUND)
    for entry in folder_ontology(root):
        if is_asked(entry):
            labels[values == entry["id"]] = entry["id"]
    return labels


def frame_keys(root: Path) -> list[str]:
    """The frames of all listed videos, by the names of both."""
    videos = (root / "ImageSets/2016/val.txt").read_text().split()
    return [f"{name}-{stem}" for name in videos for stem in stems(f"JPEGImages/480p/{name}", ".jpg")(root)]


def frame_truth(root: Path, key: str) -> Labels:
    """There is one video in the miniature, so one class."""
    name, _, stem = key.rpartition("-")
    return (read_index(root / "Annotations/480p" / name / f"{stem}.png") > 0).astype(np.int64)


def stems(folder: str, ending: str) -> Callable[[Path], list[str]]:
    return lambda root: sorted(path.name.removesuffix(ending) for path in (root / folder).glob(f"*{ending}"))


SEMANTIC: dict[str, tuple[Callable[[Path], list[str]], Callable[[Path, str], Labels], int, bool]] = {
    "voc": (voc_keys, voc_truth, 20, True),
    "voc-20": (voc_keys, without_background(voc_truth), 20, False),
    "coco-object": (stems("images/val2017", ".jpg"), coco_truth, 80, True),
    "context-60": (context_keys, context_truth, 59, True),
    "context-59": (context_keys, without_background(context_truth), 59, False),
    "context-459": (
        stems("images/validation", ".jpg"),
        detectron_truth("annotations_ctx459", 459),
        459,
        False,
    ),
    "ade-150": (stems("images/validation", ".jpg"), ade_truth, 150, False),
    "ade-847": (
        stems("images_detectron2/validation", ".jpg"),
        detectron_truth("annotations_detectron2", 847),
        847,
        False,
    ),
    "folder": (stems("masks", ".tif"), folder_truth, 0, True),
    "davis-frames": (frame_keys, frame_truth, 1, True),
}
"""Keys, ground truth, number of classes (of a folder, the ontology's), and whether background is a class."""


def score_semantic(benchmark: str, root: Path, out: Path) -> Scored:
    """Compare label maps pixel by pixel, one class at a time, over all images."""
    list_keys, read_truth, n_classes, has_background = SEMANTIC[benchmark]
    ids = list(range(1, n_classes + 1))
    if benchmark == "folder":
        ids = sorted(entry["id"] for entry in folder_ontology(root) if is_asked(entry))
    keys, pairs = [], []
    for key in list_keys(root):
        if (out / "masks" / f"{key}.png").exists():
            truth, found = read_truth(root, key), read_index(out / "masks" / f"{key}.png")
            assert truth.shape == found.shape
            assert set(np.unique(found)) <= {0, *ids}
            pairs.append((truth, found))
            keys.append(key)
    if has_background:
        main = class_counts(pairs, [0, *ids], drops_background=False)
        other_name, other = "mIoU without the background class", {id_: main[id_] for id_ in ids}
    else:
        # The released evaluation takes row and column of the background away: what is predicted as it is not looked at.
        main = class_counts(pairs, ids, drops_background=True)
        other_name = "mIoU, pixels taken for background count as missed"
        other = class_counts(pairs, ids, drops_background=False)
    total = sum(n_true for n_true, _, _ in main.values())
    scores: Scores = {
        "mIoU": average(iou_of(counts) for counts in main.values() if counts[0]),
        other_name: average(iou_of(counts) for counts in other.values() if counts[0]),
        "pixel accuracy": sum(hit for _, _, hit in main.values()) / total,
        "mean accuracy": average(hit / n_true for n_true, _, hit in main.values() if n_true),
        "frequency-weighted IoU": sum(counts[0] / total * iou_of(counts) for counts in main.values() if counts[0]),
    }
    scores |= score_presence(out, keys, pairs)
    names = class_names(benchmark, root, ids)
    classes = {
        names[id_]: (
            iou_of(counts) if counts[0] or counts[1] else None,
            counts[2] / counts[0] if counts[0] else None,
        )
        for id_, counts in main.items()
    }
    return Scored(scores, classes, len(pairs))


def score_presence(out: Path, keys: list[str], pairs: list[tuple[Labels, Labels]]) -> Scores:
    """Score which classes were found, from the lists of items: a mask does not show those that others cover.

    What is there is counted in the ground truth; what a mask shows was found, and is there as often as is counted.
    """
    lines = [line for path in sorted(out.glob("items-*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    counts = {record["key"]: record["counts"]["presence"]["items"][0] for record in map(json.loads, lines)}
    n_there = n_found = n_both = 0
    for key, (truth, found) in zip(keys, pairs, strict=True):
        there, shown = ({int(id_) for id_ in np.unique(labels) if id_ > 0} for labels in (truth, found))
        own = counts[key]
        assert own["n_present"] == len(there)
        assert own["n_found"] >= len(shown)
        assert len(shown & there) <= own["n_both"] <= min(len(there), own["n_found"])
        n_there, n_found, n_both = n_there + len(there), n_found + own["n_found"], n_both + own["n_both"]
    return {
        "presence precision": n_both / n_found if n_found else None,
        "presence recall": n_both / n_there if n_there else None,
        "presence F1": 2 * n_both / (n_there + n_found) if n_there + n_found else None,
    }


def class_names(benchmark: str, root: Path, ids: list[int]) -> dict[int, str]:
    """Return names of classes: those of a folder; of others, their ids."""
    if benchmark != "folder":
        return {id_: str(id_) for id_ in [0, *ids]}
    named = {entry["id"]: entry.get("name") or entry["text"] for entry in folder_ontology(root)}
    return {0: "background"} | {id_: named[id_] for id_ in ids}


def class_counts(
    pairs: list[tuple[Labels, Labels]], ids: list[int], *, drops_background: bool
) -> dict[int, tuple[int, int, int]]:
    """Return true pixels, predicted pixels and hits of each class."""
    counts = {}
    for id_ in ids:
        n_true = n_found = n_hit = 0
        for truth, found in pairs:
            counted = truth != VOID
            if drops_background:
                counted &= found != BACKGROUND
            n_true += int(np.sum(counted & (truth == id_)))
            n_found += int(np.sum(counted & (found == id_)))
            n_hit += int(np.sum(counted & (truth == id_) & (found == id_)))
        counts[id_] = n_true, n_found, n_hit
    return counts


def iou_of(counts: tuple[int, int, int]) -> float:
    n_true, n_found, n_hit = counts
    return n_hit / (n_true + n_found - n_hit)


def average(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


# --- referring --------------------------------------------------------------------------------------------------------

REFS = {
    "refcoco": ("refcoco", "refs(unc).p"),
    "refcoco+": ("refcoco+", "refs(unc).p"),
    "refcocog-umd": ("refcocog", "refs(umd).p"),
    "refcocog-google": ("refcocog", "refs(google).p"),
    "gres": ("grefcoco", "grefs(unc).p"),
}


def score_referring(
    benchmark: str,
    root: Path,
    out: Path,
    *,
    split: str = "val",
    unit: str = "object",
    overlap: str = "released",
    targets: str = "union",
) -> Scored:
    """Compare masks of expressions; polygons are drawn by asking of each pixel whether its middle is inside."""
    folder, name = REFS[benchmark]
    is_generalized = benchmark == "gres"
    refs = pickle.loads((root / folder / name).read_bytes())  # written by the test itself
    coco = json.loads((root / folder / "instances.json").read_text())
    objects = {item["id"]: item for item in coco["annotations"]}
    sizes = {item["id"]: (item["height"], item["width"]) for item in coco["images"]}
    rule = ("released" if targets == "first" else "union") if is_generalized else overlap
    n_true, n_found, n_both = [], [], []
    for ref in refs:
        if ref["split"] != split:
            continue
        ids = ref["ann_id"] if isinstance(ref["ann_id"], list) else [ref["ann_id"]]
        meant = [objects[id_] for id_ in ids if id_ != -1]
        meant = [item for item in meant if not item["iscrowd"]]
        truth = np.zeros(sizes[ref["image_id"]], dtype=bool)
        for item in meant[:1] if targets == "first" else meant:
            n_layers = sum(draw_polygon(points, truth.shape) for points in item["segmentation"])
            truth |= (n_layers == 1) if rule == "released" else (n_layers > 0)
        spoken = [sentence["sent_id"] for sentence in ref["sentences"] if sentence["raw"].strip()]
        by_sentence = is_generalized or unit == "sentence"
        for key in [f"{ref['ref_id']}-{id_}" for id_ in spoken] if by_sentence else [str(ref["ref_id"])]:
            found = read_index(out / "masks" / f"{key}.png")
            assert found.shape == truth.shape
            assert set(np.unique(found)) <= {0, 1}
            n_true.append(int(np.sum(truth)))
            n_found.append(int(np.sum(found == 1)))
            n_both.append(int(np.sum(truth & (found == 1))))
    n_either = [true + found - both for true, found, both in zip(n_true, n_found, n_both, strict=True)]
    ious = [both / either if either else 0.0 for both, either in zip(n_both, n_either, strict=True)]
    scores: Scores = {"mIoU": average(ious), "overall IoU": sum(n_both) / sum(n_either)}
    for at in (0.5, 0.6, 0.7, 0.8, 0.9):
        scores[f"precision@{at}"] = average(float(iou >= at) for iou in ious)
    if is_generalized:
        general = [both / either if either else 1.0 for both, either in zip(n_both, n_either, strict=True)]
        pairs = list(zip(n_true, n_found, strict=True))
        scores |= {
            "gIoU": average(general),
            "cIoU": sum(n_both) / sum(n_either),
            "no-target accuracy": average(float(found == 0) for true, found in pairs if true == 0),
            "target accuracy": average(float(found > 0) for true, found in pairs if true > 0),
        }
    return Scored(scores, {}, len(ious))


def draw_polygon(points: list[float], size_px: tuple[int, int]) -> NDArray[np.int64]:
    """Return 1 where the middle of a pixel is inside: a ray to the right crosses an odd number of sides."""
    corners = list(zip(points[::2], points[1::2], strict=True))
    inside = np.zeros(size_px, dtype=np.int64)
    for row in range(size_px[0]):
        for column in range(size_px[1]):
            x, y = column + 0.5, row + 0.5
            for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
                if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                    inside[row, column] ^= 1
    return inside


# --- video ------------------------------------------------------------------------------------------------------------


def score_ref_davis(root: Path, out: Path, annotator: str) -> Scored:
    """Compare videos by one annotator's expressions, those whose predictions are stored."""
    published = {"dog-scale": "dogs-scale"}
    lines = (root / "davis_text_annotations" / f"Davis17_{annotator}.txt").read_bytes().decode("latin-1").split("\n")
    objects: dict[str, list[int]] = {}
    for line in filter(None, lines):
        name, id_, _ = line.split(" ", 2)
        objects.setdefault(published.get(name, name), []).append(int(id_))
    regions, boundaries, restless = [], [], []
    names = (root / "ImageSets/2017/val.txt").read_text().split()
    for name in names:
        files = sorted((root / "Annotations/480p" / name).glob("*.png"))
        truths = [read_index(path) for path in files]
        with tifffile.TiffFile(out / "masks" / f"{name}.tif") as tiff:
            found = [page.asarray() for page in tiff.pages]
        assert len(found) == len(truths)
        for id_ in objects[name]:
            true_masks = [truth == id_ for truth in truths]
            found_masks = [labels == id_ for labels in found]
            # Changes are looked at with the void pixels in the prediction.
            restless.append(flicker(found_masks, true_masks))
            seen = [
                (mask & (truth != 255), true) for mask, true, truth in zip(found_masks, true_masks, truths, strict=True)
            ]
            regions.append([jaccard(mask, true) for mask, true in seen])
            boundaries.append([boundary_f(mask, true) for mask, true in seen])
    scores: Scores = {}
    for letter, values in (("J", regions), ("F", boundaries)):
        scores[f"{letter} mean"] = average(average(frames) for frames in values)
        scores[f"{letter} recall"] = average(average(float(value > 0.5) for value in frames) for frames in values)
        scores[f"{letter} decay"] = average(decay(frames) for frames in values)
    scores["J&F"] = (scores["J mean"] + scores["F mean"]) / 2
    scores["flicker"] = average(restless)
    return Scored(scores, {}, len(names))


def jaccard(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    either = int(np.sum(mask | truth))
    return int(np.sum(mask & truth)) / either if either else 1.0


def flicker(masks: list[NDArray[np.bool_]], truths: list[NDArray[np.bool_]]) -> float:
    """Return by how much masks change more from frame to frame than the truth does."""
    pairs = range(1, len(masks))
    return sum((1 - jaccard(masks[i - 1], masks[i])) - (1 - jaccard(truths[i - 1], truths[i])) for i in pairs) / len(
        pairs
    )


def decay(frames: list[float]) -> float:
    """Return the mean of the first quarter of frames less that of the last one, ends as in the official program."""
    n = len(frames)
    ends = [math.floor(1 + k * (n - 1) / 4 + 0.5 + 1e-9) for k in range(5)]
    quarters = [frames[start - 1 : end] for start, end in itertools.pairwise(ends)]
    return sum(quarters[0]) / len(quarters[0]) - sum(quarters[3]) / len(quarters[3])


def boundary_f(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Return F: a boundary pixel is right if one of the other boundary is at most 0.008 of the diagonal away."""
    ours, theirs = outline(mask), outline(truth)
    if not ours or not theirs:
        return 1.0 if ours == theirs else 0.0
    reach = math.ceil(0.008 * math.hypot(*truth.shape))
    precision = sum(is_near(pixel, theirs, reach) for pixel in ours) / len(ours)
    recall = sum(is_near(pixel, ours, reach) for pixel in theirs) / len(theirs)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def outline(mask: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """Return the pixels that differ from their right, lower, or lower right neighbour."""
    rows, columns = mask.shape
    pixels = mask.tolist()
    found = set()
    for row in range(rows):
        for column in range(columns):
            below, right = min(row + 1, rows - 1), min(column + 1, columns - 1)
            here = pixels[row][column]
            if here != pixels[row][right] or here != pixels[below][column] or here != pixels[below][right]:
                found.add((row, column))
    return found


def is_near(pixel: tuple[int, int], others: set[tuple[int, int]], reach: int) -> bool:
    return any(
        (pixel[0] + down, pixel[1] + right) in others
        for down in range(-reach, reach + 1)
        for right in range(-reach, reach + 1)
        if down * down + right * right <= reach * reach
    )
