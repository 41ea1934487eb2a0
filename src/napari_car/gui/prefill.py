"""Fill in the queries that a sample image comes with."""

from napari.layers import Image

from napari_car.annotation.sheet import QuerySheet

from .query_list import QueryListView
from .run_options import RunOptions
from .tracking import KEY


class Prefill:
    """Puts the queries of sample images into an empty list, or into one that came from another sample.

    Parameters
    ----------
    queries : QueryListView
    options : RunOptions
    """

    def __init__(self, queries: QueryListView, options: RunOptions) -> None:
        self._queries, self._options = queries, options
        self._filled = QuerySheet()

    def look_at(self, image: Image | None) -> None:
        """Fill in what a sample image brings; what a person typed stays."""
        notes = image.metadata.get(KEY, {}) if image is not None else {}
        texts = notes.get("queries")
        sheet = self._queries.sheet
        if not texts or (sheet.entries and sheet.entries != self._filled.entries):
            return
        filled, _ = sheet.removed(entry.id for entry in sheet.entries).added_each(texts)
        if [entry.text for entry in filled.entries] != [entry.text for entry in sheet.entries]:
            self._filled = filled
            self._queries.apply(filled)
            self._options.choose_preset(str(notes.get("preset", self._options.preset.name)))
