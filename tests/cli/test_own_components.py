"""What the author of a component meets on the command line: how it is found, and what is said when it fails."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from command_line import run_dasbench

from dasbench.cli import run_command

PARTS = """\
import torch
from torch import nn

from dasbench.backbones.site import Backbone
from dasbench.catalog import {kinds}
from own_constants import FACTOR

"""

GATE = """
@GATES.register("{name}", source="this test")
class Own(nn.Module):
    "Scales."

    def __init__(self, channels, *, factor: float = FACTOR):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        {body}
"""

STUDY = """\
name: own
question: Does it run?
base:
  backbone: {{name: resnet18, width: 2, stem: small}}
  gate: {gate}
  dataset: {{name: digits, image_size: 8}}
  training: {{epochs: 1, lr: 0.05}}
seeds: 1
{more}
"""


@pytest.fixture
def project(tmp_path):
    """Writes a project: gates/own_gates.py with a gate, what it imports, and own.yaml."""

    def write(
        body: str = "return x * self.factor", *, name: str = "own_gate", more: str = ""
    ) -> Path:
        (tmp_path / "gates").mkdir(exist_ok=True)
        (tmp_path / "gates" / "own_constants.py").write_text("FACTOR = 0.5\n")
        text = PARTS.format(kinds="GATES") + GATE.format(name=name, body=body)
        (tmp_path / "gates" / "own_gates.py").write_text(text)
        (tmp_path / "own.yaml").write_text(STUDY.format(gate=name, more=more))
        return tmp_path

    return write


def line_of(folder: Path, text: str) -> str:
    lines = (folder / "gates" / "own_gates.py").read_text().splitlines()
    return f"gates/own_gates.py:{next(n for n, line in enumerate(lines, start=1) if text in line)}"


@pytest.mark.slow
def test_a_gate_is_found_by_its_files_path_by_the_study_and_by_the_environment(project):
    folder = project()
    (folder / "named.yaml").write_text(
        STUDY.format(gate="own_gate", more="imports: [gates/own_gates.py]")
    )

    unknown = run_dasbench(folder, "check", "own.yaml")
    by_path = run_dasbench(folder, "--import", "gates/own_gates.py", "check", "own.yaml")
    by_study = run_dasbench(folder.parent, "check", folder / "named.yaml")
    by_environment = run_dasbench(
        folder, "check", "own.yaml", DASBENCH_IMPORT=f"gates/own_gates.py{os.pathsep}json"
    )

    assert (unknown.code, by_path.code, by_study.code, by_environment.code) == (2, 0, 0, 0)
    assert "DASBENCH_IMPORT json: " in by_environment.err
    assert "registers no component" in by_environment.err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return x * torch.zeros(3)", "RuntimeError: The size of tensor a (8) must match"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("return self.forward(x)", "RecursionError"),
    ],
)
@pytest.mark.parametrize(
    "command",
    ["check own.yaml", "plan own.yaml", "run own.yaml --executor inline", "cost own.yaml"],
)
def test_a_gate_that_fails_ends_every_command_with_its_place(
    project, monkeypatch, capsys, body, said, command
):
    name = f"own_{command.split()[0]}_{len(body)}"  # costs are counted once in a process
    folder = project(body, name=name, more="imports: [gates/own_gates.py]")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])

    code = run_command(command.split())

    shown = capsys.readouterr().err
    sys.modules.pop("own_gates", None)
    assert code == 2
    assert "site 'layer1': gate 'own_" in shown
    assert said in shown
    assert f"({line_of(folder, body)}, in forward: {body})" in shown
    assert "internal error" not in shown


@pytest.mark.slow
def test_a_gate_that_fails_only_in_training_is_a_failed_trial_that_says_so_first(project):
    body = "return x * torch.zeros(3) if self.training else x"
    folder = project(body, more="imports: [gates/own_gates.py]")

    ran = run_dasbench(folder, "run", "own.yaml", "--executor", "inline", "--plain")

    with closing(sqlite3.connect(folder / "results.db")) as connection:
        ((error,),) = connection.execute("SELECT error FROM das_trials").fetchall()
    assert ran.code == 1
    assert (
        "failed (error): site 'layer1': gate 'own_gate' fails on a map [64, 2, 8, 8]: RuntimeError"
        in ran.err
    )
    assert error.startswith("site 'layer1': gate 'own_gate' fails")
    assert line_of(folder, body) in error.partition("\n")[0]
    assert "Traceback (most recent call last)" in error


@pytest.mark.slow
def test_results_are_read_without_the_modules_that_made_them(project):
    folder = project(more="imports: [gates/own_gates.py]")
    ran = run_dasbench(folder, "run", "own.yaml", "--executor", "inline", "--plain")
    (folder / "gates" / "own_gates.py").unlink()

    named = run_dasbench(folder, "leaderboard", "own", "--json")
    by_file = run_dasbench(folder, "leaderboard", "own.yaml", "--json")
    others = [
        ["export", "own.yaml", "-o", "x.csv"],
        ["pareto", "own.yaml"],
        ["show", json.loads(named.out)[0]["keys"][0]],
    ]

    assert (ran.code, named.code, by_file.code) == (0, 0, 0)
    assert named.out == by_file.out
    assert [run_dasbench(folder, *words).code for words in others] == [0, 0, 0]


@pytest.mark.slow
def test_workers_know_what_the_study_imports(project):
    folder = project(more="imports: [gates/own_gates.py]")
    (folder / "elsewhere").mkdir()

    ran = run_dasbench(folder / "elsewhere", "run", "../own.yaml", "--plain", "--workers", "1")

    assert ran.code == 0, ran.err
    assert "1 of 1 trials have a result; 1 ran now." in ran.out


def test_a_module_that_takes_a_name_of_ours_is_refused_before_anything_is_read(project):
    folder = project(name="se")

    done = run_dasbench(folder, "--import", "gates/own_gates.py", "leaderboard", "own")

    assert done.code == 2
    assert "gate 'se' is registered twice: in " in done.err
    assert line_of(folder, "@GATES.register") in done.err


def test_imports_that_fail_are_complaints_on_their_lines(project):
    folder = project(more="imports: [gates/own_gats.py, gates/own_gates.py, 3]")

    done = run_dasbench(folder, "check", "own.yaml")

    lines = done.err.splitlines()
    assert done.code == 2
    assert lines[0].startswith("own.yaml:9: imports[0]: there is no file 'own_gats.py' in ")
    assert lines[0].endswith("Did you mean 'own_gates.py'?")
    assert lines[1].startswith("own.yaml:9: imports[2]: must be a valid string")
    assert len(lines) == 2


def test_a_component_of_another_kind_is_called_so(project):
    folder = project(more="imports: [gates/own_gates.py]")
    (folder / "own.yaml").write_text(
        STUDY.format(gate="own_gate", more="imports: [gates/own_gates.py]")
        .replace("name: resnet18, width: 2, stem: small", "name: own_gate")
        .replace("gate: own_gate\n", "gate: resnet18\n")
    )

    done = run_dasbench(folder, "check", "own.yaml")

    assert done.code == 2
    assert "'own_gate' is registered as a gate." in done.err
    assert "'resnet18' is registered as a backbone." in done.err


@pytest.mark.slow
def test_a_parameter_that_is_not_keyword_only_is_explained(project):
    folder = project(more="imports: [gates/own_gates.py]")
    path = folder / "gates" / "own_gates.py"
    path.write_text(
        path.read_text().replace("channels, *, factor: float = FACTOR", "channels, factor=FACTOR")
    )
    (folder / "own.yaml").write_text(
        STUDY.format(gate="{name: own_gate, factor: 0.3}", more="imports: [gates/own_gates.py]")
    )

    done = run_dasbench(folder, "check", "own.yaml")

    assert done.code == 2
    assert (
        "unknown key 'factor'. Known: none. (gate 'own_gate') The constructor has 'factor' (gates/own"
        in done.err
    )


RESNET = "{name: resnet18, width: 2, stem: small}"
DIGITS = "{name: digits, image_size: 8}"
AXIS = "axes: [{key: training.lr, values: [0.1, 0.2]}]"

KINDS = """
@BACKBONES.register("own_backbone", stages=1)
def own_backbone(num_classes):
    return {}["width"]


@DATASETS.register("own_files")
def own_files():
    return open("images/absent.npy")


@DATASETS.register("own_list")
def own_list():
    return [1, 2][5]


@DATASETS.register("own_tuple")
def own_tuple():
    return 1, 2


@TASKS.register("own_task")
class OwnTask:
    def build(self, trial, **options): ...

    def cost(self, trial):
        raise ZeroDivisionError("cost")


@SAMPLERS.register("own_sampler")
class OwnSampler:
    exhausted = False

    def __init__(self, study): ...

    def tell(self, *results): ...

    def propose(self):
        raise IndexError("no proposals")


@CALLBACKS.register("own_callback")
def own_callback():
    raise IndexError("no callback")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        (
            "{name: resnet18, width: 2, stem: small}",
            "own_backbone",
            2,
            "backbone 'own_backbone' cannot be made: KeyErr",
        ),
        (DIGITS, "own_files", 3, "dataset 'own_files': FileNotFoundError"),
        (DIGITS, "own_list", 2, "dataset 'own_list': IndexError"),
        (DIGITS, "own_tuple", 2, "dataset 'own_tuple' (own_kinds.py:"),
        (
            "seeds: 1",
            "  task: own_task\nseeds: 1\nobjectives: [macs min]",
            2,
            "task 'own_task': ZeroDivisionError: cost",
        ),
        (
            "seeds: 1",
            "sampler: own_sampler\ntrials: 2\naxes: [{key: training.lr, values: [0.1, 0.2]}]",
            2,
            "no proposals",
        ),
        (
            "seeds: 1",
            "seeds: 1\ncallbacks: [own_callback]",
            2,
            "callback 'own_callback': IndexError: no callback",
        ),
    ],
)
def test_every_kind_of_component_that_fails_is_named_with_its_line(tmp_path, old, new, code, said):
    kinds = "BACKBONES, CALLBACKS, DATASETS, SAMPLERS, TASKS"
    (tmp_path / "own_constants.py").write_text("FACTOR = 0.5\n")
    (tmp_path / "own_kinds.py").write_text(PARTS.format(kinds=kinds) + KINDS)
    study = STUDY.format(gate="none", more="imports: [own_kinds]")
    (tmp_path / "own.yaml").write_text(study.replace(old, new))

    done = run_dasbench(tmp_path, "run", "own.yaml", "--executor", "inline", "--plain")

    assert done.code == code, done.err
    assert said in done.err
    assert "own_kinds.py:" in done.err
    assert "internal error" not in done.err


PROBE = """\
name: probe
question: Which is best?
base:
  task: {name: probe, formula: "90"}
  backbone: {name: resnet18, width: 2, stem: small}
  gate: das
  dataset: {name: digits, image_size: 16}
  training: {epochs: 1}
axes:
  - {key: gate.alpha, low: 0.1, high: 0.5}
sampler: {name: tpe, startup: 1}
trials: 2
"""

SHADOWS = (
    "optuna",
    "statistics",
    "pickle",
    "random",
    "pandas",
    "click",
    "rich",
    "ray",
    "torch",
    "tempfile",
    "numpy",
)


@pytest.mark.slow
def test_no_file_of_the_folder_stands_in_for_a_library(tmp_path):
    (tmp_path / "probe.yaml").write_text(PROBE)
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was executed')\n")

    ran = run_dasbench(tmp_path, "run", "probe.yaml", "--executor", "inline", "--plain")
    read = run_dasbench(tmp_path, "leaderboard", "probe", "--json")

    assert (ran.code, read.code) == (0, 0), ran.err
    assert "executed" not in ran.err + read.err


@pytest.mark.slow
def test_no_file_of_the_folder_stands_in_for_a_library_in_workers_nor_in_replicas(tmp_path):
    (tmp_path / "probe.yaml").write_text(PROBE)
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was executed')\n")
    code = (
        "from dasbench.spec.trial import Trial\nfrom dasbench.training.run_trial import run_trial\n"
        "from dasbench.training.runtime import Runtime\n"
        "trial = Trial(backbone={'name': 'resnet18', 'width': 2, 'stem': 'small'}, "
        "dataset={'name': 'digits', 'image_size': 8}, training={'epochs': 1})\n"
        "print(run_trial(trial, runtime=Runtime(device='cpu', replicas=2)).status)"
    )

    ran = run_dasbench(tmp_path, "run", "probe.yaml", "--plain")
    safely = [sys.executable, "-P", "-c", code]
    replicas = subprocess.run(safely, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.code == 0, ran.err
    assert replicas.stdout == "done\n", replicas.stderr


@pytest.mark.slow
def test_ray_starts_where_the_folder_for_temporary_files_has_a_long_path(tmp_path):
    (tmp_path / "probe.yaml").write_text(PROBE)
    long = tmp_path / "scratch" / "people" / "somebody" / "slurm_jobdir" / "1355700"
    long.mkdir(parents=True)

    ran = run_dasbench(tmp_path, "run", "probe.yaml", "--plain", TMPDIR=str(long))

    assert ran.code == 0, ran.err


@pytest.mark.slow
def test_a_network_that_cannot_take_the_images_is_infeasible_in_a_search(tmp_path):
    networks = "axes: [{key: backbone.model, values: [shufflenet_v2_x0_5, alexnet]}]\nsampler: random\ntrials: 2"
    study = STUDY.format(gate="none", more=networks).replace(
        "{name: resnet18, width: 2, stem: small}", "{name: torchvision, model: alexnet}"
    )
    (tmp_path / "own.yaml").write_text(
        study.replace("image_size: 8}", 'image_size: 32}\n  task: {name: probe, formula: "90"}')
    )

    ran = run_dasbench(tmp_path, "run", "own.yaml", "--executor", "inline", "--plain")

    out = " ".join(ran.out.split())
    assert (
        "backbone 'torchvision(model=alexnet)' fails on images of 32x32 px (it takes 63x63 px and more)"
        in out
    )
    assert "1 of 1 trials have a result" in out
    assert ran.code == 0


def test_a_table_is_printed_whatever_the_encoding(trained):
    done = run_dasbench(trained, "leaderboard", "tiny", PYTHONIOENCODING="ascii")

    assert done.code == 0
    assert "+- 95 %" in done.out


@pytest.mark.parametrize(
    "command",
    ["pareto tiny -o /proc/x.png", "export tiny -o /proc/x.csv", "report tiny -o /proc/x"],
)
def test_where_nothing_can_be_written_the_path_is_named(trained, command):
    done = run_dasbench(trained, *command.split())

    assert done.code == 3
    assert command.split()[-1] in done.err


def test_results_are_read_while_the_module_in_the_environment_is_broken(trained, tmp_path):
    (tmp_path / "torn.py").write_text("def half(:\n")
    broken = str(tmp_path / "torn.py")

    read = run_dasbench(trained, "leaderboard", "tiny", DASBENCH_IMPORT=broken)
    checked = run_dasbench(trained, "check", "study.yaml", DASBENCH_IMPORT=broken)

    assert (read.code, read.err) == (0, "")
    assert checked.code == 2
    assert "cannot be imported: SyntaxError" in checked.err
