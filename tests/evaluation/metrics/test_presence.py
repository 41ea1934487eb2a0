"""Presence of queries, against sums over all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.errors import ConfigError
from napari_car.evaluation.metrics import PresenceTally
from napari_car.evaluation.metrics.presence import Presence

QUERIES = ["cat", "dog", "tree", "lamp"]
Answers = dict[str, tuple[bool, bool]]


@given(st.lists(st.dictionaries(st.sampled_from(QUERIES), st.tuples(st.booleans(), st.booleans())), max_size=5))
def test_scores_are_those_of_the_definitions(images: list[Answers]) -> None:
    tally = PresenceTally()
    for index, answers in enumerate(images):
        present = [query for query, (is_present, _) in answers.items() if is_present]
        found = [query for query, (_, is_found) in answers.items() if is_found]
        tally.update(str(index), asked=list(answers), present=present, found=found)
    outcomes = [outcome for answers in images for outcome in answers.values()]
    hits, misses = outcomes.count((True, True)), outcomes.count((True, False))
    alarms, silences = outcomes.count((False, True)), outcomes.count((False, False))
    scores = tally.scores()
    assert (scores.n_images, scores.n_present, scores.n_absent) == (len(images), hits + misses, alarms + silences)
    assert scores.precision == (hits / (hits + alarms) if hits + alarms else None)
    assert scores.recall == (hits / (hits + misses) if hits + misses else None)
    assert scores.false_alarm_rate == (alarms / (alarms + silences) if alarms + silences else None)
    if scores.precision and scores.recall:
        harmonic = 2 * scores.precision * scores.recall / (scores.precision + scores.recall)
        assert scores.f1 == pytest.approx(harmonic)
    else:
        assert scores.f1 == (0 if hits + misses + alarms else None)


def test_queries_count_once() -> None:
    found = PresenceTally().update("a", asked=["cat", "cat", "dog"], present={"cat"}, found=("cat", "cat"))
    assert found == Presence(item="a", n_asked=2, n_present=1, n_found=1, n_both=1)


@pytest.mark.parametrize(("present", "found"), [(["elk"], []), ([], ["elk"])])
def test_what_was_not_asked_for(present: list[str], found: list[str]) -> None:
    tally = PresenceTally()
    with pytest.raises(ConfigError, match='a: "elk" was not asked for'):
        tally.update("a", asked=["cat"], present=present, found=found)
    assert len(tally) == 0


@pytest.mark.parametrize("counts", [(4, 1, 1, 2), (4, 2, 1, 2), (4, 1, 2, 2), (3, 2, 2, 0)])
def test_impossible_counts(counts: tuple[int, ...]) -> None:
    names = ("n_asked", "n_present", "n_found", "n_both")
    with pytest.raises(ConfigError, match=r"a: the numbers of queries .* contradict each other"):
        Presence(item="a", **dict(zip(names, counts, strict=True)))
