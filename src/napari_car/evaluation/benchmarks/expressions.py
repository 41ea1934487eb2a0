"""Referring expressions as they are asked for."""

_REMOVED = str.maketrans("", "", '"/')


def clean_expression(raw: str) -> str:
    """Return an expression of RefCOCO, RefCOCO+ or RefCOCOg as the authors' evaluation asks for it.

    It is lower-cased, and loses quotation marks and slashes. Those of gRefCOCO stay as they are.
    """
    return raw.lower().translate(_REMOVED)
