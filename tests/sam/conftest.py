"""Random-weight SAMs."""

from pathlib import Path

import pytest
from random_sam import write_random_sam

from napari_car.sam.loading import SamModel, load_sam


@pytest.fixture(scope="session")
def tiny_hq_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint file of HQ-SAM with vit_tiny; not to be changed."""
    return write_random_sam(tmp_path_factory.mktemp("sam") / "tiny_hq.pth")


@pytest.fixture(scope="session")
def tiny_plain_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint file of SAM with vit_tiny, as MobileSAM's; not to be changed."""
    return write_random_sam(tmp_path_factory.mktemp("sam") / "tiny_plain.pth", is_hq=False)


@pytest.fixture(scope="session")
def tiny_sam(tiny_hq_file: Path) -> SamModel:
    """The HQ-SAM of ``tiny_hq_file``, loaded."""
    return load_sam(str(tiny_hq_file), device="cpu", precision="fp32")


@pytest.fixture(scope="module", autouse=True)
def _in_one_thread(one_thread: None) -> None:
    """All tests here."""
