"""The ablations as data, distractors, and what reports say of them."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from benchmark_miniatures import FOLDER_IDS, MINIATURES, make_folder

from napari_car.config import CaRConfig
from napari_car.errors import ConfigError
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS
from napari_car.evaluation.benchmarks.semantic import SemanticBenchmark
from napari_car.evaluation.curve import N_ABSENT, Curve, Point, Setting
from napari_car.evaluation.curve_plot import draw_curve
from napari_car.evaluation.distractors import ELSEWHERE, Asked, DistractorPool, with_elsewhere
from napari_car.evaluation.experiment_page import ExperimentPage
from napari_car.evaluation.experiments import EXPERIMENTS, check_networks, find_figure, find_roles, variant_id
from napari_car.evaluation.run_header import RunHeader
from napari_car.presets import BACKGROUND_LISTS, find_preset
from napari_car.results import CheckpointIdentity

SEMANTIC = ("voc", "coco-object", "context-59", "context-459", "ade-150", "ade-847", "folder", "davis-frames")


class TestGrids:
    @pytest.mark.parametrize("name", EXPERIMENTS)
    @pytest.mark.parametrize("benchmark", BENCHMARKS)
    def test_variants_can_be_for_every_benchmark(self, name: str, benchmark: str) -> None:
        config = find_preset(BENCHMARKS[benchmark].preset).config
        variants = EXPERIMENTS[name].find_variants(benchmark, config)
        assert len({variant.name for variant in variants}) == len(variants) > 1
        assert len({(variant.apply(config), variant.networks) for variant in variants}) == len(variants)

    def test_the_presets_of_the_paper_are_among_the_thresholds(self) -> None:
        for benchmark, paper in (("voc", 67.6), ("coco-object", 36.6)):
            config = find_preset(BENCHMARKS[benchmark].preset).config
            (same,) = [item for item in EXPERIMENTS["thresholds"].benchmarks[benchmark] if item.apply(config) == config]
            assert same.paper == {benchmark: paper}

    def test_thresholds_of_other_benchmarks_are_shifted_within_their_bounds(self) -> None:
        config = find_preset("gres").config  # its θ is 0
        variants = EXPERIMENTS["thresholds"].find_variants("gres", config)
        rows = [
            (changed.prompts.mask_threshold, changed.recurrence.score_threshold, changed.proposals.box_threshold)
            for changed in (variant.apply(config) for variant in variants)
        ]
        assert rows == [(0.5, 0, 0.3), (0.4, 0, 0.3), (0.6, 0, 0.3), (0.5, 0.1, 0.3), (0.5, 0, 0.2), (0.5, 0, 0.4)]

    def test_prompts_are_alone_and_in_pairs(self) -> None:
        kinds = [variant.changes["prompts.kinds"] for variant in EXPERIMENTS["prompts"].variants]
        assert [len(chosen) for chosen in kinds] == [1] * 5 + [2] * 10
        assert all(
            variant.changes["mutual_background.stuff_prompts"] in kinds for variant in EXPERIMENTS["prompts"].variants
        )

    def test_backgrounds_are_all_sets_of_the_papers_groups(self) -> None:
        variants = EXPERIMENTS["backgrounds"].variants
        sets = [frozenset(variant.changes["proposals.background_lists"]) for variant in variants]
        assert len(set(sets)) == len(sets) == 2**3 + 1
        assert set().union(*sets) == set(BACKGROUND_LISTS)
        assert variants[0].changes["proposals.background_words"] == ("None",)

    def test_figures_are_those_whose_row_is_certain(self) -> None:
        def figures(experiment: str, benchmark: str) -> list[float]:
            found = EXPERIMENTS[experiment]
            variants = found.benchmarks.get(benchmark, found.variants)
            values = [find_figure(variant_id(experiment, variant.name), benchmark) for variant in variants]
            return [value for value in values if value is not None]

        assert figures("recurrence", "voc") == [67.6, 15.2]
        assert figures("cam", "voc") == [67.6, 41.1]
        assert figures("backbones", "voc") == [54.1, 67.6, 50.6, 57.6]
        assert figures("backbones", "coco-object") == [15.9, 36.6, 14.1, 32.5]
        assert figures("prompts", "voc") == [61.8, 67.6]
        assert figures("thresholds", "voc") == [67.0, 67.6, 67.0, 67.4, 67.5, 67.3, 67.0]
        assert figures("thresholds", "coco-object") == [35.4, 36.1, 35.8, 36.6, 35.9, 36.3, 36.0]
        assert figures("backgrounds", "voc") == [64.3, 67.6]
        assert not any(figures(name, "folder") for name in EXPERIMENTS)
        assert find_figure("distractors/5-absent-with-recurrence", "voc") is None

    def test_roles_are_those_of_the_variant(self) -> None:
        assert find_roles("backbones/large-small", "voc") == ("g", "f")
        assert find_roles("cam/grad-cam", "voc") == find_roles("", "voc") == find_roles("cam/other", "x") == ("f", "g")

    def test_the_exchange_needs_two_networks(self) -> None:
        check_networks(EXPERIMENTS["backbones"], "small", "large")
        check_networks(EXPERIMENTS["cam"], "demo", "demo")
        with pytest.raises(ConfigError, match="both are demo: name two networks with --f and --g"):
            check_networks(EXPERIMENTS["backbones"], "demo", "demo")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SemanticBenchmark]:
    def open_miniature(name: str) -> SemanticBenchmark:
        folder = tmp_path_factory.mktemp(name)
        MINIATURES[name](folder)
        benchmark = BENCHMARKS[name].open(folder)
        assert isinstance(benchmark, SemanticBenchmark)
        return benchmark

    return open_miniature


class TestDistractors:
    @pytest.mark.parametrize("name", SEMANTIC)
    def test_they_are_never_there_and_fewer_are_the_first_of_more(
        self, name: str, opened: Callable[[str], SemanticBenchmark]
    ) -> None:
        benchmark, config = opened(name), find_preset(BENCHMARKS[name].preset).config
        pool = DistractorPool(benchmark, config)
        for sample in benchmark.samples:
            truth = sample.read_truth()
            there = {item.query.key for item in benchmark.classes if (truth == item.id).any()}
            asked = [pool.ask(sample.key, truth, count) for count in N_ABSENT]
            assert [item.n_absent for item in asked] == list(N_ABSENT)
            for item, longer in pairwise(asked):
                assert item.queries == longer.queries[: len(item.queries)]
            keys = [query.key for query in asked[-1].queries]
            assert set(keys[: asked[-1].n_present]) == there
            assert there.isdisjoint(keys[asked[-1].n_present :])
            assert len(set(keys)) == len(keys)

    def test_own_classes_come_first(self, opened: Callable[[str], SemanticBenchmark]) -> None:
        benchmark = opened("voc")
        pool = DistractorPool(benchmark, CaRConfig())
        sample = benchmark.samples[0]
        asked = pool.ask(sample.key, sample.read_truth(), 50)
        own = {item.id for item in benchmark.classes}
        assert set(asked.ids[: len(own)]) == own
        assert set(asked.ids[len(own) :]) == {21}
        extended = with_elsewhere(benchmark)
        assert (extended.classes[-1].id, extended.classes[-1].name) == (21, ELSEWHERE)

    def test_images_have_distractors_of_their_own_and_always_the_same(
        self, opened: Callable[[str], SemanticBenchmark]
    ) -> None:
        benchmark = opened("voc")
        truth = np.zeros((4, 4), dtype=np.int32)

        def ask(key: str) -> list[str]:
            return [query.text for query in DistractorPool(benchmark, CaRConfig()).ask(key, truth, 5).queries]

        assert ask("a") == ask("a") != ask("b")
        assert ask("a") == ["cat", "horse", "boat", "bus", "bottle"]  # on every machine, with every numpy

    def test_names_from_elsewhere_share_no_word_with_a_class_or_a_background_query(
        self, opened: Callable[[str], SemanticBenchmark]
    ) -> None:
        benchmark = opened("voc")
        texts = {query.text for query in DistractorPool(benchmark, CaRConfig()).elsewhere}
        assert {"towel", "keyboard", "umbrella"} <= texts
        # a class, a synonym of one, one in the plural, words in common, a kind, and what competes anyway
        assert texts.isdisjoint(
            {"car", "auto", "sheep", "chairs", "swivel chair", "pool table", "table", "animal", "sky"}
        )
        assert "sky" in {query.text for query in DistractorPool(benchmark, _without_background()).elsewhere}

    def test_more_than_there_are_is_less(self, opened: Callable[[str], SemanticBenchmark]) -> None:
        benchmark = opened("folder")
        pool = DistractorPool(benchmark, CaRConfig())
        truth = np.full((2, 2), FOLDER_IDS["red"], dtype=np.int32)
        asked = pool.ask("any", truth, 5000)
        assert (asked.n_present, asked.n_absent) == (1, len(benchmark.classes) - 1 + len(pool.elsewhere))

    def test_nothing_may_be_there(self, opened: Callable[[str], SemanticBenchmark]) -> None:
        asked = DistractorPool(opened("folder"), CaRConfig()).ask("any", np.zeros((2, 2), dtype=np.int32), 0)
        assert asked == Asked(queries=(), ids=(), n_present=0)


def _without_background() -> CaRConfig:
    return CaRConfig().changed({"proposals.background_lists": ()})


class TestReports:
    def curve(self, n_asked: float = 200.0) -> Curve:
        network = CheckpointIdentity("demo", "ViT", "0" * 64, "float32", "cpu")
        header = RunHeader(
            benchmark="folder", split="all", options={}, n_items=9, preset="demo", config=CaRConfig(), f=network,
            g=network, sam=None, versions={},
        )  # fmt: skip
        points = [
            Point(
                n_absent=setting.n_absent,
                recurs=setting.recurs,
                n_asked=min(n_asked, setting.n_absent),
                mean_iou=0.5,
                precision=None if setting.n_absent == 0 else 0.75,
                recall=1.0,
                false_alarm_rate=0.25,
                seconds=0.375,
                n_steps=1.5,
            )
            for setting in (Setting(n_absent=count, recurs=recurs) for count in N_ABSENT for recurs in (True, False))
        ]
        return Curve(header=header, title="A & B", n_images=7, n_blank=1, has_background=True, points=tuple(points))

    def test_the_plot_is_an_svg_with_a_mark_for_each_point(self) -> None:
        root = ET.fromstring(draw_curve(self.curve()))
        space = "{http://www.w3.org/2000/svg}"
        assert root.find(f"{space}title").text == "A & B: scores with absent queries"  # type: ignore[union-attr]
        marks = [mark for mark in root.iter(f"{space}circle") if "mark" in mark.get("class", "")]
        assert len(marks) == 2 + (4 * 10 - 2)  # the key, and all points but those without precision
        assert "time per image (s)" in [text.text for text in root.iter(f"{space}text")]
        heights = [float(mark.get("cy", "nan")) for mark in marks[2:12]]
        assert heights == [95.0] * 10

    def test_a_pool_that_ends_and_images_without_classes_are_said(self) -> None:
        assert self.curve().warnings == (
            "Only 8 of 9 items are evaluated.",
            "1 image shows none of the classes and is left out.",
        )
        said = self.curve(n_asked=33.5).warnings[-2:]
        assert said == (
            "With K = 50 there were only 33.5 absent queries to ask for, in the mean.",
            "With K = 200 there were only 33.5 absent queries to ask for, in the mean.",
        )

    def test_the_table_has_a_row_for_each_point(self) -> None:
        text = self.curve().make_page("<svg/>", "curve.svg").to_markdown()
        assert "| without | 200 | 50.00 | 75.00 | 100.00 | 25.00 | 0.375 | 1.50 |" in text
        assert "| with | 0 | 50.00 | – |" in text
        assert "![A & B, all: distractors](curve.svg)" in text

    def test_cells_stay_in_their_row(self) -> None:
        page = ExperimentPage(
            title="t", sentences=("s",), warnings=("w",), columns=("a", "b"), n_text_columns=1,
            rows=(("x|y", "1"), ("*z*", "2")), best_rows=frozenset([1]), notes=(),
        )  # fmt: skip
        assert page.to_markdown() == (
            "# t\n\ns\n\n**w**\n\n| a | b |\n| --- | ---: |\n| x\\|y | 1 |\n| **\\*z\\*** | **2** |\n"
        )


def test_a_miniature_has_an_image_that_shows_no_class(tmp_path: Path) -> None:
    truths = make_folder(tmp_path).truths
    assert [key for key, truth in truths.items() if not (truth > 0).any()] == ["plot 000003"]
