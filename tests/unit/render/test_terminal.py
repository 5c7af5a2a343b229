"""Streams of any encoding, and closed ones; what stands for a character that an encoding lacks."""

# ruff: noqa: RUF001 - the tests are about characters that look like others

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dasbench.render.tables.table import Column, Table
from dasbench.render.tables.terminal import print_to_terminal
from dasbench.render.text.plain import fitting, plain

ROOT = Path(__file__).parents[3] / "dasbench"
SOURCES = sorted(
    {*ROOT.rglob("*.py")} - {ROOT / "render/text/tex.py"}
)  # which turns every letter into LaTeX
ECHO = "import sys, click; from rich.console import Console; from dasbench.cli.terminal import prepare_streams\n"
ECHO += (
    "said = sys.argv[2].encode().decode('unicode_escape') if len(sys.argv) > 2 else sys.argv[1]\n"
)
ECHO += "prepare_streams()\nclick.echo(said); print(said); Console().print(said)\n"
ECHO += "click.echo(said, err=True); print(said, file=sys.stderr)"


def echoed(text: str, encoding: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", ECHO, "-", text.encode("unicode_escape")],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, **environment},
    )


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", "1 +- 2 ~ 3 - ..."),
        ("latin-1", "1 ± 2 ~ 3 - ..."),
        ("gbk", "1 ± 2 ≈ 3 – …"),
        ("utf-8", "1 ± 2 ≈ 3 – …"),
    ],
)
def test_characters_that_an_encoding_lacks_become_plain_on_both_streams(encoding, said):
    done = echoed("1 ± 2 ≈ 3 – …", encoding)

    assert {line.decode(encoding) for line in done.stdout.splitlines()} == {said}
    assert {line.decode(encoding) for line in done.stderr.splitlines()} == {said}
    assert len(done.stdout.splitlines()) == 3


def test_what_the_user_asks_for_instead_is_done():
    assert echoed("≈", "ascii:xmlcharrefreplace").stdout.splitlines()[0] == b"&#8776;"


def test_a_locale_without_utf8_is_written_in_ascii():
    done = echoed("±", "", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert {*done.stdout.splitlines(), *done.stderr.splitlines()} == {b"+-"}


def test_a_file_name_that_is_no_text_is_spelt_out():
    done = subprocess.run([sys.executable, "-c", ECHO, b"caf\xe9"], capture_output=True, check=True)

    assert done.stdout.splitlines() == [rb"caf\udce9"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_silent(closed):
    command = f"'{sys.executable}' -m dasbench list gates {closed}; echo $?"

    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "0"


def test_every_character_that_is_printed_has_a_plain_form():
    texts = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    special = {character for text in texts for character in text if not character.isascii()}

    assert {character for character in special if "\\" in plain(character)} <= {"中"}


def test_a_text_that_fits_stays_as_it_is():
    assert fitting("±", "latin-1") == "±"
    assert fitting("± β", "ascii") == "+- beta"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("width", ["20", "80"])
def test_the_columns_of_a_table_stay_in_line(monkeypatch, encoding, width):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", width)

    columns = [Column(key="name", title="name", is_text=True), Column(key="half", title="± 95 %")]
    row = ["a rather long name of a variant ± …", "0.2 ± 0.1"]
    print_to_terminal(Table(title="", columns=columns, rows=[row]))

    stream.flush()
    lines = stream.buffer.getvalue().decode(encoding).splitlines()
    assert len({len(line.rstrip()) for line in lines}) == 1
