"""Labels in a figure: none hides another or a point, and their text does nothing."""

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from dasbench.render.plots.figure import styled_figure
from dasbench.render.plots.labels import place_labels, plain_label, printable, short_labels

GATES = ["none", "das", "se", "bam", "cbam", "gsop", "a2", "gc", "gala", "abn", "srm", "triplet", "emca", "asr", "eca",
         "ge", "sa", "sp", "cc", "dra", "deform_attn"]  # fmt: skip


class TestLabels:
    @pytest.mark.parametrize("seed", range(3))
    def test_no_label_lies_on_another_or_leaves_the_axes(self, seed):
        rng = np.random.default_rng(seed)
        points = [
            (float(x), float(y))
            for x, y in zip(rng.normal(10, 0.2, 21), rng.normal(97, 1, 21), strict=True)
        ]

        boxes, frame = self.placed(points, GATES)

        assert len(boxes) == 21
        assert not [1 for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]
        assert all(
            frame.x0 <= b.x0 and b.x1 <= frame.x1 and frame.y0 <= b.y0 and b.y1 <= frame.y1
            for b in boxes
        )

    def test_points_that_all_cost_the_same_are_labelled_too(self):
        points = [(8.8, 95 + place / 10) for place in range(16)]

        boxes, _ = self.placed(points, [f"norm{place}, norm{place}" for place in range(16)])

        assert len(boxes) == 16
        assert not [1 for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]

    def test_a_label_without_a_place_is_left_out(self):
        with styled_figure("?") as (_, axes):
            axes.plot([0], [0], "o")
            others = [
                (x, y) for x in np.linspace(-0.06, 0.06, 99) for y in np.linspace(-0.06, 0.06, 99)
            ]
            left_out = place_labels(axes, [(0.0, 0.0)], ["x" * 40], bold=[False], others=others)

            assert left_out == 1
            assert not axes.texts

    @staticmethod
    def placed(points, names):
        with styled_figure("?") as (figure, axes):
            axes.plot(*zip(*points, strict=True), "o")
            place_labels(axes, points, names, bold=[False] * len(points))
            figure.draw_without_rendering()
            texts = [
                text for text in axes.texts if isinstance(text, Text) and text.get_text() in names
            ]
            return [text.get_window_extent() for text in texts], axes.get_window_extent()

    def test_labels_are_values_alone_where_all_variants_vary_the_same_fields(self):
        assert short_labels([{"gate": {"name": "das", "design": "a"}}, {"gate": "none"}]) == (
            "gate",
            ["das(design=a)", "none"],
        )

    def test_labels_of_the_study_are_shown_as_they_are(self):
        shown = short_labels([{"gate": "none"}, {"gate": {"name": "se"}}], ["none", "SE (r=16)"])

        assert shown == ("", ["none", "SE (r=16)"])

    def test_numbers_in_labels_have_four_digits(self):
        assert short_labels([{"gate.alpha": 0.123456789}])[1] == ["0.1235"]

    def test_mathematics_and_control_characters_are_text(self):
        assert plain_label("$") == r"\$"
        assert printable("a\x1b[0m\n\u202eb") == "a [0m  b"
