"""What has become of a project, in numbers: what was found, what people made of it, and how long that took."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import mean, median

from napari_car.errors import CaRError
from napari_car.results import Verdict

from .correction.agreement import Agreement
from .document import SUFFIX
from .image_summary import ImageSummary, pool, summarise_image
from .label_layer import Colour
from .project import LABELS_FOLDER, Project, image_of_kept
from .run_facts import Making
from .sheet import QuerySheet


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSummary:
    """A class in all images of a project that have labels.

    Parameters
    ----------
    id : int
    name : str
    colour : tuple of int
    n_verdicts : mapping of str to int
        Images by what the program said last, where it was asked.
    n_images : int
        Images that show it now.
    n_checked : int
        Images in which a person has checked it.
    n_reviewed : int
        Images that are in the agreement: a person has worked on them, and they show it, or did.
    n_objects, area_px : int
        Sums over images.
    agreement : Agreement
        Of the images that a person has worked on, pooled: all others agree because nobody has looked at them.
    human_share : float
        Share of its pixels, in all images, that are a person's, in [0, 1].
    """

    id: int
    name: str
    colour: Colour
    n_verdicts: Mapping[Verdict, int]
    n_images: int
    n_checked: int
    n_reviewed: int
    n_objects: int
    area_px: int
    agreement: Agreement
    human_share: float

    @property
    def iou(self) -> float | None:
        """IoU of the automatic and the corrected masks; None if there is nothing to compare."""
        return measured_iou(self.agreement)


@dataclass(frozen=True, slots=True)
class SpentTime:
    """Time that was measured in some images, in seconds.

    Parameters
    ----------
    per_image_s : tuple of float
        Of each image in which it was measured.
    """

    per_image_s: tuple[float, ...]

    @property
    def n_images(self) -> int:
        """Images in which it was measured."""
        return len(self.per_image_s)

    @property
    def total_s(self) -> float | None:
        """Sum; None if nothing was measured."""
        return sum(self.per_image_s) if self.per_image_s else None

    @property
    def mean_s(self) -> float | None:
        """Mean over the images in which it was measured."""
        return mean(self.per_image_s) if self.per_image_s else None

    @property
    def median_s(self) -> float | None:
        """Median over the images in which it was measured."""
        return median(self.per_image_s) if self.per_image_s else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An image whose labels could not be counted.

    Parameters
    ----------
    key : str
    sentence : str
        Why.
    """

    key: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSummary:
    """What has become of a project.

    Parameters
    ----------
    ontology : QuerySheet
    images : tuple of ImageSummary
        Those whose labels could be read.
    unlabelled : tuple of str
        Images that have no labels yet.
    unreadable : tuple of Unreadable
        Labels that could not be read, and those whose image is gone.
    """

    ontology: QuerySheet
    images: tuple[ImageSummary, ...]
    unlabelled: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def n_images(self) -> int:
        """All images, those among them that are gone and have left their labels."""
        return len(self.images) + len(self.unlabelled) + len(self.unreadable)

    @property
    def n_edited(self) -> int:
        """Images in which a person has painted, or told objects apart."""
        return sum(image.is_edited for image in self.images)

    @property
    def n_reviewed(self) -> int:
        """Images that a person has worked on."""
        return sum(image.is_reviewed for image in self.images)

    @property
    def n_checked(self) -> int:
        """Images of which a person has checked all classes."""
        return sum(image.is_checked for image in self.images)

    @property
    def n_px(self) -> int:
        """Pixels of all images whose labels were counted."""
        return sum(image.n_px for image in self.images)

    @property
    def agreement(self) -> Agreement:
        """The agreement of all classes in the images that a person has worked on."""
        return pool(image.agreement for image in self.images if image.is_reviewed)

    @property
    def labelled(self) -> Agreement:
        """The agreement of all classes in all images: what is labelled now, and how much of it is a person's."""
        return pool(image.agreement for image in self.images)

    @property
    def n_unknown(self) -> int:
        """Pixels that agreements leave out: it is not known what the program wrote there."""
        return sum(image.n_unknown for image in self.images)

    @property
    def computing(self) -> SpentTime:
        """Time of all runs."""
        return SpentTime(tuple(image.computed_s for image in self.images if image.computed_s > 0))

    @property
    def working(self) -> SpentTime:
        """Time that people have worked."""
        return SpentTime(tuple(image.spent_s for image in self.images if image.spent_s > 0))

    @property
    def makings(self) -> list[tuple[Making, int]]:
        """What made the labels, and how many images each made, most first."""
        return Counter(making for image in self.images for making in dict.fromkeys(image.makings)).most_common()

    def classes(self) -> tuple[ClassSummary, ...]:
        """Return the classes of the ontology in its order, then others that the labels hold."""
        ids = [entry.id for entry in self.ontology.entries if entry.role == "query"]
        held = {id_ for image in self.images for id_ in image.classes}
        return tuple(self._class(id_) for id_ in dict.fromkeys([*ids, *sorted(held)]))

    def worst(self, n_images: int) -> tuple[ImageSummary, ...]:
        """Return the images that need a look most.

        First those that people had to correct, the lowest IoU of automatic and corrected labels first, all classes
        taken together. Then those in doubt: those with most classes of which the program was uncertain and which
        nobody has changed or checked since; among equals, the lowest score first.
        """
        return tuple(sorted(self._needy, key=_need)[:n_images])

    @property
    def n_needed(self) -> int:
        """Images that were corrected, or are in doubt."""
        return len(self._needy)

    @property
    def _needy(self) -> list[ImageSummary]:
        """Images that were corrected, or are in doubt."""
        return [image for image in self.images if is_corrected(image.agreement) or image.in_doubt]

    def _class(self, id_: int) -> ClassSummary:
        """Sum one class up."""
        own = {image.key: image.classes[id_] for image in self.images if id_ in image.classes}
        reviewed = [image.classes[id_].agreement for image in self.images if image.is_reviewed and image.key in own]
        everything = pool(found.agreement for found in own.values())
        listed: dict[int, tuple[str, Colour]] = {
            entry.id: (entry.class_name, entry.colour) for entry in self.ontology.entries
        }
        name, colour = listed.get(id_) or next((found.name, found.colour) for found in own.values())
        return ClassSummary(
            id=id_,
            name=name,
            colour=colour,
            n_verdicts=Counter(found.verdict for found in own.values() if found.verdict),
            n_images=sum(found.area_px > 0 for found in own.values()),
            n_checked=sum(found.state == "checked" for found in own.values()),
            n_reviewed=sum(measured_iou(agreement) is not None for agreement in reviewed),
            n_objects=sum(found.n_objects for found in own.values()),
            area_px=everything.n_now,
            agreement=pool(reviewed),
            human_share=everything.human_share,
        )


def measured_iou(agreement: Agreement) -> float | None:
    """Return an IoU; None if both masks are empty, as far as it is known what the program wrote."""
    return agreement.iou if agreement.n_automatic or agreement.n_corrected else None


def is_corrected(agreement: Agreement) -> bool:
    """Tell whether a person has added or removed pixels."""
    return bool(agreement.n_added or agreement.n_removed)


def summarise_project(project: Project) -> ProjectSummary:
    """Count what the label documents of a project hold; one image is in memory at a time.

    Raises
    ------
    ImageError
        If it has no images.
    DocumentError
        If its ontology cannot be read.
    """
    ontology = project.ontology
    images: list[ImageSummary] = []
    unlabelled: list[str] = []
    unreadable: list[Unreadable] = []
    there = project.images()
    for image in there:
        try:
            document, _ = project.load(image)
            if document is None:
                unlabelled.append(image.key)
            else:
                images.append(summarise_image(image.key, document, ontology))
        except CaRError as error:
            unreadable.append(Unreadable(image.key, str(error)))
    keys = {image.key for image in there}
    unreadable += [Unreadable(key, _explain_rest(key)) for key in _find_labelled(project) if key not in keys]
    return ProjectSummary(
        ontology=ontology, images=tuple(images), unlabelled=tuple(unlabelled), unreadable=tuple(unreadable)
    )


def _find_labelled(project: Project) -> Iterator[str]:
    """Yield the names of all images that have label documents, whether they are there or not."""
    folder = project.folder / LABELS_FOLDER
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        yield path.relative_to(folder).as_posix().removesuffix(SUFFIX)


def _explain_rest(key: str) -> str:
    """Say why labels are not those of an image."""
    if image := image_of_kept(key):
        return (
            f"These labels of {image} could not be saved, since somebody else had saved others: take over what is "
            "right in napari, then delete them."
        )
    return "The image is gone; its labels are still there, and not counted."


def _need(image: ImageSummary) -> tuple[float, ...]:
    """Return what images are sorted by: corrected ones first, by IoU; then by classes in doubt, and their scores."""
    if is_corrected(image.agreement):
        return 0, image.agreement.iou
    return 1, -len(image.in_doubt), image.in_doubt[0].score or 0.0
