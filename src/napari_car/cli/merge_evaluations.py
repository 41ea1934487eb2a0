"""``napari-car merge-evaluations``: shards that were evaluated in different folders become one evaluation."""

from pathlib import Path

import click

from .options import SectionedCommand, debug_option, in_section

_FOLDER = click.Path(file_okay=False, path_type=Path)
_OUTPUT = "Output"


@click.command("merge-evaluations", cls=SectionedCommand)
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=_FOLDER)
@in_section(
    _OUTPUT,
    "--out",
    type=_FOLDER,
    required=True,
    metavar="DIR",
    help="Folder of the whole: a new one, or one of the same evaluation, which is added to.",
)
@in_section(
    _OUTPUT,
    "--root",
    type=_FOLDER,
    metavar="DIR",
    help="Folder of the data set, for the pictures of the worst items.  [default: no pictures]",
)
@in_section(
    _OUTPUT,
    "--worst",
    "n_worst",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    metavar="N",
    help="How many of the worst items the page shows.",
)
@debug_option
def merge_evaluations(folders: tuple[Path, ...], out: Path, root: Path | None, n_worst: int) -> None:
    """Put shards of an evaluation together that were written into different folders.

    \b
    napari-car merge-evaluations machine-1/voc machine-2/voc --out voc
    napari-car merge-evaluations machine-1/voc machine-2/voc --out voc --root data/

    The numbers are those of one run over all items. Shards of other parameters, networks, data or classes are refused.
    Shards that were written into one folder need not be put together: each run reports on all that is there.
    """  # noqa: D301  # the escape is the character that keeps click from wrapping the examples
    # Imported here because image libraries take longer to load than the help takes to print.
    from napari_car.errors import DocumentError
    from napari_car.evaluation.benchmarks.catalogue import find_benchmark
    from napari_car.evaluation.report_text import describe_scores
    from napari_car.evaluation.scored_classes import ScoredClasses, without_files
    from napari_car.evaluation.store import merge_stores, read_header

    from .evaluation import open_benchmark
    from .evaluation_report import PAGE_FILE, write_report

    header = read_header(folders[0])
    if root is None:
        benchmark = without_files(header.benchmark, header.title, header.split, header.scored)
    else:
        benchmark = open_benchmark(find_benchmark(header.benchmark), root, header.split, header.options)
        if ScoredClasses.of(benchmark) != header.scored:
            raise DocumentError(f"{root} has other classes than those that were evaluated in {folders[0]}.")
    store = merge_stores(folders, out)
    records = list(store.read().values())
    if not records:
        raise DocumentError(f"There is nothing to report: no item is evaluated in {', '.join(map(str, folders))}.")
    for line in describe_scores(write_report(store, benchmark, records, n_worst)):
        click.echo(line)
    click.echo(f"The report is {out / PAGE_FILE}.")
