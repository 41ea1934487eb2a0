"""The segmenter: CLIP as RNN from image and queries to masks."""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from .clip.loading import load_clip
from .clip.model import ClipModel
from .config import CaRConfig
from .core.classifier import EmbeddingCache, MaskClassifier
from .core.proposals import ImageFeatures, MaskProposalGenerator, encode_image
from .core.recurrence import recur
from .core.refine import refine_masks
from .core.stage_clock import StageClock
from .core.texts import fill_templates
from .decisions import group_background, split_groups
from .errors import ConfigError, QueryError, ResourceError
from .io import to_rgb8
from .io.bounds import bounded
from .presets import find_preset
from .queries import Query, clean_expressions, collect_queries
from .recent import Recent, image_key
from .results import Progress, Provenance, Step, drain, installed_versions
from .sam import MaskSet, match_each, open_object_finder
from .segmentation import Segmentation
from .video import FrameRun, VideoEvent, VideoFrame, VideoState, follow_frames

if TYPE_CHECKING:
    from .sam.loading import SamModel


class Segmenter:
    """Segment images by text queries; loads the networks once.

    Parameters
    ----------
    f : str or ClipModel
        Mask proposal generator; for the forms of a name see :func:`~napari_car.clip.loading.load_clip`.
    g : str or ClipModel, optional
        Mask classifier; by default the same network as f.
    sam : str or SamModel, optional
        SAM, for runs with ``sam.enabled``; for the forms of a name see :func:`~napari_car.sam.loading.load_sam`.
    models_folder : path-like, optional
        Where checkpoints are; by default ``$NAPARI_CAR_MODELS`` or the user's data folder.
    device, precision : str
        See :mod:`napari_car.device`.
    cache_file : Path, optional
        Where text embeddings are kept between sessions.

    Raises
    ------
    CheckpointError
        If a checkpoint is not to be had or cannot serve.
    ConfigError
        If the device or precision is not to be had.

    Examples
    --------
    >>> segmenter = Segmenter("demo")
    >>> result = segmenter.segment(image, ["red circle", "grass"])  # doctest: +SKIP
    >>> result["red circle"].verdict  # doctest: +SKIP
    'present'
    """

    def __init__(
        self,
        f: str | ClipModel = "demo",
        g: str | ClipModel | None = None,
        *,
        sam: "str | SamModel | None" = None,
        models_folder: str | os.PathLike[str] | None = None,
        device: str = "auto",
        precision: str = "auto",
        cache_file: Path | None = None,
    ) -> None:
        def load(model: str | ClipModel) -> ClipModel:
            if isinstance(model, ClipModel):
                return model
            return load_clip(model, folder=models_folder, device=device, precision=precision, cache_file=cache_file)

        self.f = load(f)
        self.g = self.f if g is None or g == f else load(g)
        options = {"folder": models_folder, "device": device, "precision": precision}
        self.sam = None if sam is None else open_object_finder(sam, **options)
        self._features: Recent[ImageFeatures] = Recent()
        self._prompted = EmbeddingCache()

    def use_sam(self, sam: "SamModel") -> None:
        """Use another SAM from now on; what is remembered of images and texts stays."""
        if self.sam is None or self.sam.sam is not sam:
            self.sam = open_object_finder(sam)

    @classmethod
    def from_preset(cls, name: str, **options: Any) -> "Segmenter":
        """Load the checkpoints that a preset was made with; options as for the class."""
        preset = find_preset(name)
        return cls(preset.f, preset.g, **options)

    def segment(
        self,
        image: NDArray[Any],
        queries: Iterable[str | Query],
        config: CaRConfig | None = None,
    ) -> Segmentation:
        """Segment one image.

        Parameters
        ----------
        image : ndarray, (H, W), (H, W, 3) or other
            RGB uint8, or anything :func:`~napari_car.io.to_rgb8` understands.
        queries : iterable of str or Query
            What to look for. Duplicates are merged, with a note in the result.
        config : CaRConfig, optional
            Parameters; by default the preset ``annotate``.

        Raises
        ------
        QueryError
            If there is no query, one is empty or too long, or one has nothing to be told apart from.
        ImageError
            If the array is no image.
        ConfigError
            If ``sam.enabled`` without a SAM.
        ResourceError
            If the device runs out of memory.
        """
        return drain(self.run(image, queries, config))

    def segment_video(
        self, frames: Iterable[NDArray[Any]], queries: Iterable[str | Query], config: CaRConfig | None = None
    ) -> Iterator[Segmentation]:
        """Segment the frames of a video one after another.

        Parameters
        ----------
        frames : iterable of ndarray
            Images as for :meth:`segment`, in their order. Each is asked for when its turn has come, and none is kept,
            so that a video may be of any length.
        queries, config
            As for :meth:`segment`; ``config.video`` says what a frame takes over from those before it. By default that
            is nothing, and each frame is segmented by itself, as in the paper (section 4, Ref-DAVIS 17).

        Yields
        ------
        Segmentation
            One per frame, errors as for :meth:`segment`. It names all queries: see
            :class:`QueryResult.frames_ago <napari_car.results.QueryResult>` for those that were not asked for again.
        """
        for event in self.run_video(frames, queries, config):
            if isinstance(event, VideoFrame):
                yield event.segmentation

    def run_video(
        self, frames: Iterable[NDArray[Any]], queries: Iterable[str | Query], config: CaRConfig | None = None
    ) -> Iterator[VideoEvent | VideoFrame]:
        """Segment the frames of a video step by step; arguments and errors as for :meth:`segment_video`.

        Yields
        ------
        VideoEvent
            What :meth:`run` yields; closing the generator there stops the run.
        VideoFrame
            After each frame.
        """
        asked, state = tuple(queries), VideoState()
        return follow_frames(frames, lambda frame: self.run(frame, asked, config, state))

    def run(
        self,
        image: NDArray[Any],
        queries: Iterable[str | Query],
        config: CaRConfig | None = None,
        state: VideoState | None = None,
    ) -> FrameRun:
        """Segment one image step by step; arguments and errors as for :meth:`segment`.

        Parameters
        ----------
        image, queries, config
        state : VideoState, optional
            What the frames of a video share: for one of them.

        Yields
        ------
        Progress
            Between pieces of work; closing the generator there stops the run.
        Step
            One per time step.

        Returns
        -------
        Segmentation
        """
        config = config or CaRConfig()
        if config.sam.enabled and self.sam is None:
            raise ConfigError('sam.enabled needs a SAM: name one, such as Segmenter(..., sam="sam-hq/vit_b").')
        asked, notes = collect_queries(clean_expressions(queries) if config.mode == "referring" else queries)
        pixels, image_notes = to_rgb8(image)
        working, size_notes = bounded(pixels, config.compute.max_side_px)
        notes, state = (*notes, *image_notes, *size_notes), state or VideoState()
        try:
            return (yield from self._run(working, pixels.shape[:2], asked, config, notes, state))
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                f"{self.f.device} ran out of memory: lower compute.max_side_px ({config.compute.max_side_px}) or "
                f"compute.batch_memory_mb ({config.compute.batch_memory_mb}), or run on the CPU."
            ) from error

    def _run(
        self,
        image: UInt8[np.ndarray, "H W 3"],
        size_px: tuple[int, ...],
        queries: tuple[Query, ...],
        config: CaRConfig,
        notes: tuple[str, ...],
        state: VideoState,
    ) -> FrameRun:
        """Run the recurrence for each group of queries, then refine."""
        clock = StageClock()
        yield clock.done(Progress("image", 0, 0, 1))
        state.begin(image, queries, config)
        features = self._encoded(image, config, state)
        yield clock.done(Progress("image", 0, 1, 1))
        steps: list[Step] = []
        masks: dict[int, Bool[np.ndarray, "H W"]] = {}
        background: tuple[str, ...] = ()
        backend = "none"
        for group in split_groups(list(queries), config):
            background = group_background(group, queries, config)
            h = state.first_queries(group, has_background=bool(background))
            for event in self._recur(image, features, h, queries, background, config):
                if isinstance(event, Step):
                    steps.append(event)
                    yield event
                else:
                    yield clock.done(event)
            last = steps[-1] = state.smoothed(steps[-1], config.video.smoothing)
            separate = config.mode == "referring"
            survivors = last.proposals.select(last.survives)
            refining = refine_masks(image, survivors, config.crf, separate=separate, device=str(self.f.device))
            refined, backend = yield from clock.timed(refining)
            masks |= dict(zip(last.survivors, refined, strict=True))
        objects = yield from clock.timed(self._find_objects(image, config))
        masks, agreements = match_each(masks, objects, config.sam)
        provenance = Provenance(
            f=self.f.identity,
            g=self.g.identity,
            background=background,
            crf_backend=backend,
            versions=installed_versions(),
            seconds={stage: round(seconds, 4) for stage, seconds in clock.seconds.items()},
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            notes=notes,
            sam=self.sam.identity if self.sam and config.sam.enabled else None,
        )
        results = state.end(image, queries, config, steps, agreements)
        return Segmentation(results, tuple(steps), image, (size_px[0], size_px[1]), config, provenance, masks, objects)

    def _recur(
        self,
        image: UInt8[np.ndarray, "H W 3"],
        features: ImageFeatures,
        h: tuple[int, ...],
        queries: Sequence[Query],
        background: tuple[str, ...],
        config: CaRConfig,
    ) -> Generator[Progress | Step, None, None]:
        """Bind f and g to the image and the queries, and run the recurrence."""
        separate = config.mode == "referring"
        if not background and (separate or len(h) == 1):
            raise QueryError(
                f'"{queries[h[0]].text}" has nothing to be told apart from: add background queries '
                "(proposals.background_lists or background_words), or ask for a second query."
            )
        competitors = background if config.classifier.background else ()
        yield from self._encoding_texts([queries[i] for i in h], background, competitors, config)
        f = MaskProposalGenerator(
            self.f, features, queries, background, config.proposals, config.compute, separate=separate
        )
        g = MaskClassifier(self.g, queries, competitors, config.classifier, config.compute, self._prompted)
        is_stuff = config.mutual_background.enabled and queries[h[0]].group == "stuff"
        kinds = config.mutual_background.stuff_prompts if is_stuff else config.prompts.kinds
        yield from recur(image, h, f, g, kinds, config.prompts.mask_threshold, config.recurrence)

    def _encoding_texts(
        self, queries: list[Query], background: tuple[str, ...], competitors: tuple[str, ...], config: CaRConfig
    ) -> Generator[Progress, None, None]:
        """Encode the texts that f and g will ask for, with progress; they find them in the cache."""
        f_templates = [config.proposals.first_step_template, config.proposals.cam_template]
        for_f = fill_templates(queries, f_templates) + fill_templates(background, f_templates[1:])
        yield from self.f.texts.embedding(for_f)
        yield from self.g.texts.embedding(fill_templates([*queries, *competitors], config.classifier.templates))

    def _find_objects(
        self, image: UInt8[np.ndarray, "H W 3"], config: CaRConfig
    ) -> Generator[Progress, None, MaskSet | None]:
        """Let SAM find objects, if it is asked."""
        if not config.sam.enabled or self.sam is None:
            return None
        return (yield from self.sam.find(image, config.sam, config.compute))

    def _encoded(self, image: UInt8[np.ndarray, "H W 3"], config: CaRConfig, state: VideoState) -> ImageFeatures:
        """Return the features of an image, from the cache if it was seen before; a frame may share an earlier one's."""
        if (reusable := state.features(image, config.video.reuse_below)) is not None:
            return reusable
        key = (image_key(image), config.proposals.n_attention_blocks, config.proposals.n_sinkhorn_rounds)
        features = self._features.get(key) or encode_image(self.f, image, config.proposals)
        self._features.put(key, features, config.compute.max_features_cached)
        state.keep_features(image, features, config.video.reuse_below)
        return features
