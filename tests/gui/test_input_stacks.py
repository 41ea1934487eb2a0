"""Stacks and time series through the dock in a real window: this slice, a range, all; and the slider while it runs."""

from collections.abc import Callable, Iterable

import dask.array as da
import numpy as np
import pytest
from dock_driving import ask_for, choose, choose_slices, result_layers, run_and_wait
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]

QUERIES = ("purple circle", "sand", "water")
NAMES = ("shapes-on-sand", "shapes-on-brick", "shapes-on-gravel", "shapes-by-the-water")
FAST = {"crf__n_iterations": 2}


@pytest.fixture
def planes(scenes) -> list[NDArray[np.uint8]]:
    """Four pictures of one size."""
    return [scenes[name][:120, :130] for name in NAMES]


@pytest.fixture
def expected(planes, headless) -> NDArray[np.int32]:
    """Labels of each picture by itself; they differ."""
    labels = np.stack([headless(plane, QUERIES, **FAST) for plane in planes])
    assert all(plane.any() for plane in labels)
    return labels


@pytest.fixture
def segment(dock, qtbot) -> Callable[..., Labels]:
    """Return a function that segments what is chosen, and returns the only result layer."""
    viewer, widget = dock

    def run(queries: Iterable[str] = QUERIES) -> Labels:
        ask_for(widget, queries)
        widget.options.parameters.set_value("crf.n_iterations", 2)
        run_and_wait(qtbot, widget)
        (layer,) = result_layers(viewer)
        return layer

    return run


def only(labels: NDArray[np.int32], planes: Iterable[int]) -> NDArray[np.int32]:
    """Return labels of which all other planes are empty."""
    kept = np.zeros_like(labels)
    for plane in planes:
        kept[plane] = labels[plane]
    return kept


class TestRGBStack:
    def test_this_slice_then_a_range_then_all(self, dock, segment, planes, expected):
        viewer, widget = dock
        viewer.add_image(np.stack(planes), rgb=True)
        viewer.dims.set_point(0, 1)
        np.testing.assert_array_equal(segment().data, only(expected, [1]))
        choose_slices(widget, 2, 1)  # in any order
        np.testing.assert_array_equal(segment().data, only(expected, [1, 2]))
        choose(widget, "Slices", "All")
        labels = segment()
        np.testing.assert_array_equal(labels.data, expected)
        assert not widget.session.results.has_proposal
        assert [len(run["frames"]) for run in labels.metadata["napari-car"]["runs"]] == [1, 2, 4]

    def test_the_slider_moves_during_the_run(self, dock, qtbot, planes, expected):
        viewer, widget = dock
        viewer.add_image(np.stack(planes), rgb=True)
        choose(widget, "Slices", "All")
        ask_for(widget, QUERIES)
        widget.options.parameters.set_value("crf.n_iterations", 2)
        moves, shown = iter([3, 1, 2, 0] * 20), []

        def move(*_: object) -> None:
            viewer.dims.set_current_step(0, next(moves))
            (layer,) = result_layers(viewer) or [None]
            shown.append(None if layer is None else np.asarray(layer._slice.image.raw).copy())

        widget.session.frame_started.connect(move)
        widget.session.step_seen.connect(move)
        widget.session.results_changed.connect(move)
        run_and_wait(qtbot, widget)
        assert len(shown) > 12
        (labels,) = result_layers(viewer)
        np.testing.assert_array_equal(labels.data, expected)
        for step in range(4):  # the canvas shows what the layer holds
            viewer.dims.set_current_step(0, step)
            np.testing.assert_array_equal(labels._slice.image.raw, expected[step])

    def test_rows_and_columns_exchanged(self, dock, segment, planes, headless):
        viewer, widget = dock
        viewer.add_image(np.stack(planes[:2]), rgb=True)
        viewer.dims.order = (0, 2, 1)
        choose(widget, "Slices", "All")
        labels = segment()
        for index in range(2):
            seen = np.ascontiguousarray(planes[index].transpose(1, 0, 2))
            np.testing.assert_array_equal(labels.data[index], headless(seen, QUERIES, **FAST).T)

    def test_the_table_leads_to_the_slice_where_a_query_was_found(self, dock, segment, planes, expected):
        viewer, widget = dock
        viewer.add_image(np.stack(planes), rgb=True, scale=(3, 1, 1), translate=(10, 0, 0))
        choose(widget, "Slices", "All")
        viewer.dims.set_current_step(0, 3)
        segment()
        most = int(np.argmax((expected == 2).sum(axis=(1, 2))))
        assert not (expected[3] == 2).any()
        widget.results.chosen.emit(2)
        assert viewer.dims.current_step[0] == most


class TestTimeSeries:
    QUERIES = ("dark circle", "sand")

    @pytest.fixture
    def series(self, planes) -> NDArray[np.uint8]:
        """Grey, (T, Z, Y, X) = (2, 2, 120, 130)."""
        grey = np.rint(np.stack(planes) @ (0.299, 0.587, 0.114)).astype(np.uint8)
        return grey.reshape(2, 2, *grey.shape[1:])

    @pytest.fixture
    def expected(self, series, headless) -> NDArray[np.int32]:
        """Labels of each plane by itself."""
        labels = [headless(np.dstack([plane] * 3), self.QUERIES, **FAST) for stack in series for plane in stack]
        return np.stack(labels).reshape(series.shape)

    def test_this_slice_then_a_range_of_times_then_all(self, dock, segment, series, expected):
        viewer, widget = dock
        viewer.add_image(series, contrast_limits=(0, 255), axis_labels=("t", "z", "y", "x"))
        viewer.dims.set_point((0, 1), (1, 1))
        np.testing.assert_array_equal(segment(self.QUERIES).data, only(expected, [(1, 1)]))
        choose(widget, "Axis", "along t")
        choose_slices(widget, 0, 1)
        np.testing.assert_array_equal(segment(self.QUERIES).data, only(expected, [(0, 1), (1, 1)]))
        choose(widget, "Slices", "All")
        np.testing.assert_array_equal(segment(self.QUERIES).data, expected)

    def test_planes_across_the_stack(self, dock, segment, series, headless):
        viewer, _ = dock
        volume = series.reshape(4, *series.shape[2:]).repeat(20, axis=0)
        viewer.add_image(volume, contrast_limits=(0, 255))
        viewer.dims.order = (1, 0, 2)  # z is shown as rows, y is hidden
        viewer.dims.set_point(1, 60)
        labels = segment(self.QUERIES)
        seen = np.dstack([volume[:, 60]] * 3)
        np.testing.assert_array_equal(labels.data[:, 60], headless(seen, self.QUERIES, **FAST))
        assert not labels.data[:, :60].any()
        assert not labels.data[:, 61:].any()

    def test_a_layer_of_fewer_axes_than_the_sliders(self, dock, segment, series, expected):
        viewer, widget = dock
        viewer.add_image(series, contrast_limits=(0, 255), name="series")
        viewer.add_image(series[0], contrast_limits=(0, 255), name="stack", translate=(0, 500, 0))
        viewer.dims.set_point((0, 1), (1, 1))
        choose(widget, "Image", "stack")
        labels = segment(self.QUERIES)
        np.testing.assert_array_equal(labels.data, only(expected[0], [1]))

    def test_slices_are_offered_also_while_the_slider_is_beside_the_image(self, dock, segment, series, expected):
        viewer, widget = dock
        viewer.add_image(series[0], contrast_limits=(0, 255), name="near")
        viewer.add_image(series[1], contrast_limits=(0, 255), name="far", translate=(10, 0, 0))
        choose(widget, "Image", "far")
        (slices,) = (box for box in widget.findChildren(QComboBox) if box.accessibleName() == "Slices")
        assert slices.isVisibleTo(widget)
        ask_for(widget, self.QUERIES)
        widget.run()
        assert "far is not shown at this slice" in widget.run_bar.text
        viewer.dims.set_point(0, 11)
        np.testing.assert_array_equal(segment(self.QUERIES).data, only(expected[1], [1]))

    def test_other_data_in_the_layer_have_other_slices(self, dock, segment, series, expected):
        viewer, widget = dock
        layer = viewer.add_image(series.reshape(4, *series.shape[2:]), contrast_limits=(0, 255))
        choose_slices(widget, 2, 3)
        layer.data = series[1]
        choose_slices(widget, 0, 1)
        np.testing.assert_array_equal(segment(self.QUERIES).data, expected[1])

    def test_a_stack_without_room_for_its_labels_ends_in_a_sentence(self, dock, qtbot):
        viewer, widget = dock
        huge = da.zeros((40_000, 20_000, 40, 40), dtype=np.uint8, chunks=(1, 1, 40, 40))
        viewer.add_image(huge, contrast_limits=(0, 1), name="huge")
        ask_for(widget, self.QUERIES)
        widget.options.parameters.set_value("crf.n_iterations", 2)
        assert "Labels of all of huge (40000 x 20000 x 40 x 40 px) need 5,120 GB" in run_and_wait(qtbot, widget)
        assert result_layers(viewer) == []
