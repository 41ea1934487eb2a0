"""The labels of a stack: one plane after the other is read and segmented, as the dock does with all slices."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from napari_car.results import Progress, Step

from .document import Document
from .image_planes import ImagePlanes
from .outcome import Outcome
from .record import record_run
from .recorded_frame import RecordedFrame, hash_picture
from .segmented_document import assemble_document
from .survey import TOGETHER, FrameEvent, FrameFinished, FrameStarted, Place, survey_frames

if TYPE_CHECKING:
    from napari_car.results import Provenance
    from napari_car.segmenter import Segmenter

    from .label_image import Recipe


def label_planes(
    key: str, planes: ImagePlanes, segmenter: "Segmenter", recipe: "Recipe"
) -> Generator[Progress | Step | Place, None, tuple[Document, Outcome]]:
    """Read and segment the planes of an image; see :func:`.label_image.label_image`.

    Parameters
    ----------
    key : str
        Name of the image in its project.
    planes : ImagePlanes
    segmenter : Segmenter
    recipe : Recipe
    """
    sheet, config = recipe.sheet, recipe.config
    labels, outcome = planes.empty_labels(), Outcome()
    provenances: list[Provenance] = []
    frames: list[RecordedFrame] = []
    survey = survey_frames(
        segmenter,
        planes.frames,
        lambda frame: planes.render(frame, config.compute.max_side_px),
        sheet.queries,
        sheet.query_ids,
        config,
    )
    for event in survey:
        if isinstance(event, FrameStarted):
            yield event.place
        elif isinstance(event, FrameEvent):
            yield event.event
        elif isinstance(event, FrameFinished):
            frame = event.place.frame
            planes.axes.plane(labels, frame.plane, frame.kept)[...] = event.painted[TOGETHER]
            outcome.put(frame, event.findings)
            provenances.append(event.segmentation.provenance)
            frames.append(RecordedFrame(frame=frame, picture=hash_picture(event.segmentation.image)))
    record = record_run(
        sheet=sheet,
        config=config,
        preset=recipe.preset,
        image=planes.describe() | {"path": key},
        frames=frames,
        provenances=provenances,
        is_whole=True,
    )
    document = assemble_document(labels, outcome, record, sheet=sheet, name=planes.name, transform=planes.transform)
    return document, outcome
