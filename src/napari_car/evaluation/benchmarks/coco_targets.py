"""Samples of referring benchmarks from expressions and COCO's objects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_car.errors import DocumentError

from .publication import Publication
from .rasters import Overlap, Polygons, checked_polygons
from .refer_files import Outline, Picture, Ref, read_instances, read_refs
from .referring import ReferringSample

IMAGES = Path("images", "mscoco", "images", "train2014")
"""Where the images of all these data sets are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRule:
    """How expressions and targets become items."""

    clean: Callable[[str], str]
    """What is asked for instead of an expression as it was written."""
    is_per_sentence: bool
    """Whether each expression is an item, or all of an object are one."""
    overlap: Overlap
    first_only: bool = False
    """Whether only the first of several targets counts."""


def read_samples(
    root: Path, refs_file: Path, split: str, publication: Publication, rule: TargetRule
) -> tuple[ReferringSample, ...]:
    """Return the items of a split.

    Expressions without a character are left out, and those of an object that are the same are one, as in the authors'
    evaluation.

    Parameters
    ----------
    root : Path
        Holds ``images``.
    refs_file : Path
        Expressions; ``instances.json`` is beside it.
    split : str
    publication : Publication
    rule : TargetRule

    Raises
    ------
    DocumentError
        If a file is missing or damaged, the split is not in it, or images are missing.
    """
    all_refs = read_refs(refs_file, publication)
    refs = [ref for ref in all_refs if ref.is_in(split)]
    if not refs:
        splits = ", ".join(sorted({ref.split for ref in all_refs})) or "nothing"
        raise DocumentError(f"{refs_file} has no split {split}: it holds {splits}.")
    instances_file = refs_file.parent / "instances.json"
    pictures, outlines = read_instances(
        instances_file,
        publication,
        {ref.image_id for ref in refs},
        {id_ for ref in refs for id_ in ref.annotation_ids},
    )
    publication.check_listed(root / IMAGES, sorted({picture.file_name for picture in pictures.values()}))
    source = _Objects(instances_file, pictures, outlines)
    return tuple(sample for ref in refs for sample in _samples_of(ref, root, source, rule))


@dataclass(frozen=True, slots=True)
class _Objects:
    """What ``instances.json`` holds of a split."""

    path: Path
    pictures: Mapping[int, Picture]
    outlines: Mapping[int, Outline]

    def targets_of(self, ref: Ref, *, first_only: bool) -> tuple[Polygons, ...]:
        """Return the polygons of what is meant; crowds are left out."""
        chosen = [id_ for id_ in ref.annotation_ids if not self.outlines[id_].is_crowd]
        if ref.annotation_ids and not chosen:
            raise DocumentError(f"{self.path} has only crowds for the expressions with the ref_id {ref.id}.")
        return tuple(self._polygons(id_, ref.image_id) for id_ in (chosen[:1] if first_only else chosen))

    def _polygons(self, id_: int, image_id: int) -> Polygons:
        """Return the polygons of an object."""
        outline = self.outlines[id_]
        if outline.image_id != image_id:
            raise DocumentError(
                f"{self.path} has annotation {id_} in image {outline.image_id}, but its expressions are of {image_id}."
            )
        try:
            return checked_polygons(outline.segmentation, self.pictures[image_id].size_px)
        except DocumentError as error:
            raise DocumentError(f"{self.path}: annotation {id_} cannot be drawn: {error}.") from error


def _samples_of(ref: Ref, root: Path, source: _Objects, rule: TargetRule) -> Sequence[ReferringSample]:
    """Return the items of one record of expressions."""
    texts = {sentence.id: text for sentence in ref.sentences if (text := rule.clean(sentence.raw)).strip()}
    items = {str(ref.id): tuple(dict.fromkeys(texts.values()))} if texts else {}
    if rule.is_per_sentence:
        items = {f"{ref.id}-{id_}": (text,) for id_, text in texts.items()}
    picture = source.pictures[ref.image_id]
    targets = source.targets_of(ref, first_only=rule.first_only)
    return [
        ReferringSample(
            key=key,
            image=root / IMAGES / picture.file_name,
            size_px=picture.size_px,
            expressions=expressions,
            targets=targets,
            overlap=rule.overlap,
        )
        for key, expressions in items.items()
    ]
