"""The demo checkpoint's vocabulary, as data.

Every concept the scenes can show stands here once, with its synonyms. The generator, the captions, the
training, the evaluation and the model card all read it.
"""

from dataclasses import dataclass, field
from typing import Literal

from napari_car.presets import BACKGROUND_LISTS

Domain = Literal["drawn", "microscopy"]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 38, 38),
    "orange": (245, 140, 20),
    "yellow": (250, 225, 40),
    "green": (30, 150, 50),
    "blue": (35, 70, 205),
    "purple": (130, 45, 165),
    "white": (244, 244, 244),
    "black": (22, 22, 24),
}
"""Colour word -> mean RGB of objects of that colour."""

COLOUR_SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("scarlet",),
    "orange": (),
    "yellow": (),
    "green": (),
    "blue": (),
    "purple": ("violet",),
    "white": (),
    "black": (),
}

SHAPES: dict[str, tuple[str, ...]] = {
    "circle": ("disc", "disk"),
    "square": ("box",),
    "triangle": (),
    "star": (),
    "ring": ("donut",),
    "cross": ("plus",),
}
"""Shape word -> synonyms."""

PATTERNS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "striped": ("stripes",),
    "dotted": ("spotted",),
    "checkered": ("checked",),
}
"""Object texture -> synonyms. `plain` objects are the most frequent and the word is never a caption."""

SURFACES: dict[str, tuple[str, ...]] = {
    "grass": ("lawn", "meadow"),
    "sand": ("beach", "desert"),
    "water": (),
    "sky": (),
    "brick wall": ("bricks",),
    "wood": ("planks",),
    "snow": (),
    "gravel": ("pebbles",),
}
"""Background of the drawn domain -> synonyms. Its mask is what the objects leave free."""

SURFACE_HYPERNYMS: dict[str, tuple[str, ...]] = {
    "grass": ("land",),
    "sand": ("ground", "land"),
    "water": ("lake", "river", "sea", "ocean"),
    "sky": ("cloud",),
    "brick wall": ("wall",),
    "wood": (),
    "snow": (),
    "gravel": ("ground", "rock"),
}
"""Background queries that are true, but less exact, where the surface is drawn: they stand for it when its
own name is not asked for, and rank below it when it is."""

CELLS: dict[str, tuple[str, ...]] = {
    "round cell": ("blood cell",),
    "rod-shaped cell": ("bacterium", "bacillus"),
    "nucleus": ("cell nucleus",),
    "filament": ("fibre",),
    "debris": ("dirt",),
    "budding cell": ("yeast",),
    "bubble": ("air bubble",),
    "crystal": (),
    "star-shaped cell": ("astrocyte",),
    "diatom": ("algae",),
}
"""Concept of the microscopy domain -> synonyms."""

FIELDS: dict[str, tuple[str, ...]] = {"dark field": (), "bright field": ()}
"""Empty background of a microscopy scene (fluorescence, bright field): trained, not part of the evaluation."""

BACKGROUND_QUERIES = BACKGROUND_LISTS["released"]
"""The 23 background queries of the released program: they compete in the softmaxes of both f and g."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """Something a scene can show and a query can ask for."""

    name: str
    """Canonical name: the query of the evaluation."""
    domain: Domain
    synonyms: tuple[str, ...] = ()
    colour: str | None = None
    shape: str | None = None
    is_surround: bool = field(default=False)
    """Whether its mask is what the objects leave free (a surface or an empty field)."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All true texts, the canonical name first."""
        return (self.name, *self.synonyms)


def _drawn_objects() -> tuple[Concept, ...]:
    """Every colour with every shape; synonyms combine those of both words."""
    concepts = []
    for colour, colour_synonyms in COLOUR_SYNONYMS.items():
        for shape, shape_synonyms in SHAPES.items():
            names = [f"{c} {s}" for c in (colour, *colour_synonyms) for s in (shape, *shape_synonyms)]
            concepts.append(
                Concept(name=names[0], domain="drawn", synonyms=tuple(names[1:]), colour=colour, shape=shape)
            )
    return tuple(concepts)


DRAWN_OBJECTS = _drawn_objects()
DRAWN_SURFACES = tuple(
    Concept(name=name, domain="drawn", synonyms=synonyms, is_surround=True) for name, synonyms in SURFACES.items()
)
MICROSCOPY_OBJECTS = tuple(
    Concept(name=name, domain="microscopy", synonyms=synonyms) for name, synonyms in CELLS.items()
)
MICROSCOPY_FIELDS = tuple(
    Concept(name=name, domain="microscopy", synonyms=synonyms, is_surround=True) for name, synonyms in FIELDS.items()
)
CONCEPTS: dict[str, Concept] = {
    concept.name: concept for concept in (*DRAWN_OBJECTS, *DRAWN_SURFACES, *MICROSCOPY_OBJECTS, *MICROSCOPY_FIELDS)
}

EVALUATED: dict[Domain, tuple[str, ...]] = {
    "drawn": tuple(concept.name for concept in (*DRAWN_OBJECTS, *DRAWN_SURFACES)),
    "microscopy": tuple(concept.name for concept in MICROSCOPY_OBJECTS),
}
"""Domain -> the queries its evaluation draws from."""

DRAWABLE_BACKGROUND_QUERIES = frozenset(
    word
    for word in BACKGROUND_QUERIES
    if word in SURFACES or any(word in words for words in SURFACE_HYPERNYMS.values())
)
"""Background queries that are true of some scene. The others are never drawn: they stand for "something else"."""
