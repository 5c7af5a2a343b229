"""Seeds that are added to a study after somebody could have looked at its results."""

import csv
import json

import pytest
from click.testing import CliRunner
from command_line import run_dasbench

from dasbench.cli import cli

STUDY = """\
name: widths
question: How wide?
base:
  task: {{name: probe, formula: "{formula}", noise: 1}}
  backbone: {{name: resnet18, width: 2}}
  dataset: {{name: digits, image_size: 8}}
  training: {{epochs: 1}}
axes:
  - {{key: backbone.width, values: {widths}}}
seeds: {seeds}
"""
FAR, CLOSE = "60 + 5 * backbone.width", "60 + 0.1 * backbone.width"
BETWEEN = "60 + backbone.width"
NOTE = (
    "Exploratory: looked at with 3 seeds before. Tests with all seeds carry no error rate, "
    "those with the new ones alone do."
)


def run(folder, seeds, *, widths=(2, 4), formula=CLOSE):
    """Run the study with these seeds; returns what was said beside the results."""
    text = STUDY.format(seeds=seeds, widths=list(widths), formula=formula)
    (folder / "widths.yaml").write_text(text)
    done = run_dasbench(folder, "run", "widths.yaml", "--executor", "inline", "--plain")
    assert done.code == 0, done.err
    return done.err


def ask(folder, *arguments):
    done = CliRunner().invoke(
        cli, [*arguments, "--db", str(folder / "results.db")], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def one_line(text):
    return " ".join(text.split())


def pair(folder, a="width=2", b="width=4", *more):
    return json.loads(ask(folder, "compare", a, b, "widths", "--json", *more))


@pytest.fixture(scope="module")
def close(tmp_path_factory):
    """A study of hardly any difference that had three seeds, and then got two more."""
    folder = tmp_path_factory.mktemp("close")
    run(folder, 3)
    run(folder, 5)
    return folder


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A study of a large difference that had three seeds, and then got six more."""
    folder = tmp_path_factory.mktemp("far")
    run(folder, 3, formula=FAR)
    run(folder, 9, formula=FAR)
    return folder


def test_the_undecided_is_exploratory_and_keeps_the_order_of_the_question(close):
    text = one_line(ask(close, "compare", "width=4", "width=2", "widths"))

    assert text.startswith(
        "width=4 and width=2: not resolved (exploratory: looked at with 3 seeds before); width="
    )
    assert "in 5 paired seeds (95% CI)" in text
    assert NOTE in text
    assert "beats" not in text
    assert "until: resolved" not in text


def test_the_resolved_is_exploratory_too(far):
    record = pair(far)

    assert record["verdict"].startswith("width=4 beats width=2 by ")
    assert record["verdict"].endswith(": resolved (exploratory: looked at with 3 seeds before).")
    assert record["looked_at_before"] == [3]


def test_a_table_of_differences_says_so_below_and_prints_nothing_in_bold(far):
    text = ask(far, "compare", "--baseline", "width=2", "widths", "--format", "latex")
    records = csv.DictReader(
        ask(far, "compare", "--baseline", "width=2", "widths", "--format", "csv").splitlines()
    )

    assert "resolved (exploratory)" in text
    assert NOTE in one_line(text)
    assert r"\textbf" not in text
    assert [record["looked_at_before"] for record in records] == ["[3]"]


def test_ranks_are_exploratory(far):
    text = one_line(ask(far, "leaderboard", "widths"))
    records = json.loads(ask(far, "leaderboard", "widths", "--json"))

    assert NOTE in text
    assert [record["looked_at_before"] for record in records] == [[3], [3]]


def test_groups_are_exploratory_as_their_variants_are(far):
    text = one_line(ask(far, "leaderboard", "widths", "--group-by", "width"))

    assert NOTE in text


def test_a_report_says_so_and_prints_nothing_in_bold(far, tmp_path):
    ask(far, "report", "widths", "--output", str(tmp_path / "paper"))
    text = (tmp_path / "paper" / "section.tex").read_text()

    assert "resolved (exploratory: looked at with 3 seeds before)." in text
    assert f"{NOTE} So nothing is bold." in text
    assert NOTE in text.partition("Every variant against")[2]
    assert r"\textbf" not in text


@pytest.mark.parametrize("chosen", ["seed < 3", "seed >= 3"])
def test_the_seeds_of_the_look_and_those_after_it_are_each_as_good_as_planned(far, chosen):
    record = pair(far, "width=2", "width=4", "--where", chosen)

    assert (record["looked_at_before"], "exploratory" in record["verdict"]) == ([], False)


def test_a_run_that_adds_seeds_says_what_that_means_and_one_that_goes_on_does_not(tmp_path):
    first = run(tmp_path, 2)
    grown = run(tmp_path, 2, widths=(2, 4, 8))
    added = run(tmp_path, 4, widths=(2, 4, 8))
    again = run(tmp_path, 4, widths=(2, 4, 8))

    assert "exploratory" not in first + grown + again
    assert "variants get more seeds after results of 2 seeds" in one_line(added)
    assert "seeds: {until: resolved}" in one_line(added)
    assert pair(tmp_path)["looked_at_before"] == [2]


def test_seeds_that_planned_looks_add_are_not_exploratory(tmp_path):
    said = run(tmp_path, "{looks: [2, 4, 6]}", formula=BETWEEN)
    records = [pair(tmp_path), *json.loads(ask(tmp_path, "leaderboard", "widths", "--json"))]

    assert "exploratory" not in said
    assert records[0]["n"] > 2
    assert [record["looked_at_before"] for record in records] == [[], [], []]
    assert "exploratory" not in records[0]["verdict"]


def test_a_variant_that_came_with_the_seeds_was_not_looked_at(tmp_path):
    run(tmp_path, 2)
    run(tmp_path, 3, widths=(2, 4, 8))

    assert pair(tmp_path)["looked_at_before"] == [2]
    assert pair(tmp_path, "width=2", "width=8")["looked_at_before"] == []
