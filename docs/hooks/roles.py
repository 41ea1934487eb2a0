"""Sphinx roles in docstrings, such as ``:func:`name```, turned into links of mkdocs."""

import re

_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):<code>(~?)([\w.]+)(?: &lt;([\w.]+)&gt;)?</code>")


def link_roles(html: str) -> str:
    """Replace roles in a page by references, which stay plain where the name has no page."""
    return _ROLE.sub(_reference, html)


def _reference(match: re.Match[str]) -> str:
    """Write one reference; a tilde stands for the last part of the name only, brackets hold the name behind a text."""
    is_short, text, target = match.groups()
    name = target or text
    shown = text.rpartition(".")[2] if is_short else text
    return f'<autoref identifier="{name}" optional><code>{shown}</code></autoref>'
