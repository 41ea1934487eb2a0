"""g: the similarity matrix, its batches, and what is not computed twice."""

import numpy as np
import pytest
import torch

from napari_car.clip.loading import load_clip
from napari_car.clip.model import ClipModel
from napari_car.config import ClassifierConfig, ComputeConfig
from napari_car.core.classifier import MAX_BATCH_ON_CPU, EmbeddingCache, MaskClassifier, match
from napari_car.queries import Query
from napari_car.results import Progress, drain

QUERIES = [Query("leaf"), Query("cat", synonyms=("kitten",)), Query("dog")]
TEMPLATES = ("{}", "a photo of a {}.")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    from random_clip import TINY, random_model, write_folder

    folder = write_folder(tmp_path_factory.mktemp("tiny"), TINY, random_model(TINY).state_dict())
    return load_clip(str(folder), device="cpu", cache_file=folder / "texts.sqlite")


@pytest.fixture
def prompted() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8))


def classifier(clip: ClipModel, background: tuple[str, ...] = (), **changes: object) -> MaskClassifier:
    config = ClassifierConfig(**{"templates": TEMPLATES, "fit": "squash", **changes})  # type: ignore[arg-type]
    return MaskClassifier(clip, QUERIES, background, config, ComputeConfig(), EmbeddingCache())


def literal_softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def test_match_against_a_literal_computation() -> None:
    rng = np.random.default_rng(1)
    images, texts = rng.normal(size=(3, 5)), rng.normal(size=(4, 6, 5))
    summed = sum(literal_softmax(2.0 * images @ template.T) for template in texts)
    similarity = match(torch.tensor(images).float(), torch.tensor(texts).float(), 2.0).numpy()
    np.testing.assert_allclose(similarity, literal_softmax(summed), atol=1e-6)
    single = match(torch.tensor(images).float(), torch.tensor(texts[:1]).float(), 2.0).numpy()
    np.testing.assert_allclose(single, literal_softmax(2.0 * images @ texts[0].T), atol=1e-6)


def test_rows_are_distributions_over_queries_and_background(clip: ClipModel, prompted) -> None:
    similarity = drain(classifier(clip, ("sky", "grass")).classify_masks(prompted, (0, 1, 2), 1))
    assert similarity.shape == (3, 5)
    np.testing.assert_allclose(similarity.sum(axis=1), 1, atol=1e-6)


def test_one_query_alone_is_certain_only_without_background(clip: ClipModel, prompted) -> None:
    alone = drain(classifier(clip).classify_masks(prompted[:1], (0,), 1))
    assert alone.tolist() == [[1.0]]
    challenged = drain(classifier(clip, ("sky",)).classify_masks(prompted[:1], (0,), 1))
    assert 0 < challenged[0, 0] < 1


def test_a_subset_of_queries_is_compared_with_itself(clip: ClipModel, prompted) -> None:
    both = drain(classifier(clip).classify_masks(prompted[:2], (2, 0), 1))
    reordered = drain(classifier(clip).classify_masks(prompted[1::-1], (0, 2), 1))
    np.testing.assert_allclose(both, reordered[::-1, ::-1], atol=1e-6)


def test_batches_are_bounded_and_do_not_matter(clip: ClipModel, prompted) -> None:
    images = prompted * 4  # 12 images, three of them different
    g = classifier(clip)
    events = list(g.classify_masks(images, tuple(range(3)) * 4, 1))
    assert [event.done for event in events if isinstance(event, Progress)] == [4, 8, 12]
    assert MAX_BATCH_ON_CPU == 4
    one_by_one = [drain(classifier(clip).classify_masks([image], (0, 1, 2), 1)) for image in prompted]
    together = drain(classifier(clip).classify_masks(prompted, (0, 1, 2), 1))
    np.testing.assert_allclose(np.concatenate(one_by_one), together, atol=1e-5)


def test_no_image_is_encoded_twice(clip: ClipModel, prompted, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    encode = type(clip.tower).class_token_embedding

    def counted(self, images, blocks):
        encoded.append(len(images))
        return encode(self, images, blocks)

    monkeypatch.setattr(type(clip.tower), "class_token_embedding", counted)
    g = classifier(clip)
    first = drain(g.classify_masks(prompted, (0, 1, 2), 1))
    second = drain(g.classify_masks(prompted, (0, 1, 2), 2))
    assert sum(encoded) == 3
    np.testing.assert_array_equal(first, second)


def test_settings_do_not_share_embeddings(clip: ClipModel, prompted) -> None:
    cache = EmbeddingCache()
    results = []
    for fit in ("squash", "crop"):
        config = ClassifierConfig(templates=TEMPLATES, fit=fit)  # type: ignore[arg-type]
        g = MaskClassifier(clip, QUERIES, (), config, ComputeConfig(), cache)
        results.append(drain(g.classify_masks(prompted, (0, 1, 2), 1)))
    assert np.abs(results[0] - results[1]).max() > 1e-4


def test_the_cache_is_bounded() -> None:
    from napari_car.core.classifier import MAX_EMBEDDINGS

    cache = EmbeddingCache()
    for i in range(MAX_EMBEDDINGS + 1):
        cache.put(str(i).encode(), torch.zeros(1))
    assert cache.get(b"0") is None
    assert cache.get(b"1") is not None
