"""Colours are distinct and never change."""

import numpy as np
import pytest

from napari_car.io.colours import OKABE_ITO, query_colours


@pytest.mark.parametrize("n", [0, 1, 7, 8, 50, 64, 65, 847])
def test_colours_are_distinct_and_a_beginning_of_one_sequence(n):
    colours = query_colours(n)
    assert len(colours) == len(set(colours)) == n
    assert colours == query_colours(1000)[:n]
    assert all(isinstance(channel, int) and 0 <= channel <= 255 for colour in colours for channel in colour)


def test_the_first_colours_are_those_of_okabe_and_ito():
    assert query_colours(7) == OKABE_ITO


def test_the_sequence_is_pinned():
    # Label maps written by an older version must keep their colours.
    assert query_colours(11)[7:] == ((150, 0, 255), (255, 15, 255), (0, 225, 0), (180, 0, 105))


def test_none_is_grey_black_or_white():
    colours = np.array(query_colours(300))
    assert (colours.max(axis=1) - colours.min(axis=1)).min() > 40


def test_more_than_there_are_repeat():
    colours = query_colours(9000)
    assert len(colours) == 9000
    assert len(set(colours)) > 3000
    assert colours[len(set(colours))] == colours[0]
