"""Runs are repeated from their record alone, and whatever keeps them from it is said."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from zarr_images import write_zarr

from napari_car import PRESETS, Segmenter, read_image
from napari_car.annotation.document import read_document
from napari_car.annotation.frames import Box, Frame, cut_frames
from napari_car.annotation.label_image import Recipe, label_image
from napari_car.annotation.label_layer import LabelLayer
from napari_car.annotation.project import Project
from napari_car.annotation.record import record_run
from napari_car.annotation.recorded_frame import Decision, RecordedFrame, hash_picture
from napari_car.annotation.recorded_run import RecordedRun, read_run
from napari_car.annotation.reproduction import Reproduction, reproduce_layer
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import FrameFinished, paint_frame, survey_frames
from napari_car.errors import DocumentError, ImageError
from napari_car.results import drain
from napari_car.scenes import load_scenes

Change = Callable[[dict[str, Any]], object]
CONFIG = PRESETS["demo"].config.changed({"crf.backend": "torch", "crf.n_iterations": 2})
SHEET, _ = QuerySheet().added("blue circle, sand, snow")
OTHERS = SHEET.added("orange circle")[0].changed(1, enabled=False)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter.from_preset("demo")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn scene of 128 x 96 px."""
    (scene,) = (scene for scene in load_scenes() if scene.name == "shapes-on-sand")
    path = tmp_path_factory.mktemp("images") / "sand.png"
    with Image.open(scene.image) as image:
        image.convert("RGB").resize((128, 96)).save(path)
    return path


@pytest.fixture(scope="module")
def batch_layer(picture: Path, segmenter: Segmenter) -> LabelLayer:
    """Labels as a batch makes them, written and read again."""
    project = Project.create(picture.parent.parent / "project", picture.parent, SHEET)
    (image,) = project.images()
    document, _ = drain(label_image(image, segmenter, Recipe(sheet=SHEET, config=CONFIG, preset="demo")))
    project.save(image, document, None)
    return read_document(image.document).layers[0]


def again(layer: LabelLayer, image: Path, segmenter: Segmenter) -> Reproduction:
    return drain(reproduce_layer(layer, image, lambda _: segmenter))


def changed_run(layer: LabelLayer, change: Change) -> LabelLayer:
    """Return a layer whose run has another record."""
    provenance = json.loads(json.dumps(layer.provenance))
    change(provenance["runs"][0])
    return dataclasses.replace(layer, provenance=provenance)


def test_a_batch_is_repeated_exactly(batch_layer: LabelLayer, picture: Path, segmenter: Segmenter) -> None:
    made = again(batch_layer, picture, segmenter)
    assert made.is_exact
    assert made.labels.any()
    np.testing.assert_array_equal(made.labels, batch_layer.labels[...])
    assert (made.n_px, made.n_runs, made.notes) == (96 * 128, 1, ())


def test_what_a_person_changed_does_not_count(batch_layer: LabelLayer, picture: Path, segmenter: Segmenter) -> None:
    automatic = np.array(batch_layer.labels)
    labels, human = automatic.copy(), np.zeros(automatic.shape, dtype=bool)
    human[:20] = True
    labels[:20] = 3
    unknown = human & (labels == automatic)
    edited = dataclasses.replace(batch_layer, labels=labels, human=human, automatic=automatic)
    made = again(edited, picture, segmenter)
    assert made.is_exact
    assert made.n_px == automatic.size - np.count_nonzero(unknown)
    nothing_known = dataclasses.replace(batch_layer, labels=labels, human=human, automatic=None)
    assert again(nothing_known, picture, segmenter).n_px == automatic.size - 20 * 128


def test_differences_are_counted_by_label(batch_layer: LabelLayer, picture: Path, segmenter: Segmenter) -> None:
    labels = np.array(batch_layer.labels)
    free = np.argwhere(labels == 0)[:5]
    labels[tuple(free.T)] = 1
    made = again(dataclasses.replace(batch_layer, labels=labels), picture, segmenter)
    assert (made.is_exact, made.n_changed, dict(made.n_differing)) == (False, 5, {1: 5})


def test_versions_and_devices_that_differ_are_noted(
    batch_layer: LabelLayer, picture: Path, segmenter: Segmenter
) -> None:
    def change(run: dict[str, Any]) -> None:
        run["versions"]["torch"] = "1.0"
        run["f"]["precision"] = "float16"

    made = again(changed_run(batch_layer, change), picture, segmenter)
    assert made.is_exact
    assert made.notes[0].startswith("torch was 1.0, and is ")
    assert made.notes[1] == "f ran on cpu in float16, and now on cpu in float32."


def survey(
    segmenter: Segmenter,
    picture: Path,
    frames: tuple[Frame, ...],
    sheet: QuerySheet = SHEET,
    grouping: Any = "together",
    decision: Decision | None = None,
) -> tuple[dict[int, np.ndarray], dict[str, Any]]:
    """Run over frames as the window does; return the label maps by key, and the record."""
    rgb = read_image(picture).rgb
    maps: dict[int, np.ndarray] = {}
    recorded, provenances = [], []
    run = survey_frames(
        segmenter,
        frames,
        lambda frame: (np.ascontiguousarray(rgb[frame.box.slices]), ()),
        sheet.queries,
        sheet.query_ids,
        CONFIG,
        grouping,
    )
    for event in run:
        if isinstance(event, FrameFinished):
            frame, result, painted = event.place.frame, event.segmentation, event.painted
            item = RecordedFrame(frame=frame, picture=hash_picture(result.image))
            if decision is not None:
                item = item.decided(decision)
                result = result.redecide(**dataclasses.asdict(decision))
                painted = paint_frame(result, frame, grouping)
            for key, labels in painted.items():
                maps.setdefault(key, np.zeros(rgb.shape[:2], np.int32))[frame.kept.slices] = labels
            recorded.append(item)
            provenances.append(result.provenance)
    record = record_run(
        sheet=sheet,
        config=CONFIG,
        preset="demo",
        image={"name": "sand", "shape": list(rgb.shape[:2])},
        frames=recorded,
        provenances=provenances,
        is_whole=True,
    )
    return maps, json.loads(json.dumps(record))


def layer_of(labels: np.ndarray, *runs: dict[str, Any], query: int = 0) -> LabelLayer:
    return LabelLayer(
        name="labels",
        labels=labels,
        human=np.zeros(labels.shape, dtype=bool),
        provenance={"query": query, "runs": list(runs)},
    )


WHOLE = (Frame((), Box(0, 0, 96, 128), Box(0, 0, 96, 128)),)


def test_tiles_are_repeated(picture: Path, segmenter: Segmenter) -> None:
    tiles = cut_frames([()], Box(0, 0, 96, 128), tile_px=80, overlap_px=20)
    maps, record = survey(segmenter, picture, tiles)
    assert len(tiles) == 4
    assert again(layer_of(maps[0], record), picture, segmenter).is_exact


def test_queries_in_layers_of_their_own_are_repeated(picture: Path, segmenter: Segmenter) -> None:
    maps, record = survey(segmenter, picture, WHOLE, grouping="apart")
    assert maps[2].any()
    for key, labels in maps.items():
        assert again(layer_of(labels, record, query=key), picture, segmenter).is_exact
    with pytest.raises(DocumentError, match="did not ask for"):
        again(layer_of(maps[2], record, query=9), picture, segmenter)


@pytest.mark.parametrize(
    "decision", [Decision(mask_threshold=0.8), Decision(score_threshold=1.0), Decision(mask_threshold=0.2, crf=False)]
)
def test_later_thresholds_are_repeated(picture: Path, segmenter: Segmenter, decision: Decision) -> None:
    maps, record = survey(segmenter, picture, WHOLE, decision=decision)
    plain, _ = survey(segmenter, picture, WHOLE)
    assert not np.array_equal(maps[0], plain[0])
    assert again(layer_of(maps[0], record), picture, segmenter).is_exact


def test_later_runs_replace_what_they_asked_for(picture: Path, segmenter: Segmenter) -> None:
    first, record = survey(segmenter, picture, WHOLE)
    second, other = survey(segmenter, picture, WHOLE, OTHERS)
    asked = np.isin(first[0], [2, 3, 4])
    expected = np.where((second[0] != 0) | asked, second[0], first[0])
    made = again(layer_of(expected, record, other), picture, segmenter)
    assert made.is_exact
    assert made.n_runs == 2
    # Below a person's pixels stands what the run wrote after which they were painted.
    layer = layer_of(np.full_like(expected, 1), record, other)
    below = dataclasses.replace(layer, human=np.ones(expected.shape, dtype=bool), automatic=first[0])
    assert again(below, picture, segmenter).is_exact


def test_values_of_16_bits_and_stacks_are_shown_as_they_were(
    tmp_path: Path, picture: Path, segmenter: Segmenter
) -> None:
    grey = read_image(picture).rgb[..., 1].astype(np.uint16) * 40
    stack = np.stack([grey, grey[::-1], grey[:, ::-1]])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    channel = {
        "name": "stack",
        "dtype": "uint16",
        "rgb": False,
        "colormap": "gray",
        "contrast_limits": [100.0, 9000.0],
        "gamma": 0.8,
        "opacity": 1.0,
        "blending": "translucent",
        "colours": [[0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]],
        "controls": [0.0, 1.0],
        "interpolation": "linear",
    }
    shown = np.rint(np.clip((stack[1].astype(float) - 100) / 8900, 0, 1) ** 0.8 * 255).astype(np.uint8)
    rgb = np.stack([shown] * 3, axis=-1)
    result = segmenter.segment(rgb, SHEET.queries, CONFIG).labelled(SHEET.query_ids)
    frame = Frame((1,), Box(0, 0, 96, 128), Box(0, 0, 96, 128))
    record = record_run(
        sheet=SHEET,
        config=CONFIG,
        preset="demo",
        image={"name": "stack", "channels": [channel], "shape": [3, 96, 128], "displayed_axes": [1, 2]},
        frames=[RecordedFrame(frame=frame)],
        provenances=[result.provenance],
        is_whole=True,
    )
    labels = np.zeros((3, 96, 128), dtype=np.int32)
    labels[1] = result.label_map
    made = again(layer_of(labels, record), tmp_path / "stack.tif", segmenter)
    # The colours of 4,096 steps and of a formula differ by one of 255 now and then.
    assert made.n_changed <= 0.02 * labels[1].size
    assert not made.labels[[0, 2]].any()


@pytest.mark.parametrize("name", ["cells.ome.zarr", "cells.tif", "channels.tif"])
def test_stacks_of_a_batch_are_repeated(tmp_path: Path, picture: Path, segmenter: Segmenter, name: str) -> None:
    rgb = read_image(picture).rgb
    planes = np.stack([rgb, rgb[:, ::-1]])
    folder = tmp_path / "stacks"
    folder.mkdir()
    if name.endswith("zarr"):
        write_zarr(folder / name, planes.transpose(0, 3, 1, 2), "zcyx", n_levels=3)
    elif name == "cells.tif":
        tifffile.imwrite(folder / name, planes, photometric="rgb")
    else:
        values = planes.transpose(0, 3, 1, 2)[:, :2].astype(np.uint16) * 7
        tifffile.imwrite(folder / name, values, imagej=True, metadata={"axes": "ZCYX"})
    project = Project.create(tmp_path / "project", folder, SHEET)
    (image,) = project.images()
    config = CONFIG.changed({"compute.max_side_px": 64})
    document, _ = drain(label_image(image, segmenter, Recipe(sheet=SHEET, config=config, preset="demo")))
    project.save(image, document, None)
    (layer,) = read_document(image.document).layers
    assert layer.shape == (2, 96, 128)
    made = again(layer, image.path, segmenter)
    assert made.is_exact
    np.testing.assert_array_equal(made.labels, layer.labels[...])


REFUSED: list[tuple[Change, str]] = [
    (lambda run: run.pop("config"), "missing"),
    (lambda run: run.pop("f"), "which network was f"),
    (lambda run: run.update(frames=[]), "which parts"),
    (lambda run: run["config"].update(colour="red"), "cannot be read: Unknown parameter"),
    (lambda run: run.update(queries=[]), "asked for nothing"),
    (lambda run: run["frames"][0].update(picture="0" * 64), "is not the one of"),
    (lambda run: run["frames"][0]["box"].update(bottom=500), "lies outside"),
    (lambda run: run["frames"][0]["box"].update(top=-1), "begins outside"),
    (lambda run: run["frames"][0].update(kept={"top": 0}), "box of a frame"),
    (lambda run: run["frames"][0].update(plane=[0.5]), "plane of a frame"),
    (lambda run: run["frames"][0].update(plane=[1]), "lies outside"),
    (lambda run: run["frames"][0].update(decisions=[{"theta": 1}]), "decision"),
    (lambda run: run["frames"][0].update(decisions=[{"score_threshold": 7}]), "threshold of a decision"),
    (lambda run: run["image"].update(shape=[10, 10]), "96 x 128 px, but the image of the run had 10 x 10"),
    (lambda run: run["image"].update(shape="large"), "how large"),
    (lambda run: run["image"].update(channels=[{"rgb": True}] * 2), "several layers"),
    (lambda run: run["image"].update(channels=[]), "how the image was shown"),
    (lambda run: run["image"].update(channels=[{"projection": "max"}]), "thick slice"),
    (lambda run: run["image"].update(channels=[{"rgb": True}], n_levels=3), "pyramid"),
    (lambda run: run["image"].update(channels=[{"rgb": True}]), "contrast limits"),
    (lambda run: run["image"].update(displayed_axes=[0, 0]), "which axes"),
]


@pytest.mark.parametrize(("change", "reason"), REFUSED)
def test_why_a_run_cannot_be_repeated_is_said(
    batch_layer: LabelLayer,
    picture: Path,
    segmenter: Segmenter,
    change: Change,
    reason: str,
) -> None:
    with pytest.raises(DocumentError, match=reason):
        again(changed_run(batch_layer, change), picture, segmenter)


def test_labels_without_runs_are_refused(batch_layer: LabelLayer, picture: Path, segmenter: Segmenter) -> None:
    with pytest.raises(DocumentError, match="no run of the program"):
        again(dataclasses.replace(batch_layer, provenance={}), picture, segmenter)
    painted = dataclasses.replace(batch_layer, human=np.ones(batch_layer.shape, dtype=bool), automatic=None)
    with pytest.raises(DocumentError, match="all of its labels are a person's"):
        again(painted, picture, segmenter)


def test_an_image_that_changed_is_refused(
    tmp_path: Path, batch_layer: LabelLayer, picture: Path, segmenter: Segmenter
) -> None:
    pixels = read_image(picture).rgb.copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(tmp_path / "sand.png")
    with pytest.raises(DocumentError, match="changed since"):
        again(batch_layer, tmp_path / "sand.png", segmenter)
    with pytest.raises(ImageError, match="no file"):
        again(batch_layer, tmp_path / "gone.png", segmenter)


def test_what_is_read_is_what_was_recorded(batch_layer: LabelLayer) -> None:
    (record,) = batch_layer.provenance["runs"]
    run: RecordedRun = read_run(record)
    assert run.sheet.queries == SHEET.queries
    assert run.config == CONFIG
    assert run.f.name == "demo"
    assert run.sam is None
    for frame in (run.frames[0], run.frames[0].decided(Decision(score_threshold=0.5)).decided(Decision(crf=False))):
        assert RecordedFrame.from_dict(json.loads(json.dumps(frame.to_dict()))) == frame
