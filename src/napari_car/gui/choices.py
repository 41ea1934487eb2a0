"""What was chosen in the dock is there again the next time."""

from qtpy.QtCore import QTimer

from .image_controls import VIEW, ImageControls
from .pointing.options import PointingOptions
from .prefill import Prefill
from .query_list import QueryListView
from .run_options import RunOptions
from .settings import load_choices, save_choices

SAVE_DELAY_MS = 500
"""Choices are saved when nothing has been chosen anew for this long."""


class Choices:
    """Restores and saves what is chosen in the parts of a dock.

    Parameters
    ----------
    options : RunOptions
    image_controls : ImageControls
    queries : QueryListView
    prefill : Prefill
        Knows whether the list was filled in or typed.
    pointing : PointingOptions
    """

    def __init__(
        self,
        options: RunOptions,
        image_controls: ImageControls,
        queries: QueryListView,
        prefill: Prefill,
        pointing: PointingOptions,
    ) -> None:
        self._options, self._image_controls, self._pointing = options, image_controls, pointing
        self._queries, self._prefill = queries, prefill
        self._timer = QTimer(options)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_DELAY_MS)
        self._timer.timeout.connect(self.save)

    def restore(self) -> None:
        """Choose what was chosen when the program was used last."""
        choices = load_choices()
        self._options.restore(choices)
        if choices.get("region") == VIEW:  # a rectangle is drawn for one image
            self._image_controls.choose_region(VIEW)
        self._prefill.restore(choices)
        if isinstance(choices.get("pointing"), dict):
            self._pointing.restore(choices["pointing"])

    def save_soon(self) -> None:
        """Save when a person has paused."""
        self._timer.start()

    def save(self) -> None:
        """Keep what is chosen for the next start."""
        self._timer.stop()
        save_choices(
            self._options.to_dict()
            | {
                "region": self._image_controls.region,
                "sheet": self._queries.sheet.to_dict(),
                "is_prefilled": self._prefill.is_untouched,
                "pointing": self._pointing.to_dict(),
            }
        )
