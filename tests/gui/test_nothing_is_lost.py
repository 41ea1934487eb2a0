"""Random edits, undos, redos and runs: no pixel of a person's is lost, and table, features and labels are in step.

The window's parts work on one image with two slices. A slow model keeps, for each number of edits that can be undone,
what the labels were and which pixels were a person's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels
from pytestqt.qtbot import QtBot

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.frames import Box, Frame
from napari_car.annotation.sheet import QuerySheet
from napari_car.annotation.survey import TOGETHER
from napari_car.gui.image_results import ImageResults
from napari_car.gui.label_states import LabelStates
from napari_car.gui.layer_notes import checked_of, instances_of
from napari_car.gui.mask_tools import MaskTools
from napari_car.gui.plane_tools import TOOLS
from napari_car.gui.pointing.session import CorrectionSession
from napari_car.gui.result_layers import is_result
from napari_car.gui.sources import ImageSource
from napari_car.gui.tracking import track
from napari_car.sam.prompts import Point

pytestmark = pytest.mark.gui

N_PLANES, H, W = 2, 24, 32
WHOLE = Box(0, 0, H, W)
NAMES = {1: "cell", 2: "stem", 3: "leaf"}


def picture() -> np.ndarray:
    """Two bright discs that touch, and a bar, on dark ground."""
    rows, cols = np.indices((H, W))
    image = np.random.default_rng(0).integers(40, 60, (H, W))
    discs = np.minimum(np.hypot(rows - 8, cols - 8), np.hypot(rows - 8, cols - 17)) < 5
    image[discs] += 120
    image[17:20, 4:28] += 120
    return image.astype(np.uint8)


class Desk:
    """All that edits labels, on one image."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot, self.viewer = qtbot, ViewerModel()
        image = self.viewer.add_image(np.stack([picture()] * N_PLANES), name="cells")
        self.sheet, _ = QuerySheet().added(", ".join(NAMES.values()))
        source = ImageSource.capture(self.viewer, image, composite=False)
        self.results = ImageResults(self.viewer, image, source, self.sheet)
        self.run(0, 0)
        (self.layer,) = (layer for layer in self.viewer.layers if is_result(layer))
        self.tools, self.states = MaskTools(self.viewer), LabelStates()
        qtbot.addWidget(self.tools)
        self.session = CorrectionSession(self.viewer, lambda: None)
        self.viewer.layers.selection.active = self.layer
        self.layer.selected_label = 1
        self.session.start()
        self.states.watch(dict.fromkeys(NAMES, self.layer))

    @property
    def human(self) -> np.ndarray:
        return track(self.layer).ledger.human(self.layer.data)

    @property
    def n_edits(self) -> int:
        return len(self.layer._undo_history)

    def run(self, plane: int, seed: int) -> None:
        """Find masks that depend on a seed, as a run would: discs, and a bar as one query or another."""
        rows, cols = np.indices((H, W))
        random = np.random.default_rng(seed)
        labels = np.zeros((H, W), np.int32)
        shift = random.integers(-2, 3)
        labels[np.minimum(np.hypot(rows - 8, cols - 8 - shift), np.hypot(rows - 8, cols - 17)) < 5] = 1
        labels[17 : 20 + shift, 4:28] = random.integers(0, 4)
        self.results.put(Frame((plane,), WHOLE, WHOLE), {TOGETHER: labels})

    def settle(self) -> None:
        """Wait for what workers do."""
        self.qtbot.waitUntil(lambda: not (self.session.answers.is_busy or self.states.is_busy), timeout=20_000)

    def close(self) -> None:
        self.session.close()
        self.states.close()
        self.tools.close_connections()
        self.results.close()


def paint(desk: Desk, a: int, b: int) -> None:
    """Paint a square of the chosen label, or erase one."""
    rows, cols = (axis.ravel() for axis in np.mgrid[a % (H - 4) : a % (H - 4) + 4, b % (W - 4) : b % (W - 4) + 4])
    plane = np.full(len(rows), int(desk.viewer.dims.current_step[0]))
    desk.layer.data_setitem((plane, rows, cols), 0 if a % 3 == 0 else desk.layer.selected_label)


def use_tool(desk: Desk, a: int, b: int) -> None:
    """Use one of the tools for whole labels."""
    tool = TOOLS[a % len(TOOLS)]
    desk.tools._all.setChecked(b % 2 == 0)
    desk.tools.plane_tools.apply(tool, tool.default if tool.amount else None)


def spare(desk: Desk, a: int, b: int) -> None:
    """Let tools leave a person's pixels alone, or not."""
    desk.tools._protect.setChecked(a % 2 == 0)


def make_instances(desk: Desk, a: int, b: int) -> None:
    desk.tools._all.setChecked(a % 2 == 0)
    desk.tools.instance_tools._splits.setChecked(b % 2 == 0)
    desk.tools.instance_tools.make()


def point(desk: Desk, a: int, b: int) -> None:
    desk.session.mark(lambda pointing: pointing.with_point(Point(float(a % H), float(b % W), a % 4 != 0)))
    desk.settle()
    if b % 3:
        desk.session.accept()


def rerun(desk: Desk, a: int, b: int) -> None:
    """Run again, and accept or discard what is proposed: a person's pixels stay."""
    human, before = desk.human, desk.layer.data.copy()
    desk.run(a % N_PLANES, b)
    np.testing.assert_array_equal(desk.layer.data[human], before[human])
    if b % 4:
        desk.results.accept()
    else:
        desk.results.discard()
    np.testing.assert_array_equal(desk.layer.data[human], before[human])
    assert desk.human[human].all()


def choose_label(desk: Desk, a: int, b: int) -> None:
    present = np.unique(desk.layer.data[desk.layer.data > 0])
    desk.layer.selected_label = int(present[a % len(present)]) if len(present) and b % 2 else a % 3 + 1


def check(desk: Desk, a: int, b: int) -> None:
    desk.states.toggle_check(a % 3 + 1)


Act = Callable[[Desk, int, int], None]
ACTS: dict[str, Act] = {
    "paint": paint,
    "tool": use_tool,
    "spare": spare,
    "split": lambda desk, *_: desk.tools.instance_tools.split(),
    "make instances": make_instances,
    "back to queries": lambda desk, *_: desk.tools.instance_tools.take_back(),
    "give": lambda desk, a, _: desk.tools.transfer.give_to(a % 3 + 1),
    "point": point,
    "rerun": rerun,
    "label": choose_label,
    "check": check,
    "slice": lambda desk, a, _: desk.viewer.dims.set_current_step(0, a % N_PLANES),
    "undo": lambda desk, *_: desk.layer.undo(),
    "redo": lambda desk, *_: desk.layer.redo(),
}
_KEEPS_OWNERS = frozenset(["make instances", "back to queries", "slice", "label", "check", "spare"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ACTS, "paint", "undo", "redo", "undo", "rerun"]), st.integers(0, 99), st.integers(0, 99)
    ),
    min_size=3,
    max_size=16,
)


def check_step(desk: Desk, name: str, before: np.ndarray, human: np.ndarray) -> None:
    """What must hold after a single act."""
    now, changed = desk.human, desk.layer.data != before
    if name in _KEEPS_OWNERS:
        np.testing.assert_array_equal(now, human)
    if name in ("paint", "tool", "split", "give", "point"):
        automatic = track(desk.layer).ledger.automatic()
        np.testing.assert_array_equal(now[changed], (desk.layer.data != automatic)[changed])
        np.testing.assert_array_equal(now[~changed], human[~changed])
    if name in ("tool", "split", "give") and desk.tools._protect.isChecked():
        assert not (changed & human).any()


def check_features(desk: Desk) -> None:
    """Each label has a row with the name of its query; each instance is of a query."""
    rows = desk.layer.features.set_index("index")
    table = instances_of(desk.layer)
    for id_ in np.unique(desk.layer.data):
        query = table.query_of(int(id_))
        assert rows.loc[id_, "class"] == ({0: "background"} | NAMES)[query]
        assert id_ < FIRST_ID or id_ in table.query_ids
    assert rows.index.is_unique


def check_table(desk: Desk) -> None:
    """The table of results says what a slow look at each query's pixels says."""
    table, automatic = instances_of(desk.layer), track(desk.layer).ledger.automatic()
    as_query = np.vectorize(table.query_of, otypes=[np.int64])
    before, now = as_query(automatic), as_query(desk.layer.data)
    checked = checked_of(desk.layer)
    for id_, mask in desk.states.masks.items():
        assert mask.area_px == np.count_nonzero(now == id_)
        assert mask.agreement.n_added == np.count_nonzero((now == id_) & (before != id_))
        assert mask.agreement.n_removed == np.count_nonzero((now != id_) & (before == id_))
        is_edited = bool(mask.agreement.n_added or mask.agreement.n_removed)
        assert (mask.state == "automatic") <= (not is_edited)
        assert (mask.state == "checked") <= (id_ in checked)
        assert desk.layer.features.set_index("index").loc[id_, "class"] == NAMES[id_]


@pytest.fixture
def desks(qtbot: QtBot) -> Callable[[], Desk]:
    return lambda: Desk(qtbot)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_pixel_of_a_persons_is_lost_and_all_stays_in_step(
    desks: Callable[[], Desk], steps: list[tuple[str, int, int]]
) -> None:
    desk = desks()
    history: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    layer: Labels = desk.layer

    def now() -> tuple[np.ndarray, np.ndarray]:
        return layer.data.copy(), desk.human

    history[desk.n_edits] = now()
    for name, a, b in steps:
        n_edits, (before, human) = desk.n_edits, now()
        act: Any = ACTS[name]
        act(desk, a, b)
        check_step(desk, name, before, human)
        check_features(desk)
        if name not in ("undo", "redo") and desk.n_edits > n_edits:
            history = {number: state for number, state in history.items() if number <= n_edits}
            history[desk.n_edits] = now()
        if desk.n_edits in history:
            for found, expected in zip(now(), history[desk.n_edits], strict=True):
                np.testing.assert_array_equal(found, expected)
    desk.settle()
    check_table(desk)
    desk.close()
