"""Reports as HTML pages of one look, each of which is one file that loads nothing."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from napari_car import __version__

UNKNOWN = "—"
"""Stands where something is not known."""


def render_page(template: str, filters: Mapping[str, Callable[..., str]], /, **values: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        Its file beside this module, which extends ``page.html.jinja``.
    filters : mapping of str to function
        How values are written, besides ``number``.
    **values
        What the template shows; texts are escaped.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_read_template),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": write_number, **filters}
    return environment.get_template(template).render(version=__version__, unknown=UNKNOWN, **values)


def write_number(value: int) -> str:
    """Write a whole number with commas."""
    return f"{value:,}"


def _read_template(name: str) -> str:
    """Return a template of this package."""
    return files("napari_car.cli").joinpath(name).read_text(encoding="utf-8")
