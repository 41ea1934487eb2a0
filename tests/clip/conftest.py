"""Random-weight checkpoints."""

from pathlib import Path

import pytest
from random_clip import TINY, random_model, write_folder
from torch import nn


@pytest.fixture(scope="session")
def tiny_model() -> nn.Module:
    """Random weights in open_clip's own modules."""
    return random_model(TINY)


@pytest.fixture(scope="session")
def tiny_folder(tiny_model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a model folder of open_clip; not to be changed."""
    return write_folder(tmp_path_factory.mktemp("tiny"), TINY, tiny_model.state_dict())


@pytest.fixture(scope="module", autouse=True)
def _in_one_thread(one_thread: None) -> None:
    """All tests here."""
