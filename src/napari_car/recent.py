"""What was computed last, so that it need not be computed again."""

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import UInt8

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by key, of which those that were used last stay."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> V | None:
        """Return the value of a key, which counts as a use; None if it is not there."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: V, n_kept: int) -> None:
        """Keep a value, and no more than some in all; 0 keeps none."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > n_kept:
            self._values.popitem(last=False)


def image_key(image: UInt8[np.ndarray, "H W 3"]) -> Hashable:
    """Return a key that images share only if their pixels are the same."""
    return image.shape, hashlib.blake2b(image.tobytes()).digest()
