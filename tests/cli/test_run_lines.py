"""What `dasbench run` leaves on standard output, and what on standard error."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import TINY, run_dasbench

GATE = """\
from torch import nn
from dasbench.catalog import GATES

@GATES.register("moody", source="me")
class Moody(nn.Module):
    "Does not like to learn."
    def __init__(self, channels, *, good: bool = True):
        super().__init__()
        self.good = good
    def forward(self, x):
        if self.training and not self.good:
            raise ValueError("a bad mood")
        return x
"""


@pytest.fixture(scope="module")
def moody(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moody")
    (folder / "moods.py").write_text(GATE)
    study = TINY.replace("backbone.width, values: [2, 4]", "gate.good, values: [true, false]")
    (folder / "study.yaml").write_text(
        study.replace("  dataset:", "  gate: {name: moody}\n  dataset:")
    )
    return folder


RUN = ("--import", "moods", "run", "study.yaml", "--executor", "inline", "--db", "x.db")


@pytest.fixture(scope="module")
def failed(moody):
    return run_dasbench(moody, *RUN, "--plain")


@pytest.mark.slow
def test_results_are_on_standard_output_and_progress_on_standard_error(failed):
    first, *told, board, front = failed.out.splitlines()

    assert failed.code == 1
    assert first == "2 of 4 trials have a result; 4 ran now."
    assert told[0] == "2 of 4 trials failed:"
    assert "ValueError: a bad mood" in " ".join(told)
    assert (board, front) == (
        "  dasbench leaderboard tiny --db x.db",
        "  dasbench pareto tiny --db x.db",
    )
    assert failed.err.count("seed=") == 4
    assert "have a result;" not in failed.err


@pytest.mark.slow
def test_the_commands_that_are_said_work(moody, failed):
    (again,) = re.findall(r"To run failed trials again: dasbench (.*)", failed.out)
    (show,) = re.findall(r"For the traceback: dasbench (.*)", failed.out)

    assert "ValueError: a bad mood" in run_dasbench(moody, *show.split()).out
    assert run_dasbench(moody, *again.split()).code == 1
    assert run_dasbench(moody, "leaderboard", "tiny", "--db", "x.db").code == 0


@pytest.mark.slow
def test_a_reader_that_goes_leaves_the_exit_code_as_it_is(moody, failed):
    command = f"{sys.executable} -m dasbench {' '.join(RUN)} | head -n 0; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=moody, check=True
    )

    assert done.stdout == "1\n", done.stderr


@pytest.mark.slow
def test_a_second_signal_ends_a_run_with_the_command_that_goes_on(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(
        TINY.replace("image_size: 8", "image_size: 64").replace("[2, 4]", "[16]")
    )
    run = [sys.executable, "-m", "dasbench", "run", "long.yaml", "--executor", "inline", "--plain"]
    with subprocess.Popen(
        run,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ),
    ) as driver:
        wait_for(driver, "already have a result")
        driver.send_signal(signal.SIGINT)
        wait_for(driver, "once more")
        driver.send_signal(signal.SIGINT)
        out, err = driver.communicate(timeout=60)

    assert (driver.returncode, out) == (
        130,
        "To go on: dasbench run long.yaml --executor inline --plain\n",
    ), err


def wait_for(driver: "subprocess.Popen[str]", words: str) -> None:
    """Read what a run says until it has said some words."""
    while line := driver.stderr.readline():
        if words in line:
            return
    pytest.fail(f"the run ended before it said: {words}")
