"""Segment many images: skip what is done, go on after a bad one, keep what is finished."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_car.config import CaRConfig
from napari_car.errors import CaRError, ImageError, OutputError, ResourceError
from napari_car.queries import Query

from .checkpoints import Networks
from .folders import check_writable
from .record import describe_difference, make_request, read_summary

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

    from .display import Display


@dataclass(frozen=True, slots=True)
class Job:
    """One image, what is looked for in it, and the folder of its result."""

    image: Path
    queries: tuple[Query, ...]
    folder: Path


@dataclass(slots=True)
class Outcome:
    """What became of a batch."""

    segmented: list[Job] = field(default_factory=list)
    skipped: list[Job] = field(default_factory=list)
    failed: list[tuple[Job, CaRError]] = field(default_factory=list)
    """Images that could not be segmented, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs that share networks, parameters and an output folder.

    Parameters
    ----------
    jobs : tuple of Job
    networks : Networks
    config : CaRConfig
    out : Path
        Folder that the folders of results are in.
    labels : str
        Format of the label maps, "tiff" or "png".
    """

    jobs: tuple[Job, ...]
    networks: Networks
    config: CaRConfig
    out: Path
    labels: str = "tiff"

    def run(self, *, overwrite: bool) -> Outcome:
        """Segment what is not done yet.

        Raises
        ------
        OutputError
            If the output folder cannot be written to, or holds results of another request and `overwrite` is off.
        CheckpointError, QueryError, ConfigError
            If no image can be segmented so.
        """
        self.networks.check_on_disk()
        check_writable(self.out)
        stored = [(job, summary["request"]) for job in self.jobs if (summary := read_summary(job.folder))]
        outcome = Outcome()
        if stored and not overwrite:
            self._check_same(stored)
            outcome.skipped.extend(job for job, _ in stored)
        done = {job.folder for job in outcome.skipped}
        pending = [job for job in self.jobs if job.folder not in done]
        if pending:
            self._segment(pending, outcome)
        return outcome

    def _check_same(self, stored: list[tuple[Job, dict[str, Any]]]) -> None:
        """Refuse stored results of another request."""
        identities = self.networks.identify()
        wanted = [self._request(job, identities) for job, _ in stored]
        differing = [
            (job, text)
            for (job, request), mine in zip(stored, wanted, strict=True)
            if (text := describe_difference(request, mine))
        ]
        if differing:
            job, text = differing[0]
            others = f" ({len(differing)} folders differ)" if len(differing) > 1 else ""
            raise OutputError(
                f"{job.folder} holds the result of {text}{others}: give --overwrite, or choose another --out."
            )

    def _segment(self, pending: list[Job], outcome: Outcome) -> None:
        """Segment images one by one; what concerns a single image is collected, all else ends the batch."""
        # Imported here because array and image libraries take longer to load than the help takes to print.
        from .display import Display

        with Display(len(pending)) as display:
            segmenter = self.networks.load()
            for job in pending:
                try:
                    self._segment_one(job, segmenter, display)
                    outcome.segmented.append(job)
                except (ImageError, ResourceError) as error:
                    outcome.failed.append((job, error))
                display.advance()

    def _segment_one(self, job: Job, segmenter: "Segmenter", display: "Display") -> None:
        """Read, segment and write one image."""
        from napari_car.io import read_image

        from .display import describe_result
        from .results import write_result

        image = read_image(job.image)
        run = segmenter.run(image.rgb, job.queries, self.config)
        segmentation = display.follow(run, job.image.name, len(job.queries))
        clips = {"f": segmenter.f.identity, "g": segmenter.g.identity}
        identities = {part: f"{identity.architecture} {identity.sha256}" for part, identity in clips.items()}
        if segmenter.sam is not None:
            identities["sam"] = segmenter.sam.identity.sha256
        request = self._request(job, identities)
        caption = " ".join(self.networks.notices)
        write_result(job.folder, segmentation, image, request, labels=self.labels, caption=caption)
        display.say(f"{job.image}: {describe_result(segmentation)}")
        for note in _new_notes([*image.notes, *segmentation.provenance.notes]):
            display.say(f"  note: {note}")

    def _request(self, job: Job, identities: dict[str, str]) -> dict[str, Any]:
        """Return what decides the result of a job."""
        return make_request(
            job.image,
            job.queries,
            self.config,
            networks=identities,
            precision=self.networks.precision,
            labels=self.labels,
        )


def _new_notes(notes: Iterable[str]) -> list[str]:
    """Return notes once each."""
    return list(dict.fromkeys(notes))
