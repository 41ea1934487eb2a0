"""The sample images of the package as napari's sample data, with queries that fit them."""

from functools import partial
from typing import Any

from napari_car.annotation.query_text import write_query
from napari_car.scenes import load_scenes

LayerData = tuple[Any, dict[str, Any], str]


def open_scene(name: str) -> list[LayerData]:
    """Return a sample image as a layer that says what to look for in it, and with which preset.

    Parameters
    ----------
    name : str
        Name of the scene, such as ``shapes-on-brick``.

    Returns
    -------
    list of tuple
        One RGB image layer; its metadata holds ``{"napari-car": {"queries": [...], "preset": "demo"}}``, queries as
        they are typed.

    Raises
    ------
    CaRError
        If the scenes are missing.
    """
    # Imported here because image libraries take longer to load than napari takes to show its menus.
    from napari_car.io import read_image

    scene = next(scene for scene in load_scenes() if scene.name == name)
    queries = [write_query(query, "query") for query in scene.queries]
    metadata = {"napari-car": {"queries": queries, "preset": "demo"}}
    attributes = {"name": name.replace("-", " "), "rgb": True, "metadata": metadata}
    return [(read_image(scene.image).rgb, attributes, "image")]


# One command for each: the manifest names them.
shapes_on_brick = partial(open_scene, "shapes-on-brick")
shapes_on_sand = partial(open_scene, "shapes-on-sand")
shapes_by_the_water = partial(open_scene, "shapes-by-the-water")
shapes_on_gravel = partial(open_scene, "shapes-on-gravel")
fluorescence_yeast = partial(open_scene, "fluorescence-yeast")
fluorescence_mixture = partial(open_scene, "fluorescence-mixture")
bright_field_mixture = partial(open_scene, "bright-field-mixture")
