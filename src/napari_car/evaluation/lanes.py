"""Several evaluations of the same items, item by item: what one has computed of an image serves the next."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_car.results import Progress, Step

from .evaluated import Evaluated
from .run import Sample
from .shard import Shard
from .store import EvaluationStore

if TYPE_CHECKING:
    from napari_car.clip.model import ClipModel
    from napari_car.segmenter import Segmenter

    from .experiments import Role

Run = Generator[Progress | Step, None, Evaluated]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way in which items are evaluated.

    Parameters
    ----------
    title : str
    store : EvaluationStore
    begin : callable
        Returns the evaluation of an item, and how many queries it asks.
    """

    title: str
    store: EvaluationStore
    begin: Callable[[Sample], tuple[Run, int]]


def find_left(lanes: Sequence[Lane], samples: Sequence[Sample], shard: Shard) -> list[tuple[Sample, tuple[int, ...]]]:
    """Return the items of a shard that are not done in all lanes, each with the lanes in which it is left."""
    done = [lane.store.read().keys() for lane in lanes]
    left = [
        (sample, tuple(number for number, keys in enumerate(done) if sample.key not in keys))
        for sample in shard.of(samples)
    ]
    return [(sample, numbers) for sample, numbers in left if numbers]


class NetworkRoles:
    """Segmenters in which two loaded networks change places; each network is loaded once.

    Parameters
    ----------
    segmenter : Segmenter
        With the networks as they were chosen.
    """

    def __init__(self, segmenter: "Segmenter") -> None:
        self._chosen = segmenter
        self._segmenters: dict[tuple[Role, Role], Segmenter] = {("f", "g"): segmenter}

    def segmenter(self, roles: "tuple[Role, Role]") -> "Segmenter":
        """Return the segmenter whose f and g are these networks; the same one each time, with all it remembers."""
        if roles not in self._segmenters:
            f, g = map(self._network, roles)
            self._segmenters[roles] = build_like(self._chosen, f, g)
            self._segmenters[roles].sam = self._chosen.sam  # what it found in an image holds for all of them
        return self._segmenters[roles]

    def _network(self, role: "Role") -> "ClipModel":
        """Return a network by its role in the chosen segmenter."""
        return self._chosen.f if role == "f" else self._chosen.g


def build_like(segmenter: "Segmenter", f: "ClipModel", g: "ClipModel") -> "Segmenter":
    """Return a segmenter with loaded networks that remembers no image; its texts stay known."""
    from napari_car.segmenter import Segmenter

    return Segmenter(f, g, sam=segmenter.sam.sam if segmenter.sam else None)
