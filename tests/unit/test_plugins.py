"""Modules of one's own components: where they are looked for, how they are called, what is said when they fail."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from gate_text import GATE

from dasbench.catalog import GATES
from dasbench.errors import UsageError
from dasbench.plugins import Plugin, import_component, import_components, imported, relocated


@pytest.fixture(autouse=True)
def python_as_it_was(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("own_", "dasbench_plugin_")):
            del sys.modules[name]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(UsageError) as refused:
        import_component(name, beside=folder)
    return str(refused.value)


def test_a_file_is_imported_under_its_own_name_and_is_remembered(tmp_path):
    path = write(tmp_path, "gates/own_first.py", "VALUE = 1\n")

    plugin = import_component("gates/own_first.py", beside=tmp_path)

    assert plugin == Plugin("own_first", path.resolve(), path.parent.resolve())
    assert plugin in imported()
    assert sys.modules["own_first"].VALUE == 1


def test_a_file_imports_its_neighbours_from_a_folder_that_comes_last(tmp_path):
    write(tmp_path, "own_helper.py", "VALUE = 3\n")
    write(tmp_path, "own_user.py", "from own_helper import VALUE\nimport optuna\n")
    write(tmp_path, "optuna.py", "raise RuntimeError('executed')\n")

    import_component("own_user.py", beside=tmp_path)

    assert sys.modules["own_user"].VALUE == 3
    assert sys.path[-1] == str(tmp_path.resolve())


@pytest.mark.parametrize("name", ["own_package/", "own_package", "own_package/__init__.py"])
def test_a_package_is_a_folder_or_a_module(tmp_path, name):
    write(tmp_path, "own_package/__init__.py", "from .inner import VALUE\n")
    write(tmp_path, "own_package/inner.py", "VALUE = 5\n")

    plugin = import_component(name, beside=tmp_path)

    assert (plugin.name, plugin.folder) == ("own_package", tmp_path.resolve())
    assert sys.modules["own_package"].VALUE == 5


def test_a_module_of_a_package_is_named_with_dots(tmp_path):
    write(tmp_path, "own_dotted/__init__.py", "")
    write(tmp_path, "own_dotted/gates.py", "VALUE = 1\n")

    plugin = import_component("own_dotted.gates", beside=tmp_path)

    assert (plugin.name, plugin.folder) == ("own_dotted.gates", tmp_path.resolve())


@pytest.mark.parametrize("name", ["optuna.py", "statistics.py", "torch.py"])
def test_a_file_that_is_called_like_a_library_does_not_become_that_library(tmp_path, name):
    write(tmp_path, name, "VALUE = 7\n")
    library = importlib.import_module(name.removesuffix(".py"))

    plugin = import_component(name, beside=tmp_path)

    assert sys.modules[name.removesuffix(".py")] is library
    assert sys.modules[plugin.name].VALUE == 7


def test_the_name_of_a_library_means_the_library(tmp_path):
    write(tmp_path, "statistics.py", "raise RuntimeError('executed')\n")

    assert import_component("statistics", beside=tmp_path).file != tmp_path / "statistics.py"


def test_importing_twice_runs_a_file_once(tmp_path):
    write(
        tmp_path,
        "own_once.py",
        "import os\nos.environ['RUNS'] = os.environ.get('RUNS', '') + 'x'\n",
    )

    code = (
        "from pathlib import Path; from dasbench.plugins import import_component as i; import os\n"
    )
    code += "for name in ('own_once.py', './own_once.py', 'own_once'): i(name, beside=Path())\nprint(os.environ['RUNS'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == "x\n"


def test_two_files_of_one_name_cannot_both_be_imported(tmp_path):
    write(tmp_path, "a/own_twin.py", "VALUE = 1\n")
    write(tmp_path, "b/own_twin.py", "VALUE = 2\n")
    import_component("a/own_twin.py", beside=tmp_path)

    said = refusal("b/own_twin.py", tmp_path)

    assert "a module 'own_twin' has been imported from" in said
    assert str(tmp_path / "a" / "own_twin.py") in said


@pytest.mark.parametrize("name", ["own_there.py", "own_there", "own_tree.inner"])
def test_another_process_imports_the_same_under_the_same_name(tmp_path, name):
    write(tmp_path, "own_there.py", "VALUE = 1\n")
    write(tmp_path, "own_tree/__init__.py", "")
    write(tmp_path, "own_tree/inner.py", "VALUE = 1\n")
    plugin = import_component(name, beside=tmp_path)

    code = "import sys; from pathlib import Path; from dasbench.plugins import *\n"
    code += f"plugin = Plugin({plugin.name!r}, Path({str(plugin.file)!r}), Path({str(plugin.folder)!r}))\n"
    code += "print(import_component(plugin, beside=Path('/')) == plugin == imported()[0], sys.modules[plugin.name].VALUE)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )

    assert done.stdout == "True 1\n"


def test_a_file_that_is_not_there_is_answered_with_the_nearest(tmp_path):
    write(tmp_path, "gates/own_gates.py", "")

    assert (
        f"there is no file 'own_gats.py' in {tmp_path / 'gates'}. Did you mean 'own_gates.py'?"
        in refusal("gates/own_gats.py", tmp_path)
    )
    assert "There is no such folder either." in refusal("gate/own_gates.py", tmp_path)


def test_a_module_that_is_not_there_says_where_it_was_looked_for(tmp_path):
    write(tmp_path, "own_gates.py", "")

    said = refusal("own_gats", tmp_path)

    assert f"there is no module 'own_gats', neither installed nor in {tmp_path}" in said
    assert "Did you mean 'own_gates'?" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (\n", "SyntaxError: '(' was never closed (own_bad.py:1: x = ()"),
        (
            "import own_absent\n",
            "ModuleNotFoundError: No module named 'own_absent' (own_bad.py:1, in <module>",
        ),
        (
            "def f():\n    return 1 / 0\n\n\nf()\n",
            "own_bad.py:5, in <module> > own_bad.py:2, in f: return 1 / 0",
        ),
        (
            "raise SystemExit('bye')\n",
            "it ends the program when it is imported (SystemExit: bye (own_bad.py:1",
        ),
        ("def f():\n    f()\n\n\nf()\n", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_cannot_be_imported_names_its_own_lines_alone(
    tmp_path, monkeypatch, text, said
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "own_bad.py", text)

    message = refusal("own_bad.py", tmp_path)

    assert message.startswith("cannot be imported: ")
    assert said in message
    assert "importlib" not in message
    assert "own_bad" not in sys.modules


def test_an_interrupt_while_a_file_is_imported_is_an_interrupt(tmp_path):
    write(tmp_path, "own_slow.py", "raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        import_component("own_slow.py", beside=tmp_path)


@pytest.mark.parametrize("name", ["", "own-gates", "a..b", "two words"])
def test_what_is_neither_a_path_nor_a_module_is_refused(tmp_path, name):
    assert "is neither the path of a Python file" in refusal(name, tmp_path)


def test_a_folder_and_another_kind_of_file_are_no_module(tmp_path):
    write(tmp_path, "own_folder/a.py", "")
    write(tmp_path, "own_study.yaml", "")

    assert "is a folder without an __init__.py" in refusal("own_folder", tmp_path)
    assert "there is no file '__init__.py'" in refusal("own_folder/", tmp_path)
    assert "is no Python file (.py)" in refusal("./own_study.yaml", tmp_path)


def test_all_that_cannot_be_imported_is_said_at_once(tmp_path):
    with pytest.raises(UsageError) as refused:
        import_components(
            ["own_a", "own_b.py"], beside=tmp_path, said=lambda name: f"--import {name}"
        )

    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == [
        "--import own_a",
        "--import own_b.py",
    ]


def test_an_edited_file_can_be_loaded_again(tmp_path):
    path = write(tmp_path, "own_edited.py", GATE.format(name="own_edited"))
    import_component("own_edited.py", beside=tmp_path)
    before = GATES["own_edited"].make

    path.write_text(GATE.format(name="own_edited").replace("Passes on", "Passes on again"))
    importlib.reload(sys.modules["own_edited"])

    assert GATES["own_edited"].make is not before


def test_a_study_elsewhere_names_the_same_files(tmp_path):
    write(tmp_path, "base/own_moved.py", "")
    write(tmp_path, "base/own_moved_package/__init__.py", "")
    (tmp_path / "other").mkdir()

    names = ["own_moved.py", "own_moved_package", "json"]
    moved = relocated(names, beside=tmp_path / "base", to=tmp_path / "other")

    assert moved == ["../base/own_moved.py", "../base/own_moved_package/", "json"]
    assert len(import_components(moved, beside=tmp_path / "other")) == 3


def test_nothing_heavy_is_imported_for_it(tmp_path):
    code = "import sys, json, dasbench.plugins; print(json.dumps([n for n in ('torch', 'pydantic') if n in sys.modules]))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == []
