"""``napari-car video``: video files and folders of frames in, label maps of all frames out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from napari_car.queries import collect_queries

from .checkpoints import checkpoint_options, choose_networks, network_options
from .folders import name_folders
from .options import SectionedCommand, debug_option, in_section
from .parameters import build_config, given_parameters, parameter_options
from .query_options import query_options
from .texts import gather_queries

if TYPE_CHECKING:
    from .video_results import LabelFormat, OverlayFormat

DEFAULT_OUT = Path("napari-car-output")
EXIT_STOPPED = 130

_OUTPUT = "Frames and results"


@click.command(cls=SectionedCommand)
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...", type=click.Path(path_type=Path))
@query_options
@checkpoint_options
@network_options
@in_section(
    _OUTPUT,
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder of the results; each video gets a folder of its own in it.",
)
@in_section(_OUTPUT, "--overwrite", is_flag=True, help="Replace results that are there.")
@in_section(
    _OUTPUT,
    "--start",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="First frame; frames are counted from 0.",
)
@in_section(
    _OUTPUT, "--end", type=click.IntRange(min=1), metavar="N", help="Stop before this frame.  [default: the end]"
)
@in_section(
    _OUTPUT,
    "--every",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Take one of N frames.",
)
@in_section(
    _OUTPUT,
    "--labels",
    type=click.Choice(["tiff", "png"]),
    default="tiff",
    show_default=True,
    help="Label maps: one TIFF with a page for each frame, or a PNG for each frame, as DAVIS has them.",
)
@in_section(
    _OUTPUT,
    "--overlay",
    type=click.Choice(["none", "png", "mp4"]),
    default="none",
    show_default=True,
    help="Pictures of the masks over the frames: a PNG with a legend for each, or a video.",
)
@debug_option
@click.pass_context
def video(
    context: click.Context,
    /,
    videos: tuple[Path, ...],
    texts: tuple[str, ...],
    queries_file: Path | None,
    refer: bool,
    preset: str,
    toml: Path | None,
    assignments: tuple[str, ...],
    out: Path,
    overwrite: bool,
    start: int,
    end: int | None,
    every: int,
    labels: "LabelFormat",
    overlay: "OverlayFormat",
    **networks: Any,
) -> None:
    """Segment videos by text queries, frame after frame.

    VIDEO is a video file, or a folder whose images are the frames of one video, in the order of the numbers in their
    names.

    \b
    napari-car video clip.mp4 -q cat -q sofa
    napari-car video clip.mp4 -q cat -q sofa --carry-queries --smoothing 0.5 --overlay mp4
    napari-car video frames/ -q nucleus --preset demo --every 5 --labels png

    For each video OUT/<name of the video>/ holds the label maps (labels.tif, a page for each frame: 0 is background, 1
    the first query; or labels/00000.png and so on, by the number of the frame) and summary.json with the verdicts,
    scores and areas of each frame. They get their place when the video is done, when it is stopped by Ctrl-C, or where
    it is damaged: frames before that are kept.

    By default each frame is segmented by itself. With --carry-queries only what was found in the last frame is looked
    for in the next; --smoothing steadies masks; --reuse-below takes over features where hardly anything moves.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.io.video import FrameRange

    from .video_batch import VideoBatch, VideoStopped

    if not texts and queries_file is None:
        raise click.UsageError("Say what to look for: --query TEXT or --queries-file FILE.")
    if end is not None and end <= start:
        raise click.UsageError(f"--end {end} must come after --start {start}.")
    given = {"sam.enabled": True} if networks["sam"] else {}  # whoever names a SAM wants it
    config = build_config(preset, toml, given | given_parameters(context), assignments, refer=refer)
    folder = networks.pop("models_folder")
    chosen = choose_networks(preset, folder=folder, with_sam=config.sam.enabled, **networks)
    asked, distractors = gather_queries(texts, queries_file)
    config = config.changed({"proposals.background_words": (*config.proposals.background_words, *distractors)})
    queries, notes = collect_queries(asked)
    for line in (*chosen.notices, *notes):
        click.echo(line)
    batch = VideoBatch(
        videos=name_folders(dict.fromkeys(videos)),
        queries=queries,
        networks=chosen,
        config=config,
        chosen=FrameRange(start, end, every),
        out=out,
        labels=labels,
        overlay=overlay,
    )
    try:
        failures = batch.run(overwrite=overwrite)
    except VideoStopped as stopped:
        click.echo(str(stopped), err=True)
        context.exit(EXIT_STOPPED)
    n_done = len(batch.videos) - len(failures)
    failed = f", {len(failures)} failed" if failures else ""
    click.echo(
        f"{len(batch.videos)} video{'s' if len(batch.videos) > 1 else ''}: {n_done} segmented{failed}. "
        f"Results are in {out}."
    )
    for error in failures:
        click.echo(f"Failed: {error}", err=True)
    if failures:
        context.exit(1)


video.params += parameter_options(of_videos=True)
