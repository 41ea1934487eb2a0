"""Named parameter sets and lists of background queries, each value with its source.

Sources: [paper] Sun et al., CVPR 2024, section 4.1 and appendices D to F; [released] the authors' program,
``clip_as_rnn`` in google-research, whose configuration files the tables below follow where the two differ.
"""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from napari_car.config import (
    BackgroundListName,
    CaRConfig,
    ClassifierConfig,
    MutualBackgroundConfig,
    PromptConfig,
    PromptKind,
    ProposalConfig,
    RecurrenceConfig,
    SamConfig,
)
from napari_car.errors import ConfigError


def _words(text: str) -> tuple[str, ...]:
    """Split a list of words."""
    return tuple(text.split())


BACKGROUND_LISTS: MappingProxyType[BackgroundListName, tuple[str, ...]] = MappingProxyType(
    {
        # [released], in every configuration.
        "released": _words(
            "ground land grass tree building wall sky lake water river sea railway railroad helmet cloud house "
            "mountain ocean road rock street valley bridge"
        ),
        # [paper], appendix D.
        "terrestrial": _words(
            "ground land grass tree mountain rock valley earth terrain forest bush hill field pasture meadow plateau "
            "cliff canyon ridge peak plain prairie tundra savanna steppe crag knoll dune glen dale copse "
            "thicket"
        ),
        "aquatic-atmospheric": _words(
            "sea ocean lake water river sky cloud pond stream lagoon bay gulf fjord estuary creek brook reservoir "
            "pool spring marsh swamp wetland glacier iceberg atmosphere stratosphere mist fog rain drizzle hail sleet "
            "snow thunderstorm breeze wind gust hurricane tornado monsoon cumulus cirrus stratus nimbus"
        ),
        "man-made": _words(
            "building house wall road street railway railroad bridge edifice structure apartment condominium "
            "skyscraper highway boulevard lane alley byway avenue expressway freeway path overpass underpass viaduct "
            "tunnel footbridge crosswalk culvert dam archway causeway plaza square station terminal"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named parameter set.

    Parameters
    ----------
    name : str
        What users type.
    summary : str
        What it is for, in one sentence.
    config : CaRConfig
    f, g, sam : str
        Registry names of the checkpoints it was made with; SAM is loaded only for runs with ``sam.enabled``.
    """

    name: str
    summary: str
    config: CaRConfig
    f: str = "ViT-B-16/openai"
    g: str = "ViT-L-14/openai"
    sam: str = "sam-hq/vit_h"


def _paper_preset(
    name: str,
    summary: str,
    thresholds: tuple[float, float, float],
    kinds: tuple[PromptKind, ...],
    *,
    sam_iom: float,
    stuff_kinds: tuple[PromptKind, ...] | None = None,
    referring: bool = False,
    g: str = "ViT-L-14/openai",
) -> Preset:
    """Build a preset of the paper; thresholds are (η, θ, λ)."""
    mask_threshold, score_threshold, box_threshold = thresholds
    config = CaRConfig(
        mode="referring" if referring else "semantic",
        proposals=ProposalConfig(
            box_threshold=box_threshold,
            first_step_template="{}",  # [released]
            background_drops_queries=False,  # [released]
        ),
        prompts=PromptConfig(mask_threshold=mask_threshold, kinds=kinds),
        classifier=ClassifierConfig(
            # [released]: one template for referring expressions, the 15 otherwise; last block left out; centre crop.
            templates=("a clean origami {}.",) if referring else ClassifierConfig().templates,
            blocks="all-but-last",
            fit="crop",
            background=False,
        ),
        recurrence=RecurrenceConfig(
            score_threshold=score_threshold, keep_best=True, ties_survive=False, min_steps=2
        ),  # [released]
        mutual_background=MutualBackgroundConfig(enabled=True, stuff_prompts=stuff_kinds)
        if stuff_kinds
        else MutualBackgroundConfig(),
        sam=SamConfig(iom_threshold=sam_iom, iou_threshold=0.9),  # [released]; [paper]: both 0.7
    )
    return Preset(name, summary, config, g=g)


DEMO_CHANGES: MappingProxyType[str, Any] = MappingProxyType(
    {"prompts.kinds": ("black",), "prompts.mask_threshold": 0.5, "crf.background_factor": 1.5}
)
"""What suits the demo checkpoint better than ``annotate``; chosen on validation scenes, see docs/demo-checkpoint.md."""

_B16 = "ViT-B-16/openai"
_ALL = (
    Preset("annotate", "Annotation: background queries compete, so that absent concepts are rejected.", CaRConfig()),
    Preset(
        "demo",
        "The demo checkpoint: annotate with the visual prompt and thresholds that suit it.",
        CaRConfig().changed(DEMO_CHANGES),
        f="demo",
        g="demo",
    ),
    # η, θ, λ: [paper] section 4.1 = [released].
    _paper_preset("voc", "Pascal VOC (VOC-21, VOC-20).", (0.4, 0.6, 0.4), ("circle", "blur"), sam_iom=0.6),
    _paper_preset("coco", "COCO Object.", (0.5, 0.3, 0.5), ("blur", "gray"), sam_iom=0.7),
    # [released]; [paper]: θ 0.2.
    _paper_preset(
        "context",
        "Pascal Context (59, 60).",
        (0.6, 0.25, 0.4),
        ("blur", "circle"),
        stuff_kinds=("blur", "gray"),
        sam_iom=0.5,
    ),
    # [released]
    _paper_preset(
        "context-459",
        "Pascal Context 459.",
        (0.4, 0.25, 0.7),
        ("gray", "blur"),
        stuff_kinds=("gray", "blur"),
        sam_iom=0.6,
    ),
    _paper_preset(
        "ade",
        "ADE20K (150, 847).",
        (0.6, 0.25, 0.7),
        ("gray", "blur"),
        stuff_kinds=("gray", "blur"),
        sam_iom=0.6,
    ),
    # η, θ, λ: [paper] appendix F = [released]; [paper]: circle and blur in all three; g is B/16 in both.
    _paper_preset("refcoco", "RefCOCO.", (0.5, 0.3, 0.5), ("circle",), referring=True, sam_iom=0.5, g=_B16),
    _paper_preset("refcoco+", "RefCOCO+.", (0.2, 0.1, 0.5), ("circle", "blur"), referring=True, sam_iom=0.5, g=_B16),
    _paper_preset("refcocog", "RefCOCOg.", (0.5, 0.1, 0.6), ("circle", "blur"), referring=True, sam_iom=0.5, g=_B16),
    # [released]
    _paper_preset("gres", "GRES (gRefCOCO).", (0.5, 0.0, 0.3), ("circle",), referring=True, sam_iom=0.5),
)

PRESETS: MappingProxyType[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
"""All presets by name; ``annotate`` is the default of command line and plugin."""


def find_preset(name: str) -> Preset:
    """Return a preset by name.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"Unknown preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def background_queries(config: ProposalConfig, queries: Collection[str] = ()) -> tuple[str, ...]:
    """Return the background queries of a configuration, without duplicates.

    Parameters
    ----------
    config : ProposalConfig
        Named lists and further words.
    queries : collection of str
        What the user asks for, in lower case; left out where ``background_drops_queries``.
    """
    listed = [word for name in config.background_lists for word in BACKGROUND_LISTS[name]]
    words = tuple(dict.fromkeys([*listed, *config.background_words]))
    if not config.background_drops_queries:
        return words
    return tuple(word for word in words if word.casefold() not in queries)
