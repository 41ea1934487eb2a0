"""Which seeds draw which scenes: training, validation and held-out scenes share none."""

from dataclasses import dataclass

import numpy as np

from scenes.compose import draw_scene
from scenes.scene import Scene
from scenes.vocabulary import EVALUATED

HELD_OUT_SEEDS = range(2_000_000, 2_000_200)
"""The 200 scenes of the stated figures. Nothing is ever chosen by looking at them."""
VALIDATION_SEEDS = range(1_000_000, 1_001_000)
"""Scenes on which thresholds are chosen and the training is watched."""
TRAINING_SEEDS = range(10_000_000, 1_000_000_000)
SAMPLE_SEEDS = range(3_000_000, 3_001_000)
"""Scenes from which the bundled samples were picked."""

N_PRESENT = 3
N_ABSENT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A scene with what is asked about it."""

    seed: int
    scene: Scene
    present: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def queries(self) -> tuple[str, ...]:
        """Present and absent queries in an order that gives nothing away."""
        order = np.random.default_rng((self.seed, 2)).permutation(len(self.present) + len(self.absent))
        both = (*self.present, *self.absent)
        return tuple(both[i] for i in order)


def make_trial(seed: int) -> Trial:
    """
    Draw a scene with `N_PRESENT` present and `N_ABSENT` absent queries.

    Even seeds give drawn scenes, odd ones microscopy. Present queries are drawn from what the scene shows with
    at least 1 % of the image; absent ones uniformly from the rest of the domain's vocabulary.
    """
    domain = "drawn" if seed % 2 == 0 else "microscopy"
    rng = np.random.default_rng((seed, 1))
    scene = draw_scene(seed, domain)
    shown = {region.name for region in scene.concepts}
    askable = [
        region.name for region in scene.concepts if region.name in EVALUATED[domain] and region.mask.mean() >= 0.01
    ]
    absent = [name for name in EVALUATED[domain] if name not in shown]
    return Trial(
        seed=seed,
        scene=scene,
        present=tuple(str(name) for name in rng.permutation(askable)[:N_PRESENT]),
        absent=tuple(str(name) for name in rng.permutation(absent)[:N_ABSENT]),
    )
