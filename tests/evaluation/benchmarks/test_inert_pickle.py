"""Pickles are read, and nothing in them is run."""

import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.evaluation.benchmarks.inert_pickle import read_inert_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


class Attack:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@settings(max_examples=40, deadline=None)
@given(value=PLAIN, protocol=st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_read(value: Any, protocol: int) -> None:
    assert read_inert_pickle(pickle.dumps(value, protocol=protocol)) == value


def test_texts_of_python_2_are_read() -> None:
    content = b"(lp0\n(dp1\nS'raw'\np2\nS'caf\\xe9'\np3\nsS'ref_id'\np4\nL12L\nsS'sent'\np5\nVcaf\\u00e9\np6\nsa."
    assert read_inert_pickle(content) == [{"raw": "café", "ref_id": 12, "sent": "café"}]
    assert read_inert_pickle(b"\x80\x02]q\x00U\x03abcq\x01a.") == ["abc"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_command_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    content = pickle.dumps([{"ref_id": 1}, Attack(f"touch {trace}")], protocol=protocol)
    with pytest.raises(ValueError, match=r"asks for the program code .*\.system, which is not run"):
        read_inert_pickle(content)
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists()  # it would have been run


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'touch {}'\ntR.",  # GLOBAL, REDUCE
        b"(S'touch {}'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'touch {}'\no.",  # OBJ
        b"\x80\x02cos\nsystem\nU\x00\x85\x81.",  # NEWOBJ
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",  # STACK_GLOBAL
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"cbuiltins\nlist\n.",  # nothing at all can be named
        b"P1\n.",  # an object outside of the file
        b"\x80\x02\x82\x01.",  # EXT1
    ],
)
def test_no_way_to_run_code_is_open(tmp_path: Path, content: bytes) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(ValueError, match=r"\w"):
        read_inert_pickle(content.replace(b"{}", str(trace).encode()))
    assert not trace.exists()


def test_pickles_cut_short_are_refused() -> None:
    content = pickle.dumps([{"ref_id": 1, "raw": "a cat"}], protocol=2)
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"\w"):
            read_inert_pickle(content[:length])


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(ValueError):
        read_inert_pickle(content)
