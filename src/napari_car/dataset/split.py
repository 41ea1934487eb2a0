"""Divide images into training, validation and test, so that each class is divided alike."""

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from napari_car.errors import ConfigError

from .labelled_image import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Fractions:
    """Which share of the images each part of a data set gets.

    Raises
    ------
    ConfigError
        If one is negative, or they do not add up to 1.
    """

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        shares = (self.train, self.val, self.test)
        if not all(share >= 0 for share in shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
            raise ConfigError(
                f"The shares of train, val and test are {self.train:g}, {self.val:g} and {self.test:g}: none may be "
                "negative, and they must add up to 1."
            )

    def positive(self) -> dict[Split, float]:
        """Return the shares that are not 0, by part."""
        shares: dict[Split, float] = {"train": self.train, "val": self.val, "test": self.test}
        return {split: share for split, share in shares.items() if share > 0}


def split_images(
    classes: Mapping[str, Collection[int]],
    fractions: Fractions | None = None,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
) -> dict[str, Split]:
    """Divide images, so that each part gets its share of the images of each class.

    This is iterative stratification [1]_: the class of which the fewest images are left comes first, and each of its
    images goes to the part that lacks most of this class. Images without any class come last.

    Parameters
    ----------
    classes : mapping of str to collection of int
        Classes that each image holds, by the image's name.
    fractions : Fractions, optional
    seed : int
        Decides whatever is even. The result depends on nothing else but names and classes, not on their order.
    groups : mapping of str to str, optional
        Group of images by their names; all images of a group, such as planes of a stack, come into one part. An image
        that has none is a group of its own.

    Returns
    -------
    dict of str to {"train", "val", "test"}
        By the image's name, in the order of `classes`.

    References
    ----------
    .. [1] Sechidis, Tsoumakas, Vlahavas: On the Stratification of Multi-Label Data. ECML PKDD 2011.
    """
    units = _units(classes, groups or {}, seed)
    lacks = _Lacks(units, (fractions or Fractions()).positive())
    splits: dict[str, Split] = {}
    left = dict.fromkeys(units)
    while left:
        counts: dict[int, int] = {}
        for unit in left:
            for class_id in unit.counts:
                counts[class_id] = counts.get(class_id, 0) + unit.counts[class_id]
        rarest = min(counts, key=lambda class_id: (counts[class_id], class_id), default=None)
        for unit in [unit for unit in left if rarest is None or rarest in unit.counts]:
            del left[unit]
            splits |= dict.fromkeys(unit.names, lacks.give(unit, rarest))
    return {name: splits[name] for name in classes}


@dataclass(frozen=True, slots=True, eq=False)
class _Unit:
    """Images that stay together, and how many of them hold each class."""

    names: tuple[str, ...]
    counts: Mapping[int, int]
    digest: bytes


class _Lacks:
    """How many images each part still lacks, of each class and in all."""

    def __init__(self, units: Collection[_Unit], shares: Mapping[Split, float]) -> None:
        totals: dict[int, int] = {}
        for unit in units:
            for class_id, count in unit.counts.items():
                totals[class_id] = totals.get(class_id, 0) + count
        n_images = sum(len(unit.names) for unit in units)
        self._images = {split: share * n_images for split, share in shares.items()}
        self._of_class = {
            split: {class_id: share * total for class_id, total in totals.items()} for split, share in shares.items()
        }

    def give(self, unit: _Unit, class_id: int | None) -> Split:
        """Give images to the part that lacks most of a class, then most of all, then by chance; return it."""
        chance = dict(zip(self._images, unit.digest, strict=False))
        split = max(self._images, key=lambda split: (*self._rounded(split, class_id), chance[split]))
        self._images[split] -= len(unit.names)
        for id_, count in unit.counts.items():
            self._of_class[split][id_] -= count
        return split

    def _rounded(self, split: Split, class_id: int | None) -> tuple[float, float]:
        """Return what a part lacks of a class, and in all, so that what is even is equal."""
        of_class = 0.0 if class_id is None else self._of_class[split][class_id]
        return round(of_class, 6), round(self._images[split], 6)


def _units(classes: Mapping[str, Collection[int]], groups: Mapping[str, str], seed: int) -> list[_Unit]:
    """Return the groups of images, the largest first, else in an order that only seed and names decide."""
    members: dict[tuple[bool, str], list[str]] = {}
    for name in sorted(classes):
        # A group may have the name of an image that is in none.
        members.setdefault((name in groups, groups.get(name, name)), []).append(name)
    units = []
    for names in members.values():
        counts: dict[int, int] = {}
        for name in names:
            for class_id in set(classes[name]):
                counts[class_id] = counts.get(class_id, 0) + 1
        text = "\0".join((str(seed), *names))
        units.append(_Unit(tuple(names), counts, hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()))
    return sorted(units, key=lambda unit: (-len(unit.names), unit.digest))
