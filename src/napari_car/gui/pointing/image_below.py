"""Which image labels lie over."""

from collections.abc import Iterator

from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_car.errors import ImageError, PromptError
from napari_car.gui.channel_layers import image_layers
from napari_car.gui.label_target import LabelTarget
from napari_car.gui.layer_notes import notes_of
from napari_car.gui.placement import Placement
from napari_car.gui.result_layers import image_key
from napari_car.gui.sources import ImageSource


def capture_below(viewer: ViewerModel, target: LabelTarget) -> ImageSource:
    """Capture the image that a label lies over, as it is shown: its own, if a run made the label, else the topmost.

    Raises
    ------
    PromptError
        If no image lies exactly under the label's layer.
    """
    layer = target.layer
    for image in _candidates(viewer, layer):
        try:
            source = ImageSource.capture(viewer, image, composite=True)
        except ImageError:
            continue
        if source.axes == target.axes and source.placement.is_same_place(Placement.of(layer), source.axes.shape):
            return source
    raise PromptError(f"No image lies exactly under {layer.name}: open one of the same size, scale and place.")


def _candidates(viewer: ViewerModel, layer: Labels) -> Iterator[Image]:
    """Yield images, the most likely first."""
    images = image_layers(viewer)[::-1]
    uid = notes_of(layer).get("image_uid")
    yield from sorted(images, key=lambda image: (image_key(image) != uid, not image.visible))
