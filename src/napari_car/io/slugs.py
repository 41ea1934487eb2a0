"""Turn text queries into parts of file names that every file system takes."""

import hashlib
import unicodedata
from collections.abc import Sequence

MAX_BYTES = 80
"""Longest slug in UTF-8; file systems allow 255 for a whole name."""

_HASH_DIGITS = 8

# Windows keeps these names for devices, with any ending.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789")]
)


def slug(text: str) -> str:
    """Turn a text into lower-case letters and digits of any script, joined by ``_``, ``-`` and ``+``.

    An emoji or other symbol becomes its Unicode name (``cat_face``). A text of which nothing is left becomes
    ``query``, and one that is too long is cut and ends in eight digits of its hash.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    str
        1 to :data:`MAX_BYTES` bytes of UTF-8. Different texts may share a slug: see :func:`unique_slugs`.
    """
    # NFKC makes one of composed and decomposed letters, ligatures and full-width forms.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    name = "_".join("".join(map(_safe, folded)).split()).strip("-_")
    if len(name.encode()) > MAX_BYTES:
        digits = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
        kept = name.encode()[: MAX_BYTES - 1 - _HASH_DIGITS].decode(errors="ignore")
        name = f"{kept.rstrip('-_')}-{digits}"
    if name in _RESERVED:
        name += "_"
    return name or "query"


def unique_slugs(texts: Sequence[str]) -> tuple[str, ...]:
    """Turn texts into slugs that all differ: the second ``cell`` becomes ``cell_2``.

    Parameters
    ----------
    texts
        Texts; the same in the same order always give the same slugs.

    Returns
    -------
    tuple of str
        One slug per text.
    """
    plain = [slug(text) for text in texts]
    taken: set[str] = set()
    unique = []
    for name in plain:
        candidate, number = name, 1
        # A numbered name must not take the plain one of another text either.
        while candidate in taken or (number > 1 and candidate in plain):
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        unique.append(candidate)
    return tuple(unique)


def _safe(character: str) -> str:
    """Return the character, its name between spaces, a space, or nothing."""
    category = unicodedata.category(character)
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""  # joiners and variation selectors, within words and emoji
    if category[0] in "LNM" or character in "-+":
        return character
    if category in ("So", "Sm", "Sc"):
        return f" {unicodedata.name(character, '').lower()} "
    return " "
