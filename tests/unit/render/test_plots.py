"""Figures show what they are given, and nothing hides anything else."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fabricated_studies import row
from matplotlib.figure import Figure
from matplotlib.text import Text

from dasbench.catalog import PLOTS
from dasbench.errors import StoreError, UsageError
from dasbench.render.plots.alpha import curve_name
from dasbench.render.plots.curve import draw as draw_curve
from dasbench.render.plots.figure import figure_paths, save_figure, styled_figure
from dasbench.render.plots.labels import place_labels, plain_label, printable, short_labels
from dasbench.render.plots.pareto import draw, labelled
from dasbench.render.plots.pareto_page import plotly_figure, write_page
from dasbench.render.plots.placement import place_name
from dasbench.render.plots.style import LOOKS, TRIED
from dasbench.render.plots.titles import legend_title
from dasbench.spec.labels import label
from dasbench.spec.study import Objective
from dasbench.views.figures.alpha import info as alpha_info
from dasbench.views.figures.curve import CurveInfo
from dasbench.views.figures.hypervolume import info as hypervolume_info
from dasbench.views.figures.norms import info as norms_info
from dasbench.views.figures.pareto import info
from dasbench.views.figures.placement import info as placement_info
from dasbench.views.figures.published import PublishedPoint, published_points
from dasbench.views.quantities import quantity, read_objective, with_metric
from dasbench.views.selection import Selection, refuse_mixed

GATES = ["none", "das", "se", "bam", "cbam", "gsop", "a2", "gc", "gala", "abn", "srm", "triplet", "emca", "asr", "eca",
         "ge", "sa", "sp", "cc", "dra", "deform_attn"]  # fmt: skip
HOSTILE = [
    r"$\frac{$", "_x", "<script>alert(1)</script>", "[/]", "=cmd()", "\x1b[31mred", "a\nb", "x" * 300, "$$", "</script>"
]  # fmt: skip


def selection(rows, **changes):
    return Selection(
        **{
            "name": "s",
            "question": "Which? $x$ [b]",
            "metric": "top1",
            "maximise": True,
            "rows": rows,
            **changes,
        }
    )


ROWS = [row("cheap", s, 80 + s, 10) for s in range(3)] + [
    row("good", s, 90 + s, 20) for s in range(3)
]
DOMINATED = [row("bad", s, 70 + s, 30) for s in range(3)]
NORMS = [
    row(f"{a} {b}", s, 90 + (a == "ln") * 3 + s / 10 + (i * 7 + s * 3) % 5 / 50, 10,
        variant={"gate.first_norm": a, "gate.second_norm": b})
    for i, (a, b) in enumerate(itertools.product(["bn", "ln"], repeat=2)) for s in range(5)
]  # fmt: skip


@pytest.fixture
def kept(monkeypatch):
    """The figures that are saved in a test, which are kept and not written."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    return figures


@pytest.fixture
def drawn(kept):
    """Draws a plot of a selection and returns the figure."""

    def drawn(kind, chosen, **options):
        plot = PLOTS[kind]
        plot.make(plot.traits.info(chosen, **options), Path("figure.png"))
        return kept[-1]

    return drawn


class TestFrontier:
    def test_a_variant_that_costs_more_and_scores_less_is_not_on_the_front(self):
        points = {point.label: point for point in info(selection(ROWS + DOMINATED)).points}

        assert {label: point.on_front for label, point in points.items()} == {
            "cheap": True,
            "good": True,
            "bad": False,
        }
        assert (points["good"].mean, points["good"].sd, points["good"].n) == (91.0, 1.0, 3)

    def test_only_a_significant_difference_makes_a_variant_dominated(self):
        noise = [0.3, -0.2, 0.1]
        close = [row("close", s, 80 + s - 0.5 + 3 * noise[s], 15) for s in range(3)]
        far = [row("far", s, 60 + s + noise[s] / 10, 30) for s in range(3)]
        standings = {
            point.label: point.standing for point in info(selection([*ROWS, *close, *far])).points
        }

        assert standings == {
            "cheap": "front",
            "good": "front",
            "close": "possibly",
            "far": "dominated",
        }

    def test_with_one_seed_everywhere_nothing_is_dominated(self):
        rows = [row("a", 0, 90, 10), row("b", 0, 10, 20)]
        points = info(selection(rows)).points

        assert [(point.standing, point.ci95) for point in points] == [
            ("front", None),
            ("possibly", None),
        ]

    def test_a_metric_that_is_better_when_low_turns_the_front_around(self):
        rows = [row("a", 0, 1.0, 10), row("b", 0, 0.5, 20), row("c", 0, 2.0, 30)]

        points = info(selection(rows, maximise=False)).points

        assert [(point.label, point.on_front) for point in points] == [
            ("b", True),
            ("a", True),
            ("c", False),
        ]

    def test_variants_without_a_result_are_left_out(self):
        pending = row("new", 0, 0, 1, state="pending", metrics={}, cost=None)

        front = info(selection([*ROWS, pending]))

        assert {point.label for point in front.points} == {"cheap", "good"}
        assert "1 without a result" in legend_title(front)

    def test_failed_seeds_and_nan_are_counted_beside_the_mean(self):
        rows = [
            *ROWS,
            row("good", 3, float("nan"), 20),
            row("good", 4, 0, 20, state="failed", metrics={}),
        ]
        (good,) = [point for point in info(selection(rows)).points if point.label == "good"]

        assert (good.mean, good.n, good.failed) == (91.0, 3, 2)

    def test_a_third_objective_keeps_what_two_would_drop(self):
        rows = [row("a", 0, 90, 10, seconds=9.0), row("b", 0, 80, 20, seconds=1.0)]
        objectives = [
            Objective.model_validate(text) for text in ("top1 max", "macs_full min", "seconds min")
        ]

        assert [point.on_front for point in info(selection(rows)).points] == [True, False]
        assert [
            point.on_front for point in info(selection(rows), objectives=objectives).points
        ] == [True, True]

    def test_exact_objectives_alone_leave_no_doubt(self):
        objectives = [
            Objective.model_validate(text) for text in ("params_full min", "macs_full min")
        ]
        points = info(
            selection([row("a", 0, 1, 10), row("b", 0, 2, 20)]), objectives=objectives
        ).points

        assert {point.label: point.standing for point in points} == {"a": "front", "b": "dominated"}

    def test_the_same_variant_of_two_studies_is_two_points(self):
        rows = [row("a", 0, 90, 10), row("a", 0, 80, 10, study="other", key="z")]

        assert [(point.study, point.on_front) for point in info(selection(rows)).points] == [
            ("s", True),
            ("other", False),
        ]


class TestQuantities:
    def test_a_latency_that_nobody_measured_is_explained(self):
        with pytest.raises(UsageError, match="dasbench cost STUDY --latency"):
            quantity("latency", selection(ROWS), convention="full")

    def test_a_latency_among_the_metrics_is_found(self):
        rows = [row("a", 0, 1, 1, metrics={"top1": 1.0, "latency_ms": 3.0})]

        assert quantity("latency", selection(rows), convention="full") == "latency_ms"

    @pytest.mark.parametrize("text", ["top1", "top1:up", ":max", "", "top1:"])
    def test_an_objective_without_a_direction_is_refused(self, text):
        with pytest.raises(UsageError, match="METRIC:max or METRIC:min"):
            read_objective(text, selection(ROWS), convention="full")

    def test_an_unknown_metric_is_answered_with_the_nearest(self):
        with pytest.raises(UsageError, match="Did you mean 'top1'"):
            with_metric(selection(ROWS), "top")

    def test_a_loss_is_better_when_low_unless_the_study_says_otherwise(self):
        rows = [row("a", 0, 1, 1, metrics={"top1": 1.0, "val_loss": 3.0})]

        assert not with_metric(selection(rows), "val_loss").maximise
        assert with_metric(selection(rows, objectives=[("val_loss", "max")]), "val_loss").maximise


class TestDrawing:
    @pytest.mark.parametrize("ending", ["png", "svg", "pdf", "html"])
    def test_equal_points_give_equal_bytes(self, tmp_path, ending):
        for name in ("a", "b"):
            draw(info(selection(ROWS + DOMINATED)), tmp_path / f"{name}.{ending}")

        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()

    @pytest.mark.parametrize("kind", PLOTS.names())
    @pytest.mark.parametrize("name", HOSTILE)
    def test_every_plot_takes_every_name_literally(self, tmp_path, kind, name):
        rows = [
            row(name, s, 80 + i + s / 7, 10 + i, variant={
                "gate.alpha": 0.1, "gate.first_norm": name, "gate.second_norm": f"{name}{i}",
                "placement": {"after": name, "stages": [1]},
            }, study=name, key=f"{i}{s}")
            for i in range(2) for s in range(2)
        ]  # fmt: skip
        what = PLOTS[kind].traits.info(selection(rows, question=name))

        PLOTS[kind].make(what, tmp_path / "a.svg")

        assert b"\x1b" not in (tmp_path / "a.svg").read_bytes()

    def test_an_empty_study_still_draws(self, tmp_path):
        draw(info(selection([])), tmp_path / "empty.png")

        assert (tmp_path / "empty.png").stat().st_size > 1000

    def test_a_point_at_no_cost_stays_off_a_logarithmic_axis(self, tmp_path):
        rows = [*ROWS, row("free", 0, 50, 0)]

        draw(info(selection(rows)), tmp_path / "a.png")
        with pytest.raises(UsageError, match="no place on a logarithmic axis"):
            draw(info(selection(rows)), tmp_path / "b.png", log=True)

    def test_a_format_that_nobody_draws_is_refused_before_anything_is_computed(self):
        with pytest.raises(UsageError, match=r"\.html, not in '\.docx'"):
            figure_paths("s", "pareto", ["x.docx"], drawn=True)
        with pytest.raises(UsageError, match=r"\.pdf, not in '\.html'"):
            figure_paths("s", "norms", ["x.html"], drawn=True)

    def test_a_folder_that_is_a_file_is_an_error_of_ours(self, tmp_path):
        (tmp_path / "file").write_text("")

        with (
            styled_figure("?") as (figure, _),
            pytest.raises(StoreError, match="cannot be written"),
        ):
            save_figure(figure, tmp_path / "file" / "x.png")

    def test_a_legend_of_long_names_stays_inside_of_the_figure(self, drawn):
        rows = [
            row("a", 0, 80 + n, 10 + n, study=f"{n}{'a long name ' * 3}", key=f"k{n}")
            for n in range(6)
        ]

        figure = drawn("pareto", selection(rows))

        assert figure.legends[0].get_window_extent().width < figure.bbox.width

    def test_a_long_title_is_wrapped_inside_of_the_figure(self):
        with styled_figure("W" * 300 + " " + "word " * 100) as (figure, _):
            heading = figure.get_suptitle()
            width = max(text.get_window_extent().width for text in figure.texts)

        assert heading.count("\n") == 5
        assert width < figure.bbox.width


class TestPercentages:
    """No axis of a share in percent goes beyond 0 or 100, whatever the error bars do."""

    @pytest.mark.parametrize("kind", ["pareto", "alpha", "placement"])
    @pytest.mark.parametrize(("scores", "ends"), [((99.9, 96.0, 100.0), 100), ((0.0, 4.0, 0.1), 0)])
    def test_an_axis_ends_where_percentages_do(self, drawn, kind, scores, ends):
        rows = [
            row(f"v{place}", seed, abs(score - seed), 10 + place, variant={"gate.alpha": score, "placement": {
                "stages": [place + 1]}})
            for place, score in enumerate(scores) for seed in range(2)
        ]  # fmt: skip

        figure = drawn(kind, selection(rows))

        axes = figure.axes[0]
        low, high = axes.get_xlim() if kind == "placement" else axes.get_ylim()
        assert 0 <= low < high <= 100
        assert ends in (low, high)

    def test_a_front_of_two_scores_ends_both_axes(self, drawn):
        rows = [
            row("a", seed, 99.9, 1, metrics={"top1": 99.9 - seed, "top5": 100.0 - seed})
            for seed in range(2)
        ]
        objectives = [Objective.model_validate(text) for text in ("top1 max", "top5 max")]

        axes = drawn("pareto", selection(rows), objectives=objectives).axes[0]

        assert (axes.get_xlim()[1], axes.get_ylim()[1]) == (100, 100)

    @pytest.mark.parametrize("metric", ["val_loss", "top1"])
    def test_what_is_no_percentage_has_room_around_it(self, drawn, metric):
        rows = [row(str(value), 0, value, 10) for value in (0.0, 250.0)]
        rows = [replace(each, metrics={metric: each.metrics["top1"]}) for each in rows]

        low, high = drawn("pareto", selection(rows, metric=metric)).axes[0].get_ylim()

        assert low < 0
        assert high > 250

    @pytest.mark.parametrize("score", [100.0, 0.0])
    def test_the_colours_of_equal_norms_are_percentages_too(self, drawn, score):
        rows = [replace(each, metrics={"top1": score}) for each in NORMS]

        colours = drawn("norms", selection(rows)).axes[1]

        low, high = colours.get_ylim()
        assert 0 <= low < high <= 100

    def test_an_axis_that_explains_everything_ends_at_100(self, drawn):
        rows = [
            row(str(place), seed, 50.0 + 10 * place, 10) for place in range(3) for seed in range(2)
        ]

        assert drawn("importance", selection(rows)).axes[0].get_xlim() == (0, 100)

    def test_a_learning_curve_ends_at_100_and_its_losses_do_not(self, kept):
        curve = CurveInfo(key="a", state="done", epochs=[1, 2], scores={"val_top1": [90.0, 100.0]},
                          losses={"val_loss": [200.0, 0.0]}, units={"val_top1": "%", "val_loss": ""})  # fmt: skip

        draw_curve(curve, Path("curve.png"))

        scores, losses = kept[0].axes
        assert scores.get_ylim()[1] == 100
        assert losses.get_ylim()[1] > 200

    def test_the_interactive_page_ends_at_100_too(self):
        rows = [row("a", seed, 99.0 + seed, 10) for seed in range(2)]

        layout = plotly_figure(info(selection(rows)))["layout"]

        assert (layout["yaxis"]["minallowed"], layout["yaxis"]["maxallowed"]) == (0, 100)
        assert "maxallowed" not in layout["xaxis"]


class TestTried:
    """What a search tried and did not confirm lies below all else."""

    def front(self, number, *, confirmed):
        rows = [row(f"v{place}", 0, 50 + place, 10 + place) for place in range(number)]
        front = info(selection(rows))
        points = [
            point if place < confirmed else replace(point, standing=TRIED, on_front=False)
            for place, point in enumerate(front.points)
        ]
        return replace(front, points=points)

    def test_it_is_the_lowest_layer(self):
        assert min(LOOKS, key=lambda standing: LOOKS[standing].zorder) == TRIED
        assert next(iter(LOOKS)) == TRIED

    def test_the_legend_and_the_page_name_it(self, kept, tmp_path):
        front = self.front(5, confirmed=2)

        draw(front, Path("front.png"))
        write_page(front, tmp_path / "front.html")

        legend = [text.get_text() for text in kept[0].legends[0].get_texts()]
        assert legend[0] == "tried, not confirmed"
        assert '"name": "tried, not confirmed"' in (tmp_path / "front.html").read_text()

    @pytest.mark.parametrize(("number", "expected"), [(12, 12), (13, 2), (100, 2)])
    def test_its_points_are_labelled_only_where_points_are_few(self, number, expected):
        assert len(labelled(self.front(number, confirmed=2).points)) == expected


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


class TestPage:
    def test_the_page_is_whole_and_loads_nothing(self, tmp_path):
        write_page(info(selection(ROWS)), tmp_path / "x.html")
        page = (tmp_path / "x.html").read_text()

        assert "default-src 'none'" in page
        assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
        assert "plotly.js v" in page

    @pytest.mark.parametrize("name", HOSTILE)
    def test_names_are_text_in_the_page(self, tmp_path, name):
        write_page(
            info(selection([row(name, s, 80 + s, 10) for s in range(2)], question=name)),
            tmp_path / "x.html",
        )
        page = (tmp_path / "x.html").read_text()

        assert "<script>alert" not in page
        assert page.count("</script>") == 2
        assert page.count("<script>") == 2

    def test_a_study_that_varies_many_fields_has_them_all_among_the_numbers(self, tmp_path):
        variant = {f"gate.field{n}": n for n in range(30)}
        write_page(info(selection([row("a", 0, 80, 10, variant=variant)])), tmp_path / "x.html")
        page = (tmp_path / "x.html").read_text()

        assert page.count("<td>") == page.count('<th scope="col">') > 10
        assert "gate.field29" in page

    def test_no_text_of_the_figure_is_wider_than_a_narrow_page(self):
        rows = [row("a" * 90, 0, 80, 10, study="b " * 60), row("c", 0, 80, 10, study="other")]
        figure = plotly_figure(info(selection(rows)))
        texts = [trace["name"] for trace in figure["data"] if "name" in trace]
        texts += [text for trace in figure["data"] for text in trace.get("hovertext", [])]
        texts += [
            figure["layout"]["xaxis"]["title"]["text"],
            figure["layout"]["legend"]["title"]["text"],
        ]

        lines = [re.sub("</?b>", "", line) for text in texts for line in text.split("<br>")]

        assert max(map(len, lines)) <= 45

    def test_plotly_knows_every_property_of_the_figure(self, tmp_path):
        graph_objects = pytest.importorskip("plotly.graph_objects")
        published = [PublishedPoint(label="theirs", cost=1.0, value=99.0)]
        write_page(
            info(selection(ROWS + DOMINATED), published=published), tmp_path / "x.html", log=True
        )
        figure = re.search(
            r"^const figure = (.*);$", (tmp_path / "x.html").read_text(), re.MULTILINE
        )[1]

        assert (
            len(graph_objects.Figure(json.loads(figure)).data) == 4
        )  # refuses what plotly does not have

    def test_the_points_say_what_they_are_on_hover(self, tmp_path):
        write_page(info(selection([*ROWS, row("<b>", 0, 50, 30)])), tmp_path / "x.html")
        page = (tmp_path / "x.html").read_text()
        figure = json.loads(re.search(r"^const figure = (.*);$", page, re.MULTILINE)[1])
        hovers = [text for trace in figure["data"] for text in trace.get("hovertext", [])]

        assert any(
            "&lt;b&gt;" in text and "no spread known" in text and "n = 1" in text for text in hovers
        )
        assert any(
            "macs_full: 20" in text and "params_full: 20" in text and "on the front" in text
            for text in hovers
        )


class TestPublished:
    def test_rows_of_other_backbones_are_left_out(self):
        points = published_points("table1", metric="top1", cost="macs_full", backbones={"resnet18"})

        assert len(points) == 7
        assert all(point.label.startswith("ResNet-18") for point in points)

    @pytest.mark.parametrize(
        ("table", "cost", "message"),
        [
            ("table9", "macs_full", "Did you mean 'table"),
            ("table3", "macs_full", "Tables with both: table1, table4"),
            ("fig3", "macs_full", "prints no 'top1' with a cost"),
            ("table1", "seconds", "parameters and FLOPs"),
        ],
    )
    def test_what_the_paper_does_not_print_is_refused(self, table, cost, message):
        with pytest.raises(UsageError, match=message):
            published_points(table, metric="top1", cost=cost, backbones={"resnet18"})

    def test_they_are_a_layer_that_the_front_does_not_know(self, tmp_path):
        front = info(
            selection(ROWS), published=[PublishedPoint(label="theirs", cost=1.0, value=99.0)]
        )
        draw(front, tmp_path / "a.svg")

        assert all(point.on_front for point in front.points)
        assert "published, other data / recipe" in (tmp_path / "a.svg").read_text()


class TestHypervolume:
    def test_the_curve_follows_the_order_in_which_trials_finished(self):
        rows = [
            row("late", 0, 90, 5, finished="2025-01-01T12:02:00+00:00"),
            row("early", 0, 80, 5, finished="2025-01-01T12:00:00+00:00"),
        ]
        (curve,) = hypervolume_info(selection(rows), reference=(70.0, 10.0)).curves

        assert [step.hypervolume for step in curve.steps] == [50.0, 100.0]

    def test_the_last_value_has_an_interval_over_common_seeds(self):
        (curve,) = hypervolume_info(selection(ROWS), reference=(70.0, 30.0)).curves

        assert curve.steps[-1].hypervolume == pytest.approx(11 * 10 + 21 * 10)
        assert curve.seeds == 3
        assert curve.ci95 > 0

    def test_studies_are_measured_against_one_reference(self):
        other = [row("other", s, 60, 50, study="t", key=f"t{s}") for s in range(3)]
        growth = hypervolume_info(selection([*ROWS, *other]))

        assert [curve.study for curve in growth.curves] == ["s", "t"]
        assert growth.reference[0] < 60
        assert growth.reference[1] > 50


class TestChartsOfThePaper:
    def test_alpha_has_a_curve_for_each_setting_of_the_rest(self):
        rows = [
            row(f"{a}{d}", s, 80 + a, 10, variant={"gate.alpha": a, "gate.design": d})
            for a in (0.5, 0.1) for d in "cf" for s in range(2)
        ]  # fmt: skip
        curves = alpha_info(selection(rows)).curves

        assert {curve_name(curve): [point.alpha for point in curve.points] for curve in curves} == {
            "design=c": [0.1, 0.5],
            "design=f": [0.1, 0.5],
        }

    def test_norms_mark_what_ties_with_the_best(self):
        pairs = norms_info(selection(NORMS))

        assert pairs.first == ["bn", "ln"]
        assert pairs.best[0] == "ln"
        assert {pair[0] for pair in pairs.ties} == {"ln"}

    def test_a_pair_of_norms_without_a_score_has_an_empty_cell(self, tmp_path):
        rows = [
            replace(r, metrics={}, state="failed") if r.variant["gate.second_norm"] == "ln" else r
            for r in NORMS
        ]
        pairs = norms_info(selection(rows))
        PLOTS["norms"].make(pairs, tmp_path / "a.svg")

        assert set(pairs.cells) == {("bn", "bn"), ("ln", "bn")}
        assert "no score" in (tmp_path / "a.svg").read_text()

    def test_norms_of_several_designs_are_not_mixed(self):
        rows = [*NORMS, row("x", 0, 1, 1, variant={**NORMS[0].variant, "gate.design": "f"})]

        with pytest.raises(UsageError, match=r"as gate\.design varies too"):
            norms_info(selection(rows))

    def test_placements_are_in_words_and_in_the_order_of_the_study(self):
        places = [
            {"stages": [4], "after": "stage"},
            {"stages": [1, 2, 3], "after": "block"},
            {"after": "before_add"},
        ]
        rows = [row(label({"placement": p}), 0, 80, 10, variant={"placement": p}) for p in places]

        assert [place_name(place) for place in placement_info(selection(rows)).places] == [
            "stage 4, after stage",
            "stages 1-3, after block",
            "before the addition",
        ]

    def test_placements_with_a_label_are_shown_by_it(self):
        rows = [row("Late", 0, 80, 10, variant={"placement": {"stages": [4]}})]
        several = [
            replace(rows[0], label="s: Late"),
            replace(rows[0], study="t", label="t: placement=(stages=4)"),
        ]

        assert list(map(place_name, placement_info(selection(rows)).places)) == ["Late"]
        assert list(map(place_name, placement_info(selection(several)).places)) == [
            "s: Late",
            "t: stage 4",
        ]

    @pytest.mark.parametrize(("gather", "axis"), [(alpha_info, "alpha"), (norms_info, "first_norm"),
                                                  (placement_info, "placement")])  # fmt: skip
    def test_a_study_without_the_axis_is_told_which_it_has(self, gather, axis):
        with pytest.raises(UsageError, match=f"no axis '{axis}'; it varies gate"):
            gather(selection(ROWS))


def test_scores_on_different_data_are_never_ranked_together():
    with pytest.raises(UsageError, match=r"different data.*cifar10; digits"):
        refuse_mixed([row("a", 0, 1, 1, dataset="digits"), row("a", 1, 1, 1, dataset="cifar10")])
