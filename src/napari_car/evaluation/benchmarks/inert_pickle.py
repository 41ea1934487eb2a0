"""Pickles of plain values, read without running anything that stands in them."""

import io
import pickle
from typing import Any, NoReturn


class _InertUnpickler(pickle.Unpickler):
    """Builds lists, tables, texts and numbers; whatever else a pickle names is refused before it is looked up."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for the program code {module_name}.{global_name}, which is not run")


def read_inert_pickle(content: bytes) -> Any:
    """Return the value in a pickle of Python 2 or 3 that is made of plain values only.

    Every way in which a pickle runs code goes by a function or class that it names. Here none can be named.

    Raises
    ------
    ValueError
        If it names any, or is damaged; the text is the reason.
    """
    try:
        # Python 2 has texts that are bytes: any byte is a character of Latin-1.
        return _InertUnpickler(io.BytesIO(content), encoding="latin-1").load()
    # A damaged pickle raises almost anything, from IndexError to MemoryError.
    except Exception as error:
        raise ValueError(str(error).rstrip(".") or type(error).__name__) from error
