"""Parameters of CLIP as RNN, nested by stage.

Every value that changes a result stands here once: its default, its permitted range and, in the docstring under
it, its meaning. Command-line options and dock-widget controls are made from these fields. The defaults are the
preset ``annotate``; the paper's values are in :mod:`napari_car.presets`.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from .errors import ConfigError
from .schema import Checked, check_template, plain, updated, within
from .templates import PAPER_TEMPLATES

PromptKind = Literal["blur", "gray", "black", "circle", "rectangle", "contour"]
"""Visual prompts in the order in which they are applied (paper, appendix C)."""

BackgroundListName = Literal["released", "terrestrial", "aquatic-atmospheric", "man-made"]
"""Named lists of background queries; the words are in :data:`napari_car.presets.BACKGROUND_LISTS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalConfig(Checked):
    """f, the mask proposal generator (section 3.3, appendix B)."""

    method: Literal["clip-es", "grad-cam"] = "clip-es"
    """Class activation maps refined by attention affinity (CLIP-ES), or plain Grad-CAM (Table 2)."""

    box_threshold: float = within(0.4, 0.0, 1.0)
    """λ: share of a map's maximum above which its boxes are drawn; attention spreads from inside the boxes only."""

    n_attention_blocks: int = within(8, 1)
    """Number of last transformer blocks whose attention is averaged into the affinity."""

    n_sinkhorn_rounds: int = within(3, 0)
    """Rounds of column and row normalisation that make the attention doubly stochastic (Eq. 7)."""

    n_affinity_steps: int = within(2, 1)
    """t: how often the affinity is applied to a map (Eq. 8)."""

    cam_template: str = "a clean origami {}."
    """Template around queries and background queries for the maps; {} stands for the query."""

    first_step_template: str = "a clean origami {}."
    """Template around the queries in the first time step; the released program uses the bare query, {}."""

    background_lists: tuple[BackgroundListName, ...] = ("released",)
    """Named lists of background queries that draw activation away from the user's queries."""

    background_words: tuple[str, ...] = ()
    """Further background queries (distractors), in addition to the lists."""

    background_drops_queries: bool = True
    """Leave a background query out when it is also asked for, so that a query never competes with itself."""

    def __post_init__(self) -> None:
        Checked.__post_init__(self)
        for name in ("cam_template", "first_step_template"):
            check_template(getattr(self, name), f"ProposalConfig.{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptConfig(Checked):
    """v, the visual prompts (section 3.3, appendix C)."""

    mask_threshold: float = within(0.4, 0.0, 1.0)
    """η: the visual prompts point at the pixels whose proposal is above this."""

    kinds: tuple[PromptKind, ...] = ("circle", "blur")
    """What is drawn on the image to point at the mask; several are combined in a fixed order."""

    def __post_init__(self) -> None:
        Checked.__post_init__(self)
        if len(set(self.kinds)) < len(self.kinds):
            raise ConfigError(f"PromptConfig.kinds names a visual prompt twice: {', '.join(self.kinds)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierConfig(Checked):
    """g, the mask classifier (section 3.3)."""

    templates: tuple[str, ...] = PAPER_TEMPLATES
    """Templates around each query; with several, their probabilities are summed and go through softmax again."""

    blocks: Literal["all", "all-but-last"] = "all"
    """Transformer blocks of g's image tower in use; the released program leaves the last one out."""

    fit: Literal["crop", "squash", "pad"] = "squash"
    """How a prompted image becomes a square: cut off its ends (CLIP's own way), squash it, or pad it with black."""

    background: bool = True
    """Background queries compete in the classifier, so that an absent concept loses even when asked for alone."""

    def __post_init__(self) -> None:
        Checked.__post_init__(self)
        if not self.templates:
            raise ConfigError('ClassifierConfig.templates is empty; use ("{}",) for the bare query.')
        for template in self.templates:
            check_template(template, "ClassifierConfig.templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceConfig(Checked):
    """The recurrence over text queries (section 3.2, Algorithm 1)."""

    score_threshold: float = within(0.5, 0.0, 1.0)
    """θ: a query whose mask scores lower is dropped (Eq. 6)."""

    uncertain_margin: float = within(0.1, 0.0, 1.0)
    """A query whose last score is this close to θ is called uncertain; it changes verdicts, not masks."""

    keep_best: bool = False
    """Let the best query survive when none reaches θ, as the released program does; off: nothing may be found."""

    ties_survive: bool = True
    """A score equal to θ survives (Eq. 6); off: it must be above θ (Algorithm 1 and the released program)."""

    min_steps: int = within(1, 1)
    """Time steps that are always run; the released program always runs two."""

    max_steps: int = within(0, 0)
    """Time steps after which the recurrence ends even if queries were dropped in the last one; 0: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MutualBackgroundConfig(Checked):
    """Things and stuff segmented apart, each with the other as background (appendix E)."""

    enabled: bool = False
    """Segment queries of the groups thing and stuff separately; things are painted over stuff."""

    thing_background: Literal["lists", "stuff"] = "lists"
    """Background queries of things: the named lists (released program) or all stuff queries (paper)."""

    stuff_prompts: tuple[PromptKind, ...] = ("blur", "gray")
    """Visual prompts for stuff queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CRFConfig(Checked):
    """Dense conditional random field after the recurrence (section 3.4)."""

    backend: Literal["auto", "torch", "pydensecrf", "none"] = "auto"
    """Implementation: auto takes the faster one that is installed; none leaves the proposals unrefined."""

    n_iterations: int = within(10, 1)
    """Mean-field iterations."""

    spatial_sxy_px: float = within(1.0, 0.01)
    """Standard deviation of the smoothness kernel in pixels."""

    spatial_weight: float = within(3.0, 0.0)
    """Weight of the smoothness kernel."""

    bilateral_sxy_px: float = within(67.0, 0.01)
    """Standard deviation of the appearance kernel in pixels."""

    bilateral_srgb: float = within(3.0, 0.01)
    """Standard deviation of the appearance kernel in grey levels (0 to 255)."""

    bilateral_weight: float = within(4.0, 0.0)
    """Weight of the appearance kernel."""

    background_factor: float = within(1.0, 0.0)
    """Exponent of the background probability, (1 - largest proposal) ** factor; larger means larger masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamConfig(Checked):
    """Replacement of masks by matching SAM masks (section 3.4)."""

    enabled: bool = False
    """Match each mask with the objects that SAM finds by itself, and take over their edges where they agree."""

    n_points_per_side: int = within(64, 1, 256)
    """SAM is asked at this many points along each side of the image; more find smaller objects and take longer."""

    quality_threshold: float = within(0.88, 0.0, 1.0)
    """SAM masks whose IoU, as SAM itself predicts it, is not above this are left out."""

    stability_threshold: float = within(0.95, 0.0, 1.0)
    """SAM masks that change more than this when their cutoff is moved are left out: IoU of the smaller and larger."""

    stability_offset: float = within(1.0, 0.0)
    """How far the cutoff of SAM's logits is moved up and down for that."""

    box_nms_threshold: float = within(0.7, 0.0, 1.0)
    """Of SAM masks whose boxes have an IoU above this, the best one is kept (non-maximum suppression)."""

    iom_threshold: float = within(0.7, 0.0, 1.0)
    """φ_iom: SAM masks whose intersection over the minimum mask is above this are united."""

    iou_threshold: float = within(0.7, 0.0, 1.0)
    """φ_iou: the union replaces the mask where their intersection over union is above this."""

    min_overlap: float = within(0.05, 0.0, 1.0)
    """Share of the mask that a SAM mask must cover for its own share to count (released program; paper: 0)."""

    best_if_none: bool = True
    """Take the SAM mask of the largest intersection over union where none reaches φ_iom (released program)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoConfig(Checked):
    """What a frame of a video takes over from those before it."""

    carry_queries: bool = False
    """Ask only for what survived in the last frame: its survivors are h_0; off: for everything, frame by frame."""

    ask_again_every: int = within(10, 0)
    """With carried queries, everything is asked for again after so many frames, to find what has come; 0: never."""

    reuse_below: float = within(0.0, 0.0, 255.0)
    """Take f's features of an earlier frame that differs by no more than this many grey levels (mean; 0: none)."""

    smoothing: float = within(0.0, 0.0, 0.99)
    """Weight of the last frame's proposals in those of this one, before masks are refined; 0: none."""

    cut_above: float = within(45.0, 0.0, 255.0)
    """Frames that differ by more grey levels (mean) begin a new scene, which takes over nothing; 0: no frame does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeConfig(Checked):
    """Bounds on size and memory; they trade speed for memory, and only ``max_side_px`` changes results."""

    max_side_px: int = within(1024, 16, 16384)
    """Larger images are worked on at this length of their longer side; masks come back at full size."""

    batch_memory_mb: int = within(512, 16)
    """Memory for one batch of gradients or prompted images, in MiB; batches are as large as fits."""

    max_features_cached: int = within(4, 0)
    """Number of images whose features stay in memory, so that new queries skip f's image encoder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaRConfig(Checked):
    """All parameters of CLIP as RNN; immutable, see :meth:`changed`."""

    mode: Literal["semantic", "referring"] = "semantic"
    """Semantic: queries compete for pixels; referring: each expression has a map of its own, masks may overlap."""

    proposals: ProposalConfig = ProposalConfig()
    prompts: PromptConfig = PromptConfig()
    classifier: ClassifierConfig = ClassifierConfig()
    recurrence: RecurrenceConfig = RecurrenceConfig()
    mutual_background: MutualBackgroundConfig = MutualBackgroundConfig()
    crf: CRFConfig = CRFConfig()
    sam: SamConfig = SamConfig()
    video: VideoConfig = VideoConfig()
    compute: ComputeConfig = ComputeConfig()

    def changed(self, changes: Mapping[str, Any]) -> "CaRConfig":
        """Return a copy with dotted fields changed.

        Parameters
        ----------
        changes : mapping of str to value
            For example ``{"recurrence.score_threshold": 0.6, "mode": "referring"}``.

        Raises
        ------
        ConfigError
            If a key does not exist or a value is out of range.
        """
        nested: dict[str, Any] = {}
        for key, value in changes.items():
            *path, last = key.split(".")
            level = nested
            for part in path:
                level = level.setdefault(part, {})
                if not isinstance(level, dict):
                    raise ConfigError(f"{key} and {part} cannot both be set.")
            level[last] = value
        return updated(self, nested, "")

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain dicts, lists, strings, numbers and booleans, fit for TOML and JSON."""
        return plain(dataclasses.asdict(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], base: Self | None = None) -> Self:
        """Build from nested dicts; what is missing is as in base or the default, unknown keys raise ConfigError."""
        return updated(base or cls(), mapping, "")

    def to_toml(self) -> str:
        """Return the parameters as TOML text."""
        import tomli_w

        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_toml(cls, path: Path | str, base: Self | None = None) -> Self:
        """Read a TOML file; what is missing is as in base or the default.

        Raises
        ------
        ConfigError
            If the file cannot be read, is not TOML, has unknown keys or values out of range.
        """
        try:
            mapping = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"The configuration file {path} cannot be read: {error}") from error
        return cls.from_dict(mapping, base)
