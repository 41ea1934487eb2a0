"""What is said when something fails."""

import logging

from napari_car.errors import CaRError

_logger = logging.getLogger(__name__)


def explain_failure(error: Exception) -> str:
    """Return the sentence for the user: our own as it is; anything else by its name, and logged with its traceback."""
    if isinstance(error, CaRError):
        return str(error)
    _logger.error("Unexpected failure.", exc_info=error)
    return f"Something failed unexpectedly ({type(error).__name__}: {error}). Details are in the log."
