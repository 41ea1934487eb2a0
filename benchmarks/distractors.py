"""Measure the distractor curve of the demo checkpoint: `python benchmarks/distractors.py --help`.

Held-out scenes are asked for what they show and for 0 to 200 concepts that they do not. With `--davis FOLDER`, frames
of DAVIS are, too: the demo checkpoint has never seen a photograph, so those figures prove only that all of it runs.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from environment import describe_environment
from evaluation_scenes import write_scenes
from napari_car.cli.evaluate_command import evaluate
from scenes.seeds import HELD_OUT_SEEDS


def measure(benchmark: str, root: Path, *more: str) -> dict[str, Any]:
    """Run the experiment as the command line does, and return what it says."""
    with tempfile.TemporaryDirectory() as out:
        arguments = [benchmark, "--root", str(root), "--out", out, "--experiment", "distractors", "--preset", "demo"]
        evaluate.main([*arguments, *more], standalone_mode=False)
        report: dict[str, Any] = json.loads((Path(out) / "experiment.json").read_text(encoding="utf-8"))
        return report


def main(arguments: list[str] | None = None) -> None:
    """Measure, and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40, help="how many scenes")
    parser.add_argument("--davis", type=Path, help="a folder of DAVIS 2016")
    parser.add_argument("--every", type=int, default=20, help="of DAVIS, the first of so many frames")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "distractors.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    seeds = HELD_OUT_SEEDS[: options.count]
    with tempfile.TemporaryDirectory() as folder:
        scenes = measure("folder", write_scenes(Path(folder) / "scenes", seeds))
    report = {
        "scenes": scenes | {"which": "held-out", "seeds": [seeds[0], seeds[-1]]},
        "davis": None,
        "environment": describe_environment(),
    }
    store(options.out, report)
    if options.davis:
        more = ("--split", "all", "--option", f"every={options.every}")
        report["davis"] = measure("davis-frames", options.davis, *more) | {"every": options.every}
        store(options.out, report)


def store(path: Path, report: dict[str, Any]) -> None:
    """Write what is measured so far."""
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
