"""Shares of a benchmark's items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_car.errors import ConfigError
from napari_car.evaluation.shard import Shard


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shares_hold_every_item_once_and_are_of_one_size(items: list[int], total: int) -> None:
    shares = [Shard(number, total).of(items) for number in range(1, total + 1)]
    assert sorted(item for share in shares for item in share) == sorted(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_neighbours_are_in_different_shares() -> None:
    assert Shard(2, 3).of("abcdefgh") == "beh"


@pytest.mark.parametrize(("text", "number", "total"), [("1/1", 1, 1), (" 2 / 8 ", 2, 8)])
def test_shares_are_read(text: str, number: int, total: int) -> None:
    assert Shard.parse(text) == Shard(number, total)
    assert Shard.parse(text).name == f"{number}-of-{total}"


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "-1/2", "1/0", "1/2/3", "a/b", "1.0/2", "1/99999999"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Shard.parse(text)
