"""What stands out, what is folded, and what stays where it was: parts of the dock without a canvas."""

import numpy as np
import pytest
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QComboBox, QLabel, QSpinBox, QStyle, QStyleOptionButton, QToolButton

from napari_car.annotation.outcome import QuerySummary
from napari_car.annotation.proposal import ProposalSummary
from napari_car.gui.accent import AccentButton, ProgressLine
from napari_car.gui.folding import Fold
from napari_car.gui.image_controls import RANGE, ImageControls
from napari_car.gui.proposal_bar import ProposalBar, describe_proposal
from napari_car.gui.result_rows import verdict_text
from napari_car.gui.run_bar import RunBar


def is_accented(button: AccentButton) -> bool:
    option = QStyleOptionButton()
    button.initStyleOption(option)
    return bool(option.state & QStyle.StateFlag.State_On)


def test_a_button_stands_out_unless_told_not_to_or_disabled(qtbot: QtBot) -> None:
    button = AccentButton("Segment")
    qtbot.addWidget(button)
    assert is_accented(button)
    assert not button.isCheckable()
    button.setEnabled(False)
    assert not is_accented(button)
    button.setEnabled(True)
    button.set_accented(False)
    assert not is_accented(button)


def test_only_the_next_thing_to_do_stands_out(qtbot: QtBot) -> None:
    bar = RunBar()
    qtbot.addWidget(bar)
    button = bar.findChild(AccentButton)
    assert button.text() == "Segment"
    assert is_accented(button)
    bar.set_running(True)
    assert (button.text(), is_accented(button)) == ("Cancel", False)
    bar.give_way(True)
    bar.set_running(False)
    assert (button.text(), is_accented(button)) == ("Segment", False)
    bar.give_way(False)
    assert is_accented(button)


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_a_progress_line_is_filled_as_far_as_the_run_is(qtbot: QtBot, share: float) -> None:
    line = ProgressLine()
    qtbot.addWidget(line)
    palette = line.palette()
    palette.setColor(QPalette.ColorRole.Text, Qt.GlobalColor.black)
    line.setPalette(palette)
    line.setRange(0, 1000)
    line.setValue(round(1000 * share))
    line.resize(200, line.sizeHint().height())
    picture = line.grab().toImage()
    row = picture.height() // 2
    grey = np.array([picture.pixelColor(x, row).lightness() for x in range(picture.width())])
    assert (grey < 128).mean() == pytest.approx(share, abs=0.03)


def test_a_fold_shows_its_content_when_clicked(qtbot: QtBot) -> None:
    content = QLabel("content")
    fold = Fold("All parameters", content)
    qtbot.addWidget(fold)
    fold.show()
    heading = fold.findChild(QToolButton)
    assert heading.text() == "All parameters"
    assert not content.isVisible()
    assert heading.arrowType() == Qt.ArrowType.RightArrow
    qtbot.mouseClick(heading, Qt.MouseButton.LeftButton)
    assert content.isVisible()
    assert heading.arrowType() == Qt.ArrowType.DownArrow


def test_a_proposal_bar_says_what_would_change_and_hides_without_a_proposal(qtbot: QtBot) -> None:
    bar = ProposalBar()
    qtbot.addWidget(bar)
    summary = ProposalSummary(n_added=1200, n_removed=3)
    assert describe_proposal(summary) == "Proposal (outlines): relabels 1,200 px and clears 3 px (red)."
    bar.show_summary(summary)
    assert bar.isVisible()
    bar.show_summary(None)
    assert not bar.isVisible()


@pytest.mark.parametrize(
    ("verdict", "step", "n_found", "n_frames", "text"),
    [
        ("present", None, 1, 1, "✓ present"),
        ("absent", 1, 0, 1, "✗ absent"),
        ("present", None, 3, 4, "✓ in 3 of 4"),
        ("uncertain", None, 0, 4, "? in 0 of 4"),
        ("absent", 2, 0, 4, "✗ absent"),
        ("absent", None, 0, 4, "✗ absent"),
    ],
)
def test_verdicts_in_words(verdict: str, step: int | None, n_found: int, n_frames: int, text: str) -> None:
    summary = QuerySummary(
        id=1,
        text="leaf",
        verdict=verdict,  # type: ignore[arg-type]
        score=0.5,
        dropped_at_step=step,
        area_px=n_found,
        n_found=n_found,
        n_frames=n_frames,
        is_covered=False,
        largest=None,  # type: ignore[arg-type]
    )
    assert verdict_text(summary) == text


def named(controls: ImageControls, name: str) -> QSpinBox | QComboBox:
    children = [*controls.findChildren(QSpinBox), *controls.findChildren(QComboBox)]
    return next(child for child in children if child.accessibleName() == name)


def test_a_range_of_slices_stays_when_layers_come_and_go(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    controls = ImageControls(viewer)
    qtbot.addWidget(controls)
    viewer.add_image(np.zeros((100, 7, 8, 9), dtype=np.uint8))
    slices, axis = named(controls, "Slices"), named(controls, "Axis")
    first, last = named(controls, "First slice"), named(controls, "Last slice")
    assert last.value() == 99
    slices.setCurrentIndex(slices.findData(RANGE))
    axis.setCurrentIndex(axis.findData(1))
    assert (first.value(), last.value()) == (0, 6)
    first.setValue(2)
    last.setValue(4)
    labels = viewer.add_labels(np.zeros((100, 7, 8, 9), dtype=np.int32))
    viewer.layers.remove(labels)
    assert axis.currentData() == 1
    assert (first.value(), last.value()) == (2, 4)
    controls.close_connections()
