"""The plot of a front: it shows what it is given, and nothing hides anything else."""

from dataclasses import replace
from pathlib import Path

import pytest
from fabricated_selections import DOMINATED, HOSTILE, NORMS, ROWS, selection
from fabricated_studies import row
from matplotlib.figure import Figure

from dasbench.catalog import PLOTS
from dasbench.errors import StoreError, UsageError
from dasbench.render.plots.curve import draw as draw_curve
from dasbench.render.plots.figure import figure_paths, save_figure, styled_figure
from dasbench.render.plots.pareto import draw, points_to_label
from dasbench.render.plots.pareto_page import plotly_figure, write_page
from dasbench.render.plots.style import LOOKS, TRIED
from dasbench.render.plots.titles import legend_title
from dasbench.spec.study import Objective
from dasbench.views.figures.curve import CurveInfo
from dasbench.views.figures.pareto import info
from dasbench.views.figures.published import PublishedPoint, published_points


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
        assert plot.traits.info is not None
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
        plot = PLOTS[kind]
        assert plot.traits.info is not None
        what = plot.traits.info(selection(rows, question=name))

        plot.make(what, tmp_path / "a.svg")

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
        assert len(points_to_label(self.front(number, confirmed=2).points)) == expected


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
