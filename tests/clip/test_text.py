"""Text embeddings: open_clip's, each text encoded once ever."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from jaxtyping import TypeCheckError
from random_clip import random_model, tiny_config
from torch import Tensor, nn

from napari_car.clip import text as text_module
from napari_car.clip.text import TextEncoder
from napari_car.clip.text_cache import TextCache
from napari_car.errors import QueryError

WRITE_ROWS = """
import sys
from pathlib import Path
import numpy as np
from napari_car.clip.text_cache import TextCache
checkpoint, file, first, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
cache = TextCache(checkpoint, file)
for i in range(first, last):
    cache.put({f"text {i}": np.full(24, i, dtype=np.float32)})
"""


class CountingModel(nn.Module):
    """Counts the texts that reach the text tower."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.batches: list[int] = []

    def encode_text(self, tokens: Tensor) -> Tensor:
        self.batches.append(len(tokens))
        return self.model.encode_text(tokens)


@pytest.fixture
def model(tiny_model: nn.Module) -> CountingModel:
    return CountingModel(tiny_model)


def encoder(model: nn.Module, cache: TextCache | None = None) -> TextEncoder:
    return TextEncoder(model, open_clip.SimpleTokenizer(), cache or TextCache("checkpoint", None), width=24)


def expected(model: CountingModel, texts: list[str]) -> Tensor:
    with torch.no_grad():
        return model.model.encode_text(open_clip.tokenize(texts), normalize=True)


def test_equal_to_open_clip(model: CountingModel) -> None:
    texts = ["cat", "a photo of a small dog.", "Katze größer als 5 µm", "猫", "🐈‍⬛ 👩‍🔬", "don't  STOP &amp; go", "!"]
    embeddings = encoder(model).embed(texts)
    assert embeddings.dtype == torch.float32
    assert torch.allclose(embeddings, expected(model, texts), atol=1e-6)
    assert torch.allclose(embeddings.norm(dim=-1), torch.ones(len(texts)))
    assert len(torch.unique(embeddings.round(decimals=4), dim=0)) == len(texts)


def test_no_text(model: CountingModel) -> None:
    assert encoder(model).embed([]).shape == (0, 24)
    assert model.batches == []


def test_each_text_is_encoded_once(model: CountingModel) -> None:
    texts = encoder(model)
    first = texts.embed(["cat", "dog", "cat"])
    assert model.batches == [2]
    assert torch.equal(first[0], first[2])
    again = texts.embed(["bird", "dog", "cat"])
    assert model.batches == [2, 1]
    assert torch.equal(again[1], first[1])
    assert torch.equal(again[2], first[0])


def test_batches_are_bounded(model: CountingModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "BATCH_SIZE_ON_CPU", 3)
    words = [f"word {i}" for i in range(8)]
    assert torch.allclose(encoder(model).embed(words), expected(model, words), atol=1e-6)
    assert model.batches == [3, 3, 2]


def test_disk_cache_serves_another_encoder(model: CountingModel, tmp_path: Path) -> None:
    first = encoder(model, TextCache("sha float32", tmp_path / "texts.sqlite")).embed(["cat", "dog"])
    again = encoder(model, TextCache("sha float32", tmp_path / "texts.sqlite")).embed(["dog", "cat"])
    assert model.batches == [2]
    assert torch.equal(again, first.flip(0))


@pytest.mark.parametrize("key", ["other float32", "sha float16"])
def test_disk_cache_is_kept_apart_by_checkpoint_and_precision(key: str, model: CountingModel, tmp_path: Path) -> None:
    encoder(model, TextCache("sha float32", tmp_path / "texts.sqlite")).embed(["cat"])
    encoder(model, TextCache(key, tmp_path / "texts.sqlite")).embed(["cat"])
    assert model.batches == [1, 1]


def test_disk_cache_serves_another_process(model: CountingModel, tmp_path: Path) -> None:
    file = tmp_path / "texts.sqlite"
    subprocess.run([sys.executable, "-c", WRITE_ROWS, "sha", str(file), "0", "3"], check=True)
    embeddings = encoder(model, TextCache("sha", file)).embed(["text 0", "text 2"])
    assert model.batches == []
    assert np.array_equal(embeddings.numpy(), np.array([[0.0] * 24, [2.0] * 24], dtype=np.float32))


def test_two_processes_may_write_at_once(model: CountingModel, tmp_path: Path) -> None:
    file = tmp_path / "new" / "texts.sqlite"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE_ROWS, "sha", str(file), str(start), str(start + 60)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for start in (0, 40)
    ]
    texts = encoder(model, TextCache("sha", file))
    for i in range(5):
        texts.embed([f"while they write {i}"])
    for writer in writers:
        _, messages = writer.communicate(timeout=60)
        assert writer.returncode == 0
        assert messages == ""  # a cache that is given up says so
    assert len(TextCache("sha", file).get([f"text {i}" for i in range(100)])) == 100
    assert len(TextCache("sha", file).get([f"while they write {i}" for i in range(5)])) == 5


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, b"SQLite format 3\0" + bytes(4000)])
def test_damaged_file_does_not_stop_encoding(
    content: bytes, model: CountingModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "texts.sqlite"
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING, "napari_car"):
        texts = encoder(model, TextCache("sha", file))
        assert torch.allclose(texts.embed(["cat"]), expected(model, ["cat"]), atol=1e-6)
        texts.embed(["cat"])
    assert model.batches == [1]
    if content:  # an empty file is an empty database
        (record,) = caplog.records
        assert f"Texts are not cached in {file}" in record.getMessage()


@pytest.mark.parametrize("blob", [b"abc", b"", b"1234" * 23, b"1234" * 25, None, "text"])
def test_damaged_row_is_encoded_again(blob: object, model: CountingModel, tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "texts.sqlite"
    encoder(model, TextCache("sha", file)).embed(["cat", "dog"])
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE texts SET embedding = ? WHERE text = 'cat'", (blob,))
    connection.close()
    embeddings = encoder(model, TextCache("sha", file)).embed(["cat", "dog"])
    assert torch.allclose(embeddings, expected(model, ["cat", "dog"]), atol=1e-6)
    assert model.batches == [2, 1]
    encoder(model, TextCache("sha", file)).embed(["cat", "dog"])
    assert model.batches == [2, 1]  # and has been repaired


def test_file_that_vanishes_or_cannot_be_made(
    model: CountingModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING, "napari_car"):
        embeddings = encoder(model, TextCache("sha", tmp_path / "file" / "texts.sqlite")).embed(["cat"])
    assert torch.allclose(embeddings, expected(model, ["cat"]), atol=1e-6)
    assert "Texts are not cached in" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(model: CountingModel, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o555)
    try:
        with caplog.at_level(logging.WARNING, "napari_car"):
            encoder(model, TextCache("sha", tmp_path / "sub" / "texts.sqlite")).embed(["cat"])
            encoder(model, TextCache("sha", tmp_path / "texts.sqlite")).embed(["cat"])
        assert len(caplog.records) == 2
    finally:
        tmp_path.chmod(0o755)


def test_text_that_no_file_can_hold(model: CountingModel, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A lone surrogate, as a command line of broken bytes brings."""
    with caplog.at_level(logging.WARNING, "napari_car"):
        assert encoder(model, TextCache("sha", tmp_path / "texts.sqlite")).embed(["\udcff"]).shape == (1, 24)
    assert "Texts are not cached" in caplog.text


@pytest.mark.parametrize("n_words", [76, 77, 300])
def test_too_long_texts_are_refused(n_words: int, model: CountingModel) -> None:
    with pytest.raises(QueryError) as caught:
        encoder(model).embed(["fine", " ".join(["cat"] * n_words)])
    text = str(caught.value)
    assert text.startswith('"cat cat cat')
    assert "..." in text
    assert "is too long for this model, which reads 75 tokens (about 56 words), template included." in text
    assert len(text) < 200
    assert model.batches == []  # nothing was encoded in vain


def test_longest_text(model: CountingModel) -> None:
    text = " ".join(["cat"] * 75)
    assert torch.allclose(encoder(model).embed([text]), expected(model, [text]), atol=1e-6)


def test_other_context_length() -> None:
    model = random_model(tiny_config(text={"context_length": 32}))
    tokenizer = open_clip.SimpleTokenizer(context_length=32)
    texts = TextEncoder(model, tokenizer, TextCache("sha", None), width=24)
    with torch.no_grad():
        direct = model.encode_text(tokenizer(["a cat", " ".join(["cat"] * 30)]), normalize=True)
    assert torch.allclose(texts.embed(["a cat", " ".join(["cat"] * 30)]), direct, atol=1e-6)
    with pytest.raises(QueryError, match="which reads 30 tokens"):
        texts.embed([" ".join(["cat"] * 31)])


def test_no_graph_is_kept(model: CountingModel) -> None:
    trainable = CountingModel(random_model(tiny_config()).requires_grad_(True))
    assert not encoder(trainable).embed(["cat"]).requires_grad


def test_caller_may_change_what_it_gets(model: CountingModel) -> None:
    texts = encoder(model)
    texts.embed(["cat"]).zero_()
    assert torch.allclose(texts.embed(["cat"]), expected(model, ["cat"]), atol=1e-6)


def test_shapes_are_checked_in_tests(model: CountingModel) -> None:
    """Must fail: guards against annotations that are silently not enforced."""
    with pytest.raises(TypeCheckError, match="embed"):
        encoder(model).embed(3)
