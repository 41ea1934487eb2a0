"""gRefCOCO, read from miniatures."""

from pathlib import Path

import numpy as np
import pytest
from benchmark_miniatures import make_gres

from napari_car.errors import ConfigError, DocumentError
from napari_car.evaluation.benchmarks.gres import open_gres


@pytest.mark.parametrize("as_json", [False, True])
def test_items_are_what_was_drawn(tmp_path: Path, as_json: bool) -> None:
    made = make_gres(tmp_path, as_json=as_json)
    for split, expected in made.sentences.items():
        union, first = open_gres(tmp_path, split=split), open_gres(tmp_path, split=split, targets="first")
        assert [sample.key for sample in union.samples] == list(expected)
        for sample, other in zip(union.samples, first.samples, strict=True):
            item = expected[sample.key]
            assert sample.expressions == other.expressions == item.expressions
            assert sample.has_target == other.has_target == item.truth.any()
            assert np.array_equal(sample.read_truth(), item.truth)
            assert np.array_equal(other.read_truth(), item.released)


def test_expressions_stay_as_they_are_written(tmp_path: Path) -> None:
    make_gres(tmp_path)
    texts = [sample.expressions for sample in open_gres(tmp_path).samples]
    assert texts == [("Red square",), ("both Squares",), ("purple square",), ('a "cat"',), ("blue square",)]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"There is no file .*grefs\(unc\)\.p: .* or grefs\(unc\)\.json.*GRES"):
        open_gres(tmp_path)
    with pytest.raises(ConfigError, match="gRefCOCO has no split test; it has val, testA"):
        open_gres(tmp_path, split="test")


def test_json_cut_short_is_refused(tmp_path: Path) -> None:
    made = make_gres(tmp_path, as_json=True)
    made.refs_file.write_bytes(made.refs_file.read_bytes()[:100])
    with pytest.raises(DocumentError, match=r"grefs\(unc\)\.json cannot be read"):
        open_gres(tmp_path)
