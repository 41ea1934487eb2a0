"""``napari-car evaluate``: every benchmark's miniature from its files to its report, and whatever may come between."""

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import benchmark_bruteforce
import pytest
from benchmark_miniatures import MINIATURES, make_folder, make_ref_davis, make_refcoco, make_voc
from command_line import Command, fast_options

from napari_car.cli import evaluation
from napari_car.evaluation.shard import Shard
from napari_car.evaluation.store import ShardWriter

DEMO = ("--preset", "demo", "--crf-backend", "none")
"""For benchmarks whose queries the demo checkpoint can read."""
KNOWN_TO_DEMO = {"folder", "refcoco", "refcocog-umd", "gres"}
MANY_CLASSES = {"ade-150", "context-459", "ade-847"}
"""Of these, one image is enough."""


def options(benchmark: str, tiny_clip: Path) -> list[str]:
    """What keeps an evaluation short."""
    if benchmark in KNOWN_TO_DEMO:
        return list(DEMO)
    limit = ["--limit", "1", "--set", 'prompts.kinds=["circle"]'] if benchmark in MANY_CLASSES else []
    return [*fast_options(tiny_clip), "--max-steps", "1", *limit]


def result_of(out: str | Path) -> dict[str, Any]:
    """Return the numbers of an evaluation, without those that differ from run to run."""
    record = json.loads(Path(out, "result.json").read_text(encoding="utf-8"))
    del record["speed"]
    return record


def is_close(ours: float | None, expected: float | None) -> bool:
    if ours is None or expected is None:
        return ours is expected
    return math.isclose(ours, expected, abs_tol=1e-9, rel_tol=0)


def compare(out: str | Path, expected: benchmark_bruteforce.Scored) -> None:
    """Compare what a run says with what was computed from its masks."""
    record = result_of(out)
    ours = {score["name"]: score["value"] for score in record["scores"]}
    assert record["n_done"] == expected.n_items > 0
    assert len(expected.scores) >= 5
    assert {name: ours[name] for name in expected.scores if not is_close(ours[name], expected.scores[name])} == {}
    assert len(record["classes"]) == len(expected.classes)
    for item, (iou, accuracy) in zip(record["classes"], expected.classes.values(), strict=True):
        assert is_close(item["iou"], iou), item
        assert is_close(item["accuracy"], accuracy), item


@pytest.mark.parametrize("benchmark", [name for name in MINIATURES if name != "ref-davis"])
def test_numbers_are_those_of_loops_over_the_files(benchmark: str, command: Command, tiny_clip: Path) -> None:
    MINIATURES[benchmark](Path("data"))
    result = command("evaluate", benchmark, "--root", "data", "--out", "out", *options(benchmark, tiny_clip))
    assert result.exit_code == 0, result.output
    compare("out", benchmark_bruteforce.score(benchmark, Path("data"), Path("out")))
    assert {path.name for path in Path("out").iterdir() if not path.name.startswith(".")} == {
        "run.json",
        "items-1-of-1.jsonl",
        "masks",
        "result.json",
        "report.md",
        "report.html",
    }


@pytest.mark.parametrize(
    ("benchmark", "choices"),
    [
        ("refcoco", {"unit": "sentence"}),
        ("refcoco", {"overlap": "union"}),
        ("gres", {"targets": "first"}),
    ],
)
def test_options_of_a_benchmark_change_what_is_counted(
    benchmark: str, choices: dict[str, str], command: Command, tiny_clip: Path
) -> None:
    MINIATURES[benchmark](Path("data"))
    given = [word for name, value in choices.items() for word in ("--option", f"{name}={value}")]
    result = command("evaluate", benchmark, "--root", "data", "--out", "out", *given, *DEMO)
    assert result.exit_code == 0, result.output
    compare("out", benchmark_bruteforce.score(benchmark, Path("data"), Path("out"), **choices))


def test_videos_are_scored_by_annotator(command: Command) -> None:
    """The masks of the first annotator's expressions are kept: to check the others, each is the first in turn."""
    make_ref_davis(Path("both"))
    texts = {name: f"davis_text_annotations/Davis17_{name}.txt" for name in ("annot1", "annot2")}
    for name, path in texts.items():
        shutil.copytree("both", name)
        for other in texts.values():
            shutil.copy(Path("both", path), Path(name, other))
    scores = {}
    for root in ("annot1", "annot2", "both"):
        result = command(
            "evaluate", "ref-davis", "--root", root, "--out", f"{root}-out", "--option", "seen=first-frame", *DEMO
        )
        assert result.exit_code == 0, result.output
        scores[root] = {score["name"]: score["value"] for score in result_of(f"{root}-out")["scores"]}
    for name in texts:
        compare(f"{name}-out", benchmark_bruteforce.score("ref-davis", Path(name), Path(f"{name}-out"), annotator=name))
    for measure, value in scores["both"].items():
        assert is_close(value, (scores["annot1"][measure] + scores["annot2"][measure]) / 2), measure
    assert scores["annot1"] != scores["annot2"]


FOLDER = ("evaluate", "folder", "--root", "data")


@pytest.fixture
def folder(command: Command, tiny_clip: Path) -> Command:
    """Evaluate a folder of four images."""
    make_folder(Path("data"))

    def run(*arguments: str | Path) -> Any:
        return command(*FOLDER, *arguments, *fast_options(tiny_clip), "--max-steps", "1")

    return run


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of items in the order in which they were evaluated."""
    keys: list[str] = []
    keep = evaluation.keep

    def note(evaluated: Any, writer: ShardWriter) -> Any:
        record = keep(evaluated, writer)
        keys.append(record.key)
        return record

    monkeypatch.setattr(evaluation, "keep", note)
    return keys


def names(numbers: Sequence[int]) -> list[str]:
    return [f"plot 00000{number}" for number in numbers]


def test_what_is_done_is_not_done_again(folder: Command, kept: list[str]) -> None:
    assert "Only 2 of 4 items are evaluated." in folder("--out", "out", "--limit", "2").output
    assert folder("--out", "out").exit_code == 0
    assert kept == names([1, 2, 3, 4])
    assert folder("--out", "out").exit_code == 0
    assert len(kept) == 4
    assert folder("--out", "whole").exit_code == 0
    assert result_of("out") == result_of("whole")


def test_an_interrupted_evaluation_goes_on(folder: Command, kept: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder("--out", "whole")
    add = ShardWriter.add

    def stop_at_third(writer: ShardWriter, record: Any) -> None:
        if len(kept) == 6:
            raise KeyboardInterrupt
        add(writer, record)

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "add", stop_at_third)
        result = folder("--out", "out")
    assert result.exit_code == 130
    assert result.stderr == "Stopped. What is finished is kept; repeat the command to go on.\n"
    assert folder("--out", "out").exit_code == 0
    assert kept[4:] == names([1, 2, 3, 4])
    assert result_of("out") == result_of("whole")


def test_a_line_that_was_cut_off_is_written_again(folder: Command, kept: list[str]) -> None:
    folder("--out", "out")
    expected = result_of("out")
    lines = Path("out", "items-1-of-1.jsonl")
    content = lines.read_bytes()
    lines.write_bytes(content[:-30])
    assert folder("--out", "out").exit_code == 0
    assert kept[4:] == names([4])
    assert result_of("out") == expected
    assert len(lines.read_bytes().splitlines()) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_process_that_is_killed_loses_only_the_item_at_hand(
    folder: Command, kept: list[str], tiny_clip: Path, tmp_path: Path
) -> None:
    code = """
import os, signal
from napari_car.evaluation.store import ShardWriter
add = ShardWriter.add
def die_at_third(writer, record):
    if len(open("out/items-1-of-1.jsonl").readlines() if os.path.exists("out/items-1-of-1.jsonl") else []) == 2:
        open("out/items-1-of-1.jsonl", "a").write(record.to_json()[:100])
        os.kill(os.getpid(), signal.SIGKILL)
    add(writer, record)
ShardWriter.add = die_at_third
from napari_car.cli import main; main()
"""
    arguments = [*FOLDER, "--out", "out", *fast_options(tiny_clip), "--max-steps", "1"]
    process = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, timeout=300)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert not Path("out", "result.json").exists()
    assert folder("--out", "out").exit_code == 0
    assert kept == names([3, 4])
    assert folder("--out", "whole").exit_code == 0
    assert result_of("out") == result_of("whole")


def test_shards_are_one_run(folder: Command, command: Command, kept: list[str]) -> None:
    folder("--out", "whole")
    for out, shard in (("out", "2/2"), ("out", "1/2"), ("first", "1/2"), ("second", "2/2")):
        result = folder("--out", out, "--shard", shard)
        assert result.exit_code == 0, result.output
    assert kept[4:] == names([2, 4, 1, 3, 1, 3, 2, 4])
    assert "Only 2 of 4 items are evaluated." in Path("first", "report.md").read_text(encoding="utf-8")
    expected = result_of("whole")
    assert result_of("out") == expected
    result = command("merge-evaluations", "first", "second", "--out", "merged")
    assert result.exit_code == 0, result.output
    assert result_of("merged") == expected
    for key in names([1, 2, 3, 4]):
        masks = [Path(out, "masks", f"{key}.png").read_bytes() for out in ("whole", "out", "merged")]
        assert len(set(masks)) == 1
    assert "the folder of the data set was not named" in Path("merged", "report.html").read_text(encoding="utf-8")
    again = command("merge-evaluations", "second", "first", "--out", "merged", "--root", "data")
    assert again.exit_code == 0, again.output
    assert result_of("merged") == expected
    assert "There is no picture" not in Path("merged", "report.html").read_text(encoding="utf-8")


def test_shards_of_expressions_and_videos_merge_without_the_data(command: Command, tiny_clip: Path) -> None:
    for benchmark, more in (("refcoco", ()), ("ref-davis", ("--option", "seen=first-frame"))):
        MINIATURES[benchmark](Path(benchmark))
        for out, shard in (("whole", "1/1"), ("1", "1/2"), ("2", "2/2")):
            given = ("--root", benchmark, "--out", f"{benchmark}-{out}", "--shard", shard, *more, *DEMO)
            assert command("evaluate", benchmark, *given).exit_code == 0
        shutil.rmtree(benchmark)
        result = command("merge-evaluations", f"{benchmark}-1", f"{benchmark}-2", "--out", f"{benchmark}-merged")
        assert result.exit_code == 0, result.output
        assert result_of(f"{benchmark}-merged") == result_of(f"{benchmark}-whole")


def test_what_is_not_of_one_evaluation_is_not_merged(folder: Command, command: Command) -> None:
    folder("--out", "one", "--limit", "1")
    folder("--out", "other", "--limit", "1", "--mask-threshold", "0.3")
    result = command("merge-evaluations", "one", "other", "--out", "merged")
    assert result.exit_code == 1
    assert "other cannot be put to the others: prompts.mask_threshold is 0.3 there, and 0.4 here." in result.stderr
    Path("empty").mkdir()
    result = command("merge-evaluations", "empty", "--out", "nothing")
    assert result.exit_code == 1
    assert result.stderr == "Error: empty holds no evaluation: it has no run.json.\n"
    shutil.copytree("one", "changed")
    lines = Path("changed", "items-1-of-1.jsonl")
    lines.write_text(lines.read_text().replace('"n_found":', '"n_found":1'))
    result = command("merge-evaluations", "one", "changed", "--out", "twice")
    assert result.exit_code == 1
    assert "other counts of plot 000001" in result.stderr
    make_voc(Path("voc"))
    result = command("merge-evaluations", "one", "--out", "elsewhere", "--root", "voc")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_workers_find_what_one_process_finds(folder: Command) -> None:
    pytest.importorskip("distributed")
    assert folder("--out", "alone").exit_code == 0
    result = folder("--out", "together", "--workers", "2")
    assert result.exit_code == 0, result.output
    assert result_of("together") == result_of("alone")
    for key in names([1, 2, 3, 4]):
        alone, together = (Path(out, "masks", f"{key}.png").read_bytes() for out in ("alone", "together"))
        assert alone == together


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--mask-threshold", "0.3"), "prompts.mask_threshold is 0.4 there, and 0.3 here"),
        (("--option", "ignored=none"), "options is {} there, and {'ignored': 'none'} here"),
    ],
)
def test_a_folder_holds_one_evaluation(changes: tuple[str, ...], said: str, folder: Command) -> None:
    folder("--out", "out", "--limit", "1")
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    result = folder("--out", "out", *changes)
    assert result.exit_code == 1
    assert result.stderr == f"Error: out holds another evaluation ({said}): choose another folder.\n"
    assert {path: path.read_bytes() for path in before} == before


def test_another_ontology_is_another_evaluation(folder: Command) -> None:
    folder("--out", "out", "--limit", "1")
    ontology = Path("data", "ontology.toml")
    ontology.write_text(ontology.read_text().replace("purple square", "green square"))
    result = folder("--out", "out")
    assert result.exit_code == 1
    assert "classes, queries or distractors of the ontology are others there" in result.stderr


def test_a_damaged_image_does_not_stop_the_others(folder: Command, kept: list[str]) -> None:
    image = next(Path("data", "images").glob("plot 000002.*"))
    content = image.read_bytes()
    image.write_bytes(content[:200])
    result = folder("--out", "out")
    assert result.exit_code == 3, result.output
    assert kept == names([1, 3, 4])
    (failed,) = [line for line in result.stderr.splitlines() if line.startswith("Failed: ")]
    assert failed.startswith("Failed: plot 000002: ")
    assert "Only 3 of 4 items are evaluated." in result.output
    image.write_bytes(content)
    assert folder("--out", "out").exit_code == 0
    assert kept[3:] == names([2])


def test_masks_that_are_damaged_are_listed_too(folder: Command) -> None:
    for path in Path("data", "masks").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    result = folder("--out", "out")
    assert result.exit_code == 3
    assert len([line for line in result.stderr.splitlines() if line.startswith("Failed: ")]) == 4
    assert not Path("out", "report.html").exists()
    assert "The report is" not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("voc", "--root", "nowhere"), "the data set is published at host.robots.ox.ac.uk"),
        (("folder", "--root", "nowhere"), "There is no folder nowhere: a folder to evaluate holds images/ and masks/"),
        (("imagenet", "--root", "data"), "Unknown benchmark 'imagenet'; choose one of voc, voc-20,"),
        (("folder", "--root", "data", "--split", "val"), "Folder has no split val; it has all."),
        (("folder", "--root", "data", "--option", "unit=sentence"), "Folder has no option unit."),
        (("refcoco", "--root", "data", "--option", "unit=word"), "unit cannot be 'word'; choose one of object, sent"),
        (("folder", "--root", "data", "--option", "unit"), "--option unit: write it as key=value."),
        (("folder", "--root", "data", "--option", "ignored=-1"), "ignored=-1: write a value of the masks, or none."),
        (("folder", "--root", "data", "--shard", "3/2"), "There is no share 3 of 2"),
        (("folder", "--root", "data", "--shard", "half"), "'half' is no share"),
        (("folder", "--root", "data", "--option", "ontology=x.toml"), "x.toml"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(
    arguments: tuple[str, ...], said: str, folder: Command, command: Command, tiny_clip: Path
) -> None:
    result = command("evaluate", *arguments, "--out", "out", *fast_options(tiny_clip))
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path("out").exists()


def test_networks_that_are_missing_are_said_before_anything_is_written(command: Command) -> None:
    make_refcoco(Path("data"))
    result = command("evaluate", "refcoco", "--root", "data", "--out", "out")
    assert result.exit_code == 1
    assert "is not on disk" in result.stderr
    assert not Path("out").exists()


def test_a_full_disk_ends_the_evaluation_and_loses_nothing(
    folder: Command, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def fill_up(descriptor: int) -> None:
        if len(kept) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fill_up)
        result = folder("--out", "out")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "disk is full" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert folder("--out", "out").exit_code == 0
    assert kept == names([1, 2, 3, 4])


def test_a_folder_that_cannot_be_written(folder: Command) -> None:
    Path("file").write_text("")
    result = folder("--out", Path("file", "out"))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {Path('file', 'out', 'run.json')} cannot be written: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_shard_is_evaluated_by_one_program_at_a_time(folder: Command, kept: list[str]) -> None:
    folder("--out", "out", "--shard", "1/2")
    with ShardWriter(Path("out"), Shard(1, 2)):
        result = folder("--out", "out", "--shard", "1/2")
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: Another program evaluates share 1 of 2 in out: wait for it, or take another share.\n"
        )
        assert folder("--out", "out", "--shard", "2/2").exit_code == 0
    assert kept == names([1, 3, 2, 4])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "run.json cannot be read"),
        ('{"format": "napari-car-evaluation", "version": 1}', "run.json cannot be read: a part of it is missing"),
        ('{"format": "napari-car-evaluation", "version": 9}', "it was written by another napari-car"),
        ("[]", "it is not the record of an evaluation"),
    ],
)
def test_records_that_are_damaged_are_refused(content: str, said: str, folder: Command) -> None:
    Path("out").mkdir()
    Path("out", "run.json").write_text(content)
    result = folder("--out", "out")
    assert result.exit_code == 1
    assert said in result.stderr
    assert Path("out", "run.json").read_text() == content
