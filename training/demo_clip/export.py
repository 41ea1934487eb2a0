"""Write the trained model as a folder that open_clip loads."""

import json
from pathlib import Path

import torch
from open_clip import CLIP
from safetensors.torch import save_file

from demo_clip.architecture import MODEL_CFG, PREPROCESS_CFG, CompactVocabulary


def save_checkpoint(model: CLIP, vocabulary: CompactVocabulary, folder: Path) -> None:
    """
    Write open_clip_config.json and open_clip_model.safetensors (half precision, the whole vocabulary).

    Rows of words that were not trained are zero.
    """
    state = {name: value.detach().half().contiguous() for name, value in model.state_dict().items()}
    compact = state["token_embedding.weight"]
    whole = torch.zeros(MODEL_CFG["text_cfg"]["vocab_size"], compact.shape[1], dtype=compact.dtype)
    whole[vocabulary.token_ids] = compact[1:]
    state["token_embedding.weight"] = whole
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / "open_clip_model.safetensors.part")
    (folder / "open_clip_model.safetensors.part").replace(folder / "open_clip_model.safetensors")
    config = {"model_cfg": MODEL_CFG, "preprocess_cfg": PREPROCESS_CFG}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
