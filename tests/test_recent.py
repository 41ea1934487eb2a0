"""Values that were used last stay; images are told apart by their pixels."""

import numpy as np

from napari_car.recent import Recent, image_key


def test_those_used_last_stay() -> None:
    recent: Recent[str] = Recent()
    for key in (1, 2):
        recent.put(key, f"value {key}", n_kept=2)
    assert recent.get(1) == "value 1"
    recent.put(3, "value 3", n_kept=2)
    assert [recent.get(key) for key in (1, 2, 3)] == ["value 1", None, "value 3"]
    recent.put(1, "again", n_kept=2)
    recent.put(4, "value 4", n_kept=2)
    assert [recent.get(key) for key in (1, 3, 4)] == ["again", None, "value 4"]
    recent.put(5, "value 5", n_kept=0)
    assert [recent.get(key) for key in (1, 4, 5)] == [None, None, None]


def test_images_of_the_same_bytes_and_another_shape_differ() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    assert image_key(image) == image_key(image.copy())
    assert image_key(image) == image_key(np.asfortranarray(image))
    assert image_key(image) != image_key(image.reshape(3, 2, 3))
    assert image_key(image) != image_key(image + 1)
