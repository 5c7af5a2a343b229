"""What dasbench is released with: an edited copy changes the trials that it computes, and no others."""

import ast
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import dasbench
from dasbench.code.closure import own_modules
from dasbench.code.lock import LOCK, own_files


def test_everything_that_a_training_computes_with_is_in_the_lock():
    names = own_modules("dasbench.training.run_trial") | own_modules("dasbench.tasks.detection")

    assert {"training/fit.py", "seeds.py", "models.py", "metrics/average_precision.py"} <= names
    assert "catalog.py" not in names
    assert len(list(own_files())) == len(LOCK.read_text().splitlines()) - 1


@dataclass(frozen=True)
class Clone:
    """A copy of dasbench; called, it says what its trials' keys know of the code."""

    root: Path

    def __call__(self, *gates: str) -> list[dict[str, str]]:
        place = self.root.parent
        program = (
            "import json, sys; from dasbench.resolution import code_in; from dasbench.spec.trial import Trial\n"
            "trial = lambda gate: Trial(backbone='resnet18', gate=gate, dataset='digits')\n"
            f"print(json.dumps([code_in(trial(gate)) for gate in {gates}]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=place,
            env={"PYTHONPATH": str(place), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        return ast.literal_eval(done.stdout)


@pytest.fixture
def clone(tmp_path):
    root = tmp_path / "clone/dasbench"
    shutil.copytree(
        Path(dasbench.__file__).parent, root, ignore=shutil.ignore_patterns("__pycache__")
    )
    return Clone(root)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.slow
def test_a_copy_of_dasbench_is_as_released(clone):
    file = clone.root / "gates/se.py"
    file.write_text(f"# a comment\n{file.read_text()}\n\n# and another\n")

    assert clone("se", "cbam") == [{}, {}]


@pytest.mark.slow
def test_an_edited_gate_of_dasbench_changes_its_own_trials_alone(clone):
    edit(clone.root / "gates/se.py", "16", "8")

    se, cbam = clone("se", "cbam")

    assert list(se) == ["gate"]
    assert cbam == {}


@pytest.mark.slow
def test_what_several_gates_share_changes_them_all(clone):
    edit(clone.root / "gates/reduction.py", "return", "return 1 *")

    se, cbam, das = clone("se", "cbam", "das")

    assert list(se) == list(cbam) == ["gate"]
    assert das == {}


@pytest.mark.slow
def test_an_edited_training_loop_changes_every_trial(clone):
    edit(clone.root / "training/optim.py", "return", "assert True; return")

    assert [list(code) for code in clone("se", "none")] == [["training"], ["training"]]


@pytest.mark.slow
def test_a_gate_that_is_added_to_dasbench_has_a_code(clone):
    (clone.root / "gates/mine.py").write_text(
        (clone.root / "gates/se.py").read_text().replace('"se"', '"mine"')
    )

    mine, se = clone("mine", "se")

    assert list(mine) == ["gate"]
    assert se == {}


@pytest.mark.slow
def test_a_new_revision_of_a_file_changes_the_trials_that_use_it(clone):
    lock = clone.root / "code.lock"
    [line] = [line for line in lock.read_text().splitlines() if line.startswith("gates/se.py")]
    edit(lock, line, line.removesuffix("0") + "1")

    se, cbam = clone("se", "cbam")

    assert list(se) == ["gate"]
    assert cbam == {}
