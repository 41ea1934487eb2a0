"""The torch backend against pydensecrf on photographs with poor label probabilities."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from photographs import mean_iou, noisy_probabilities, read_photograph

from napari_car.config import CRFConfig
from napari_car.core.crf import PydensecrfCRF, TorchCRF, refine_labels

pytest.importorskip("pydensecrf")


def assert_same_labels_and_same_gain(folder: Path, name: str) -> None:
    photograph = read_photograph(folder, name)
    probabilities = noisy_probabilities(photograph, seed=zlib.crc32(name.encode()))
    by_torch = refine_labels(TorchCRF(photograph.image, CRFConfig()), probabilities)
    by_pydensecrf = refine_labels(PydensecrfCRF(photograph.image, CRFConfig()), probabilities)

    assert (by_torch.labels == by_pydensecrf.labels).mean() >= 0.999
    assert np.abs(by_torch.marginals - by_pydensecrf.marginals).mean() < 1e-5

    unrefined_iou = mean_iou(probabilities.argmax(axis=0), photograph)
    torch_gain = mean_iou(by_torch.labels, photograph) - unrefined_iou
    pydensecrf_gain = mean_iou(by_pydensecrf.labels, photograph) - unrefined_iou
    assert abs(torch_gain - pydensecrf_gain) <= 0.5
    assert torch_gain > 0


@pytest.mark.parametrize(
    "name",
    [
        "voc2011/JPEGImages/2011_000003",
        "voc2011/JPEGImages/2011_000006",
        "voc2011/JPEGImages/2011_000025",
        "davis16/JPEGImages/480p/camel/00040",
    ],
)
def test_some_photographs(photo_folder: Path, name: str) -> None:
    assert_same_labels_and_same_gain(photo_folder, name)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("sequence", ["blackswan", "camel", "car-shadow", "cows", "dog", "goat"])
def test_every_frame(photo_folder: Path, sequence: str) -> None:
    frames = sorted(photo_folder.glob(f"davis16/JPEGImages/480p/{sequence}/*.jpg"))
    assert frames
    for frame in frames:
        assert_same_labels_and_same_gain(photo_folder, str(frame.relative_to(photo_folder).with_suffix("")))
