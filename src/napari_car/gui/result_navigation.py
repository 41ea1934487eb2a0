"""From queries to their labels in the viewer: choosing, finding, measuring, and score maps."""

from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.frames import Frame, PlaneAxes
from napari_car.annotation.survey import TOGETHER
from napari_car.errors import ImageError, ResourceError

from .layer_notes import notes_of
from .navigation import go_to_label, shown_frame
from .placement import displayed_axes
from .result_layers import is_result
from .result_rows import PxArea, queries_of
from .score_layer import show_score_map
from .session import Session
from .slicing import shown_slice


class ResultNavigation:
    """Finds the labels of queries in the viewer: those of the last run, or before any run those of an opened layer.

    Parameters
    ----------
    viewer : ViewerModel
    session : Session
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session

    def shown_frame(self) -> Frame | None:
        """Return the frame of the run that is shown now."""
        results = self._session.results
        layer = self._any_layer()
        if results is None or layer is None:
            return None
        return shown_frame(self._viewer, layer, results.source.axes, self._session.outcome.frames)

    @property
    def has_run(self) -> bool:
        """Whether there was a run, whose labels are meant; no others are then."""
        return self._session.request is not None

    @property
    def opened_layer(self) -> Labels | None:
        """Before any run, the active result layer, or else the topmost; None if there is none, and after a run."""
        if self.has_run:
            return None
        active = self._viewer.layers.selection.active
        layers = [layer for layer in (*self._viewer.layers, active) if isinstance(layer, Labels) and is_result(layer)]
        return layers[-1] if layers else None

    def layers_by_query(self) -> dict[int, Labels]:
        """Return the layer that the mask of each query is in, by the id of the query."""
        layers = sorted(self._layers(), key=_is_of_one_query)  # where a query has its own layer, that is meant
        return {int(entry["id"]): layer for layer in layers for entry in queries_of(layer)}

    def select_label(self, id_: int) -> None:
        """Make a query's label the one that is painted with."""
        layer = self._layer_of(id_)
        if layer is not None and id_:
            layer.selected_label = id_

    def go_to(self, id_: int) -> None:
        """Select a query's layer and label, and show where it is: here if it is in view, else where most of it is."""
        layer = self._layer_of(id_)
        if layer is None:
            return
        self._viewer.layers.selection.active = layer
        layer.selected_label = id_
        axes = self._axes_of(layer)
        for frame in self._frames_of(id_, layer, axes):
            if go_to_label(self._viewer, layer, axes, frame, id_):
                return

    def px_area(self) -> PxArea:
        """Return the area of a pixel and its unit, which is empty where pixels have no size."""
        layer = self._any_layer()
        if layer is None:
            return 1.0, ""
        axes = (self._axes_of(layer).row_axis, self._axes_of(layer).column_axis)
        units = {str(layer.units[axis]) for axis in axes}
        unit = units.pop() if len(units) == 1 else "pixel"
        area = abs(float(layer.scale[axes[0]] * layer.scale[axes[1]]))
        return (1.0, "") if unit in ("pixel", "dimensionless") else (area, unit)

    def show_score_map(self, id_: int) -> None:
        """Add the score map of a query in the frame that is shown.

        Raises
        ------
        ResourceError
            If the run's maps of this frame are not in memory any more.
        """
        results, frame = self._session.results, self.shown_frame()
        segmentation = None if frame is None else self._session.store.get(frame)
        if results is None or frame is None or segmentation is None:
            raise ResourceError("The maps of this slice are not in memory: segment it again to see them.")
        show_score_map(self._viewer, results.source, frame, segmentation, id_)

    def _layers(self) -> list[Labels]:
        """Return the result layers."""
        results, opened = self._session.results, self.opened_layer
        if results is not None:
            return list(results.layers.values())
        return [] if opened is None else [opened]

    def _any_layer(self) -> Labels | None:
        """Return one of the result layers."""
        return next(iter(self._layers()), None)

    def _layer_of(self, id_: int) -> Labels | None:
        """Return the layer that a query's label is in."""
        layers = {int(notes_of(layer).get("query", TOGETHER)): layer for layer in self._layers()}
        return layers.get(id_, layers.get(TOGETHER))

    def _axes_of(self, layer: Labels) -> PlaneAxes:
        """Return which axes of a layer are rows and columns: as in the run, or as they are shown."""
        results = self._session.results
        if results is not None:
            return results.source.axes
        return PlaneAxes(layer.data.shape, *displayed_axes(self._viewer.dims, layer.ndim))

    def _frames_of(self, id_: int, layer: Labels, axes: PlaneAxes) -> list[Frame]:
        """Return where a query is looked for: in the frame that is shown first, or before any run on the plane."""
        if self._session.results is None:
            try:
                plane = tuple(shown_slice(self._viewer.dims, layer, axes.hidden_axes).indices.tolist())
            except ImageError:
                return []
            return [Frame(plane, axes.whole, axes.whole)]
        summaries = {summary.id: summary for summary in self._session.outcome.summaries()}
        frames = [self.shown_frame(), summaries[id_].largest if id_ in summaries else None]
        return [frame for frame in frames if frame is not None]


def _is_of_one_query(layer: Labels) -> bool:
    """Tell whether a layer holds the mask of one query, and not of all."""
    return bool(notes_of(layer).get("query", TOGETHER) != TOGETHER)
