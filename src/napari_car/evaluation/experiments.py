"""The ablations of the paper (Tables 2 to 6), each a grid over parameters or networks, as data.

Figures are those of the paper's tables, in percent, where it is certain which row they are of: in the text of Tables 4
and 6 the marks are lost that say which visual prompts, or which background queries, a row is of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from napari_car.config import BackgroundListName, CaRConfig, PromptKind
from napari_car.errors import ConfigError

Role = Literal["f", "g"]
"""Which of the two networks that are chosen for a run."""

ETA, THETA, LAMBDA = "prompts.mask_threshold", "recurrence.score_threshold", "proposals.box_threshold"

WITH_RECURRENCE: Mapping[str, Any] = MappingProxyType({"recurrence.max_steps": 0})
WITHOUT_RECURRENCE: Mapping[str, Any] = MappingProxyType({"recurrence.max_steps": 1})
"""T = 1: f proposes masks for all queries once, and g drops those that do not match theirs. The masks of the others
stay as they are, although they were proposed beside queries that are dropped: "similarly to CLIP-ES with an additional
CLIP classifier" (section 4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way in which all items of an experiment are evaluated."""

    name: str
    """Names its folder."""
    title: str
    """What tables call it."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Parameters by dotted name that differ from those of the evaluation."""
    shifts: Mapping[str, float] = field(default_factory=dict)
    """What is added to thresholds of the evaluation, within 0 and 1."""
    networks: tuple[Role, Role] = ("f", "g")
    """Which of the evaluation's networks are f and g here."""
    paper: Mapping[str, float] = field(default_factory=dict)
    """The paper's mean IoU in percent, by benchmark."""

    def apply(self, config: CaRConfig) -> CaRConfig:
        """Return the parameters of the variant, given those of the evaluation; ConfigError if they cannot be."""
        stages = config.to_dict()
        shifted = {}
        for key, shift in self.shifts.items():
            stage, _, name = key.partition(".")
            shifted[key] = min(1.0, max(0.0, round(stages[stage][name] + shift, 6)))
        return config.changed({**self.changes, **shifted})


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A grid of variants."""

    name: str
    """What users type."""
    table: str
    """Where the paper has it."""
    question: str
    """What it varies, as a sentence."""
    variants: tuple[Variant, ...]
    benchmarks: Mapping[str, tuple[Variant, ...]] = field(default_factory=dict)
    """Variants for benchmarks that have a grid of their own, by name."""
    note: str = ""
    """What must be known to read the table, as sentences."""

    def find_variants(self, benchmark: str, config: CaRConfig) -> tuple[Variant, ...]:
        """Return the variants for a benchmark and parameters; those that a bound makes equal to another come once."""
        kept: dict[tuple[CaRConfig, tuple[Role, Role]], Variant] = {}
        for variant in self.benchmarks.get(benchmark, self.variants):
            kept.setdefault((variant.apply(config), variant.networks), variant)
        return tuple(kept.values())

    @property
    def exchanges_networks(self) -> bool:
        """Whether f and g change places."""
        return any(variant.networks != ("f", "g") for variant in self.variants)


def _prompt_variants() -> tuple[Variant, ...]:
    """Return each visual prompt by itself, and all pairs."""
    names: dict[PromptKind, str] = {kind: kind for kind in ("circle", "contour", "blur", "gray")} | {"black": "mask"}
    kinds = tuple(names)
    sets = [(kind,) for kind in kinds] + [(a, b) for i, a in enumerate(kinds) for b in kinds[i + 1 :]]
    paper = {("black",): {"voc": 61.8}, ("circle", "blur"): {"voc": 67.6}}
    return tuple(
        Variant(
            name="-".join(names[kind] for kind in chosen),
            title=", ".join(names[kind] for kind in chosen),
            changes={"prompts.kinds": chosen, "mutual_background.stuff_prompts": chosen},
            paper=paper.get(chosen, {}),
        )
        for chosen in sets
    )


def _threshold_rows(benchmark: str, rows: tuple[tuple[float, float, float, float], ...]) -> tuple[Variant, ...]:
    """Return rows of Table 5: η, θ, λ, and the paper's mean IoU."""
    return tuple(
        Variant(
            name=f"eta-{eta}-theta-{theta}-lambda-{box}",
            title=f"η {eta}, θ {theta}, λ {box}",
            changes={ETA: eta, THETA: theta, LAMBDA: box},
            paper={benchmark: value},
        )
        for eta, theta, box, value in rows
    )


def _threshold_shifts() -> tuple[Variant, ...]:
    """Return each threshold a tenth lower and higher, as Table 5 has them for Pascal VOC."""
    shifted = [
        Variant(name=f"{name}-{word}", title=f"{letter} {sign} 0.1", shifts={key: shift})
        for key, name, letter in ((ETA, "eta", "η"), (THETA, "theta", "θ"), (LAMBDA, "lambda", "λ"))
        for word, sign, shift in (("lower", "−", -0.1), ("higher", "+", 0.1))
    ]
    return (Variant(name="as-given", title="as given"), *shifted)


def _background_variants() -> tuple[Variant, ...]:
    """Return all sets of the paper's groups of background queries, and the list of the released program."""
    groups: tuple[BackgroundListName, ...] = ("terrestrial", "aquatic-atmospheric", "man-made")
    sets = sorted(
        (tuple(group for place, group in enumerate(groups) if bits >> place & 1) for bits in range(1, 8)), key=len
    )

    def vary(
        name: str, lists: tuple[BackgroundListName, ...], words: tuple[str, ...] = (), **figures: float
    ) -> Variant:
        changes = {"proposals.background_lists": lists, "proposals.background_words": words}
        return Variant(name=name, title=name.replace("+", " + "), changes=changes, paper=figures)

    return (
        vary("none", (), ("None",), voc=64.3),
        *(vary("+".join(chosen), chosen) for chosen in sets[:-1]),
        vary("all", groups, voc=67.6),
        vary("released", ("released",)),
    )


_ALL = (
    Experiment(
        name="recurrence",
        table="Table 2",
        question="What the recurrence is worth.",
        variants=(
            Variant(name="with-recurrence", title="with recurrence", changes=WITH_RECURRENCE, paper={"voc": 67.6}),
            Variant(
                name="without-recurrence",
                title="without recurrence (T = 1)",
                changes=WITHOUT_RECURRENCE,
                paper={"voc": 15.2},
            ),
            Variant(
                name="nothing-dropped",
                title="T = 1, and no query is dropped",
                changes={**WITHOUT_RECURRENCE, THETA: 0.0, "recurrence.ties_survive": True},
            ),
        ),
        note=(
            "Without recurrence, f proposes masks once and g drops queries once: those that are left keep the masks "
            'that were proposed beside the dropped ones, which is how the paper describes it ("similarly to CLIP-ES '
            'with an additional CLIP classifier"). In the last row g has no say at all; the paper has no figure for '
            "that by name."
        ),
    ),
    Experiment(
        name="cam",
        table="Table 2",
        question="Which class activation maps f proposes masks by.",
        variants=(
            Variant(name="clip-es", title="CLIP-ES", changes={"proposals.method": "clip-es"}, paper={"voc": 67.6}),
            Variant(name="grad-cam", title="Grad-CAM", changes={"proposals.method": "grad-cam"}, paper={"voc": 41.1}),
        ),
    ),
    Experiment(
        name="backbones",
        table="Table 3",
        question="Which network proposes masks, and which classifies them.",
        variants=(
            Variant(
                name="small-small",
                title="f for both",
                networks=("f", "f"),
                paper={"voc": 54.1, "coco-object": 15.9},
            ),
            Variant(name="small-large", title="f and g", paper={"voc": 67.6, "coco-object": 36.6}),
            Variant(
                name="large-small",
                title="f and g exchanged",
                networks=("g", "f"),
                paper={"voc": 50.6, "coco-object": 14.1},
            ),
            Variant(
                name="large-large",
                title="g for both",
                networks=("g", "g"),
                paper={"voc": 57.6, "coco-object": 32.5},
            ),
        ),
        note="In the paper f is ViT-B/16, the small network, and g is ViT-L/14, the large one.",
    ),
    Experiment(
        name="prompts",
        table="Table 4",
        question="Which visual prompts, alone and in pairs, show g what is meant.",
        variants=_prompt_variants(),
        note=(
            "The paper's figures of the other rows, from 66.0 to 67.1, are not shown: its text does not say which "
            "prompts they are of."
        ),
    ),
    Experiment(
        name="thresholds",
        table="Table 5",
        question="The thresholds η of masks, θ of queries and λ of boxes, one changed at a time.",
        variants=_threshold_shifts(),
        benchmarks={
            "voc": _threshold_rows(
                "voc",
                (
                    (0.3, 0.6, 0.4, 67.0),
                    (0.4, 0.6, 0.4, 67.6),
                    (0.5, 0.6, 0.4, 67.0),
                    (0.4, 0.5, 0.4, 67.4),
                    (0.4, 0.7, 0.4, 67.5),
                    (0.4, 0.6, 0.3, 67.3),
                    (0.4, 0.6, 0.5, 67.0),
                ),
            ),
            "coco-object": _threshold_rows(
                "coco-object",
                (
                    (0.5, 0.3, 0.6, 35.4),
                    (0.5, 0.3, 0.4, 36.1),
                    (0.4, 0.3, 0.5, 35.8),
                    (0.5, 0.3, 0.5, 36.6),
                    (0.6, 0.3, 0.5, 35.9),
                    (0.5, 0.4, 0.5, 36.3),
                    (0.5, 0.5, 0.5, 36.0),
                ),
            ),
        },
    ),
    Experiment(
        name="backgrounds",
        table="Table 6",
        question="Which background queries draw activation away from the classes.",
        variants=_background_variants(),
        note=(
            'With "none" the only background query is the word None, as in the paper. Its figures of one group, 64.9 '
            "to 66.4, and of two, 65.8 to 66.4, are not shown: its text does not say which groups they are of. The "
            "last row is the list of the authors' released program, with which the presets work."
        ),
    ),
)

EXPERIMENTS: MappingProxyType[str, Experiment] = MappingProxyType({item.name: item for item in _ALL})
"""All ablations by name."""


def variant_id(experiment: str, variant: str) -> str:
    """Return what the record of an evaluation calls a variant."""
    return f"{experiment}/{variant}"


def find_figure(identifier: str, benchmark: str) -> float | None:
    """Return the paper's mean IoU for a variant in percent, given what its record calls it; None if it has none."""
    variant = _find_variant(identifier, benchmark)
    return None if variant is None else variant.paper.get(benchmark)


def find_roles(identifier: str, benchmark: str) -> tuple[Role, Role]:
    """Return which of the chosen networks are f and g of a variant, given what its record calls it, or nothing."""
    variant = _find_variant(identifier, benchmark)
    return ("f", "g") if variant is None else variant.networks


def _find_variant(identifier: str, benchmark: str) -> Variant | None:
    """Return an ablation's variant; None if it is none."""
    experiment, _, name = identifier.partition("/")
    if experiment not in EXPERIMENTS:
        return None
    variants = EXPERIMENTS[experiment].benchmarks.get(benchmark, EXPERIMENTS[experiment].variants)
    return next((variant for variant in variants if variant.name == name), None)


def check_networks(experiment: Experiment, f: str, g: str) -> None:
    """Refuse an experiment that exchanges two networks if there is only one; ConfigError."""
    if experiment.exchanges_networks and f == g:
        raise ConfigError(
            f"The experiment {experiment.name} exchanges f and g, but both are {f}: name two networks with --f and --g."
        )
