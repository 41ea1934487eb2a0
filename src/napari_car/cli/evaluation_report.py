"""The files that say what an evaluation found."""

from collections.abc import Sequence

from napari_car.evaluation.benchmarks.catalogue import Benchmark
from napari_car.evaluation.items import ItemRecord
from napari_car.evaluation.report_text import write_markdown
from napari_car.evaluation.store import EvaluationStore
from napari_car.evaluation.summary import EvaluationSummary, summarise
from napari_car.io.outputs import write_bytes, write_json


def write_report(
    store: EvaluationStore, benchmark: Benchmark, records: Sequence[ItemRecord], n_worst: int
) -> EvaluationSummary:
    """Write ``result.json``, ``report.md`` and ``report.html`` into the folder of an evaluation.

    Parameters
    ----------
    store : EvaluationStore
    benchmark : Benchmark
    records : sequence of ItemRecord
        At least one.
    n_worst : int
        How many of the worst items are shown as pictures.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    summary = summarise(store.header, benchmark, records)
    write_json(store.folder / "result.json", summary.to_dict())
    write_bytes(store.folder / "report.md", write_markdown(summary).encode("utf-8", "backslashreplace"))
    return summary
