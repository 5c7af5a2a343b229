"""Provenance is that of the code, not that of the folder one stands in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gate_text import GATE

from dasbench.code.commits import commit_of, commit_of_package
from dasbench.plugins import import_component
from dasbench.training.run_trial import run_trial


@pytest.fixture(autouse=True)
def a_git_of_nobody(monkeypatch, tmp_path):
    """Git as it is on a machine where nobody has configured it; what was asked before is forgotten."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    commit_of.cache_clear()
    commit_of_package.cache_clear()
    yield
    commit_of.cache_clear()
    commit_of_package.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder: Path, **files: str) -> str:
    """A repository with one commit of some files (`a__py` for `a.py`), and that commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    for name, text in files.items():
        write(folder / name.replace("__", "."), text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return git(folder, "rev-parse", "HEAD")


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_file_has_the_commit_of_its_own_repository_wherever_one_stands(tmp_path, monkeypatch):
    mine = repository(tmp_path / "mine", gate__py="x = 1\n")
    repository(tmp_path / "foreign", other__py="")
    monkeypatch.chdir(tmp_path / "foreign")

    found = commit_of(tmp_path / "mine" / "gate.py")

    assert (found.hash, found.dirty) == (mine, False)


@pytest.mark.parametrize("changed", ["gate.py", "helper.py"])
def test_a_repository_with_a_change_of_a_followed_file_is_dirty(tmp_path, changed):
    repository(tmp_path / "mine", gate__py="x = 1\n", helper__py="y = 1\n")
    write(tmp_path / "mine" / changed, "z = 2\n")

    assert commit_of(tmp_path / "mine" / "gate.py").dirty is True


def test_a_new_file_elsewhere_does_not_make_a_repository_dirty(tmp_path):
    repository(tmp_path / "mine", gate__py="x = 1\n")
    write(tmp_path / "mine" / "notes.txt")

    assert commit_of(tmp_path / "mine" / "gate.py").dirty is False


def test_a_file_that_was_never_added_is_a_change(tmp_path):
    first = repository(tmp_path / "mine")
    file = write(tmp_path / "mine" / "gates" / "gate.py")

    found = commit_of(file)

    assert (found.hash, found.dirty) == (first, True)


def test_an_installed_package_in_an_ignored_folder_has_no_commit(tmp_path):
    repository(tmp_path / "mine", **{".gitignore": "venv/\n"})
    file = write(tmp_path / "mine" / "venv" / "lib" / "gates.py")

    assert commit_of(file) is None


@pytest.mark.parametrize("file", ["alone.py", "missing.py", "<ipython-input-3>"])
def test_what_lies_in_no_repository_has_no_commit(tmp_path, monkeypatch, file):
    write(tmp_path / "alone.py")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert commit_of(tmp_path / file) is None


def test_a_repository_without_a_commit_gives_none(tmp_path):
    git(tmp_path, "init", "-q")

    assert commit_of(write(tmp_path / "gate.py")) is None


def test_a_hook_of_another_repository_changes_nothing(tmp_path, monkeypatch):
    mine = repository(tmp_path / "mine", gate__py="x = 1\n")
    repository(tmp_path / "foreign", other__py="")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "foreign" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "foreign"))

    assert commit_of(tmp_path / "mine" / "gate.py").hash == mine


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    repository(tmp_path / "mine", gate__py="x = 1\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert commit_of(tmp_path / "mine" / "gate.py") is None


def checkout(folder: Path) -> Path:
    """A repository that holds a package of the name, and what else a clone holds."""
    write(folder / "dasbench" / "__init__.py")
    write(folder / "studies" / "a.yaml")
    repository(folder)
    return folder / "dasbench"


def test_a_clone_of_dasbench_has_its_commit(tmp_path):
    package = checkout(tmp_path / "clone")

    found = commit_of_package(package)

    assert (found.hash, found.dirty) == (git(package, "rev-parse", "HEAD"), False)


@pytest.mark.parametrize(
    ("file", "dirty"),
    [("dasbench/__init__.py", True), ("dasbench/gates/new.py", True), ("studies/a.yaml", False)],
)
def test_a_clone_is_dirty_where_its_package_is(tmp_path, file, dirty):
    package = checkout(tmp_path / "clone")
    write(tmp_path / "clone" / file, "changed: 1\n")

    assert commit_of_package(package).dirty is dirty


@pytest.mark.parametrize(
    "place",
    ["venv/lib/site-packages/dasbench", "dasbench"],
    ids=["in its venv", "beside its files"],
)
def test_a_copy_of_dasbench_inside_of_a_foreign_repository_has_no_commit(tmp_path, place):
    repository(tmp_path / "foreign", mine__py="")
    write(tmp_path / "foreign" / place / "__init__.py")

    assert commit_of_package(tmp_path / "foreign" / place) is None


def test_a_copy_that_a_foreign_repository_follows_deeper_down_has_no_commit(tmp_path):
    write(tmp_path / "foreign" / "vendor" / "dasbench" / "__init__.py")
    repository(tmp_path / "foreign")

    assert commit_of_package(tmp_path / "foreign" / "vendor" / "dasbench") is None


def test_a_wheel_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert (
        commit_of_package(write(tmp_path / "site-packages" / "dasbench" / "__init__.py").parent)
        is None
    )


def test_a_trial_records_the_commits_of_its_code_and_not_of_the_folder_one_stands_in(
    tmp_path, monkeypatch
):
    foreign = repository(tmp_path / "foreign", study__yaml="")
    mine = repository(tmp_path / "mine", commits_gate__py=GATE.format(name="of_commits"))
    write(tmp_path / "mine" / "commits_gate.py", GATE.format(name="of_commits") + "# changed\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path / "foreign")
    import_component("commits_gate.py", beside=tmp_path / "mine")
    own = commit_of_package()

    environment = run_trial(probe("of_commits")).environment

    assert environment["components"] == {
        "gate": {
            "name": "of_commits",
            "source": "Doe 2024, A gate of of_commits",
            "git_commit": mine,
            "git_dirty": True,
        }
    }
    assert environment["git_commit"] == (own and own.hash) != foreign
    assert environment["git_of"] == "dasbench"
    assert run_trial(probe("se")).environment["components"] == {}


def probe(gate: str):
    from dasbench.spec.trial import Trial

    return Trial(
        task={"name": "probe", "formula": "70"},
        backbone={"name": "resnet18", "width": 2, "stem": "small"},
        gate=gate,
        dataset={"name": "digits", "image_size": 8},
        training={"epochs": 1},
    )
