"""Sizes of files and spans of time, as people read them."""


def say_size(n_bytes: float) -> str:
    """Return a number of bytes in MB or GB, such as ``598 MB`` or ``2.3 GB``."""
    n_mb = round(n_bytes / 1e6)
    return f"{n_bytes / 1e9:.1f} GB" if n_mb >= 1000 else f"{n_mb} MB"


def say_duration(duration_s: float) -> str:
    """Return a span of time, such as ``25 s``, ``3 min`` or ``1 h 5 min``."""
    n_seconds = max(1, round(duration_s))
    if n_seconds < 60:
        return f"{n_seconds} s"
    n_minutes = round(duration_s / 60)
    if n_minutes < 60:
        return f"{n_minutes} min"
    hours, minutes = divmod(n_minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
