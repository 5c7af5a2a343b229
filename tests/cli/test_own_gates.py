"""A gate of one's own is edited and run again: its trials are new, everything else is known."""

import json
import re
import shutil
from pathlib import Path

import pytest
from command_line import run_dasbench

DOCUMENT = Path(__file__).parents[2] / "docs/identity.md"

GATE = """\
import torch
from torch import nn

from dasbench.catalog import GATES
from my_norms import scale


@GATES.register("freq", source="a test")
class Freq(nn.Module):
    \"\"\"Every feature times a learned factor.

    Args:
        channels: C of the map.
        start: the factor of a fresh gate.
    \"\"\"

    def __init__(self, channels: int, *, start: float = 0.5) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((channels, 1, 1), start))

    def forward(self, x):
        return scale(x) * self.factor
"""

STUDY = """\
name: mine
question: Is freq any good?
base:
  backbone: {name: resnet18, width: 2, stem: small}
  dataset: {name: digits, image_size: 8}
  training: {epochs: 1, lr: 0.02}
axes:
  - {key: gate, values: [none, freq]}
seeds: 2
"""


def call_in(folder):
    """A function that runs verbs in a folder."""

    def call(verb, *arguments):
        options = ("--executor", "inline") if verb == "run" else ()
        return run_dasbench(folder, "--import", "my_gates", verb, *arguments, *options)

    return call


@pytest.fixture(scope="session")
def run_once(tmp_path_factory):
    """A folder with a gate and a study that was run."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "my_gates.py").write_text(GATE)
    (folder / "my_norms.py").write_text("def scale(x):\n    return x\n")
    (folder / "mine.yaml").write_text(STUDY)
    done = call_in(folder)("run", "mine.yaml")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def mine(run_once, tmp_path):
    """A copy of that folder; returns a function that runs verbs in it."""
    shutil.copytree(run_once, tmp_path, dirs_exist_ok=True)
    return call_in(tmp_path)


def rows(call):
    return {row["label"]: row for row in json.loads(call("leaderboard", "mine", "--json").out)}


@pytest.mark.slow
def test_an_edited_helper_makes_new_trials_of_its_gate_alone(mine, tmp_path):
    before = rows(mine)
    (tmp_path / "my_norms.py").write_text("def scale(x):\n    return 2 * x\n")
    changed = "the code of gate freq changed since 2 trials were trained"

    plan = mine("plan", "mine.yaml")
    done = mine("run", "mine.yaml")

    [sentence] = [line for line in plan.err.splitlines() if line.startswith(changed)]
    assert sentence in DOCUMENT.read_text()
    assert plan.out.count(" new ") == plan.out.count(" done ") == 2
    assert changed in done.err
    assert "2 ran now" in done.out
    after = rows(mine)
    assert after["gate=none"] == before["gate=none"]
    assert set(after["gate=freq"]["keys"]).isdisjoint(before["gate=freq"]["keys"])
    assert after["gate=freq"]["top1_mean"] != before["gate=freq"]["top1_mean"]
    assert "the code of" not in mine("run", "mine.yaml").err


@pytest.mark.slow
def test_comments_and_line_ends_train_nothing(mine, tmp_path):
    text = GATE.replace("    def forward", "    # the very idea\n    def forward")
    (tmp_path / "my_gates.py").write_bytes(text.replace("\n", "\r\n").encode())

    assert "0 ran now" in mine("run", "mine.yaml").out


@pytest.mark.slow
def test_code_that_is_put_back_finds_its_results_again(mine, tmp_path):
    (tmp_path / "my_norms.py").write_text("def scale(x):\n    return 2 * x\n")
    mine("run", "mine.yaml")

    (tmp_path / "my_norms.py").write_text("def scale(x):\n    return x\n")

    assert "0 ran now" in mine("run", "mine.yaml").out


@pytest.mark.slow
def test_a_variant_is_trained_again_and_both_results_are_kept(mine):
    before = rows(mine)

    done = mine("run", "mine.yaml", "--again", "gate=freq")

    assert "2 ran now" in done.out
    after = rows(mine)
    assert after["gate=freq"]["repeats"] == 2
    assert after["gate=none"]["repeats"] == 0
    assert after["gate=freq"]["top1_mean"] == before["gate=freq"]["top1_mean"]
    assert (
        "Trained again, the last result counts: gate=freq (2 of 2)"
        in mine("leaderboard", "mine").out
    )
    shown = mine("show", after["gate=freq"]["keys"][0]).out
    assert re.search(r"attempt 1 \(done\).*top1.*\+0 ", shown)


@pytest.mark.slow
def test_a_trial_is_trained_again_by_its_key(mine):
    key = rows(mine)["gate=none"]["keys"][0]

    done = mine("run", "mine.yaml", "--again", key[:8])

    assert "1 ran now" in done.out


@pytest.mark.slow
def test_what_is_unknown_cannot_be_trained_again(mine):
    done = mine("run", "mine.yaml", "--again", "gate=feq")

    assert done.code == 2
    assert "gate=freq" in done.err


@pytest.mark.slow
def test_another_study_of_the_same_name_takes_its_place_only_when_told(mine, tmp_path):
    text = STUDY.replace("Is freq any good?", "Which width?").replace("epochs: 1", "epochs: 2")
    (tmp_path / "other.yaml").write_text(text)

    refused = mine("run", "other.yaml")

    assert refused.code == 2
    assert "another study named 'mine': its question is 'Is freq any good?'" in refused.err
    assert "4 results leave" in refused.err
    assert len(rows(mine)) == 2
    replaced = mine("run", "other.yaml", "--replace")
    assert replaced.code == 0
    assert "4 results leave the study 'mine'" in replaced.err


@pytest.mark.slow
def test_an_edited_study_says_how_many_results_leave_it(mine, tmp_path):
    (tmp_path / "mine.yaml").write_text(STUDY.replace("seeds: 2", "seeds: [1]"))

    planned = mine("plan", "mine.yaml")
    done = mine("run", "mine.yaml")

    assert (planned.code, done.code) == (0, 0)
    assert "2 results leave the study 'mine'" in planned.err
    assert "2 results leave the study 'mine'" in done.err


@pytest.mark.slow
def test_a_copy_of_a_study_in_another_folder_is_the_same_study(mine, tmp_path):
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies/mine.yaml").write_text(STUDY)

    assert mine("run", "copies/mine.yaml").code == 0


@pytest.mark.slow
def test_a_study_is_forgotten_after_a_question(mine):
    declined = mine("forget", "mine")  # nobody answers
    assert declined.code == 1
    assert len(rows(mine)) == 2

    done = mine("forget", "mine", "--yes")

    assert done.code == 0
    assert "the study 'mine' and its 4 trials" in done.out
    assert "unknown study 'mine'" in mine("leaderboard", "mine").err
    assert "4 ran now" in mine("run", "mine.yaml").out


@pytest.mark.slow
def test_one_trial_is_forgotten(mine):
    key = rows(mine)["gate=none"]["keys"][0]

    assert mine("forget", key, "--yes").code == 0

    assert rows(mine)["gate=none"]["planned"] == 1
    assert "1 ran now" in mine("run", "mine.yaml").out
