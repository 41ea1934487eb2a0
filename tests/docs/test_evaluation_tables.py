"""The page on the paper: each command of its table reads its data set and is compared with the figure beside it."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from evaluation_tables import FOLDERS, benchmark_layouts, benchmark_options, paper_commands

from napari_car.cli.app import app
from napari_car.cli.evaluation import Evaluation, EvaluationOutcome, open_benchmark
from napari_car.evaluation.benchmarks.catalogue import BENCHMARKS

ROWS = re.findall(r"^\| (.+) \| `napari-car (.+)` \| (.+) \|$", paper_commands(), re.MULTILINE)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Evaluation]:
    """Evaluations that were asked for; their data sets are opened, and nothing is computed."""
    found: list[Evaluation] = []

    def run(evaluation: Evaluation, out: Path, n_worst: int) -> EvaluationOutcome:
        assert open_benchmark(evaluation.entry, evaluation.root, evaluation.split, evaluation.options).samples
        found.append(evaluation)
        return EvaluationOutcome()

    monkeypatch.setattr(Evaluation, "run", run)
    return found


def test_commands_are_compared_with_the_figures_beside_them(workplace, opened: list[Evaluation]) -> None:
    workplace.add_benchmarks()
    outs = set()
    for title, command, said in ROWS:
        words = shlex.split(command)
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        evaluation = opened[-1]
        assert evaluation.entry.title == title
        assert evaluation.preset == evaluation.entry.preset
        for metric, value in re.findall(r"(\S+) (\d+\.\d\d)", said):
            figure = evaluation.entry.figure(evaluation.split, metric, with_sam=evaluation.config.sam.enabled)
            assert figure == float(value)
        for option, wanted in evaluation.entry.released_options.items():
            assert evaluation.options[option] == wanted
        outs.add(words[words.index("--out") + 1])
    assert len(outs) == len(ROWS) == len(opened)


def test_no_figure_is_missing() -> None:
    n_figures = sum(len(re.findall(r"\d+\.\d\d", said)) for _, _, said in ROWS)
    assert n_figures == sum(len(entry.figures) for entry in BENCHMARKS.values())
    assert n_figures > 20


def test_every_data_set_has_a_folder_and_a_source() -> None:
    assert FOLDERS.keys() == BENCHMARKS.keys() - {"folder"}
    layouts = benchmark_layouts()
    for name, folder in FOLDERS.items():
        (row,) = [line for line in layouts.splitlines() if f"`{name}`" in line]
        assert f"| `{folder}` | The folder of " in row
        assert "is published at " in row
    for name, entry in BENCHMARKS.items():
        (row,) = [line for line in benchmark_options().splitlines() if line.startswith(f"| `{name}` |")]
        assert all(f"`{option}`" in row for option in (*entry.choices, *entry.splits, entry.preset))
