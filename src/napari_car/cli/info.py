"""``napari-car info``: what a bug report needs."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from napari_car import __version__
from napari_car.checkpoints.folder import inspect, models_folder
from napari_car.checkpoints.registry import load_registry

_PACKAGES = (
    "torch",
    "torchvision",
    "open_clip_torch",
    "segment-anything-hq",
    "timm",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "imagecodecs",
    "huggingface-hub",
    "click",
    "rich",
    "napari",
    "pydensecrf2",
    "av",
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(as_json: bool) -> None:
    """Print versions, devices and folders."""
    record = collect_info()
    if as_json:
        click.echo(json.dumps(record, indent=2))
        return
    for title, value in record.items():
        values = value.items() if isinstance(value, dict) else [("", value)]
        click.echo(f"{title.replace('_', ' ')}:" + ("" if isinstance(value, dict) else f" {_said(value)}"))
        for key, item in values if isinstance(value, dict) else ():
            click.echo(f"  {key}: {_said(item)}")


def collect_info() -> dict[str, Any]:
    """Return what there is on this machine, fit for JSON."""
    from napari_car.clip.text_cache import default_cache_file

    folder = models_folder()
    stored = {name: inspect(checkpoint, folder).state for name, checkpoint in load_registry().items()}
    return {
        "napari_car": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _installed(name) for name in _PACKAGES},
        "devices": _devices(),
        "models_folder": str(folder),
        "checkpoints_on_disk": [name for name, state in stored.items() if state == "complete"],
        "text_cache": str(default_cache_file()),
    }


def _devices() -> dict[str, Any]:
    """Return the devices that torch can use, and the threads of the CPU."""
    import torch

    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "cpu": f"{torch.get_num_threads()} threads",
        "cuda": cuda,
        "mps": torch.backends.mps.is_available(),
    }


def _installed(name: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _said(value: Any) -> str:
    """Write a value for people."""
    if value is None:
        return "not installed"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)
