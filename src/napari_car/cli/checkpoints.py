"""Which checkpoints a command uses: its options, what is missing, and what was found."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_car.checkpoints.folder import FOLDER_VARIABLE, find_path, models_folder, require
from napari_car.checkpoints.registry import HUB_PREFIX, find_checkpoint, load_registry
from napari_car.checkpoints.sam_files import find_sam_file
from napari_car.clip.own_files import names_own_files
from napari_car.errors import CheckpointError
from napari_car.presets import find_preset

from .options import in_section

if TYPE_CHECKING:
    from napari_car.segmenter import Segmenter

DEMO = "demo"
DEMO_NOTICE = find_checkpoint(DEMO).note
"""Said whenever the checkpoint of the package is used."""

_SECTION = "Networks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """f, g and SAM as the user chose them, and where they run."""

    f: str
    g: str
    sam: str | None
    """None for a run without SAM."""
    folder: Path
    device: str
    precision: str
    from_preset: bool
    """Whether at least one of them was not named by the user."""
    folder_is_named: bool = True
    """Whether the user named the folder; else each machine has its own."""

    def check_on_disk(self) -> None:
        """Refuse named checkpoints that are not on disk, without loading torch.

        Raises
        ------
        CheckpointError
            If one is missing, damaged or unknown; the text says what to do.
        """
        for name in dict.fromkeys((self.f, self.g)):
            if names_own_files(name):
                continue
            try:
                require(name, self.folder, "clip")
            except CheckpointError as error:
                hint = f" Or try napari-car with --preset {DEMO} ({DEMO_NOTICE})." if self.from_preset else ""
                raise CheckpointError(f"{error}{hint}") from error
        if self.sam is not None:
            find_sam_file(self.sam, self.folder)

    def load(self) -> "Segmenter":
        """Load f and g; errors as for :class:`napari_car.Segmenter`."""
        from napari_car.segmenter import Segmenter

        return Segmenter(
            self.f,
            self.g,
            sam=self.sam,
            models_folder=self.folder,
            device=self.device,
            precision=self.precision,
        )

    def for_workers(self) -> "Networks":
        """Return them as programs find them that work in another folder: files named from the root on."""
        return replace(
            self, f=_absolute(self.f), g=_absolute(self.g), sam=None if self.sam is None else _absolute(self.sam)
        )

    def on_this_machine(self) -> "Networks":
        """Return them, of this machine's models folder unless the user named one."""
        return self if self.folder_is_named else replace(self, folder=models_folder())

    def identify(self) -> dict[str, str]:
        """Return architecture and hash of each network, by its part, without loading them."""
        clips = {"f": _identify(self.f, self.folder), "g": _identify(self.g, self.folder)}
        return clips | ({"sam": _hash_sam(self.sam, self.folder)} if self.sam else {})

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user must know about the choice."""
        return (DEMO_NOTICE,) if DEMO in (self.f, self.g) else ()


def choose_networks(
    preset: str,
    *,
    model: str | None = None,
    f: str | None = None,
    g: str | None = None,
    sam: str | None = None,
    with_sam: bool = False,
    folder: Path | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Networks:
    """Return the checkpoints of a preset, unless others are named.

    Raises
    ------
    click.UsageError
        If ``--model`` stands beside ``--f`` or ``--g``.
    """
    if model is not None and (f is not None or g is not None):
        raise click.UsageError("--model names the network for both f and g: leave out --f and --g, or --model.")
    chosen = find_preset(preset)
    return Networks(
        f=f or model or chosen.f,
        g=g or model or chosen.g,
        sam=(sam or chosen.sam) if with_sam else None,
        folder=models_folder(folder),
        device=device,
        precision=precision,
        from_preset=model is None and (f is None or g is None),
        folder_is_named=folder is not None,
    )


def network_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--models-folder``, ``--device`` and ``--precision``."""
    for option in (
        in_section(
            _SECTION,
            "--precision",
            type=click.Choice(["auto", "fp32", "fp16", "bf16"]),
            default="auto",
            help="Floating-point type; auto is fp16 on CUDA, else fp32.",
        ),
        in_section(
            _SECTION,
            "--device",
            default="auto",
            metavar="NAME",
            help="auto, cpu, cuda, cuda:N or mps; auto takes the fastest there is.",
        ),
        in_section(
            _SECTION,
            "--models-folder",
            type=click.Path(file_okay=False, path_type=Path),
            help=f"Folder of the checkpoints.  [default: {FOLDER_VARIABLE}, else the user's data directory]",
        ),
    ):
        command = option(command)
    return command


def checkpoint_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--model``, ``--f``, ``--g`` and ``--sam-model``."""
    for option in (
        in_section(
            _SECTION,
            "--sam-model",
            "sam",
            metavar="NAME",
            help="SAM, for --sam: one that `napari-car models` lists, or a checkpoint file.  [default: the preset's]",
        ),
        in_section(_SECTION, "--g", metavar="NAME", help="Mask classifier.  [default: the preset's]"),
        in_section(_SECTION, "--f", metavar="NAME", help="Mask proposal generator.  [default: the preset's]"),
        in_section(
            _SECTION,
            "--model",
            metavar="NAME",
            help="One network as both f and g. NAME is one that `napari-car models` lists, a folder in "
            "open_clip's format, or ARCHITECTURE:FILE for a checkpoint file; likewise for --f and --g.",
        ),
    ):
        command = option(command)
    return command


def _absolute(name: str) -> str:
    """Return a name in which a file of the user's own, if it stands for one, has its whole path."""
    if name in load_registry() or name.startswith(HUB_PREFIX):
        return name
    if path := find_path(name):
        return str(path.absolute())
    architecture, colon, file = name.partition(":")
    path = find_path(file) if colon else None
    return f"{architecture}:{path.absolute()}" if path else name


@functools.cache
def _identify(name: str, folder: Path) -> str:
    """Return what a result depends on: architecture and content of the checkpoint."""
    from napari_car.checkpoints.weights import hash_file
    from napari_car.clip.loading import resolve_source

    source = resolve_source(name, folder)
    return f"{source.architecture} {hash_file(source.weights)}"


def _hash_sam(name: str, folder: Path) -> str:
    """Return the hash of a SAM, which tells its architecture by itself."""
    from napari_car.checkpoints.weights import hash_file

    return hash_file(find_sam_file(name, folder).weights)
