"""`dasbench ablate`: a study of a gate's ablations, written to be read, checked and run."""

import json
import sys

import pytest

from dasbench.cli import run_command

BASE = """\
name: base
question: Which alpha?
base:
  backbone: {name: resnet18, width: 4, stem: small}
  gate: {name: se, bias: true}
  dataset: {name: digits, image_size: 8}
  training: {epochs: 1, lr: 0.05}
axes:
  - {key: gate.reduction, values: [2, 4]}
seeds: 2
objectives: [top1 max, params min]
resources: {timeout_s: 600}
profiles:
  long: {base: {gate: das, training: {epochs: 3}}, trials: 9, sampler: tpe}
"""


@pytest.fixture
def base(write_study):
    return write_study(BASE, "base.yaml")


@pytest.mark.slow
def test_a_study_is_written_that_check_accepts_and_compare_understands(dasbench, base, tmp_path):
    done = dasbench(
        "ablate", "se", "--base", "base.yaml", "-o", "parts.yaml", "--only", "leave_one_out"
    )

    assert (done.code, done.out) == (0, "parts.yaml\n")
    assert "3 variants x 2 seeds = 6 trials" in done.err
    assert "dasbench compare --baseline 'gate=se(bias=True)' parts" in done.err
    text = (tmp_path / "parts.yaml").read_text()
    assert "objectives: [top1 max, params min]" in text
    assert "    base: {training: {epochs: 3}}\n" in text
    assert dasbench("check", "parts.yaml", "--profile", "long").code == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["base.yaml", "parts.yaml"]


@pytest.mark.slow
def test_its_trials_are_trained_and_compared_with_the_gate_as_it_is(dasbench, base):
    dasbench(
        "ablate", "se", "--base", "base.yaml", "-o", "parts.yaml", "--only", "leave_one_out,count"
    )
    assert dasbench("run", "parts.yaml", "--executor", "inline").code == 0

    label = "gate=se(bias=True) placement=(after=before_add)"
    done = dasbench("compare", "--baseline", label, "parts", "--json")

    assert done.code == 0, done.err
    assert {answer["b"] for answer in json.loads(done.out)} == {label}


@pytest.mark.slow
def test_the_same_command_writes_the_same_bytes_and_replaces_nothing_unasked(
    dasbench, base, tmp_path
):
    command = (
        "ablate",
        "se",
        "--base",
        "base.yaml",
        "-o",
        "parts.yaml",
        "--only",
        "reduction",
        "--seeds",
        "3",
    )
    dasbench(*command)
    first = (tmp_path / "parts.yaml").read_bytes()

    refused = dasbench(*command)
    forced = dasbench(*command, "--force")

    assert (refused.code, forced.code) == (2, 0)
    assert "--force" in refused.err
    assert (tmp_path / "parts.yaml").read_bytes() == first
    assert b"seeds: 3\n" in first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("dass --base base.yaml -o a.yaml", "unknown gate 'dass'. Did you mean 'das'?"),
        ("das --base nowhere.yaml -o a.yaml", "nowhere.yaml: cannot be read"),
        (
            "das --base base.yaml -o a.yaml --only norm",
            "unknown part 'norm'. Did you mean 'norms'?",
        ),
        ("das --base base.yaml -o a.yaml --only ,", "--only: name parts"),
        ("eca --base base.yaml -o a.yaml", "components="),
        ("none --base base.yaml -o a.yaml", "nothing to leave out"),
        ("das --base base.yaml -o base.yaml --force", "is the base study itself"),
        ("das --base base.yaml -o a.txt", "ends in .yaml"),
        ("das --base base.yaml -o no/a.yaml", "there is no folder 'no'"),
        (
            "das --base base.yaml -o a.yaml --set gate.alpha=7",
            "gate.alpha: must be less than or equal to 1, not 7",
        ),
        ("das --base base.yaml -o a.yaml --profile lang", "unknown profile 'lang'"),
        (
            "se --base base.yaml -o a.yaml --set gate.bias=false --only leave_one_out",
            "nothing to vary",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused_and_nothing_is_written(
    base, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])

    code = run_command(["ablate", *arguments.split()])

    assert code == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["base.yaml"]
    assert base.read_text() == BASE
