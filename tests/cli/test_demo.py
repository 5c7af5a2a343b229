"""`dasbench demo`: the shipped study, from its file to a verdict on a difference and one on a tie."""

import re
from pathlib import Path

import pytest

from dasbench.catalog import known_names
from dasbench.cli import demo, run_command
from dasbench.spec.load import load_study

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)  # a minute of two idle cores
def test_the_demo_resolves_a_difference_shows_a_tie_and_draws_them(dasbench, tmp_path):
    done = dasbench("demo", timeout=840, COLUMNS="80")

    said = " ".join(done.out.split())
    assert done.code == 0, done.err
    assert re.search(r"DAS beats no attention by [\d.]+ ± [\d.]+ pp \(95% CI\).*?: resolved", said)
    assert "DAS and no deformation: equivalent within ±3.00 pp" in said
    assert said.endswith("figures/demo_pareto.png figures/demo_pareto.svg")
    assert (tmp_path / "figures/demo_pareto.png").read_bytes().startswith(b"\x89PNG")
    assert "no attention" in (tmp_path / "figures/demo_pareto.svg").read_text()

    check_the_readme(done.out)

    again = dasbench("demo", COLUMNS="80")

    assert "Nothing was missing." in again.out
    assert (
        again.out.partition("$ dasbench compare")[2] == done.out.partition("$ dasbench compare")[2]
    )


def check_the_readme(printed: str) -> None:
    """What the README shows is what was printed, but for the numbers and the order of the scores."""
    verdicts, board = (
        README.partition(f"$ {command}\n")[2].partition("```")[0]
        for command in ("dasbench demo", "dasbench leaderboard demo")
    )
    for sentence in filter(None, map(str.strip, verdicts.split("...\n"))):
        assert without_numbers(sentence) in without_numbers(printed)
    rows = {without_numbers(line) for line in printed.splitlines()}
    shown = [line for line in board.splitlines() if line not in ("", "...")]
    assert [line for line in shown if without_numbers(line) not in rows] == []
    assert len(shown) > 8


def without_numbers(text: str) -> str:
    """The words of a text, wherever its lines break."""
    return re.sub(r"[<=]? ?\d[\d.-]*", "#", " ".join(text.split()))


def test_every_variant_that_the_demo_compares_is_in_its_study():
    study = load_study(demo.STUDY, known=known_names())
    labels = {study.label_of(variant) for variant in study.variants()}

    compared = {name for step in demo.STEPS for name in step[1:-1] if step[0] == "compare"}

    assert compared <= labels
    assert {step[-1] for step in demo.STEPS} == {study.name}


def test_the_demo_says_where_its_study_is_to_be_had(monkeypatch, capsys):
    monkeypatch.setattr(demo, "STUDY", Path("nowhere/demo.yaml"))

    code = run_command(["demo"])

    assert code == 2
    assert "nowhere/demo.yaml: no such file" in capsys.readouterr().err


def test_its_help_fits_a_terminal_and_has_an_example(capsys):
    assert run_command(["demo", "--help"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert "    dasbench demo --db /tmp/demo.db" in lines
    assert max(map(len, lines)) <= 80
