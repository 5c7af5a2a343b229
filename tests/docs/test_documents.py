"""What README, CONTRIBUTING and docs/ say is true: their code runs, their commands and files exist."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command_line import run_dasbench
from fabricated_data import photograph

from dasbench.cli import VERBS, cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(page.read_text()) if language in languages]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page, tmp_path):
    for code in blocks(page, "python"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists_and_takes_its_options(page):
    for line in "\n".join(blocks(page, "sh", "bash", "console")).splitlines():
        words = re.sub(r"#.*", "", line).split()
        if words[:1] != ["dasbench"]:
            continue
        words = [word for word in words[1:] if word != "--import" and not word.startswith("my_")]
        assert words[0] in VERBS, line
        command = cli.get_command(None, words[0])
        known = {option for parameter in command.params for option in parameter.opts}
        options = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
        subcommands = getattr(command, "commands", None)
        if subcommands is None:
            assert set(options) <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page):
    text = page.read_text()
    links = re.findall(r"\]\(((?!http|#)[^)#]+)", text)
    named = re.findall(
        r"`((?:dasbench|studies|search_spaces|tests|docs|benchmarks)/[\w./-]+\.(?:py|yaml|md))`",
        text,
    )
    missing = [name for name in links if not (page.parent / name).exists()]
    missing += [
        name
        for name in named
        if not (ROOT / name).exists() and "NAME" not in name and "FAMILY" not in name
    ]

    assert [name for name in missing if "halve" not in name] == []


def test_the_page_on_comparisons_shows_what_its_example_prints(capsys):
    page = ROOT / "docs" / "comparisons.md"
    (example,), (shown,) = blocks(page, "python"), blocks(page, "text")

    exec(example, {})

    assert capsys.readouterr().out.split() == shown.split()


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text()

    pages = {page.name for page in ROOT.glob("docs/*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()


def test_the_page_on_the_architecture_shows_the_layers_that_are_checked():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (layers,) = (
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["dasbench"]
    )
    page = (ROOT / "docs" / "architecture.md").read_text()

    drawn = re.findall(r"^\| `([^`]*)` \|", page, re.MULTILINE)

    assert drawn == [layer.replace(" | ", " ") for layer in layers]


def test_every_make_target_of_the_pages_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }

    assert [t for t in sorted(named) if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []


@pytest.mark.slow
def test_the_page_on_data_shows_what_check_says(tmp_path):
    page = ROOT / "docs/data.md"
    (tmp_path / "flowers.yaml").write_text(next(iter(blocks(page, "yaml"))))
    flowers = tmp_path / "datasets/flowers"
    for number in range(30):
        part = "Training" if number < 22 else "Testing"
        kind = ("rose", "tulip", "daisy")[number % 3]
        photograph(flowers / part / kind / f"{number}.jpg", number=number, size=(320, 240))
    photograph(flowers / "Training/rose/panorama.jpg", number=999, size=(4000, 400))
    (flowers / "notes.txt").write_text("taken in May")

    done = run_dasbench(tmp_path, "check", "flowers.yaml", "--data-root", "datasets")

    assert done.code == 0, done.err
    shown = next(block for block in blocks(page, "text") if block.startswith("data image_folder"))
    assert done.out.partition("\n")[2] == shown


MATHS = '''\
import torch


def scale(x):
    """A factor for each column."""
    weights = torch.ones(3)
    return x * weights
'''


@pytest.mark.slow
def test_the_page_on_own_components_shows_what_is_printed(tmp_path):
    page = ROOT / "docs/own_components.md"
    [gate] = blocks(ROOT / "CONTRIBUTING.md", "python")
    gate = gate.replace(
        "from dasbench.catalog import GATES\n",
        "from dasbench.catalog import GATES\nfrom my_maths import scale\n",
    )
    (tmp_path / "my_gates.py").write_text(
        gate.replace("return x * self.factor", "return scale(x * self.factor)")
    )
    (tmp_path / "my_maths.py").write_text(MATHS)
    (tmp_path / "mine.yaml").write_text(blocks(page, "yaml")[0])
    failing = run_dasbench(tmp_path, "check", "mine.yaml")
    mistyped = run_dasbench(tmp_path, "--import", "my_gats.py", "check", "mine.yaml")
    broken = gate.replace(
        "torch.full((channels, 1, 1), start))", "torch.full((channels, 1, 1), start)"
    )
    (tmp_path / "my_gates.py").write_text(broken)
    unclosed = run_dasbench(tmp_path, "--import", "my_gates.py", "check", "mine.yaml")

    shown = " ".join(page.read_text().split())
    for done in (failing, mistyped, unclosed):
        assert done.code == 2
        printed = done.err.replace(str(tmp_path), "/projects/gates").splitlines()[0]
        assert " ".join(printed.split()) in shown
