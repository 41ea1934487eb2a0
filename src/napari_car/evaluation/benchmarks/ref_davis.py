"""Ref-DAVIS 2017: DAVIS 2017 with expressions for its objects, by two annotators.

Each annotator wrote an expression with only the first frame in view, and another one after the whole video (Khoreva,
Rohrbach, Schiele: "Video Object Segmentation with Language Referring Expressions", ACCV 2018).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from napari_car.errors import DocumentError

from .davis import open_davis
from .publication import Publication
from .video import VideoBenchmark

Seen = Literal["all", "first-frame", "full-video"]
"""What annotators had seen: the first frame, the whole video, or, one set of expressions each, both."""

_FILES: Mapping[Seen, tuple[str, ...]] = MappingProxyType(
    {
        "first-frame": ("annot1", "annot2"),
        "full-video": ("annot1_full_video", "annot2_full_video"),
        "all": ("annot1", "annot1_full_video", "annot2", "annot2_full_video"),
    }
)
_MISSPELT = MappingProxyType({"clasic-car": "classic-car", "dog-scale": "dogs-scale", "motor-bike": "motorbike"})
"""Names of sequences in the published files that are none, and what is meant."""

REF_DAVIS = Publication(
    title="Ref-DAVIS 2017",
    holds=(
        "JPEGImages/480p, Annotations/480p and ImageSets/2017 of DAVIS 2017, and davis_text_annotations with "
        "Davis17_annot1.txt and its like"
    ),
    site="davischallenge.org and mpi-inf.mpg.de (Video Object Segmentation with Language Referring Expressions)",
)


def open_ref_davis(
    root: Path, *, split: str = "val", seen: Seen = "all", annotations: str = "Annotations"
) -> VideoBenchmark:
    """Open Ref-DAVIS 2017.

    Parameters
    ----------
    root : Path
        The folder ``DAVIS`` with ``davis_text_annotations`` in it.
    split : str
        A list of ``ImageSets/2017``.
    seen : {"all", "first-frame", "full-video"}
        What annotators had seen.
    annotations : str
        Folder of the masks; the other one of DAVIS is ``Annotations_unsupervised``.

    Raises
    ------
    DocumentError
        If a folder or a file is missing or damaged, or there are no expressions for a video.
    """
    benchmark = open_davis(root, split=split, annotations=annotations, publication=REF_DAVIS)
    names = _FILES[seen]
    files = {name: root / "davis_text_annotations" / f"Davis17_{name}.txt" for name in names}
    texts = {name: read_expressions(path) for name, path in files.items()}
    for sample in benchmark.samples:
        for name, path in files.items():
            if sample.key not in texts[name]:
                raise DocumentError(f"{path} has no expression for {sample.key}: is it cut short?")
    samples = (
        replace(sample, expressions={name: texts[name][sample.key] for name in names}) for sample in benchmark.samples
    )
    return replace(benchmark, name="ref-davis", samples=tuple(samples), annotators=names)


def read_expressions(path: Path) -> dict[str, dict[int, str]]:
    """Read expressions by sequence and object id from lines ``sequence 1 "an expression"``.

    Raises
    ------
    DocumentError
        If the file is missing, a line is something else, or an object has two expressions.
    """
    content = REF_DAVIS.read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # those of the second annotator are
    found: dict[str, dict[int, str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        parts = line.split(maxsplit=2)
        expression = parts[2].strip().removeprefix('"').removesuffix('"').strip() if len(parts) == 3 else ""
        if not expression or not parts[1].isdecimal() or int(parts[1]) < 1:
            raise DocumentError(
                f'{path} has {line!r} in line {number}: a line is a sequence, a number, and a text in "".'
            )
        sequence, id_ = _MISSPELT.get(parts[0], parts[0]), int(parts[1])
        if found.setdefault(sequence, {}).setdefault(id_, expression) != expression:
            raise DocumentError(f"{path} has two expressions for object {id_} of {sequence}.")
    return found
