"""The front as a page: every point with its numbers, without a network."""

import json
import re

import pytest
from fabricated_selections import DOMINATED, HOSTILE, ROWS, selection
from fabricated_studies import row

from dasbench.render.plots.pareto_page import plotly_figure, write_page
from dasbench.views.figures.pareto import info
from dasbench.views.figures.published import PublishedPoint


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
