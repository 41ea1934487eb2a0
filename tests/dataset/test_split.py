"""Division of images into training, validation and test."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.dataset.split import Fractions, split_images
from napari_car.errors import ConfigError

IMAGES = st.dictionaries(st.text(max_size=3), st.frozensets(st.integers(1, 5), max_size=4), max_size=40)
ONE_CLASS = st.dictionaries(st.text(max_size=3), st.integers(0, 4).map(lambda id_: frozenset([id_] * (id_ > 0))))
FRACTIONS = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 8)).map(
    lambda parts: Fractions(train=parts[0] / sum(parts), val=parts[1] / sum(parts), test=parts[2] / sum(parts))
)


def shares(fractions: Fractions) -> dict[str, float]:
    return {"train": fractions.train, "val": fractions.val, "test": fractions.test}


@given(IMAGES, FRACTIONS, st.integers(0, 3), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_order_does_not_matter(
    images: dict[str, frozenset[int]], fractions: Fractions, seed: int, random: object
) -> None:
    splits = split_images(images, fractions, seed)
    assert list(splits) == list(images)
    assert set(splits.values()) <= {split for split, share in shares(fractions).items() if share}
    shuffled = list(images.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split_images(dict(shuffled), fractions, seed) == splits


@given(ONE_CLASS, FRACTIONS)
@settings(max_examples=200, deadline=None)
def test_where_images_hold_one_class_each_gets_its_share(
    images: dict[str, frozenset[int]], fractions: Fractions
) -> None:
    splits = split_images(images, fractions)
    for ids in set(images.values()) - {frozenset()}:
        chosen = [name for name in images if images[name] == ids]
        counts = Counter(splits[name] for name in chosen)
        for split, share in shares(fractions).items():
            # The part that lacks most lacks something: it never gets more than one above its share.
            assert -2 < share * len(chosen) - counts[split] < 2
            assert counts[split] < share * len(chosen) + 1


@given(IMAGES.filter(bool), FRACTIONS, st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_the_rarest_class_is_divided_best(images: dict[str, frozenset[int]], fractions: Fractions, seed: int) -> None:
    counts = Counter(id_ for ids in images.values() for id_ in ids)
    splits = split_images(images, fractions, seed)
    if counts:
        rarest = min(counts, key=lambda id_: (counts[id_], id_))
        found = Counter(splits[name] for name in images if rarest in images[name])
        for split, share in shares(fractions).items():
            assert found[split] < share * counts[rarest] + 1


@given(IMAGES, FRACTIONS, st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_images_of_a_group_stay_together(images: dict[str, frozenset[int]], fractions: Fractions, seed: int) -> None:
    groups = {name: name[:1] for name in images if len(name) != 2}
    splits = split_images(images, fractions, seed, groups)
    for group in set(groups.values()):
        assert len({splits[name] for name in groups if groups[name] == group}) == 1


def spread(images: Mapping[str, frozenset[int]], splits: Mapping[str, str], fractions: Fractions) -> float:
    """Return how far the counts of images of each class are from their shares, on average."""
    distances = []
    for id_ in {id_ for ids in images.values() for id_ in ids}:
        chosen = [splits[name] for name in images if id_ in images[name]]
        distances += [abs(chosen.count(split) - share * len(chosen)) for split, share in shares(fractions).items()]
    return float(np.mean(distances))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_far_better_than_chance(seed: int) -> None:
    random = np.random.default_rng(seed)
    frequency = np.array([0.6, 0.3, 0.1, 0.05, 0.02])
    images = {
        f"image {number}": frozenset((np.flatnonzero(random.random(5) < frequency) + 1).tolist())
        for number in range(300)
    }
    fractions = Fractions(train=0.7, val=0.2, test=0.1)
    splits = split_images(images, fractions, seed)
    by_chance = [
        spread(
            images,
            dict(zip(images, random.choice(list(shares(fractions)), 300, p=[0.7, 0.2, 0.1]), strict=True)),
            fractions,
        )
        for _ in range(20)
    ]
    assert spread(images, splits, fractions) < 0.5 * min(by_chance)
    sizes = Counter(splits.values())
    assert all(abs(sizes[split] - share * 300) <= 3 for split, share in shares(fractions).items())


def test_seeds_differ() -> None:
    images = {str(number): frozenset([1]) for number in range(40)}
    assert split_images(images, seed=1) != split_images(images, seed=2)
    assert split_images(images, seed=1) == split_images(images, seed=1)


def test_images_without_objects_are_divided_too() -> None:
    splits = split_images(dict.fromkeys(map(str, range(100)), frozenset()))
    assert Counter(splits.values()) == {"train": 80, "val": 10, "test": 10}


def test_known_names_stay_where_they_are() -> None:
    """A change of the algorithm would move images of users between parts."""
    images = {name: frozenset([1 + number % 2]) for number, name in enumerate("abcdefghij")}
    splits = split_images(images, Fractions(train=0.6, val=0.2, test=0.2))
    assert "".join(split[1] for split in splits.values()) == "rarrrraeer"


def test_many_images_take_no_time() -> None:
    images = {str(number): frozenset([1 + number % 80, 1 + number % 7]) for number in range(20_000)}
    sizes = Counter(split_images(images).values())
    assert sizes["train"] == pytest.approx(16_000, abs=100)


@pytest.mark.parametrize("parts", [(0.5, 0.5, 0.1), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)])
def test_fractions_that_make_no_sense(parts: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="add up to 1"):
        Fractions(train=parts[0], val=parts[1], test=parts[2])
