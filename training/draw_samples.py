"""Draw the sample scenes that come with the package, and write what is asked about them."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2

from scenes.compose import draw_scene
from scenes.vocabulary import Domain

FOLDER = Path(__file__).parents[1] / "src/napari_car/demo/scenes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A scene of `scenes.seeds.SAMPLE_SEEDS` and the queries asked about it, some of them absent."""

    name: str
    seed: int
    domain: Domain
    shape: tuple[int, int]
    absent: tuple[str, ...]


SAMPLES = (
    Sample(
        name="shapes-on-brick",
        seed=3000000,
        domain="drawn",
        shape=(140, 180),
        absent=("red star", "grass", "green circle"),
    ),
    Sample(
        name="shapes-on-sand",
        seed=3000004,
        domain="drawn",
        shape=(150, 150),
        absent=("yellow square", "snow"),
    ),
    Sample(
        name="shapes-by-the-water",
        seed=3000006,
        domain="drawn",
        shape=(140, 180),
        absent=("blue ring", "red cross", "sky"),
    ),
    Sample(
        name="shapes-on-gravel",
        seed=3000005,
        domain="drawn",
        shape=(180, 240),
        absent=("white square", "black triangle", "wood"),
    ),
    Sample(
        name="fluorescence-yeast",
        seed=3000103,
        domain="microscopy",
        shape=(140, 180),
        absent=("nucleus", "crystal"),
    ),
    Sample(
        name="fluorescence-mixture",
        seed=3000102,
        domain="microscopy",
        shape=(180, 240),
        absent=("nucleus", "budding cell", "debris"),
    ),
    Sample(
        name="bright-field-mixture",
        seed=3000111,
        domain="microscopy",
        shape=(180, 240),
        absent=("bubble", "filament", "round cell"),
    ),
)
"""Picked by eye for variety."""


def main() -> None:
    """Write the PNG files and scenes.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    entries = []
    for sample in SAMPLES:
        scene = draw_scene(sample.seed, sample.domain, sample.shape)
        file = f"{sample.name}.png"
        cv2.imwrite(str(FOLDER / file), cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR))
        present = [region.name for region in scene.concepts if not region.name.endswith(" field")]
        entries.append({"file": file, "queries": [*present, *sample.absent]})
    (FOLDER / "scenes.json").write_text(json.dumps({"scenes": entries}, indent=2) + "\n")


if __name__ == "__main__":
    main()
