"""The report on an experiment as files: Markdown, and one HTML page that needs nothing else."""

from pathlib import Path

from napari_car.evaluation.experiment_page import ExperimentPage
from napari_car.io.outputs import write_bytes

from .evaluation_report import MARKDOWN_FILE, PAGE_FILE
from .html_page import render_page

NUMBERS_FILE = "experiment.json"
TEMPLATE_FILE = "experiment.html.jinja"


def write_page(page: ExperimentPage, out: Path) -> None:
    """Write ``report.md`` and ``report.html``; OutputError if one cannot be written."""
    html = render_page(TEMPLATE_FILE, {}, page=page)
    write_bytes(out / MARKDOWN_FILE, page.to_markdown().encode("utf-8", "backslashreplace"))
    write_bytes(out / PAGE_FILE, html.encode("utf-8", "backslashreplace"))
