"""The training runs end to end, and what is packaged loads by open_clip's own code."""

import json
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors import safe_open

import napari_car
import train
from demo_clip.architecture import CompactVocabulary, build_model, encode_texts
from demo_clip.export import save_checkpoint

PACKAGED = Path(napari_car.__file__).parent / "demo/clip"
MAX_BYTES = 16 * 2**20


def load_strictly(folder):
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return model.eval()


@pytest.mark.parametrize("stage", train.STAGES)
def test_every_stage_trains_and_saves_a_checkpoint(tmp_path, stage):
    options = [
        "--out",
        str(tmp_path),
        "--stage",
        stage,
        "--minutes",
        "10",
        "--max-steps",
        "2",
        "--batch-size",
        "2",
    ]
    train.main([*options, "--regions-per-scene", "1", "--one-process"])
    record = json.loads((tmp_path / "log0.jsonl").read_text().splitlines()[0])
    assert record["stage"] == stage
    assert record["helper"] > 0
    model = load_strictly(tmp_path)
    assert model.visual.image_size == (120, 120)


def test_a_stage_resumes_from_the_one_before(tmp_path):
    common = ["--minutes", "10", "--max-steps", "1", "--batch-size", "2", "--regions-per-scene", "1", "--one-process"]
    train.main(["--out", str(tmp_path / "first"), "--stage", "features", *common])
    resume = ["--resume", str(tmp_path / "first/state.pt"), "--learning-rate", "0"]
    train.main(["--out", str(tmp_path / "second"), "--stage", "maps", *common, *resume])
    first, second = (load_strictly(tmp_path / name) for name in ("first", "second"))
    torch.testing.assert_close(first.visual.proj, second.visual.proj)


def test_the_saved_text_tower_reads_whole_token_ids(tmp_path):
    vocabulary = CompactVocabulary()
    torch.manual_seed(0)
    model = build_model(vocabulary).eval()
    save_checkpoint(model, vocabulary, tmp_path)
    texts = ["a photo of a red star.", "bacterium", "a clean origami zeppelin."]
    saved = load_strictly(tmp_path)
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(texts)
    with torch.no_grad():
        expected = encode_texts(model, *vocabulary.encode(texts))
        torch.testing.assert_close(saved.encode_text(tokens, normalize=True), expected, atol=5e-3, rtol=0)


def test_the_packaged_checkpoint_loads_strictly_and_is_small():
    assert sum(path.stat().st_size for path in PACKAGED.rglob("*")) < MAX_BYTES
    model = load_strictly(PACKAGED)
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_only_words_of_the_vocabulary_have_rows():
    with safe_open(PACKAGED / "open_clip_model.safetensors", framework="pt") as weights:
        table = weights.get_tensor("token_embedding.weight")
    assert table.shape[0] == 49408
    is_trained = (table != 0).any(1)
    assert set(is_trained.nonzero().flatten().tolist()) <= set(CompactVocabulary().token_ids.tolist())


def test_an_unknown_word_is_no_better_than_a_background_query_that_is_never_drawn():
    tokenizer = open_clip.get_tokenizer(f"local-dir:{PACKAGED}")
    model = load_strictly(PACKAGED)
    with torch.no_grad():
        dog, helmet, cell = model.encode_text(tokenizer(["dog", "helmet", "round cell"]), normalize=True)
    torch.testing.assert_close(dog, helmet, atol=1e-4, rtol=0)
    assert cell @ helmet < 0.9
