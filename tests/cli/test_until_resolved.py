"""A study that replicates until resolved, on the command line."""

import json
import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs/search.md"

STUDY = """\
name: until
question: Which alpha?
base:
  task: {name: probe, formula: "90 - 40 * (gate.alpha - 0.3) ** 2", noise: 0.3}
  backbone: {name: resnet18, width: 2, stem: small}
  gate: {name: das}
  dataset: {name: digits, image_size: 16}
  training: {epochs: 1}
axes:
  - {key: gate.alpha, values: [0.1, 0.2, 0.3, 0.4]}
seeds: {until: resolved, max: 20, min_effect: 0.5}
"""


@pytest.mark.slow
def test_a_plan_says_what_the_study_can_resolve(dasbench, write_study):
    write_study(STUDY)

    shown = dasbench("plan", "study.yaml").out
    records = json.loads(dasbench("plan", "study.yaml", "--json").out)

    [told] = re.findall(r"```text\n(3 seeds: .*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert " ".join(told.split()) in " ".join(shown.split())
    foreseen = records[0]["forecast"]
    assert (foreseen["num_comparisons"], foreseen["most_runs"]) == (3, 80)
    assert foreseen["noise"]["source"] == "guess"
    assert list(foreseen["differences"]) == ["3", "20"]


@pytest.mark.slow
def test_a_run_looks_at_three_seeds_first_and_spends_a_tenth(dasbench, write_study):
    write_study(STUDY)

    ran = dasbench("run", "study.yaml", "--executor", "inline", "--plain")
    board = " ".join(dasbench("leaderboard", "until").out.split())
    planned = dasbench("plan", "study.yaml").out

    assert ran.code == 0, ran.err
    assert "look 1, at the level 0.004:" in ran.err
    assert re.search(
        r"Looks at 3, 5, 8, 12, 20 seeds: \d taken, .* of the error rate of 0.04", board
    )
    assert "as 12 trials of the study show" in planned


@pytest.mark.slow
def test_seeds_that_make_no_plan_are_refused_on_their_line(dasbench, write_study):
    write_study(STUDY.replace("max: 20, min_effect: 0.5", "max: 2, min_effect: -1"))

    done = dasbench("check", "study.yaml")

    assert done.code == 2
    assert "study.yaml:11: seeds.max: must be greater than or equal to 3, not 2" in done.err
    assert "study.yaml:11: seeds.min_effect: must be greater than 0, not -1" in done.err
