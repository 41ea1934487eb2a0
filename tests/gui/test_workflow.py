"""The whole way in a real window, with the demo checkpoint: sample, queries, run, results, edits, proposals, files."""

from pathlib import Path

import numpy as np
import pytest
from dock_driving import ask_for, result_layers, run_and_wait
from napari.layers import Labels
from napari.viewer import Viewer
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QPushButton

from napari_car import PRESETS
from napari_car.annotation.ledger import Ledger
from napari_car.gui.dock import CarWidget
from napari_car.gui.layer_notes import KEY
from napari_car.gui.proposal_layer import CLEARED
from napari_car.gui.tracking import track

pytestmark = pytest.mark.gui

SAND = "shapes-on-sand"
QUERIES = ("blue circle", "orange circle", "sand | beach", "snow")


@pytest.fixture
def sand(dock: tuple[Viewer, CarWidget]) -> tuple[Viewer, CarWidget]:
    """A window with a sample image and queries of which one is absent."""
    viewer, widget = dock
    viewer.open_sample("napari-car", SAND)
    ask_for(widget, QUERIES)
    return viewer, widget


@pytest.fixture
def segmented(sand: tuple[Viewer, CarWidget], qtbot: QtBot) -> tuple[Viewer, CarWidget, Labels]:
    """The same after a run."""
    viewer, widget = sand
    run_and_wait(qtbot, widget)
    (layer,) = result_layers(viewer)
    return viewer, widget, layer


def button(widget: CarWidget, text: str) -> QPushButton:
    return next(button for button in widget.findChildren(QPushButton) if button.text() == text and button.isVisible())


def click(qtbot: QtBot, widget: CarWidget, text: str) -> None:
    qtbot.mouseClick(button(widget, text), Qt.MouseButton.LeftButton)


def human(layer: Labels) -> np.ndarray:
    return track(layer).ledger.human(layer.data)


def move_threshold(qtbot: QtBot, widget: CarWidget, *, score: float | None = None, mask: float | None = None) -> None:
    sliders = widget.results.thresholds
    if score is not None:
        sliders._score.setValue(score)
    if mask is not None:
        sliders._mask.setValue(mask)
    qtbot.waitUntil(lambda: not widget.session.is_deciding, timeout=30_000)


def test_from_a_sample_to_named_labels(dock: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    viewer, widget = dock
    viewer.open_sample("napari-car", SAND)
    texts = [entry.text for entry in widget.queries.sheet.entries]
    assert texts == ["blue circle", "orange circle", "wood", "sand", "yellow square", "snow"]
    assert widget.options.preset.name == "demo"
    click(qtbot, widget, "Segment")
    assert button(widget, "Cancel")
    said: list[str] = []
    widget.session.status_changed.connect(lambda status: said.append(status.text))
    qtbot.waitUntil(lambda: not widget.session.is_running, timeout=60_000)
    assert any("of 6 queries left" in text for text in said)
    assert any("checking masks" in text for text in said)
    assert button(widget, "Segment")
    (layer,) = result_layers(viewer)
    assert layer.name == "shapes on sand labels"
    assert layer.data.dtype == np.int32
    summaries = {summary.text: summary for summary in widget.session.outcome.summaries()}
    assert summaries["sand"].verdict == "present"
    assert summaries["snow"].verdict == "absent"
    assert set(np.unique(layer.data)) - {0} == {summary.id for summary in summaries.values() if summary.area_px}
    assert widget.run_bar.text.startswith(f"Found {sum(s.n_found for s in summaries.values())} of 6.")
    assert "snow" in widget.run_bar.text


def test_names_colours_and_provenance_are_with_the_labels(segmented: tuple[Viewer, CarWidget, Labels]) -> None:
    viewer, widget, layer = segmented
    row, col = np.argwhere(layer.data == 3)[0]
    status = layer.get_status((row, col), world=False)
    assert "class: sand" in status["value"]
    for entry in widget.queries.sheet.entries:
        expected = [channel / 255 for channel in entry.colour]
        np.testing.assert_allclose(layer.colormap.color_dict[entry.id][:3], expected, atol=1e-6)
    notes = layer.metadata[KEY]
    (run,) = notes["runs"]
    assert run["preset"] == "demo"
    assert run["is_whole"]
    assert run["f"]["sha256"]
    assert run["config"]["crf"]["backend"] == "torch"
    assert [entry["text"] for entry in run["queries"]] == ["blue circle", "orange circle", "sand", "snow"]
    assert run["image"]["name"] == "shapes on sand"
    image = viewer.layers["shapes on sand"]
    np.testing.assert_allclose(layer.data_to_world((3, 5)), image.data_to_world((3, 5)))
    assert layer.units == image.units


def test_the_table_chooses_and_centres(segmented: tuple[Viewer, CarWidget, Labels]) -> None:
    viewer, widget, layer = segmented
    table = widget.results.table
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount())]
    assert [row[0] for row in rows] == ["blue circle", "orange circle", "sand", "snow"]
    assert rows[3][1] == "✗ absent"
    assert table.item(3, 1).toolTip().endswith("so it was dropped. Time step: 1.")
    assert rows[3][3] == "–"
    assert rows[2][1] == "✓ present"
    viewer.scene.camera.center = (0.0, 0.0, 0.0)
    table.selectRow(0)
    assert layer.selected_label == 1
    pixels = np.argwhere(layer.data == 1)
    middle = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], middle)
    assert widget.queries.current == 1
    widget.queries.next()
    assert layer.selected_label == 2
    assert table.current_id == 2


def test_thresholds_propose_without_running_the_networks(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, widget, layer = segmented

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("CLIP was run")

    for name in ("tokens_before_last_block", "mean_patch_embedding", "class_token_embedding"):
        monkeypatch.setattr(f"napari_car.clip.tower.VisionTower.{name}", forbidden)
    before = layer.data.copy()
    move_threshold(qtbot, widget, mask=0.8)
    assert widget.proposal_bar.isVisible()
    np.testing.assert_array_equal(layer.data, before)
    proposal = next(other for other in viewer.layers if other.name == "Proposal")
    assert CLEARED in proposal.data  # smaller masks: what goes is outlines in red
    assert set(np.unique(proposal.data)) <= {0, 1, 3, CLEARED}
    assert np.count_nonzero(proposal.data) < np.count_nonzero(before) / 2
    assert viewer.layers.selection.active is layer
    click(qtbot, widget, "Accept")
    assert proposal not in viewer.layers
    assert not widget.proposal_bar.isVisible()
    after = layer.data.copy()
    assert np.count_nonzero(after) < np.count_nonzero(before)
    assert not human(layer).any()
    first, second = layer.metadata[KEY]["runs"]
    assert first["config"] == second["config"]
    decision = {"score_threshold": None, "mask_threshold": 0.8, "crf": True}
    assert second["frames"] == [first["frames"][0] | {"decisions": [decision]}]
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    assert not human(layer).any()
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_a_score_threshold_changes_verdicts_and_discarding_brings_them_back(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    viewer, widget, layer = segmented
    before = layer.data.copy()

    def verdict() -> str:
        return widget.results.table.item(3, 1).text()

    move_threshold(qtbot, widget, score=0.0)
    assert verdict() != "✗ absent"
    click(qtbot, widget, "Discard")
    assert verdict() == "✗ absent"
    assert [layer.name for layer in viewer.layers] == ["shapes on sand", "shapes on sand labels"]
    np.testing.assert_array_equal(layer.data, before)
    assert widget.results.thresholds.score_threshold is None


def test_what_a_person_painted_survives_runs_until_they_say_otherwise(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    _, widget, layer = segmented
    row, col = (int(value) for value in np.argwhere(layer.data == 3)[500])
    layer.brush_size = 9
    layer.paint((row, col), 2)
    painted = human(layer)
    assert painted.sum() > 20
    edited = layer.data.copy()
    run_and_wait(qtbot, widget)
    assert widget.proposal_bar.isVisible()
    assert widget.session.results.summary().n_protected == painted.sum()
    assert widget.session.results.summary().n_added == 0
    np.testing.assert_array_equal(layer.data, edited)
    click(qtbot, widget, "Accept")
    np.testing.assert_array_equal(layer.data, edited)
    np.testing.assert_array_equal(human(layer), painted)
    run_and_wait(qtbot, widget)
    widget.proposal_bar._replace.setChecked(True)
    click(qtbot, widget, "Accept")
    assert layer.data[row, col] == 3
    assert not human(layer).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, edited)
    np.testing.assert_array_equal(human(layer), painted)


def test_deleting_the_proposals_layer_discards_it(segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot) -> None:
    viewer, widget, layer = segmented
    before = layer.data.copy()
    move_threshold(qtbot, widget, mask=0.8)
    viewer.layers.remove("Proposal")
    assert not widget.proposal_bar.isVisible()
    np.testing.assert_array_equal(layer.data, before)


def test_new_queries_join_the_labels_and_others_stay(segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot) -> None:
    _, widget, layer = segmented
    before = layer.data.copy()
    sheet = widget.queries.sheet
    for entry in sheet.entries:
        sheet = sheet.changed(entry.id, enabled=False)
    widget.queries.apply(sheet.added("wood")[0])
    run_and_wait(qtbot, widget)
    click(qtbot, widget, "Accept")
    new = layer.data == 5
    assert new.any()
    np.testing.assert_array_equal(layer.data[~new], before[~new])
    classes = layer.features.set_index("index")["class"]
    assert classes[5] == "wood"
    assert classes[3] == "sand"


def test_renaming_and_recolouring_reach_the_labels(segmented: tuple[Viewer, CarWidget, Labels]) -> None:
    _, widget, layer = segmented
    before = layer.data.copy()
    widget.queries.apply(widget.queries.sheet.changed(3, text="beach sand", synonyms=(), colour=(1, 2, 3)))
    assert layer.features.set_index("index")["class"][3] == "beach sand"
    np.testing.assert_allclose(layer.colormap.color_dict[3][:3], [1 / 255, 2 / 255, 3 / 255], atol=1e-6)
    np.testing.assert_array_equal(layer.data, before)
    widget.queries.apply(widget.queries.sheet.removed([3]))
    assert layer.features.set_index("index")["class"][3] == "beach sand"


def test_saved_and_reopened_all_is_there(
    segmented: tuple[Viewer, CarWidget, Labels], tmp_path: Path, qtbot: QtBot
) -> None:
    viewer, widget, layer = segmented
    layer.brush_size = 5
    layer.paint((20, 20), 2)
    painted, labels, runs = human(layer), layer.data.copy(), layer.metadata[KEY]["runs"]
    assert painted.any()
    path = tmp_path / "sand.car.json"
    assert layer.save(str(path), plugin="napari-car")
    viewer.layers.remove(layer)
    viewer.open(path, plugin="napari-car")
    (opened,) = result_layers(viewer)
    np.testing.assert_array_equal(opened.data, labels)
    np.testing.assert_array_equal(human(opened), painted)
    assert opened.features.set_index("index")["class"][3] == "sand"
    assert opened.metadata[KEY]["runs"] == runs
    run_and_wait(qtbot, widget)  # the opened labels are the image's: nothing is overwritten
    assert result_layers(viewer) == [opened]
    np.testing.assert_array_equal(opened.data, labels)
    assert widget.session.results.summary().n_protected == painted.sum()


def test_opened_labels_bring_their_queries_into_an_empty_list(
    segmented: tuple[Viewer, CarWidget, Labels], tmp_path: Path
) -> None:
    viewer, widget, layer = segmented
    layer.save(str(tmp_path / "a.car.json"), plugin="napari-car")
    image = viewer.layers["shapes on sand"]
    image.metadata = {}  # a picture of one's own brings no queries
    viewer.layers.remove(layer)
    widget.queries.apply(widget.queries.sheet.removed(range(1, 9)))
    widget._prefill._filled = widget.queries.sheet
    viewer.open(tmp_path / "a.car.json", plugin="napari-car")
    assert [entry.text for entry in widget.queries.sheet.entries] == ["blue circle", "orange circle", "sand", "snow"]
    assert widget.queries.sheet.next_id == 5


def test_labels_of_another_list_keep_their_meaning(segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot) -> None:
    viewer, widget, layer = segmented
    before = layer.data.copy()
    ask_for(widget, ["sand", "snow"])  # 1 is sand here, and blue circle there
    run_and_wait(qtbot, widget)
    assert len(result_layers(viewer)) == 2
    other = next(other for other in result_layers(viewer) if other is not layer)
    assert (other.data == 1).sum() > 1000
    np.testing.assert_array_equal(layer.data, before)
    assert layer.features.set_index("index")["class"][1] == "blue circle"


def test_a_layer_for_each_query(sand: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    viewer, widget = sand
    widget.options.choose_grouping("apart")
    run_and_wait(qtbot, widget)
    layers = {layer.name: layer for layer in result_layers(viewer)}
    assert "shapes on sand: sand" in layers
    assert "shapes on sand: snow" not in layers
    for layer in layers.values():
        id_ = layer.metadata[KEY]["query"]
        assert set(np.unique(layer.data)) == {0, id_}
        assert layer.selected_label == id_
        assert len(layer.metadata[KEY]["runs"]) == 1
    widget.results.table.selectRow(2)
    assert viewer.layers.selection.active is layers["shapes on sand: sand"]
    move_threshold(qtbot, widget, mask=0.7)
    areas = {name: np.count_nonzero(layer.data) for name, layer in layers.items()}
    click(qtbot, widget, "Accept")
    assert all(np.count_nonzero(layer.data) <= areas[name] for name, layer in layers.items())
    assert sum(map(np.count_nonzero, (layer.data for layer in layers.values()))) < sum(areas.values())


def test_a_distractor_competes_and_gets_no_label(sand: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    _, widget = sand
    ask_for(widget, ["blue circle", "not: sand", "not: gravel"])
    run_and_wait(qtbot, widget)
    (summary,) = widget.session.outcome.summaries()
    assert summary.text == "blue circle"
    step = widget.session.store.get(widget.session.outcome.frames[0]).steps[0]
    background = widget.session.store.get(widget.session.outcome.frames[0]).provenance.background
    assert background[-2:] == ("sand", "gravel")
    assert step.similarity.shape == (1, 1 + len(background))


def test_score_maps_lie_over_the_image_and_are_no_images_to_segment(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    viewer, widget, layer = segmented
    widget.results.table.selectRow(2)
    click(qtbot, widget, "Show score map")
    scores = viewer.layers["Score map: sand"]
    assert scores.data.shape == layer.data.shape
    assert scores.data[layer.data == 3].mean() > scores.data[layer.data != 3].mean() + 0.3
    click(qtbot, widget, "Show score map")
    assert sum(layer.name.startswith("Score map") for layer in viewer.layers) == 1
    assert widget.image_controls.image.name == "shapes on sand"


def test_the_why_view_shows_each_step(segmented: tuple[Viewer, CarWidget, Labels]) -> None:
    _, widget, _ = segmented
    segmentation = widget.session.store.get(widget.session.outcome.frames[0])
    shown = [
        widget.why.steps.index(row).data(Qt.ItemDataRole.DisplayRole) for row in range(widget.why.steps.rowCount())
    ]
    assert shown[0].startswith("Step 1 — 4 queries, ")
    assert sum(text.startswith("Step ") for text in shown) == len(segmentation.steps)
    assert shown[1:5] == ["blue circle", "orange circle", "sand", "snow"]


def test_choices_survive_a_restart(sand: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    viewer, widget = sand
    widget.options.choose_grouping("apart")
    widget.options.choose_tiles(256)
    widget.options.parameters.set_value("recurrence.score_threshold", 0.25)
    widget.image_controls.choose_region("view")
    widget.queries.add("not: wood")
    texts = [(entry.id, entry.line) for entry in widget.queries.sheet.entries]
    viewer.window.remove_dock_widget(widget)
    _, again = viewer.window.add_plugin_dock_widget("napari-car", "CLIP as RNN")
    assert again is not widget
    assert again.options.grouping == "apart"
    assert again.options.tile_px == 256
    assert again.options.config == PRESETS["demo"].config.changed({"recurrence.score_threshold": 0.25})
    assert again.image_controls.region == "view"
    assert [(entry.id, entry.line) for entry in again.queries.sheet.entries] == texts


def test_what_was_typed_and_not_added_is_asked_for_as_well(sand: tuple[Viewer, CarWidget], qtbot: QtBot) -> None:
    _, widget = sand
    ask_for(widget, ["snow"])
    widget.setFocus()
    qtbot.keyClicks(QApplication.focusWidget() or widget.queries._line, "sand")
    run_and_wait(qtbot, widget)
    assert [summary.text for summary in widget.session.outcome.summaries()] == ["snow", "sand"]


def test_the_first_labels_are_one_undo_step(segmented: tuple[Viewer, CarWidget, Labels]) -> None:
    _, _, layer = segmented
    assert isinstance(layer.metadata[KEY]["ledger"], Ledger)
    assert layer.data.any()
    layer.undo()
    assert not layer.data.any()
    assert not human(layer).any()


def test_the_queries_of_opened_labels_can_be_taken_over(
    segmented: tuple[Viewer, CarWidget, Labels], qtbot: QtBot
) -> None:
    viewer, widget, layer = segmented
    ask_for(widget, ["sand", "snow"])
    assert "Labels of another list of queries are left alone" in run_and_wait(qtbot, widget)
    (other,) = (each for each in result_layers(viewer) if each is not layer)
    viewer.layers.selection.active = layer
    widget.queries.take_over_wanted.emit()
    assert other.features["class"].tolist() == ["background", "sand", "snow"]  # its ids mean what they meant
    widget.queries._model.undo()
    assert layer.features["class"].tolist()[1:] == ["blue circle", "orange circle", "sand", "snow"]
    widget.queries._model.redo()
    assert [entry.text for entry in widget.queries.sheet.entries] == ["blue circle", "orange circle", "sand", "snow"]
    run_and_wait(qtbot, widget)
    assert len(result_layers(viewer)) == 2
    assert widget.session.results.layers[0] is layer


def test_without_labels_there_are_no_queries_to_be_taken_over(dock: tuple[Viewer, CarWidget]) -> None:
    _, widget = dock
    widget.queries.take_over_wanted.emit()
    assert "There are no labels whose queries could be taken over" in widget.run_bar.text


def test_expressions_are_a_choice_of_their_own(sand: tuple[Viewer, CarWidget]) -> None:
    _, widget = sand
    widget.options._referring.value = True
    assert widget.options.config.mode == "referring"
    assert widget.options.to_dict()["changes"] == {"mode": "referring"}
    widget.options.choose_preset("gres")
    assert widget.options._referring.value is True
    widget.options.choose_preset("demo")
    assert widget.options._referring.value is False
    assert widget.options.config == PRESETS["demo"].config


def test_a_warning_goes_when_something_is_chosen_anew(sand: tuple[Viewer, CarWidget]) -> None:
    _, widget = sand
    widget.image_controls.choose_region("rectangle")
    widget.run()
    assert "There is no rectangle" in widget.run_bar.text
    widget.image_controls.choose_region("whole")
    assert widget.run_bar.text == ""


def test_a_renamed_query_is_renamed_in_the_table(segmented: tuple[Viewer, CarWidget, Labels]) -> None:
    _, widget, _ = segmented
    widget.queries.apply(widget.queries.sheet.changed(3, text="beach sand", synonyms=()))
    assert widget.results.table.item(2, 0).text() == "beach sand"
