"""Ground truth in index masks: from the values of a file to class ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32

from napari_car.dataset.label_files import read_labels
from napari_car.errors import DocumentError

from .stored_size import check_size

IGNORED = -1
"""Label of pixels that are not scored."""

BACKGROUND = 0
"""Label of pixels that belong to no class, where that is scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthCode:
    """What the values of an index mask stand for."""

    labels: Mapping[int, int]
    """Class id, :data:`BACKGROUND` or :data:`IGNORED` by value in the file."""
    stored_as: str
    """How the masks are stored, for a sentence."""
    unlisted: int | None = None
    """Label of all other values; None: a mask that holds any is refused."""

    def read(self, mask: Path, image: Path, *, is_upright: bool) -> Int32[np.ndarray, "H W"]:
        """Read the mask of an image.

        A palette is not looked at: its indices are the values.

        Parameters
        ----------
        mask, image : Path
            Of the image, only the size is read.
        is_upright : bool
            Whether the mask is of the image as it is shown, not as its pixels are stored (EXIF orientation).

        Returns
        -------
        ndarray, (H, W), int32
            Class ids, :data:`BACKGROUND` and :data:`IGNORED`.

        Raises
        ------
        DocumentError
            If the mask cannot be read, holds other values or colours, or has another size than the image.
        ImageError
            If the image cannot be read.
        """
        try:
            values = read_labels(mask)
        except DocumentError as error:
            raise DocumentError(f"{str(error).rstrip('.')}; it should be {self.stored_as}.") from error
        check_size(image, values.shape, mask, is_upright=is_upright)
        return self.decode(values, mask)

    def decode(self, values: Int32[np.ndarray, "H W"], source: Path) -> Int32[np.ndarray, "H W"]:
        """Return the labels of values from 0; `source` is where they are from, for a sentence.

        Raises
        ------
        DocumentError
            If a value is not listed and may not be.
        """
        n_values = max(self.labels) + 1
        table = np.full(n_values + 1, IGNORED - 1, dtype=np.int32)  # the last stands for all that is higher
        table[list(self.labels)] = list(self.labels.values())
        labels: Int32[np.ndarray, "H W"] = table[np.minimum(values, n_values)]
        is_unlisted = labels < IGNORED
        if is_unlisted.any():
            if self.unlisted is None:
                raise DocumentError(
                    f"{source} holds the value {values[is_unlisted][0]}, which stands for nothing: it should be "
                    f"{self.stored_as}."
                )
            labels[is_unlisted] = self.unlisted
        return labels
