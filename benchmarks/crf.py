"""Time and memory of the dense CRF: the torch backend and pydensecrf on the same photographs.

Run ``python benchmarks/crf.py DATA_FOLDER`` with a folder that holds ``voc2011/`` and ``davis16/``; the figures go to
``benchmarks/results/crf.json``. One untimed run comes before the timed ones of each case. "first" is from the image to
the labels, lattices included; "again" is another refinement of the same image. On a machine that others use, wall
times say little; processor times (all threads) with ``OMP_NUM_THREADS=1`` still compare, and the load is stored.
"""

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from napari_car.config import CRFConfig
from napari_car.core.crf import DenseCRF, PydensecrfCRF, TorchCRF, fastest_cpu_backend, refine_labels

RESULTS = Path(__file__).parent / "results" / "crf.json"
SEED = 0
Timing = dict[str, float | int]
PHOTOGRAPHS = {
    "voc2011/JPEGImages/2011_000006.jpg": (2, 21),
    "davis16/JPEGImages/480p/camel/00000.jpg": (2,),
}
N_QUERIES = 8


def read_image(path: Path) -> np.ndarray:
    """Read an image file as (H, W, 3) uint8 RGB."""
    return np.array(Image.open(path).convert("RGB"))


def noise_image(height: int, width: int) -> np.ndarray:
    """Draw the image with the most lattice vertices per pixel: every pixel a colour of its own."""
    return np.random.default_rng(SEED).integers(0, 256, (height, width, 3), dtype=np.uint8)


def random_probabilities(image: np.ndarray, n_labels: int) -> np.ndarray:
    """Draw smooth random maps: (labels, H, W) float32 in [0, 1]."""
    rng = np.random.default_rng(SEED)
    coarse = torch.tensor(rng.random((1, n_labels, 12, 16), dtype=np.float32))
    maps = torch.nn.functional.interpolate(coarse, image.shape[:2], mode="bicubic", align_corners=False)
    return maps[0].clamp(0, 1).numpy()


def timed(call: Callable[[], object], n_runs: int) -> Timing:
    """Measure wall time (median and spread) and processor time (median) after one untimed run."""
    call()
    wall_s, cpu_s = [], []
    for _ in range(n_runs):
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        call()
        wall_s.append(time.perf_counter() - wall_start)
        cpu_s.append(time.process_time() - cpu_start)
    return {
        "wall_median_s": round(statistics.median(wall_s), 4),
        "wall_min_s": round(min(wall_s), 4),
        "wall_max_s": round(max(wall_s), 4),
        "cpu_median_s": round(statistics.median(cpu_s), 4),
        "n_runs": n_runs,
    }


def time_backend(
    backend: Callable[[np.ndarray, CRFConfig], DenseCRF], image: np.ndarray, n_labels: int, n_runs: int
) -> dict[str, Timing]:
    """Time the first and every further refinement of an image."""
    probabilities = random_probabilities(image, n_labels)
    crf = backend(image, CRFConfig())
    return {
        "first": timed(lambda: refine_labels(backend(image, CRFConfig()), probabilities), n_runs),
        "again": timed(lambda: refine_labels(crf, probabilities), n_runs),
    }


def compare(image: np.ndarray, n_labels: int, n_runs: int) -> dict[str, object]:
    """Time both backends on one image: how many times faster torch is, and how far the labels agree."""
    result: dict[str, object] = {"size_px": [image.shape[1], image.shape[0]], "n_labels": n_labels}
    result["torch"] = of_torch = time_backend(TorchCRF, image, n_labels, n_runs)
    result["pydensecrf"] = of_pydensecrf = time_backend(PydensecrfCRF, image, n_labels, n_runs)
    for stage in ("first", "again"):
        for clock in ("wall", "cpu"):
            ratio = of_pydensecrf[stage][f"{clock}_median_s"] / of_torch[stage][f"{clock}_median_s"]
            result[f"pydensecrf_over_torch_{stage}_{clock}"] = round(ratio, 2)
    probabilities = random_probabilities(image, n_labels)
    labels = [refine_labels(make(image, CRFConfig()), probabilities).labels for make in (TorchCRF, PydensecrfCRF)]
    result["equal_labels"] = round(float((labels[0] == labels[1]).mean()), 6)
    return result


def time_queries(image: np.ndarray, n_runs: int) -> dict[str, object]:
    """Time referring mode, several CRFs of two labels over one image, in one call and one by one (torch)."""
    foregrounds = random_probabilities(image, N_QUERIES)
    queries = np.stack([1 - foregrounds, foregrounds], axis=1)
    crf = TorchCRF(image, CRFConfig())
    return {
        "n_queries": N_QUERIES,
        "in_one_call": timed(lambda: refine_labels(crf, queries), n_runs),
        "one_by_one": timed(lambda: [refine_labels(crf, query) for query in queries], n_runs),
    }


def peak_memory(image: np.ndarray, n_labels: int) -> dict[str, object]:
    """Measure the torch backend's peak resident memory beyond the libraries', in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        used_bytes = pool.apply(_peak_memory_bytes, (image, n_labels))
    return {
        "size_px": [image.shape[1], image.shape[0]],
        "n_labels": n_labels,
        "peak_mb": round(used_bytes / 1e6, 1),
        "bytes_per_px": round(used_bytes / image[..., 0].size),
    }


def _peak_memory_bytes(image: np.ndarray, n_labels: int) -> int:
    """Refine in this process and return by how much its peak resident memory rose (Linux)."""
    probabilities = random_probabilities(image, n_labels)
    refine_labels(TorchCRF(image[:16, :16], CRFConfig()), np.ascontiguousarray(probabilities[:, :16, :16]))
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before_bytes = _peak_resident_bytes()
    refine_labels(TorchCRF(image, CRFConfig()), probabilities)
    return _peak_resident_bytes() - before_bytes


def _peak_resident_bytes() -> int:
    """Return this process's peak resident memory."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def main() -> None:
    """Measure everything and store it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with voc2011/ and davis16/")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()

    images = {name: read_image(options.data / name) for name in PHOTOGRAPHS}
    first_image = next(iter(images.values()))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "numpy", "pydensecrf2")},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "n_threads": torch.get_num_threads(),
        "n_cpus": os.cpu_count(),
        "load_average_5_min": round(os.getloadavg()[1], 1),
        "seed": SEED,
        "parameters": {
            field: getattr(CRFConfig(), field)
            for field in CRFConfig.__slots__
            if field not in ("backend", "background_factor")
        },
        "auto_chooses": fastest_cpu_backend(),
        "cases": {
            f"{name}, {n_labels} labels": compare(images[name], n_labels, options.runs)
            for name, numbers_of_labels in PHOTOGRAPHS.items()
            for n_labels in numbers_of_labels
        },
        "queries": time_queries(first_image, options.runs),
        "memory": {
            "photograph, 2 labels": peak_memory(images["davis16/JPEGImages/480p/camel/00000.jpg"], 2),
            "photograph, 21 labels": peak_memory(images["davis16/JPEGImages/480p/camel/00000.jpg"], 21),
            "noise, 2 labels": peak_memory(noise_image(480, 854), 2),
        },
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
