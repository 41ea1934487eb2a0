"""From queries to their labels in the viewer: choosing, finding, measuring, and score maps."""

from napari.components import ViewerModel
from napari.layers import Labels

from napari_car.annotation.frames import Frame
from napari_car.annotation.survey import TOGETHER
from napari_car.errors import ResourceError

from .navigation import go_to_label, shown_frame
from .score_layer import show_score_map
from .session import Session


class ResultNavigation:
    """Finds the labels of queries in the viewer.

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

    def select_label(self, id_: int) -> None:
        """Make a query's label the one that is painted with."""
        layer = self._layer_of(id_)
        if layer is not None and id_:
            layer.selected_label = id_

    def go_to(self, id_: int) -> None:
        """Select a query's layer and label, and show where it is: here if it is in view, else where most of it is."""
        layer, results = self._layer_of(id_), self._session.results
        if layer is None or results is None:
            return
        self._viewer.layers.selection.active = layer
        layer.selected_label = id_
        summaries = {summary.id: summary for summary in self._session.outcome.summaries()}
        frames = [self.shown_frame(), summaries[id_].largest if id_ in summaries else None]
        for frame in frames:
            if frame is not None and go_to_label(self._viewer, layer, results.source.axes, frame, id_):
                return

    def px_area(self) -> tuple[float, str]:
        """Return the area of a pixel and its unit, which is empty where pixels have no size."""
        results, layer = self._session.results, self._any_layer()
        if results is None or layer is None:
            return 1.0, ""
        axes = (results.source.axes.row_axis, results.source.axes.column_axis)
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

    def _any_layer(self) -> Labels | None:
        """Return one of the result layers."""
        results = self._session.results
        return None if results is None else next(iter(results.layers.values()), None)

    def _layer_of(self, id_: int) -> Labels | None:
        """Return the layer that a query's label is in."""
        results = self._session.results
        if results is None:
            return None
        layers = results.layers
        return layers.get(id_, layers.get(TOGETHER))
