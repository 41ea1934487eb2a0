"""What holds for every tally: merged, in any order, stored and read back."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.errors import ConfigError
from napari_car.evaluation.metrics import FlickerTally, PresenceTally, ReferringTally, VideoTally
from napari_car.evaluation.metrics.tally import Tally

N_ITEMS = 7


def masks(index: int) -> np.ndarray:
    """Return some masks that differ from item to item."""
    return np.random.default_rng(index).random((4, 5, 6)) < 0.2 + 0.1 * index


def add_expression(tally: ReferringTally, index: int) -> None:
    tally.update(f"expression {index}", *masks(index)[:2])


def add_frame(tally: VideoTally, index: int) -> None:
    tally.update("xy"[index % 2], "ab"[index // 2 % 2], index, *masks(index)[:2])


def add_change(tally: FlickerTally, index: int) -> None:
    previous, current, *truths = masks(index)
    true = dict(zip(("previous_truth", "current_truth"), truths, strict=True)) if index % 2 else {}
    tally.update("xy"[index % 2], "ab"[index // 2 % 2], index, previous=previous, current=current, **true)


def add_queries(tally: PresenceTally, index: int) -> None:
    tally.update(f"image {index}", asked="abcdef", present="abcdef"[: index % 4], found="abcdef"[index % 3 : index])


CASES: list[tuple[type[Tally], Callable[[Any, int], None]]] = [
    (ReferringTally, add_expression),
    (VideoTally, add_frame),
    (FlickerTally, add_change),
    (PresenceTally, add_queries),
]
each_tally = pytest.mark.parametrize(("kind", "add"), CASES)


def counted(kind: type[Tally], add: Callable[[Any, int], None], indices: list[int]) -> Any:
    tally = kind()
    for index in indices:
        add(tally, index)
    return tally


@each_tally
@given(st.permutations(range(N_ITEMS)), st.integers(0, N_ITEMS), st.integers(0, N_ITEMS))
@settings(max_examples=30, deadline=None)
def test_shards_in_any_order_are_one_run(
    kind: type[Tally], add: Callable, order: list[int], cut: int, other_cut: int
) -> None:
    cut, other_cut = sorted((cut, other_cut))
    whole = counted(kind, add, list(range(N_ITEMS)))
    shards = [counted(kind, add, part) for part in (order[:cut], order[cut:other_cut], order[other_cut:])]
    for merged in (shards[0].merge(shards[1]).merge(shards[2]), shards[2].merge(shards[1].merge(shards[0]))):
        assert merged == whole
        assert merged.items == whole.items
        assert json.dumps(merged.to_dict()) == json.dumps(whole.to_dict())
        assert merged.scores() == whole.scores()
    assert len(shards[0]) == cut


@each_tally
def test_tallies_come_back_from_json(kind: type[Tally], add: Callable) -> None:
    for n_items in (0, N_ITEMS):
        tally = counted(kind, add, list(range(n_items)))
        found = kind.from_dict(json.loads(json.dumps(tally.to_dict())))
        assert found == tally
        assert len(found) == n_items


@each_tally
def test_merging_takes_no_item_twice_and_no_other_metric(kind: type[Tally], add: Callable) -> None:
    tally = counted(kind, add, [0, 1])
    with pytest.raises(ConfigError, match=f"was counted already in this tally of {kind.KIND}"):
        tally.merge(counted(kind, add, [1, 2]))
    with pytest.raises(ConfigError, match=f"A tally of {kind.KIND} cannot be merged with NoneType"):
        tally.merge(None)
    other = next(item for item, _ in CASES if item is not kind)
    with pytest.raises(ConfigError, match=f"A tally of {kind.KIND} cannot be merged with {other.__name__}"):
        tally.merge(other())
    assert kind() != other()
    assert tally != kind()
    assert tally == counted(kind, add, [1, 0])


@each_tally
def test_stored_nonsense_is_refused(kind: type[Tally], add: Callable) -> None:
    stored = counted(kind, add, [1]).to_dict()
    (item,) = stored["items"]
    count = next(name for name in item if name.startswith("n_"))
    bad = [
        (None, "must be a table of this kind, not None"),
        ([stored], "must be a table of this kind"),
        ({**stored, "kind": "x"}, f"A stored tally of {kind.KIND} must be a table of this kind"),
        ({"kind": kind.KIND}, "must have the fields kind, items, but has kind"),
        ({**stored, "more": 1}, "but has items, kind, more"),
        ({**stored, "items": {}}, "must be a list, not {}"),
        ({**stored, "items": [5]}, "must have the fields .*, but is 5"),
        ({**stored, "items": [{**item, "more": 1}]}, "must have the fields"),
        ({**stored, "items": [{k: v for k, v in item.items() if k != count}]}, "must have the fields"),
        ({**stored, "items": [item, item]}, "was counted already"),
        *(
            ({**stored, "items": [{**item, name: value}]}, f"{name} is {value!r}, but must be")
            for name in item
            for value in ((1, None, ["a"]) if isinstance(item[name], str) else (-1, 0.5, "1", None, float("nan")))
        ),
        ({**stored, "items": [{**item, count: True}]}, f"{count} is True, but must be a whole number"),
    ]
    for fields, says in bad:
        with pytest.raises(ConfigError, match=says.replace("{}", r"\{\}").replace("[", r"\[")):
            kind.from_dict(fields)  # type: ignore[arg-type]
