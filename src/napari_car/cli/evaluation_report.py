"""The files that say what an evaluation found."""

from collections.abc import Sequence
from datetime import datetime

from napari_car.evaluation.benchmarks.catalogue import Benchmark
from napari_car.evaluation.items import ItemRecord
from napari_car.evaluation.report_text import write_markdown
from napari_car.evaluation.store import EvaluationStore
from napari_car.evaluation.summary import EvaluationSummary, summarise
from napari_car.io.outputs import write_bytes, write_json

from .evaluation_items import describe_item
from .evaluation_page import ShownItem, render_evaluation
from .evaluation_pictures import ItemPainter

RESULT_FILE, MARKDOWN_FILE, PAGE_FILE = "result.json", "report.md", "report.html"


def write_report(
    store: EvaluationStore, benchmark: Benchmark, records: Sequence[ItemRecord], n_worst: int
) -> EvaluationSummary:
    """Write ``result.json``, ``report.md`` and ``report.html`` into the folder of an evaluation.

    Parameters
    ----------
    store : EvaluationStore
    benchmark : Benchmark
        One without items gives a report without pictures.
    records : sequence of ItemRecord
        At least one.
    n_worst : int
        How many of the worst items are shown as pictures.

    Raises
    ------
    ConfigError
        If counts are not those of the benchmark.
    OutputError
        If one cannot be written.
    """
    summary = summarise(store.header, benchmark, records)
    write_json(store.folder / RESULT_FILE, summary.to_dict())
    # Names of a foreign encoding hold lone surrogates, which UTF-8 has not.
    write_bytes(store.folder / MARKDOWN_FILE, write_markdown(summary).encode("utf-8", "backslashreplace"))
    write_bytes(
        store.folder / PAGE_FILE, _draw_page(store, benchmark, summary, n_worst).encode("utf-8", "backslashreplace")
    )
    return summary


def _draw_page(store: EvaluationStore, benchmark: Benchmark, summary: EvaluationSummary, n_worst: int) -> str:
    """Return the page with pictures of the worst items; those that are all right are none."""
    painter = ItemPainter(store, benchmark)
    scored = [item for item in summary.ranked if item.value is not None and item.value < 1]
    worst = [
        ShownItem(
            key=item.record.key,
            value=item.value,
            sentences=describe_item(benchmark, item.record),
            found=painter.draw(item.record),
        )
        for item in scored[:n_worst]
    ]
    return render_evaluation(summary, worst, painter.list_colours(), now=datetime.now().astimezone())
