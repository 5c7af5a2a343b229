"""The scripts that prove and measure a GPU, rehearsed on the CPU: tiny networks, the same code."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dasbench.catalog import GATES

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "benchmarks"
REHEARSAL = {"ACCEPT_DEVICE": "cpu", "ACCEPT_SMALL": "1"}


def run_script(
    name: str, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as somebody types it: its own folder is searched for modules, as PYTHONSAFEPATH would forbid."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        [sys.executable, str(SCRIPTS / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**own, "OMP_NUM_THREADS": "1", **environment},
    )


def accept(folder: Path, *checks: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_script("accept_gpu.py", *checks, OUT=str(folder), **{**REHEARSAL, **environment})


def findings(folder: Path, check: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "accept.jsonl").read_text().splitlines()]
    return [row for row in rows if row["check"] == check and "ending" not in row]


def test_every_gate_trains_in_each_precision_and_keeps_the_form_of_its_input(tmp_path):
    done = accept(tmp_path, "gates")

    assert done.returncode == 0, done.stdout
    rows = [row for row in findings(tmp_path, "gates") if "loss" in row]
    assert {(row["gate"], row["precision"]) for row in rows} == {
        (gate, precision) for gate in GATES.names() for precision in ("fp32", "bf16")
    }
    assert all(math.isfinite(row["loss"]) for row in rows)


def test_an_interrupted_training_ends_with_the_bits_of_one_that_was_not(tmp_path):
    done = accept(tmp_path, "place", "precision", "resume")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "failures: 0"
    assert [row["same_bits"] for row in findings(tmp_path, "resume")] == [True, True, True]
    assert findings(tmp_path, "place")[0]["environment"]["device"] == "cpu"


def test_the_backends_of_the_deformable_convolution_agree_at_all_shapes(tmp_path):
    done = accept(tmp_path, "deform")

    assert done.returncode == 0, done.stdout
    errors = [
        row["errors_of_out_x_offset_mask_weight"]
        for row in findings(tmp_path, "deform")
        if "forward_ms" in row
    ]
    assert len(errors) == 8 * 4
    assert all(len(row) == 5 for row in errors)


def test_a_broken_trial_and_trials_at_once_are_rehearsed(tmp_path):
    done = accept(tmp_path, "faults", "packing", "loader")

    assert done.returncode == 0, done.stdout
    assert [row["reason"] for row in findings(tmp_path, "faults")] == ["error"]
    assert [row["number"] for row in findings(tmp_path, "packing") if "number" in row] == [1, 2]
    assert [row["loaders"] for row in findings(tmp_path, "loader")] == [0, 2]


def test_a_gpu_that_is_not_there_is_a_failure(tmp_path):
    done = accept(tmp_path, "place", ACCEPT_DEVICE="cuda", CUDA_VISIBLE_DEVICES="")

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "failures: 1"
    assert "no CUDA device" in findings(tmp_path, "place")[0]["failed"]


def test_a_check_that_takes_too_long_is_cut_off_and_keeps_what_it_found(tmp_path):
    done = accept(tmp_path, "gates", "place", BUDGET_S="9")

    assert done.returncode == 1
    assert "## gates: cut off after 9 s" in done.stdout
    assert "## place: no time left" in done.stdout
    assert done.stdout.splitlines()[-1] == "failures: 2"
    assert findings(tmp_path, "gates")[0]["gate"] == "a2"


def test_a_check_without_time_is_a_failure(tmp_path):
    done = accept(tmp_path, "place", BUDGET_S="1")

    assert done.returncode == 1
    assert done.stdout.splitlines() == ["## place: no time left", "failures: 1"]


def test_an_unknown_check_is_refused_with_the_names_of_all(tmp_path):
    done = accept(tmp_path, "gate")

    assert done.returncode == 1
    assert "'gate'" in done.stderr
    assert "gates" in done.stderr
    assert not (tmp_path / "accept.jsonl").exists()


def test_the_benchmark_measures_three_loops_and_trials_at_once(tmp_path):
    sizes = ["--width", 4, "--images", 64, "--batch", 32, "--runs", 1]

    done = run_script("gpu.py", "--device", "cpu", *sizes, "--json", tmp_path / "figures.json")

    assert done.returncode == 0, done.stderr
    assert "say nothing about" in done.stdout
    assert "with MPS: not available" in done.stdout
    figures = json.loads((tmp_path / "figures.json").read_text())
    named = [(row["network"], row["gate"]) for row in figures["speeds"]]
    assert named == [
        (network, gate) for network in ("resnet18", "resnet50") for gate in ("none", "das")
    ]
    assert all(
        row[side] > 0 for row in figures["speeds"] for side in ("dasbench", "by_hand", "reference")
    )
    assert [row["number"] for row in figures["together"]] == [1, 2]
    assert [row["failed"] for row in figures["together"]] == ["", ""]
