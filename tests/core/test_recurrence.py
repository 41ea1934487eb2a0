"""Algorithm 1 with f and g that do as they are told."""

from collections.abc import Generator, Iterable, Sequence

import numpy as np
import pytest

from napari_car.config import RecurrenceConfig
from napari_car.core.classifier import MaskClassifier
from napari_car.core.proposals import MaskProposalGenerator
from napari_car.core.recurrence import recur, surviving
from napari_car.results import Progress, Proposals, Step

SIZE = (6, 8)


class FakeGenerator(MaskProposalGenerator):
    """f: proposal i is the constant (i + 1) / 10."""

    def __init__(self, *, can_contrast_one: bool = True) -> None:
        self._can_contrast_one = can_contrast_one
        self.calls: list[tuple[tuple[int, ...], int]] = []

    @property
    def can_contrast_one(self) -> bool:
        return self._can_contrast_one

    def propose_masks(self, h: Sequence[int], step: int) -> Generator[Progress, None, Proposals]:
        self.calls.append((tuple(h), step))
        yield Progress("proposals", step, len(h), len(h))
        return Proposals(np.stack([np.full((2, 2), (i + 1) / 10, dtype=np.float32) for i in h]), SIZE)


class FakeClassifier(MaskClassifier):
    """g: scores by time step and query."""

    def __init__(self, *scores: dict[int, float]) -> None:
        self.scores = scores
        self.n_images: list[int] = []

    def classify_masks(self, prompted: Iterable, h: Sequence[int], step: int) -> Generator[Progress, None, np.ndarray]:
        self.n_images.append(len(list(prompted)))
        yield Progress("classification", step, len(h), len(h))
        scores = self.scores[min(step, len(self.scores)) - 1]
        return np.diag(np.array([scores[i] for i in h], dtype=np.float32))


def run(f: FakeGenerator, g: FakeClassifier, n: int, **rule: object) -> list[Step]:
    image = np.zeros((*SIZE, 3), dtype=np.uint8)
    events = recur(image, tuple(range(n)), f, g, ("blur",), 0.05, RecurrenceConfig(**rule))  # type: ignore[arg-type]
    return [event for event in events if isinstance(event, Step)]


def test_queries_are_dropped_until_none_is() -> None:
    f, g = FakeGenerator(), FakeClassifier({0: 0.9, 1: 0.2, 2: 0.6}, {0: 0.9, 2: 0.4}, {0: 1.0})
    steps = run(f, g, 3, score_threshold=0.5)
    assert [step.queries for step in steps] == [(0, 1, 2), (0, 2), (0,)]
    assert [step.survivors for step in steps] == [(0, 2), (0,), (0,)]
    assert [step.index for step in steps] == [1, 2, 3]
    assert f.calls == [((0, 1, 2), 1), ((0, 2), 2), ((0,), 3)]
    assert g.n_images == [3, 2, 1]
    np.testing.assert_allclose(steps[1].proposals.maps[:, 0, 0], [0.1, 0.3])


def test_one_step_if_nothing_is_dropped() -> None:
    assert len(run(FakeGenerator(), FakeClassifier({0: 0.9, 1: 0.9}), 2)) == 1


def test_at_least_as_many_steps_as_asked_for() -> None:
    assert len(run(FakeGenerator(), FakeClassifier({0: 0.9}), 1, min_steps=2)) == 2


def test_at_most_as_many_steps_as_allowed() -> None:
    g = FakeClassifier({0: 0.9, 1: 0.1, 2: 0.6}, {0: 0.9, 2: 0.1})
    (step,) = run(FakeGenerator(), g, 3, max_steps=1)
    assert step.survivors == (0, 2)


def test_nothing_may_be_found() -> None:
    (step,) = run(FakeGenerator(), FakeClassifier({0: 0.1, 1: 0.2}), 2)
    assert step.survivors == ()


def test_nothing_found_ends_the_run_even_before_the_least_number_of_steps() -> None:
    assert len(run(FakeGenerator(), FakeClassifier({0: 0.1}), 1, min_steps=3)) == 1


def test_the_best_may_be_kept() -> None:
    steps = run(FakeGenerator(), FakeClassifier({0: 0.1, 1: 0.2}, {1: 0.3}), 2, keep_best=True)
    assert [step.survivors for step in steps] == [(1,), (1,)]


def test_a_lone_survivor_without_background_keeps_its_proposal() -> None:
    f = FakeGenerator(can_contrast_one=False)
    steps = run(f, FakeClassifier({0: 0.1, 1: 0.9, 2: 0.1}, {1: 1.0}), 3)
    assert len(f.calls) == 1
    np.testing.assert_array_equal(steps[1].proposals.maps, steps[0].proposals.maps[1:2])


@pytest.mark.parametrize(("ties_survive", "expected"), [(True, True), (False, False)])
def test_ties(ties_survive: bool, expected: bool) -> None:
    rule = RecurrenceConfig(score_threshold=0.6, ties_survive=ties_survive)
    assert surviving(np.array([0.6], dtype=np.float32), rule).tolist() == [expected]


def test_a_run_can_be_stopped_between_pieces_of_work() -> None:
    f, g = FakeGenerator(), FakeClassifier({0: 0.9})
    events = recur(np.zeros((*SIZE, 3), dtype=np.uint8), (0,), f, g, (), 0.5, RecurrenceConfig())  # type: ignore[arg-type]
    assert isinstance(next(events), Progress)
    events.close()
    assert g.n_images == []
