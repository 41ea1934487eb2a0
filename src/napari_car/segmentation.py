"""The result of a run: verdicts, score maps, masks, and what they were computed with."""

import dataclasses
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8

from .config import CaRConfig
from .core.crf import DenseCRF
from .core.labels import paint_labels, painting_order
from .core.refine import refine_masks
from .decisions import decide_verdict, reaches, redecided, split_groups
from .errors import QueryError
from .queries import Query
from .results import Progress, Proposals, Provenance, QueryResult, Step, drain
from .sam import MaskSet, match_each


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The result of a run on one image.

    Parameters
    ----------
    queries : tuple of QueryResult
        In the order in which they were asked.
    steps : tuple of Step
        All time steps; with mutual background those of things come before those of stuff.
    image : ndarray, (H', W', 3), uint8
        The image at the size it was worked on.
    size_px : tuple of int
        Height and width (H, W) of the image as given, and of the masks.
    config : CaRConfig
    provenance : Provenance
    working_masks : mapping of int to ndarray, (H', W'), bool
        Masks of surviving queries at working size, by index of the query.
    objects : MaskSet or None
        What SAM found by itself at working size; None if it was not asked.
    """

    queries: tuple[QueryResult, ...]
    steps: tuple[Step, ...]
    image: UInt8[np.ndarray, "H2 W2 3"]
    size_px: tuple[int, int]
    config: CaRConfig
    provenance: Provenance
    working_masks: Mapping[int, Bool[np.ndarray, "H2 W2"]]
    objects: MaskSet | None = None

    def __getitem__(self, query: int | str) -> QueryResult:
        """Return the result of a query by index or text."""
        return self.queries[self.index(query)]

    @property
    def present(self) -> tuple[QueryResult, ...]:
        """Results of the queries that have a mask."""
        return tuple(result for result in self.queries if result.has_mask)

    @property
    def label_map(self) -> Int32[np.ndarray, "H W"]:
        """Labels at full size, 0 for background; where masks overlap the most certain query is on top."""
        is_apart = self.config.mutual_background.enabled
        order = painting_order(
            [result.score for result in self.present],
            [is_apart and result.query.group == "stuff" for result in self.present],
        )
        painted = [self.present[i] for i in order]
        masks = (self.mask(self.queries.index(result)) for result in painted)
        return paint_labels(masks, [result.id for result in painted], self.size_px)

    def labelled(self, ids: Sequence[int]) -> "Segmentation":
        """Return the result with other values in its label map, one for each query, at least 1."""
        queries = tuple(dataclasses.replace(result, id=id_) for result, id_ in zip(self.queries, ids, strict=True))
        return dataclasses.replace(self, queries=queries)

    def sized(self, size_px: tuple[int, int]) -> "Segmentation":
        """Return the result with masks of another size (H, W): that of the image of which a smaller copy was given."""
        return dataclasses.replace(self, size_px=size_px)

    def noted(self, notes: Iterable[str]) -> "Segmentation":
        """Return the result with further notes of what was changed on the user's behalf, before its own."""
        provenance = dataclasses.replace(self.provenance, notes=(*notes, *self.provenance.notes))
        return dataclasses.replace(self, provenance=provenance)

    def index(self, query: int | str) -> int:
        """Return the index of a query given by text; an index is returned as it is."""
        if isinstance(query, int):
            return query
        for index, result in enumerate(self.queries):
            if result.query.key == Query(query).key:
                return index
        raise QueryError(f'"{query}" was not asked for; the queries are: {", ".join(r.text for r in self.queries)}.')

    def mask(self, query: int | str) -> Bool[np.ndarray, "H W"]:
        """Return the mask of a query at full size; all false if it was dropped."""
        working = self.working_masks.get(self.index(query))
        if working is None:
            return np.zeros(self.size_px, dtype=bool)
        if working.shape == self.size_px:
            return working
        height, width = self.size_px
        return cv2.resize(working.astype(np.uint8) * 255, (width, height)) > 127

    def score_map(self, query: int | str) -> Float[np.ndarray, "H W"]:
        """Return the last proposal of a query at full size, float32 in [0, 1], dropped or not.

        All zero for one that was not asked for in this frame of a video.
        """
        if self[query].frames_ago:
            return np.zeros(self.size_px, dtype=np.float32)
        step, row = self._last_step(self.index(query))
        return Proposals(step.proposals.maps[row : row + 1], self.size_px)[0]

    def redecide(
        self,
        *,
        score_threshold: float | None = None,
        mask_threshold: float | None = None,
        crf: bool = True,
    ) -> "Segmentation":
        """Decide anew from the stored scores and proposals, without running CLIP.

        Parameters
        ----------
        score_threshold : float, optional
            A new θ. A query has a mask if its last score reaches it; its proposal is that of its last time step.
            Scores are not computed again among fewer or more competitors, as a new run would; what was not asked for
            in this frame of a video stays dropped.
        mask_threshold : float, optional
            A new η: pixels whose proposal equals it are undecided between query and background. The background's
            exponent is set to log(η) / log(1 - η) for this.
        crf : bool
            Refine masks by the CRF again; off for a quick preview.

        Raises
        ------
        ConfigError
            If a threshold is out of range.
        """
        run = self.redeciding(score_threshold=score_threshold, mask_threshold=mask_threshold, crf=crf)
        return drain(run)

    def redeciding(
        self,
        *,
        score_threshold: float | None = None,
        mask_threshold: float | None = None,
        crf: bool = True,
        opened: DenseCRF | None = None,
    ) -> Generator[Progress, None, "Segmentation"]:
        """Run :meth:`redecide` as a generator that can be stopped between CRF iterations.

        Whoever decides again and again hands in ``opened``, a dense CRF over :attr:`image`, so that its lattices are
        built once.
        """
        config = redecided(self.config, score_threshold, mask_threshold, crf)
        keeps = {i: result.has_mask for i, result in enumerate(self.queries)}
        if score_threshold is not None:
            keeps = {
                i: not result.frames_ago and reaches(result.score, config.recurrence)
                for i, result in enumerate(self.queries)
            }
        kept = [i for i, is_kept in keeps.items() if is_kept]
        refined, backend = yield from self._masks_of(kept, config, opened if crf else None)
        masks, agreements = match_each(refined, self.objects, config.sam)
        queries = tuple(
            dataclasses.replace(
                result,
                has_mask=keeps[i],
                verdict=decide_verdict(result.score, keeps[i], config.recurrence),
                dropped_at_step=None if keeps[i] else self._dropped_at(i),
                sam=agreements.get(i),
            )
            for i, result in enumerate(self.queries)
        )
        provenance = dataclasses.replace(self.provenance, crf_backend=backend)
        return dataclasses.replace(self, queries=queries, config=config, working_masks=masks, provenance=provenance)

    def to_dict(self) -> dict[str, Any]:
        """Return verdicts, parameters and provenance as plain values, fit for JSON."""
        return {
            "queries": [
                {
                    "text": result.text,
                    "synonyms": list(result.query.synonyms),
                    "group": result.query.group,
                    "id": result.id,
                    "verdict": result.verdict,
                    "has_mask": result.has_mask,
                    "score": result.score,
                    "scores": list(result.scores),
                    "dropped_at_step": result.dropped_at_step,
                    "frames_ago": result.frames_ago,
                    "area_px": int(np.count_nonzero(self.mask(i))),
                    "sam": dataclasses.asdict(result.sam) if result.sam else None,
                }
                for i, result in enumerate(self.queries)
            ],
            "size_px": list(self.size_px),
            "working_size_px": list(self.image.shape[:2]),
            "n_steps": len(self.steps),
            "config": self.config.to_dict(),
            "provenance": dataclasses.asdict(self.provenance),
        }

    def _last_step(self, index: int) -> tuple[Step, int]:
        """Return the last time step a query took part in, and its row there."""
        step = next(step for step in reversed(self.steps) if index in step.queries)
        return step, step.queries.index(index)

    def _dropped_at(self, index: int) -> int | None:
        """Return the time step that drops a query: its last one, also where that was in an earlier frame."""
        result = self.queries[index]
        return result.dropped_at_step if result.frames_ago else self._last_step(index)[0].index

    def _masks_of(
        self, kept: list[int], config: CaRConfig, opened: DenseCRF | None
    ) -> Generator[Progress, None, tuple[dict[int, Bool[np.ndarray, "H2 W2"]], str]]:
        """Refine the last proposals of some queries; things and stuff apart if they were segmented apart."""
        masks: dict[int, Bool[np.ndarray, "H2 W2"]] = {}
        backend = "none"
        for group in split_groups([self.queries[i].query for i in kept], config):
            members = [kept[i] for i in group]
            maps = [step.proposals.maps[row] for step, row in map(self._last_step, members)]
            if maps:
                proposals = Proposals(np.stack(maps), (self.image.shape[0], self.image.shape[1]))
                separate = config.mode == "referring"
                refined, backend = yield from refine_masks(
                    self.image, proposals, config.crf, separate=separate, opened=opened
                )
                masks |= dict(zip(members, refined, strict=True))
        return masks, backend
