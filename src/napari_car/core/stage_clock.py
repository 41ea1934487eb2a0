"""How long each stage of a run takes."""

import time
from collections import Counter
from collections.abc import Generator
from typing import Any

from napari_car.results import Progress


class StageClock:
    """Wall time by stage, measured between events."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = time.perf_counter()

    def done(self, event: Progress) -> Progress:
        """Count the time since the last event for this event's stage."""
        now = time.perf_counter()
        self.seconds[event.stage] += now - self._last  # type: ignore[assignment]
        self._last = now
        return event

    def timed(self, events: Generator[Progress, None, Any]) -> Generator[Progress, None, Any]:
        """Pass events on, timing each."""
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return end.value
            yield self.done(event)
