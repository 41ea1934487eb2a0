"""``napari-car evaluate --experiment``: variants side by side, and the distractor curve."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_miniatures import MINIATURES, SemanticMiniature, make_folder, make_refcoco, make_voc
from command_line import Command
from PIL import Image
from random_clip import random_model, write_folder

from napari_car.cli import distractor_curve, experiment
from napari_car.evaluation.curve import N_ABSENT, Setting
from napari_car.evaluation.distractors import DistractorPool
from napari_car.evaluation.experiments import EXPERIMENTS

FAST = ("--set", 'classifier.templates=["{}"]', "--crf-backend", "none")
TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="session")
def other_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network than the tiny one."""
    return write_folder(tmp_path_factory.mktemp("other") / "clip", TINY, random_model(TINY).state_dict())


@pytest.fixture
def folder(command: Command, tmp_path: Path) -> SemanticMiniature:
    """A folder of data in ``data``."""
    return make_folder(tmp_path / "data")


def read_json(path: Path | str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_items(folder: Path) -> dict[str, Any]:
    """Return the records of an evaluation by key, without what differs from run to run."""
    lines = [line for path in folder.glob("items-*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    records = [json.loads(line) for line in lines]
    return {record["key"]: (record["counts"], record["n_steps"]) for record in records}


class TestAblations:
    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_each_runs_end_to_end(self, name: str, command: Command, tiny_clip: Path, other_clip: Path) -> None:
        make_voc(Path("data"))
        networks = ("--f", tiny_clip, "--g", other_clip)
        result = command(
            "evaluate", "voc", "--root", "data", "--out", "out", "--experiment", name, "--limit", 1, *networks, *FAST
        )
        assert result.exit_code == 0, result.output
        report = read_json("out/experiment.json")
        variants = EXPERIMENTS[name].benchmarks.get("voc", EXPERIMENTS[name].variants)
        assert [item["name"] for item in report["variants"]] == [variant.name for variant in variants]
        for item, variant in zip(report["variants"], variants, strict=True):
            own = read_json(f"out/{variant.name}/result.json")
            assert own["run"]["variant"] == f"{name}/{variant.name}"
            assert own["scores"][0]["value"] == item["value"]
            paper = variant.paper.get("voc")
            assert own["scores"][0]["paper"] == item["paper"] == (None if paper is None else paper / 100)
            assert {key: str(value) for key, value in item["changes"].items()}.keys() >= variant.changes.keys()
        values = [item["value"] for item in report["variants"]]
        is_best = [len(set(values)) > 1 and value == max(values) for value in values]
        assert [item["is_best"] for item in report["variants"]] == is_best
        page, text = Path("out/report.html").read_text("utf-8"), Path("out/report.md").read_text("utf-8")
        assert all(variant.title in page and variant.title in text for variant in variants)
        assert EXPERIMENTS[name].table in text
        assert "Only 1 of 3 items" in result.output
        assert "The paper's g is ViT-L-14/openai, and this one is" in result.output
        if name == "backbones":
            assert "The paper's g is ViT-B-16/openai" in Path("out/large-small/report.md").read_text("utf-8")

    def test_networks_change_places(self, command: Command, tiny_clip: Path, other_clip: Path) -> None:
        make_folder(Path("data"))
        options = ("--root", "data", "--limit", 1, *FAST)
        networks = ("--f", tiny_clip, "--g", other_clip)
        command("evaluate", "folder", *options, *networks, "--out", "out", "--experiment", "backbones")
        variants = {item["name"]: item for item in read_json("out/experiment.json")["variants"]}
        hashes = {name: (item["f"]["sha256"], item["g"]["sha256"]) for name, item in variants.items()}
        small, large = hashes["small-large"]
        assert small != large
        assert hashes == {
            "small-small": (small, small),
            "small-large": (small, large),
            "large-small": (large, small),
            "large-large": (large, large),
        }
        command("evaluate", "folder", *options, "--f", other_clip, "--g", tiny_clip, "--out", "plain")
        assert read_items(Path("out/large-small")) == read_items(Path("plain"))

    @pytest.mark.usefixtures("folder")
    def test_numbers_are_those_of_a_plain_evaluation(self, command: Command) -> None:
        options = ("evaluate", "folder", "--root", "data", "--preset", "demo", *FAST)
        assert command(*options, "--out", "out", "--experiment", "recurrence").exit_code == 0
        command(*options, "--out", "once", "--max-steps", 1)
        command(*options, "--out", "until-stable")
        assert read_items(Path("out/without-recurrence")) == read_items(Path("once"))
        assert read_items(Path("out/with-recurrence")) == read_items(Path("until-stable"))
        assert read_items(Path("once")) != read_items(Path("until-stable"))
        compared = {item["name"]: item["scores"] for item in read_json("out/experiment.json")["variants"]}
        plain = {score["name"]: score["value"] for score in read_json("once/result.json")["scores"]}
        assert compared["without-recurrence"] == plain

    @pytest.mark.usefixtures("folder")
    def test_it_goes_on_and_shards_make_a_whole(
        self, command: Command, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done: list[tuple[str, str]] = []
        real = experiment.evaluate_item

        def noted(segmenter: Any, benchmark: Any, sample: Any, config: Any) -> Any:
            done.append((sample.key, config.proposals.method))
            return real(segmenter, benchmark, sample, config)

        monkeypatch.setattr(experiment, "evaluate_item", noted)
        options = ("evaluate", "folder", "--root", "data", "--experiment", "cam", "--model", tiny_clip, *FAST)
        command(*options, "--out", "out", "--limit", 1)
        (Path("out") / "grad-cam" / "items-1-of-1.jsonl").unlink()
        assert done == [("plot 000001", "clip-es"), ("plot 000001", "grad-cam")]
        command(*options, "--out", "out")
        assert len(done) == len(set(done)) + 1 == 2 * 4 + 1
        assert done[2:4] == [("plot 000001", "grad-cam"), ("plot 000002", "clip-es")]
        for shard in ("1/2", "2/2"):
            command(*options, "--out", "shards", "--shard", shard)
        assert read_json("shards/experiment.json") == read_json("out/experiment.json")
        assert read_json("out/experiment.json")["n_compared"] == 4
        command(*options, "--out", "out", "--set", "proposals.box_threshold=0.4")
        refused = command(*options, "--out", "out", "--set", "proposals.box_threshold=0.5")
        assert refused.exit_code == 1
        assert "another evaluation (proposals.box_threshold is" in refused.output

    @pytest.mark.usefixtures("folder")
    def test_items_that_some_variants_lack_are_not_compared(self, command: Command, tiny_clip: Path) -> None:
        options = ("evaluate", "folder", "--root", "data", "--experiment", "cam", "--model", tiny_clip, *FAST)
        command(*options, "--out", "out")
        items = Path("out/grad-cam/items-1-of-1.jsonl")
        items.write_text("".join(items.read_text("utf-8").splitlines(keepends=True)[:3]), encoding="utf-8")
        (Path("data") / "masks" / "plot 000004.tif").write_bytes(b"no TIFF")
        result = command(*options, "--out", "out")
        assert result.exit_code == 3
        assert result.output.count("plot 000004") == 2  # once in the name of the file
        assert read_json("out/experiment.json")["n_compared"] == 3

    def test_referring_and_video_benchmarks_have_experiments(self, command: Command, tiny_clip: Path) -> None:
        for name, choice in (("refcoco", "unit=sentence"), ("ref-davis", "seen=first-frame")):
            MINIATURES[name](Path(name))
            options = ("--experiment", "cam", "--limit", 1, "--model", tiny_clip, "--option", choice, *FAST)
            result = command("evaluate", name, "--root", name, "--out", f"{name}-out", *options)
            assert result.exit_code == 0, result.output
        assert read_json("refcoco-out/experiment.json")["variants"][0]["score"] == "mIoU"
        assert read_json("ref-davis-out/experiment.json")["variants"][0]["score"] == "J&F"

    @pytest.mark.usefixtures("folder")
    def test_one_network_cannot_change_places(self, command: Command) -> None:
        result = command(
            "evaluate", "folder", "--root", "data", "--out", "out", "--preset", "demo", "--experiment", "backbones"
        )
        assert result.exit_code == 1
        assert "exchanges f and g, but both are demo: name two networks with --f and --g." in result.output
        assert not Path("out").exists()

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("name", ["cam", "distractors"])
    def test_workers_are_refused(self, name: str, command: Command) -> None:
        options = ("--preset", "demo", "--experiment", name, "--workers", 2)
        result = command("evaluate", "folder", "--root", "data", "--out", "out", *options)
        assert result.exit_code == 2
        assert "leave out --workers and --scheduler" in result.output
        assert not Path("out").exists()


@pytest.fixture
def few_distractors(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most twenty."""
    settings = [setting for setting in distractor_curve.SETTINGS if setting.n_absent <= 20]
    monkeypatch.setattr(distractor_curve, "SETTINGS", tuple(settings))


class TestDistractors:
    OPTIONS = ("evaluate", "folder", "--root", "data", "--experiment", "distractors")

    @pytest.mark.usefixtures("folder")
    def test_it_runs_end_to_end(self, command: Command, tiny_clip: Path) -> None:
        result = command(*self.OPTIONS, "--out", "out", "--limit", 1, "--model", tiny_clip, *FAST)
        assert result.exit_code == 0, result.output
        report = read_json("out/experiment.json")
        points = [(point["n_absent"], point["recurs"]) for point in report["points"]]
        assert points == [(count, recurs) for count in N_ABSENT for recurs in (True, False)]
        assert [point["n_asked"] for point in report["points"]] == [count for count in N_ABSENT for _ in range(2)]
        svg, page = Path("out/curve.svg").read_text("utf-8"), Path("out/report.html").read_text("utf-8")
        assert svg in page
        assert "| without | 200 |" in Path("out/report.md").read_text("utf-8")
        assert "200 absent, without recurrence: mIoU" in result.output

    @pytest.mark.usefixtures("few_distractors")
    def test_numbers_are_those_of_the_predictions(
        self, folder: SemanticMiniature, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(DistractorPool, "ask", _recorded(DistractorPool.ask, asked := {}))
        # θ is so low that distractors are found
        result = command(*self.OPTIONS, "--out", "out", "--preset", "demo", *FAST, "--score-threshold", 0.002)
        assert "1 image shows none of the classes and is left out." in result.output
        report = read_json("out/experiment.json")
        assert (report["n_images"], report["n_blank"]) == (3, 1)
        for point in report["points"]:
            store = Path("out") / Setting(n_absent=point["n_absent"], recurs=point["recurs"]).name
            predictions = {path.stem: np.asarray(Image.open(path)) for path in (store / "masks").glob("*.png")}
            assert set(predictions) == set(folder.truths)
            shown = {key: truth for key, truth in folder.truths.items() if (truth > 0).any()}
            assert point["mean_iou"] == pytest.approx(_mean_iou(shown, predictions))
            records = [record for record, _ in read_items(store).values() if record["presence"]["items"]]
            counts = [record["presence"]["items"][0] for record in records]
            assert len(counts) == 3
            assert all(item["n_asked"] - item["n_present"] == point["n_absent"] for item in counts)
            n_both, n_found = (sum(item[name] for item in counts) for name in ("n_both", "n_found"))
            assert point["precision"] == n_both / n_found
            assert point["recall"] == n_both / sum(len(np.unique(truth[truth > 0])) for truth in shown.values())
        assert any(point["false_alarm_rate"] for point in report["points"])
        for (key, count), (there, queries) in asked.items():
            assert there.isdisjoint(queries[len(there) :]), (key, count)

    @pytest.mark.usefixtures("folder", "few_distractors")
    def test_it_goes_on(self, command: Command, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        options = (*self.OPTIONS, "--out", "out", "--model", tiny_clip, *FAST)
        command(*options, "--limit", 2)
        assert "Only 2 of 4 items" in command(*options, "--limit", 2).output
        asked: dict[Any, Any] = {}
        monkeypatch.setattr(DistractorPool, "ask", _recorded(DistractorPool.ask, asked))
        assert command(*options).exit_code == 0
        assert {key for key, _ in asked} == {"plot 000003", "plot 000004"}

    @pytest.mark.usefixtures("folder")
    def test_a_pool_that_ends_is_said(self, command: Command, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(distractor_curve, "SETTINGS", (Setting(n_absent=2000, recurs=True),))
        monkeypatch.setattr("napari_car.evaluation.distractors._names_without", lambda _: ())
        result = command(*self.OPTIONS, "--out", "out", "--limit", 1, "--model", tiny_clip, *FAST)
        assert "With K = 2000 there were only 1.0 absent queries to ask for, in the mean." in result.output

    def test_expressions_are_no_classes(self, command: Command, tiny_clip: Path) -> None:
        make_refcoco(Path("data"))
        result = command(
            "evaluate", "refcoco", "--root", "data", "--out", "out", "--experiment", "distractors", "--model", tiny_clip
        )
        assert result.exit_code == 1
        assert "RefCOCO has expressions instead of classes" in result.output

    @pytest.mark.usefixtures("few_distractors")
    def test_frames_of_davis(self, command: Command) -> None:
        MINIATURES["davis-frames"](Path("davis"))
        Path("names.toml").write_text('solo = "red square"\n', encoding="utf-8")
        options = ("evaluate", "davis-frames", "--root", "davis", "--preset", "demo", *FAST)
        chosen = ("--option", "names=names.toml", "--option", "every=2")
        plain = command(*options, *chosen, "--out", "plain")
        assert "2 items evaluated" in plain.output
        assert read_json("plain/result.json")["scores"][0]["value"] > 0.8
        result = command(*options, *chosen, "--out", "out", "--experiment", "distractors")
        assert result.exit_code == 0, result.output
        assert read_json("out/experiment.json")["points"][0]["mean_iou"] > 0.8
        wrong = command(*options, "--option", "every=often", "--out", "wrong")
        assert "every=often: write a whole number." in wrong.output


def _recorded(ask: Callable[..., Any], asked: dict[Any, Any]) -> Callable[..., Any]:
    """Return the method with a record of what it was asked: the classes that are there, and all queries."""

    def recorded(self: DistractorPool, key: str, truth: Any, n_absent: int) -> Any:
        found = ask(self, key, truth, n_absent)
        names = {item.id: item.query.key for item in self._benchmark.classes}
        there = {names[id_] for id_ in np.unique(truth) if id_ > 0}
        asked[key, n_absent] = (there, [query.key for query in found.queries])
        return found

    return recorded


def _mean_iou(truths: dict[str, Any], predictions: dict[str, Any]) -> float:
    """Return the mean IoU over the classes that have ground truth and background, pixel by pixel."""
    true = np.concatenate([truth.ravel() for truth in truths.values()])
    found = np.concatenate([predictions[key].ravel() for key in truths])
    found, true = found[true >= 0], true[true >= 0]
    return float(
        np.mean(
            [((true == id_) & (found == id_)).sum() / ((true == id_) | (found == id_)).sum() for id_ in np.unique(true)]
        )
    )
