"""Outlines of labels."""

import numpy as np

from napari_car.annotation.outlines import outline_labels


def test_outlines_are_the_pixels_beside_another_label() -> None:
    labels = np.zeros((7, 9), dtype=np.int32)
    labels[1:6, 1:5], labels[1:6, 5:8] = 3, 70_000
    outlines = outline_labels(labels)
    assert outlines.dtype == np.int32
    inner = np.zeros_like(labels, dtype=bool)
    inner[2:5, 2:4], inner[2:5, 6] = True, True
    np.testing.assert_array_equal(outlines, np.where(inner, 0, labels))


def test_a_label_that_fills_the_image_has_a_line_along_its_border() -> None:
    outlines = outline_labels(np.full((5, 5), 2, dtype=np.int32))
    assert outlines.tolist()[2] == [2, 0, 0, 0, 2]


def test_large_images_have_wider_outlines() -> None:
    labels = np.zeros((40, 2400), dtype=np.int32)
    labels[10:30, 1200:1300] = 1
    assert np.count_nonzero(outline_labels(labels)[20]) == 8
