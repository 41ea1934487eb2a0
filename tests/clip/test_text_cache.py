"""The cache of text embeddings, in memory and on disk."""

import logging
import sqlite3
import threading
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from napari_car.clip import text_cache
from napari_car.clip.text_cache import TextCache, default_cache_file


def rows(*texts: str) -> dict[str, np.ndarray]:
    return {text: np.full(4, len(text), dtype=np.float32) for text in texts}


def n_rows_on_disk(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT COUNT(*) FROM texts").fetchone()[0]
    finally:
        connection.close()


def test_default_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_CAR_CACHE", str(tmp_path))
    assert default_cache_file() == tmp_path / "texts.sqlite"
    monkeypatch.delenv("NAPARI_CAR_CACHE")
    assert default_cache_file() == Path(platformdirs.user_cache_dir("napari-car", appauthor=False)) / "texts.sqlite"


@pytest.mark.parametrize("on_disk", [True, False])
def test_round_trip(on_disk: bool, tmp_path: Path) -> None:
    cache = TextCache("sha", tmp_path / "a" / "b" / "texts.sqlite" if on_disk else None)
    assert cache.get(["one"]) == {}
    cache.put(rows("one", "three"))
    cache.put({})
    found = cache.get(["three", "one", "none", "one"])
    assert found.keys() == {"one", "three"}
    assert np.array_equal(found["three"], np.full(4, 5, dtype=np.float32))
    assert cache.get([]) == {}


@pytest.mark.parametrize("text", ["", "🐈", "a\0b", "x" * 100_000, "'; DROP TABLE texts; --", "猫 "])
def test_any_text_is_a_key(text: str, tmp_path: Path) -> None:
    TextCache("sha", tmp_path / "texts.sqlite").put(rows(text, "other"))
    found = TextCache("sha", tmp_path / "texts.sqlite").get([text])
    assert np.array_equal(found[text], np.full(4, len(text), dtype=np.float32))


def test_numbers_are_kept_exactly(tmp_path: Path) -> None:
    row = np.random.default_rng(0).normal(size=768).astype(np.float32)
    TextCache("sha", tmp_path / "texts.sqlite").put({"cat": row})
    found = TextCache("sha", tmp_path / "texts.sqlite").get(["cat"])["cat"]
    assert found.dtype == np.float32
    assert np.array_equal(found, row)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_cache, "MAX_ROWS_IN_MEMORY", 3)
    cache = TextCache("sha", None)
    cache.put(rows("a", "b", "c"))
    cache.get(["a"])
    cache.put(rows("d"))
    assert cache.get(["a", "b", "c", "d"]).keys() == {"a", "c", "d"}  # b was used least recently


def test_more_texts_at_once_than_memory_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(text_cache, "MAX_ROWS_IN_MEMORY", 3)
    words = [f"word {i}" for i in range(10)]
    cache = TextCache("sha", tmp_path / "texts.sqlite")
    cache.put(rows(*words))
    assert cache.get(words).keys() == set(words)
    assert len(cache._rows) == 3


def test_disk_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(text_cache, "MAX_ROWS_ON_DISK", 5)
    file = tmp_path / "texts.sqlite"
    for i in range(12):
        TextCache(f"sha {i % 2}", file).put(rows(f"word {i}"))
    assert n_rows_on_disk(file) == 5
    assert TextCache("sha 1", file).get(["word 11", "word 9", "word 5"]).keys() == {"word 11", "word 9"}


def test_writing_again_adds_no_row(tmp_path: Path) -> None:
    for _ in range(3):
        TextCache("sha", tmp_path / "texts.sqlite").put(rows("one", "two"))
    assert n_rows_on_disk(tmp_path / "texts.sqlite") == 2


def test_threads_may_share_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = TextCache("sha", tmp_path / "texts.sqlite")
    errors: list[BaseException] = []

    def work(i: int) -> None:
        try:
            for j in range(10):
                cache.put(rows(f"{i} {j}"))
                assert cache.get([f"{i} {j}", f"{(i + 1) % 4} {j}"])
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert not caplog.records
    assert n_rows_on_disk(tmp_path / "texts.sqlite") == 40


def test_full_disk_or_locked_file_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = TextCache("sha", tmp_path / "texts.sqlite")

    def fail(*args: object, **keywords: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", fail)
    with caplog.at_level(logging.WARNING, "napari_car"):
        cache.put(rows("one"))
        cache.put(rows("two"))
        assert cache.get(["one", "two", "three"]).keys() == {"one", "two"}
    (record,) = caplog.records
    assert "Texts are not cached in" in record.getMessage()
    assert "database or disk is full" in record.getMessage()
