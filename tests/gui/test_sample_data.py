"""Sample data: each scene opens as an image that says what to look for."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_car.annotation.query_text import read_query
from napari_car.io import read_image
from napari_car.presets import PRESETS
from napari_car.scenes import Scene, load_scenes


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("scene", load_scenes(), ids=lambda scene: scene.name)
def test_scene_opens_with_its_queries(scene: Scene) -> None:
    viewer = ViewerModel()
    (layer,) = viewer.open_sample("napari-car", scene.name)
    assert layer.rgb
    assert layer.name == scene.name.replace("-", " ")
    np.testing.assert_array_equal(layer.data, read_image(scene.image).rgb)
    carried = layer.metadata["napari-car"]
    assert tuple(read_query(text) for text in carried["queries"]) == tuple((query, "query") for query in scene.queries)
    assert carried["preset"] in PRESETS


def test_no_scene_means_a_sentence_not_a_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from napari_car import scenes
    from napari_car.errors import CaRError
    from napari_car.gui.sample_data import shapes_on_sand

    monkeypatch.setattr(scenes, "scenes_folder", lambda: tmp_path)
    with pytest.raises(CaRError, match="install napari-car again"):
        shapes_on_sand()
