"""The overlay shows masks in the colours of its legend, within its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_car.errors import ImageError
from napari_car.io import legend as legend_module
from napari_car.io import lettering, overlay
from napari_car.io.colours import query_colours
from napari_car.io.legend import MAX_ENTRIES, PAPER, Legend, LegendEntry, arrange_legends
from napari_car.io.overlay import draw_overlay, paint_labels

RED, BLUE = (200, 0, 0), (0, 0, 200)


def grey_image(height=400, width=500, value=100):
    return np.full((height, width, 3), value, np.uint8)


def disc(size, centre, radius):
    rows, cols = np.ogrid[: size[0], : size[1]]
    return (rows - centre[0]) ** 2 + (cols - centre[1]) ** 2 < radius**2


def entries(n, verdict="present", name="query {}"):
    return [LegendEntry(name.format(i), colour, 0.5, verdict, 1) for i, colour in enumerate(query_colours(n))]


class TestMasks:
    mask = disc((400, 500), (200, 250), 80)

    def test_fill_contour_and_untouched_rest(self):
        drawn = draw_overlay(grey_image(), [self.mask], [LegendEntry("cell", RED, 0.9)], opacity=0.4)
        assert drawn[200, 250].tolist() == [140, 60, 60]
        assert drawn[200, 250 - 79].tolist() == [211, 51, 51]
        assert (drawn[:400, :500][~disc((400, 500), (200, 250), 84)] == 100).all()
        assert drawn[200, 250 - 80].max() < 100  # the dark rim

    def test_the_edge_is_anti_aliased(self):
        drawn = draw_overlay(grey_image(), [self.mask], [LegendEntry("cell", RED, 0.9)], opacity=0)
        assert len(np.unique(drawn[100:300, 150:350, 0])) > 10

    def test_a_label_map_is_the_same_as_its_masks(self):
        other = disc((400, 500), (90, 90), 50)
        legend = [LegendEntry("a", RED, 0.2), LegendEntry("b", BLUE, 0.9)]
        labels = (self.mask + 2 * other).astype(np.int32)
        by_labels = draw_overlay(grey_image(), labels, legend)
        np.testing.assert_array_equal(by_labels, draw_overlay(grey_image(), [self.mask, other], legend))
        np.testing.assert_array_equal(by_labels, draw_overlay(grey_image(), np.stack([self.mask, other]), legend))

    @pytest.mark.parametrize(("scores", "top"), [((0.9, 0.2), RED), ((0.2, 0.9), BLUE), ((0.2, None), RED)])
    def test_the_most_certain_is_on_top(self, scores, top):
        legend = [LegendEntry("a", RED, scores[0]), LegendEntry("b", BLUE, scores[1])]
        drawn = draw_overlay(grey_image(), [self.mask, self.mask], legend, opacity=1)
        assert drawn[200, 250].tolist() == list(top)

    def test_an_uncertain_mask_is_fainter(self):
        drawn = draw_overlay(grey_image(), [self.mask], [LegendEntry("a", RED, 0.4, "uncertain")], opacity=0.4)
        assert drawn[200, 250].tolist() == [120, 80, 80]

    def test_a_mask_at_the_border(self):
        drawn = draw_overlay(grey_image(), [np.ones((400, 500), bool)], [LegendEntry("a", RED, 0.4)], opacity=1)
        assert (drawn[:400, :500] == RED).all()

    def test_a_speck_stays_visible(self):
        mask = np.zeros((4000, 5000), bool)
        mask[2000:2004, 2500:2504] = True
        drawn = draw_overlay(grey_image(4000, 5000), [mask], [LegendEntry("a", RED, 0.4)])
        assert drawn[..., 0].astype(int)[: drawn.shape[0] * 8 // 10].max() > 130

    def test_the_image_is_not_changed(self):
        image = grey_image()
        draw_overlay(image, [self.mask], [LegendEntry("a", RED, 0.4)])
        assert (image == 100).all()

    @pytest.mark.parametrize(
        ("masks", "text"),
        [
            ([np.zeros((400, 500), bool)], "1 masks, but 2 entries"),
            ([np.zeros((400, 500), bool), np.zeros((4, 5), bool)], r"a mask has \(4, 5\)"),
            (np.zeros((4, 5), np.int32), r"a mask has \(4, 5\)"),
            (np.full((400, 500), 3), "ids from 3 to 3, but the legend has 2"),
            (np.full((400, 500), -1), "ids from -1 to -1"),
        ],
    )
    def test_what_does_not_match_is_refused(self, masks, text):
        with pytest.raises(ImageError, match=text):
            draw_overlay(grey_image(), masks, entries(2))


class TestLayout:
    def test_without_legend_the_picture_alone(self):
        drawn = draw_overlay(grey_image(), np.zeros((400, 500), np.int32), [])
        np.testing.assert_array_equal(drawn, grey_image())

    @pytest.mark.parametrize("n", [1, 5, 40])
    def test_the_legend_never_covers_the_image(self, n):
        drawn = draw_overlay(grey_image(600, 900), np.zeros((600, 900), np.int32), entries(n, "absent"))
        assert (drawn[:600, :900] == 100).all()
        panel = np.concatenate([drawn[600:].reshape(-1, 3), drawn[:, 900:].reshape(-1, 3)])
        assert (panel == PAPER).all(axis=1).mean() > 0.6
        assert panel.min() < 130

    @pytest.mark.parametrize(
        "size", [(1, 1), (1, 5000), (5000, 1), (64, 64), (300, 200), (383, 383), (3000, 4000), (8000, 500)]
    )
    @pytest.mark.parametrize("n", [1, 50])
    def test_size_is_bounded(self, size, n):
        drawn = draw_overlay(grey_image(*size), np.zeros(size, np.int32), entries(n, "absent"))
        assert 512 <= max(drawn.shape) <= 2048

    def test_a_small_scene_is_enlarged_by_a_whole_factor(self):
        drawn = draw_overlay(grey_image(64, 64), np.zeros((64, 64), np.int32), entries(2))
        assert (drawn[:512, :512] == 100).all()
        assert (drawn[512, :512] == PAPER).all()

    def test_the_bound_can_be_set(self):
        assert max(draw_overlay(grey_image(), np.zeros((400, 500), int), entries(9), max_side_px=300).shape) <= 300

    def test_a_caption_stands_under_the_entries(self):
        without = draw_overlay(grey_image(), np.zeros((400, 500), int), entries(2))
        caption = draw_overlay(grey_image(), np.zeros((400, 500), int), entries(2), caption="Demo checkpoint")
        assert caption.shape[0] > without.shape[0]
        only_caption = draw_overlay(grey_image(), np.zeros((400, 500), int), [], caption="Demo checkpoint")
        assert only_caption.shape[0] > 400

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.text(st.characters(categories=None), max_size=200), min_size=1, max_size=6))
    def test_names_of_any_characters(self, names):
        legend = [LegendEntry(name, RED, None, "absent") for name in names]
        draw_overlay(grey_image(40, 50), np.zeros((40, 50), int), legend, caption=names[0])

    def test_with_the_font_of_pillow(self, monkeypatch):
        monkeypatch.setattr(legend_module, "default_font", lettering._PillowFont)
        drawn = draw_overlay(grey_image(), np.zeros((400, 500), int), entries(3, name="猫 é {}"))
        assert drawn[400:].min() < 60

    def test_masks_of_a_large_image_are_sampled(self):
        labels = np.zeros((9000, 6000), np.uint8)
        labels[3000:6000, 2000:4000] = 1
        sample = overlay._sample(labels, (1500, 1000))
        assert sample.shape == (3000, 2000)


class TestLegend:
    @pytest.mark.parametrize(
        ("entry", "remark"),
        [
            (LegendEntry("a", RED, 0.927), "0.93"),
            (LegendEntry("a", RED, None), ""),
            (LegendEntry("a", RED, 0.4, "uncertain"), "uncertain 0.40"),
            (LegendEntry("a", RED, None, "uncertain"), "uncertain"),
            (LegendEntry("a", RED, 0.1, "absent", 1), "absent (step 1)"),
            (LegendEntry("a", RED, 0.1, "absent"), "absent"),
        ],
    )
    def test_remark(self, entry, remark):
        assert entry.remark == remark

    def names(self, legend: Legend):
        return [" ".join(row.lines) for column in legend.columns for row in column.rows]

    def test_absent_queries_come_last(self):
        legend, *_ = arrange_legends([*entries(2, "absent", "no {}"), *entries(2, name="yes {}")], "", 14)
        assert self.names(legend) == ["yes 0", "yes 1", "no 0", "no 1"]

    def test_fifty_queries_wrap_into_columns_of_even_height(self):
        legends = list(arrange_legends(entries(50), "", 14))
        assert [len(legend.columns) for legend in legends] == [1, 2, 3, 4, 5, 6, 7, 8]
        for legend in legends:
            assert self.names(legend) == [f"query {i}" for i in range(50)]
            lengths = [len(column.rows) for column in legend.columns]
            assert max(lengths) == -(-50 // len(lengths))

    def test_many_queries_are_counted_rather_than_listed(self):
        legend, *_ = arrange_legends([*entries(3), *entries(844, "absent")], "", 14)
        names = self.names(legend)
        assert len(names) == MAX_ENTRIES
        assert names[-1] == "… and 788 more, 788 of them absent"

    def test_long_names_take_several_lines(self):
        legend, *_ = arrange_legends(entries(1, name="a long referring expression " * 9), "", 14)
        (row,) = legend.columns[0].rows
        assert len(row.lines) == 3
        assert row.lines[-1].endswith("…")

    def test_the_swatch_has_the_colour_of_the_query(self):
        legend, *_ = arrange_legends(entries(1), "", 20)
        canvas = np.full((legend.height_px, legend.width_px, 3), PAPER, np.uint8)
        legend.draw(canvas, (0, 0))
        assert (canvas == query_colours(1)[0]).all(axis=2).sum() > 300
        assert canvas.min() < 60


class TestSmallPictures:
    labels = disc((400, 500), (200, 250), 80).astype(np.int32) * 7

    def test_labels_have_their_colours_and_the_picture_its_side(self):
        drawn = paint_labels(grey_image(), self.labels, {7: RED, 8: BLUE}, side_px=250)
        assert drawn.shape == (200, 250, 3)
        assert drawn[100, 125].tolist() == [140, 60, 60]
        assert drawn[5, 5].tolist() == [100, 100, 100]

    def test_small_images_grow(self):
        assert paint_labels(grey_image(4, 8), np.zeros((4, 8), np.int32), {}, side_px=80).shape == (40, 80, 3)

    def test_what_has_no_colour_is_not_drawn(self):
        assert (paint_labels(grey_image(), self.labels, {}, side_px=250) == 100).all()

    def test_labels_of_another_size_are_refused(self):
        with pytest.raises(ImageError, match="labels"):
            paint_labels(grey_image(), self.labels[1:], {7: RED}, side_px=250)
