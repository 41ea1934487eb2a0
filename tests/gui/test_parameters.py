"""The parameter form: every field, values that come back as they were, and what a person does to them."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QTextEdit,
    QWidget,
)

from napari_car.annotation.parameter_fields import parameter_fields
from napari_car.config import CaRConfig
from napari_car.errors import ConfigError
from napari_car.gui.parameter_controls import make_control
from napari_car.gui.parameters import WITHOUT_CONTROL, ParameterForm
from napari_car.presets import PRESETS
from napari_car.schema import field_keys

pytestmark = pytest.mark.gui

KEYS = list(field_keys(CaRConfig()))
SHOWN = [key for key in KEYS if key not in WITHOUT_CONTROL]
SENTENCE = 'Template for the maps: "nothing" must contain {} once, where the query goes, and no other braces.'


@pytest.fixture
def form(qtbot: QtBot) -> ParameterForm:
    form = ParameterForm()
    qtbot.addWidget(form)
    return form


def part(form: ParameterForm, key: str, kind: type[QWidget]) -> Any:
    """Return the widget of this kind in a parameter's control."""
    control = form.row(key).control
    return control.findChildren(kind)[0]


def count_changes(form: ParameterForm) -> list[None]:
    seen: list[None] = []
    form.changed.connect(lambda: seen.append(None))
    return seen


def message(form: ParameterForm) -> str:
    (label,) = [label for label in form.findChildren(QLabel) if label.accessibleName().startswith("Message")]
    return "" if label.isHidden() else str(label.text())


def press(form: ParameterForm, text: str) -> None:
    (button,) = [button for button in form.findChildren(QPushButton) if button.text() == text]
    button.click()


def activate(qtbot: QtBot, window: QWidget) -> None:
    """Show a window and give it the keyboard."""
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()


def roll(widget: QWidget) -> bool:
    """Turn the wheel over a widget; return whether it took it."""
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre,
        QPointF(widget.mapToGlobal(widget.rect().center())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_every_field_has_a_control_or_a_reason_to_have_none(form: ParameterForm) -> None:
    assert set(KEYS) >= WITHOUT_CONTROL
    assert [form.row(key).field.key for key in SHOWN] == SHOWN
    for key in WITHOUT_CONTROL:
        with pytest.raises(KeyError):
            form.row(key)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_comes_back_as_it_was(form: ParameterForm, name: str) -> None:
    config = PRESETS[name].config
    form.set_base(config)
    assert form.config == config
    assert form.changes == {}
    # As changes of another preset, too.
    form.set_base(CaRConfig())
    form.set_changes({field.key: field.of(config) for field in parameter_fields(config)})
    assert form.config == config


@pytest.mark.parametrize("name", PRESETS)
def test_what_the_widgets_show_is_read_back_as_it_is_shown(qtbot: QtBot, name: str) -> None:
    """Without the memory for what was given: only the order of choices is the control's own."""
    for field in parameter_fields(CaRConfig()):
        value = field.of(PRESETS[name].config)
        control = make_control(field)
        qtbot.addWidget(control)
        control.set_value(value)
        control._reading_of_given = object()
        if isinstance(value, tuple):
            assert sorted(control.value) == sorted(value), field.key
        else:
            assert control.value == value, field.key
            assert type(control.value) is type(value), field.key


def test_values_between_the_steps_of_a_widget_are_kept(form: ParameterForm) -> None:
    changes = {
        "recurrence.score_threshold": 1 / 3,
        "crf.bilateral_weight": 1e250,
        "compute.batch_memory_mb": 10**25,
        "recurrence.max_steps": 3_000_000_000,
        "prompts.kinds": ["blur", "circle"],
        "classifier.templates": ["  {} ", "{}", "{}"],
    }
    form.set_changes(changes)
    assert form.changes == changes
    assert part(form, "recurrence.max_steps", QDoubleSpinBox).text() == "3000000000"


def test_numbers_are_shown_as_they_are_written(form: ParameterForm) -> None:
    form.set_changes({"recurrence.score_threshold": 0.35, "crf.bilateral_sxy_px": 120})
    assert part(form, "recurrence.score_threshold", QDoubleSpinBox).text() == "0.35"
    assert part(form, "recurrence.score_threshold", QSlider).value() == 35
    assert part(form, "crf.bilateral_sxy_px", QDoubleSpinBox).text() == "120"


def test_a_slider_sets_its_number(form: ParameterForm) -> None:
    seen = count_changes(form)
    part(form, "recurrence.score_threshold", QSlider).setValue(29)
    assert form.changes == {"recurrence.score_threshold": 0.29}
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("key", "start", "up"),
    [
        ("recurrence.score_threshold", 0.4, 0.41),
        ("recurrence.score_threshold", 1.0, 1.0),
        ("crf.bilateral_sxy_px", 67.0, 68.0),
        ("crf.spatial_weight", 0.0, 0.1),
        ("recurrence.min_steps", 1, 2),
        ("compute.batch_memory_mb", 512, 522),
    ],
)
def test_arrows_take_steps_of_fitting_size(form: ParameterForm, key: str, start: float, up: float) -> None:
    form.set_changes({key: start})
    part(form, key, QDoubleSpinBox).stepUp()
    assert form.config == CaRConfig().changed({key: up})


@pytest.mark.parametrize(
    ("key", "typed"),
    [("recurrence.score_threshold", "7"), ("recurrence.min_steps", "-3"), ("compute.max_side_px", "99999")],
)
def test_what_is_out_of_range_cannot_be_typed(qtbot: QtBot, form: ParameterForm, key: str, typed: str) -> None:
    box = part(form, key, QDoubleSpinBox)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    box.clearFocus()
    config = form.config
    field = form.row(key).field
    assert field.low is not None
    assert field.low <= field.of(config) <= (field.high or 9)
    assert field.of(config) != float(typed)


def test_a_number_can_be_typed(qtbot: QtBot, form: ParameterForm) -> None:
    box = part(form, "compute.max_side_px", QDoubleSpinBox)
    box.selectAll()
    qtbot.keyClicks(box, "2048")
    assert form.changes == {"compute.max_side_px": 2048}


def test_edits_of_every_kind_are_changes_by_dotted_name(form: ParameterForm) -> None:
    seen = count_changes(form)
    part(form, "proposals.method", QComboBox).setCurrentText("grad-cam")
    part(form, "recurrence.keep_best", QCheckBox).click()
    part(form, "proposals.cam_template", QLineEdit).setText(" a {} ")
    part(form, "proposals.background_words", QTextEdit).setPlainText("sand\n\n pebbles \n")
    (gray,) = [box for box in form.row("prompts.kinds").control.findChildren(QCheckBox) if box.text() == "gray"]
    gray.click()
    assert len(seen) == 5
    assert form.changes == {
        "proposals.method": "grad-cam",
        "recurrence.keep_best": True,
        "proposals.cam_template": "a {}",
        "proposals.background_words": ["sand", "pebbles"],
        "prompts.kinds": ["blur", "gray", "circle"],
    }
    assert json.loads(json.dumps(form.changes)) == form.changes
    assert form.config == CaRConfig().changed(form.changes)
    # Undoing an edit by hand leaves no change, whatever the order was.
    gray.click()
    assert "prompts.kinds" not in form.changes


def test_a_changed_value_is_marked_and_can_be_reset(qtbot: QtBot, form: ParameterForm) -> None:
    key = "recurrence.score_threshold"
    row, section = form.row(key), form.section("recurrence")
    section.set_open(True)
    activate(qtbot, form)
    (label,) = [label for label in form.findChildren(QLabel) if label.text() == "Score threshold θ"]
    assert not label.font().bold()
    assert row.reset_button.isHidden()
    form.set_changes({key: 0.7, "recurrence.keep_best": True, "crf.n_iterations": 3})
    assert label.font().bold()
    assert not row.reset_button.isHidden()
    assert section.heading.text().endswith("Recurrence: 2 changed")
    seen = count_changes(form)
    row.reset_button.click()
    assert len(seen) == 1
    assert form.changes == {"recurrence.keep_best": True, "crf.n_iterations": 3}
    assert not label.font().bold()
    assert section.heading.text().endswith("Recurrence: 1 changed")
    press(form, "Reset all")
    assert len(seen) == 2
    assert form.changes == {}
    assert section.heading.text().endswith("Recurrence")


def test_a_preset_replaces_earlier_changes_and_says_so_once(form: ParameterForm) -> None:
    form.set_changes({"recurrence.keep_best": True, "mode": "referring", "crf.n_iterations": 3})
    seen = count_changes(form)
    form.set_base(PRESETS["coco"].config)
    assert len(seen) == 1
    assert form.config == PRESETS["coco"].config
    form.set_changes({"crf.n_iterations": 4, "recurrence.score_threshold": 0.1})
    assert len(seen) == 2
    form.set_changes({"crf.n_iterations": 5})
    assert len(seen) == 3
    assert form.changes == {"crf.n_iterations": 5}


def test_remembered_changes_that_are_not_valid_any_more_are_named(
    form: ParameterForm, caplog: pytest.LogCaptureFixture
) -> None:
    remembered = {
        "recurrence.old_name": 3,
        "recurrence.score_threshold": 7,
        "recurrence": {"score_threshold": 0.2},
        "proposals.cam_template": "nothing",
        "crf.n_iterations": 3,
    }
    with caplog.at_level(logging.WARNING, logger="napari_car"):
        dropped = form.set_changes(remembered)
    assert dropped == tuple(remembered)[:4]
    assert form.changes == {"crf.n_iterations": 3}
    assert "recurrence.score_threshold" in message(form)
    assert "RecurrenceConfig.score_threshold is 7" in caplog.text
    assert "There is no parameter recurrence.old_name" in caplog.text
    form.set_changes({})
    assert message(form) == ""


def test_what_is_not_valid_is_marked_and_not_replaced(form: ParameterForm) -> None:
    seen = count_changes(form)
    line = part(form, "proposals.cam_template", QLineEdit)
    line.setText("nothing")
    assert len(seen) == 1
    assert form.changes == {"proposals.cam_template": "nothing"}
    with pytest.raises(ConfigError) as refusal:
        _ = form.config
    assert str(refusal.value) == SENTENCE
    assert form.row("proposals.cam_template").problem == SENTENCE
    assert form.section("proposals").heading.text().endswith("1 changed ⚠")
    assert "not valid" in form.section("proposals").heading.accessibleName()
    assert form.row("proposals.first_step_template").problem == ""
    line.setText("the {}")
    assert form.config.proposals.cam_template == "the {}"
    assert form.row("proposals.cam_template").problem == ""
    assert "⚠" not in form.section("proposals").heading.text()


def test_no_template_at_all_is_not_valid(form: ParameterForm) -> None:
    part(form, "classifier.templates", QTextEdit).setPlainText("\n")
    assert form.row("classifier.templates").problem.startswith("Templates is empty")
    form.save("never-written.toml")
    assert message(form).startswith("⚠ Not saved: Templates is empty")
    assert not Path("never-written.toml").exists()


def test_a_field_without_a_control_can_be_set_and_stays(form: ParameterForm) -> None:
    part(form, "proposals.cam_template", QLineEdit).setText("nothing")
    seen = count_changes(form)
    form.set_value("mode", "referring")
    assert len(seen) == 1
    # What is being typed is left alone.
    assert form.changes == {"proposals.cam_template": "nothing", "mode": "referring"}
    form.set_value("proposals.cam_template", "{}")
    assert form.config.mode == "referring"
    form.set_value("mode", "semantic")
    assert form.changes == {"proposals.cam_template": "{}"}
    with pytest.raises(ConfigError, match="must be one of semantic, referring"):
        form.set_value("mode", "both")
    with pytest.raises(ConfigError, match=r"There is no parameter crf\."):
        form.set_value("crf", {})


def test_a_file_brings_all_parameters_back(form: ParameterForm, tmp_path: Path) -> None:
    changes = {"recurrence.score_threshold": 0.123, "mode": "referring", "prompts.kinds": ["contour"]}
    form.set_base(PRESETS["coco"].config)
    form.set_changes(changes)
    form.save(tmp_path / "mine.toml")
    assert message(form) == "Saved as mine.toml."
    saved = form.config
    assert CaRConfig.from_toml(tmp_path / "mine.toml") == saved
    form.set_base(CaRConfig())
    seen = count_changes(form)
    form.load(tmp_path / "mine.toml")
    assert len(seen) == 1
    assert form.config == saved
    assert message(form) == "Loaded mine.toml."
    form.set_base(PRESETS["coco"].config)
    form.load(tmp_path / "mine.toml")
    assert form.changes == changes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"recurrence = [", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[recurrence]\nscore_threshold = 3", "must be between 0.0 and 1.0"),
        (b"[recurrence]\nscore = 3", "Unknown parameter recurrence.score"),
    ],
)
def test_a_broken_file_is_refused_with_a_sentence(
    form: ParameterForm, tmp_path: Path, content: bytes, reason: str
) -> None:
    form.set_changes({"crf.n_iterations": 3})
    seen = count_changes(form)
    (tmp_path / "broken.toml").write_bytes(content)
    form.load(tmp_path / "broken.toml")
    assert message(form).startswith("⚠ Not loaded: ")
    assert reason in message(form)
    assert form.changes == {"crf.n_iterations": 3}
    assert seen == []


def test_files_that_cannot_be_read_or_written_are_named(form: ParameterForm, tmp_path: Path) -> None:
    form.load(tmp_path / "missing.toml")
    assert "missing.toml cannot be read" in message(form)
    form.save(tmp_path)
    assert "cannot be written" in message(form)


def test_buttons_ask_for_a_file(form: ParameterForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Callable[[QFileDialog], int]] = []
    monkeypatch.setattr(QFileDialog, "exec", lambda dialog: answers.pop()(dialog))
    monkeypatch.setattr(QFileDialog, "selectedFiles", lambda _: [str(tmp_path / "chosen.toml")])
    form.set_changes({"crf.n_iterations": 3})
    answers.append(lambda _: 0)
    press(form, "Save as TOML…")
    assert not (tmp_path / "chosen.toml").exists()
    answers.append(lambda dialog: int(dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave))
    press(form, "Save as TOML…")
    assert (tmp_path / "chosen.toml").exists()
    form.reset()
    answers.append(lambda _: 0)
    press(form, "Load TOML…")
    assert form.changes == {}
    answers.append(lambda dialog: int(dialog.acceptMode() == QFileDialog.AcceptMode.AcceptOpen))
    press(form, "Load TOML…")
    assert form.changes == {"crf.n_iterations": 3}


@pytest.mark.parametrize("name", ["annotate", "context"])
def test_everything_says_what_it_is(form: ParameterForm, name: str) -> None:
    form.set_base(PRESETS[name].config)
    for key in SHOWN:
        row = form.row(key)
        tip = row.control.toolTip()
        assert "`" not in tip
        assert row.field.meaning[:20].partition("'")[0] in tip
        assert f"In files: {key}" in tip
        entry = row.control.entry
        assert row.field.label in entry.accessibleName()
        assert entry.accessibleDescription()
        assert row.reset_button.accessibleName() == f"Reset {row.field.label}"
    buddies = [label.buddy() for label in form.findChildren(QLabel) if label.buddy() is not None]
    switches = [key for key in SHOWN if isinstance(form.row(key).field.of(CaRConfig()), bool)]
    assert len(buddies) + len(switches) == len(SHOWN)
    assert "Preset: 0.5" in ParameterForm().row("recurrence.score_threshold").control.toolTip()


def test_the_wheel_is_left_to_what_scrolls_the_form_unless_the_control_has_the_focus(
    qtbot: QtBot, form: ParameterForm
) -> None:
    for key in SHOWN:
        form.section(form.row(key).field.stage).set_open(True)
    activate(qtbot, form)
    form.setFocus()
    kinds = (QAbstractSpinBox, QComboBox, QSlider, QCheckBox, QLineEdit, QTextEdit)
    parts = [widget for kind in kinds for widget in form.findChildren(kind)]
    assert len(parts) > len(SHOWN)
    for widget in parts:
        # Qt hands a wheel event that was not accepted to the parent, but only if it comes from the window system.
        assert not roll(widget.viewport() if isinstance(widget, QTextEdit) else widget), widget.accessibleName()
        assert widget.focusPolicy() != Qt.FocusPolicy.WheelFocus, widget.accessibleName()
    assert form.changes == {}
    for kind, key, value in [
        (QDoubleSpinBox, "crf.n_iterations", 9),
        (QComboBox, "crf.backend", "torch"),
        (QSlider, "recurrence.score_threshold", 0.47),
    ]:
        widget = part(form, key, kind)
        widget.setFocus()
        assert roll(widget)
        assert form.changes.get(key) == value


def test_the_tab_key_goes_from_control_to_control(qtbot: QtBot, form: ParameterForm) -> None:
    form.section("recurrence").set_open(True)
    form.section("classifier").set_open(True)
    activate(qtbot, form)
    form.section("classifier").heading.setFocus()
    seen = []
    for _ in range(14):
        QTest.keyClick(form, Qt.Key.Key_Tab)
        widget = QApplication.focusWidget()
        assert widget is not None
        seen.append(widget.accessibleName().partition(",")[0])
    assert seen[:5] == [
        "Templates",
        "Transformer blocks",
        "Fit to a square",
        "Background words compete",
        "Recurrence",
    ]
    assert seen[5:11] == [form.row(key).field.label for key in SHOWN if key.startswith("recurrence.")]


def test_sections_are_folded_at_first_and_unfold_with_a_key(qtbot: QtBot, form: ParameterForm) -> None:
    form.show()
    stages = dict.fromkeys(form.row(key).field.stage for key in SHOWN)
    assert not any(form.section(stage).is_open for stage in stages)
    section = form.section("crf")
    qtbot.keyClick(section.heading, Qt.Key.Key_Space)
    assert section.is_open
    assert form.row("crf.backend").control.isVisible()
    qtbot.keyClick(section.heading, Qt.Key.Key_Space)
    assert not section.is_open


def test_the_form_fits_a_narrow_dock(qtbot: QtBot, form: ParameterForm) -> None:
    from napari.qt import get_stylesheet

    form.setStyleSheet(get_stylesheet("dark"))
    for key in SHOWN:
        form.section(form.row(key).field.stage).set_open(True)
    form.set_changes({key: form.row(key).value for key in SHOWN})
    form.show()
    assert form.minimumSizeHint().width() <= 300
