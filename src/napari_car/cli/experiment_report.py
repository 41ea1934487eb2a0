"""The report on an experiment as files: Markdown, and one HTML page that needs nothing else."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from napari_car import __version__
from napari_car.evaluation.experiment_page import ExperimentPage
from napari_car.io.outputs import write_bytes

TEMPLATE_FILE = "experiment.html.jinja"


def write_page(page: ExperimentPage, out: Path) -> None:
    """Write ``report.md`` and ``report.html``; OutputError if one cannot be written."""
    write_bytes(out / "report.md", page.to_markdown().encode("utf-8", "backslashreplace"))
    write_bytes(out / "report.html", render_experiment(page).encode("utf-8", "backslashreplace"))


def render_experiment(page: ExperimentPage) -> str:
    """Return the report as a page in light or dark."""
    text = files("napari_car.cli").joinpath(TEMPLATE_FILE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text).render(page=page, version=__version__)
