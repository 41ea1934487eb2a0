"""What is known of a layer belongs to it alone, also where napari copies the layer."""

import numpy as np
import pytest
from corrected_layers import CELL, STEM, add_cells, human
from napari.components import ViewerModel
from napari.layers import Labels
from napari.layers._layer_actions import _duplicate_layer

from napari_car.annotation.correction.instance_table import FIRST_ID
from napari_car.annotation.proposal import Change
from napari_car.gui.layer_instances import keep_instances
from napari_car.gui.layer_notes import checked_of, instances_of, set_checked
from napari_car.gui.tracking import track

pytestmark = pytest.mark.gui


def test_a_copy_of_a_layer_has_instances_marks_and_a_ledger_of_its_own() -> None:
    viewer = ViewerModel()
    layer = add_cells(viewer)
    layer.data_setitem((np.array([0]), np.array([0])), STEM)
    viewer.layers.selection = {layer}
    _duplicate_layer(viewer.layers)
    copy = next(each for each in viewer.layers if isinstance(each, Labels) and each is not layer)
    owners = human(layer)
    np.testing.assert_array_equal(human(copy), owners)
    table = instances_of(copy).recorded(FIRST_ID, CELL)
    keep_instances(copy, table)
    set_checked(copy, {CELL: "as it is"})
    labels = np.where(copy.data == CELL, FIRST_ID, copy.data).astype(np.int32)
    track(copy).convert([Change((slice(None), slice(None)), labels, copy.data == CELL)])
    np.testing.assert_array_equal(human(copy), owners)
    np.testing.assert_array_equal(human(layer), owners)
    assert instances_of(copy) == table
    assert len(instances_of(layer)) == 0
    assert not checked_of(layer)
