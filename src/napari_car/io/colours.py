"""Colours that tell queries apart, the same in label maps, overlays and legends."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

RGB = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""

OKABE_ITO: tuple[RGB, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Okabe and Ito (2008), chosen to be told apart with any kind of colour blindness; their black is left out."""

# Oklab's two matrices (Ottosson 2020): linear RGB to cone response, and its cube root to lightness and two hues.
_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def query_colours(n: int) -> tuple[RGB, ...]:
    """Choose a colour for each of `n` queries.

    The first seven are those of Okabe and Ito. Each further one is the candidate farthest, in the perceptual
    space Oklab, from all chosen before. The sequence never changes: the colours of 5 queries are the first 5
    of those of 50.

    Parameters
    ----------
    n
        Number of queries, at least 0.

    Returns
    -------
    tuple of RGB
        `n` colours, none black, white or grey; they repeat after some 3,700.
    """
    if n <= len(OKABE_ITO):
        return OKABE_ITO[:n]
    # Rounded up, so that growing the number of queries by one does not start the search anew.
    colours = _spread_colours(-(-n // 64) * 64)
    return tuple(colours[i % len(colours)] for i in range(n))


@lru_cache(maxsize=4)
def _spread_colours(n: int) -> tuple[RGB, ...]:
    """Extend Okabe and Ito's colours by farthest-point selection, up to the number of candidates."""
    candidates, candidates_lab = _candidates()
    chosen = list(OKABE_ITO)
    # Black and white count as taken: an object's colour must differ from ink and paper, too.
    taken_lab = _oklab(np.array([*chosen, (0, 0, 0), (255, 255, 255)], dtype=np.float64))
    distances = np.linalg.norm(candidates_lab[:, None] - taken_lab[None], axis=2).min(axis=1)
    while len(chosen) < n:
        farthest = int(distances.argmax())
        if distances[farthest] == 0:
            break
        red, green, blue = (int(value) for value in candidates[farthest])
        chosen.append((red, green, blue))
        distances = np.minimum(distances, np.linalg.norm(candidates_lab - candidates_lab[farthest], axis=1))
    return tuple(chosen)


def _candidates() -> tuple[Float[np.ndarray, "C 3"], Float[np.ndarray, "C 3"]]:
    """Return RGB and Oklab of colours neither dark, pale nor greyish."""
    levels = np.linspace(0, 255, 18).round()
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _oklab(rgb)
    lightness, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    is_vivid = (lightness > 0.5) & (lightness < 0.92) & (chroma > 0.09)
    return rgb[is_vivid], lab[is_vivid]


def _oklab(rgb: Float[np.ndarray, "C 3"]) -> Float[np.ndarray, "C 3"]:
    """Convert sRGB values of 0 to 255 to Oklab."""
    srgb = rgb / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    oklab: Float[np.ndarray, "C 3"] = np.cbrt(linear @ _RGB_TO_LMS.T) @ _LMS_TO_OKLAB.T
    return oklab
