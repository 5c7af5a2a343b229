"""Every plot keeps the contract of its kind; a new file is found and tested without an edit here."""

import itertools
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fabricated_studies import row

from dasbench.catalog import PLOTS
from dasbench.cli import cli
from dasbench.confusion import Confusion
from dasbench.errors import UsageError
from dasbench.render.plots.captions import CaptionedPlot
from dasbench.render.section.figures import report_plots
from dasbench.views.selection import Selection

NORMS = ("bn", "fn", "in", "ln")
STUDIES: dict[str, list[dict[str, Any]]] = {
    "norms": [
        {"gate.first_norm": first, "gate.second_norm": second}
        for first, second in itertools.product(NORMS, repeat=2)
    ],
    "places": [
        {"gate.alpha": alpha, "placement": {"after": after}}
        for alpha, after in itertools.product((0.1, 0.2, 0.5, 1.0), ("stage", "block"))
    ],
}
"""The variants of studies of which every plot of ours can draw one."""


def selection(study: str) -> Selection:
    rows = []
    for place, variant in enumerate(STUDIES[study]):
        for seed in range(3):
            top1 = 80 + place + (seed * 7 + place) % 5 / 10
            key = f"{place}{seed}"
            label = f"variant {place}"
            rows.append(row(label, seed, top1, 10 + place, variant=variant, key=key))
    confusion = Confusion.from_places(["cat", "dog"], [0, 1, 3], [8, 1, 9])
    return Selection(
        name="fabricated",
        question="Which?",
        metric="top1",
        maximise=True,
        rows=rows,
        confusions={each.key: confusion for each in rows},
    )


def drawing_or_refusal(name: str, study: str, path: Path) -> str:
    """Draw a plot; returns why it could not be, `""` if it was."""
    plot = PLOTS[name]
    assert plot.traits.info is not None
    try:
        plot.make(plot.traits.info(selection(study)), path)
    except UsageError as error:
        return str(error)
    return ""


def captioned(name: str) -> CaptionedPlot | None:
    """A plot as a report has it, of the first study that it can show."""
    draw = PLOTS[name].traits.captioned
    assert draw is not None
    for study in STUDIES:
        with suppress(UsageError):
            return draw(selection(study), "full")
    return None


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("name", PLOTS.names())
@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml")])
def test_every_plot_draws_a_study_or_says_why_it_cannot(tmp_path, study, name, ending, start):
    path = tmp_path / f"figure.{ending}"

    why_not = drawing_or_refusal(name, study, path)

    if why_not:
        assert f"plot {name}" in why_not or "study 'fabricated'" in why_not
    else:
        assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", PLOTS.names())
def test_the_info_of_every_plot_is_computed_without_torch(name):
    module = PLOTS[name].traits.info.__module__
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert module.startswith("dasbench.views.figures.")
    assert done.returncode == 0


@pytest.mark.parametrize("name", PLOTS.names())
def test_the_help_of_plot_names_every_plot(name):
    text = CliRunner().invoke(cli, ["plot", "--help"]).output

    (kinds,) = [part for part in text.split("\n\n") if "KIND:" in part]
    names = kinds.partition("KIND:")[2].partition("(")[0].split(",")
    assert name in [each.strip() for each in names]


@pytest.mark.parametrize("name", report_plots())
def test_every_plot_of_a_report_has_a_caption_and_its_numbers(tmp_path, name):
    figure = captioned(name)

    assert figure is not None
    figure.draw(tmp_path / "figure.svg")

    assert figure.name == name
    assert figure.caption.endswith(".")
    assert figure.records
    assert (tmp_path / "figure.svg").exists()


def test_the_plots_of_a_report_have_places_of_their_own():
    places = [int(PLOTS[name].traits.report_place) for name in report_plots()]

    assert places == sorted(set(places))
