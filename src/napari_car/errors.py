"""Errors whose text is meant for the user.

Each one also derives from the built-in that a Python user expects, so ``except ValueError`` works as usual.
"""


class CaRError(Exception):
    """Base of all errors raised on purpose; ``str(error)`` is one sentence for the user."""


class ConfigError(CaRError, ValueError):
    """A parameter, preset or configuration file cannot be used."""


class QueryError(CaRError, ValueError):
    """A text query is empty, duplicate, too long, or cannot be combined with the parameters."""


class PromptError(CaRError, ValueError):
    """What was pointed at on an image cannot be used: nothing, or something of another image."""


class ImageError(CaRError, ValueError):
    """An image cannot be read, or its pixels cannot be turned into RGB."""


class CheckpointError(CaRError, OSError):
    """A checkpoint is missing, damaged, foreign, or cannot serve as f, g or SAM."""


class OutputError(CaRError, OSError):
    """A result cannot be written."""


class DocumentError(CaRError, ValueError):
    """A document (``.car.json``) cannot be read, or what it is to hold does not fit together."""


class MissingExtraError(CaRError, ImportError):
    """An optional dependency is not installed; the text names the pip command."""


class MissingReaderError(MissingExtraError, ImageError):
    """An image cannot be read without an optional dependency; other images can."""


class ClusterError(CaRError, ConnectionError):
    """The workers of a cluster cannot be reached, or do not fit to this program."""


class ResourceError(CaRError, MemoryError):
    """The device has too little memory for what was asked."""


ONE_IMAGE_ERRORS = (ImageError, ResourceError, DocumentError, OutputError)
"""What concerns one image of many, and does not keep the others from being done."""
