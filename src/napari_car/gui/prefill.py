"""Fill in the queries that an image comes with: those of a sample, or those of labels that were opened with it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image

from napari_car.annotation.sheet import QuerySheet
from napari_car.errors import QueryError

from .layer_notes import KEY
from .query_list import QueryListView
from .result_layers import is_result, sheet_of
from .run_options import RunOptions


class Prefill:
    """Fills an empty list, or one that came from another sample; what a person typed stays.

    Parameters
    ----------
    viewer : ViewerModel
    queries : QueryListView
    options : RunOptions
    """

    def __init__(self, viewer: ViewerModel, queries: QueryListView, options: RunOptions) -> None:
        self._viewer, self._queries, self._options = viewer, queries, options
        self._filled = QuerySheet()

    @property
    def is_untouched(self) -> bool:
        """Whether the list is as it was filled."""
        return self._queries.sheet.entries == self._filled.entries

    def restore(self, choices: Mapping[str, Any]) -> None:
        """Show the list of last time; it may be replaced if it was filled in then, and not changed since."""
        with suppress(KeyError, QueryError):  # the first start, or a list of another version
            self._queries.set_sheet(QuerySheet.from_dict(choices["sheet"]))
            if choices.get("is_prefilled") is True:
                self._filled = self._queries.sheet

    def look_at(self, image: Image | None) -> None:
        """Fill in what an image brings."""
        if image is None or not self.is_untouched:
            return
        notes = image.metadata.get(KEY, {})
        if notes.get("queries"):
            self._fill_sample(notes)
        elif not self._queries.sheet.entries:
            self._fill_from_labels(image)

    def _fill_sample(self, notes: Mapping[str, Any]) -> None:
        """Fill in the queries of a sample image, and choose its preset."""
        sheet = self._queries.sheet
        filled, _ = sheet.removed(entry.id for entry in sheet.entries).added_each(notes["queries"])
        if [entry.text for entry in filled.entries] != [entry.text for entry in sheet.entries]:
            self._filled = filled
            self._queries.apply(filled)
            self._options.choose_preset(str(notes.get("preset", self._options.preset.name)))

    def _fill_from_labels(self, image: Image) -> None:
        """Go on with the queries of labels that were read from a file."""
        for layer in filter(is_result, self._viewer.layers):
            if layer.metadata[KEY].get("image") == image.name:
                with suppress(QueryError):  # a file of another version
                    self._queries.apply(sheet_of(layer))
                return
