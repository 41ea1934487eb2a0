"""All benchmarks by name."""

import json
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest
from benchmark_miniatures import MINIATURES

from napari_car.errors import ConfigError
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS, find_benchmark
from napari_car.presets import PRESETS


def test_each_has_a_miniature_and_a_preset() -> None:
    assert set(MINIATURES) == set(BENCHMARKS)
    assert {entry.preset for entry in BENCHMARKS.values()} <= set(PRESETS)
    assert all(name == entry.name for name, entry in BENCHMARKS.items())


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_is_opened_by_name(name: str, tmp_path: Path) -> None:
    MINIATURES[name](tmp_path)
    entry = find_benchmark(name)
    benchmark = entry.open(tmp_path)
    assert (benchmark.name, benchmark.kind, benchmark.split) == (name, entry.kind, entry.splits[0])
    keys = [sample.key for sample in benchmark.samples]
    assert keys
    assert len(set(keys)) == len(keys)


def test_the_figures_are_the_papers() -> None:
    def figure(name: str, split: str, metric: str = "mIoU", with_sam: bool = False) -> float | None:
        return BENCHMARKS[name].figure(split, metric, with_sam=with_sam)  # type: ignore[arg-type]

    first = [(name, figure(name, entry.splits[0])) for name, entry in BENCHMARKS.items() if entry.kind == "semantic"]
    assert first == [
        ("voc", 67.6), ("voc-20", 91.4), ("coco-object", 36.6), ("context-60", 30.5), ("context-59", 39.5),
        ("context-459", 13.9), ("ade-150", 17.7), ("ade-847", 8.1), ("folder", None),
    ]  # fmt: skip
    with_sam = {name: figure(name, entry.splits[0], with_sam=True) for name, entry in BENCHMARKS.items()}
    assert {name: value for name, value in with_sam.items() if value} == {
        "voc": 70.2,
        "coco-object": 37.6,
        "context-60": 31.1,
    }
    assert [figure("refcoco", split) for split in ("val", "testA", "testB", "train")] == [33.57, 35.36, 30.51, None]
    assert [figure("refcoco+", split) for split in ("val", "testA", "testB")] == [34.22, 36.03, 31.02]
    assert [figure("refcocog-umd", split) for split in ("val", "test")] == [36.67, 36.57]
    assert [figure("refcocog-google", split) for split in ("val", "train")] == [36.63, None]
    assert figure("gres", "val") == 16.8
    assert [figure("ref-davis", "val", metric) for metric in ("J&F", "J", "F")] == [30.34, 28.15, 32.53]


def test_sizes_are_those_that_were_gathered(reference_folder: Path) -> None:
    facts = json.loads((reference_folder / "class_names.json").read_text(encoding="utf-8"))
    for name, class_set in (("voc", "voc"), ("voc-20", "voc"), ("coco-object", "coco_object"), ("ade-847", "ade_847")):
        assert BENCHMARKS[name].sizes == {facts[class_set]["split"]: facts[class_set]["n_images"]}
    for name in ("refcoco", "refcoco+", "refcocog-umd"):
        assert BENCHMARKS[name].sizes == facts["refcoco"]["datasets"][name.removesuffix("-umd")]["refs"]
    for entry in BENCHMARKS.values():
        assert set(entry.sizes) <= set(entry.splits)


def test_options_are_checked(tmp_path: Path) -> None:
    MINIATURES["gres"](tmp_path)
    entry = find_benchmark("gres")
    assert entry.open(tmp_path, **entry.released_options).samples[1].read_truth().sum() == 1600
    with pytest.raises(ConfigError, match="GRES has no option unit"):
        entry.open(tmp_path, unit="object")
    with pytest.raises(ConfigError, match="targets cannot be 'all'; choose one of union, first"):
        entry.open(tmp_path, targets="all")
    with pytest.raises(ConfigError, match="GRES has no split test; it has val, testA, testB, train"):
        entry.open(tmp_path, split="test")
    with pytest.raises(ConfigError, match="Unknown benchmark 'vok'; choose one of voc, voc-20"):
        find_benchmark("vok")


def test_choices_are_the_openers_own(tmp_path: Path) -> None:
    for entry in BENCHMARKS.values():
        parameters = signature(entry.opener).parameters
        assert {"split", *entry.choices} <= set(parameters)
        for option, values in entry.choices.items():
            assert not values or parameters[option].default == values[0] or parameters[option].default in values


def test_opening_loads_no_networks() -> None:
    code = "import sys, napari_car.evaluation.benchmarks.catalogue; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
