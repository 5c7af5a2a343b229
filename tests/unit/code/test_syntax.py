"""The hash of a text of Python changes with what it computes, and with nothing else."""

import ast
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dasbench
from dasbench.code.syntax import hash_tree


def hashed(text: str) -> str:
    return hash_tree(ast.parse(textwrap.dedent(text)))


@pytest.mark.parametrize(
    "other",
    [
        "def half(x):\n    # as in the paper\n    return x / 2\n",
        "def half(x):\n    '''Half.'''\n    return (x / 2)\n",
        "def half(\n    x,\n): return x/2",
        '"""A module."""\n\n\ndef half(x):\n    pass\n    return x / 2\n',
        "def half(x):\r\n    return x / 2\r\n",
    ],
)
def test_comments_docstrings_and_formatting_do_not_count(other):
    assert hashed(other) == hashed("def half(x): return x / 2")


@pytest.mark.parametrize(
    "other",
    [
        "def half(x): return x / 3",
        "def half(x): return x / 2.0",
        "def half(x): return x // 2",
        "def half(x, y=1): return x / 2",
        "def half(x): return x / '2'",
        "def third(x): return x / 2",
        "async def half(x): return x / 2",
        "@cache\ndef half(x): return x / 2",
        "def half(x): return x / (2, )",
        "def half(*x): return x / 2",
    ],
)
def test_what_is_computed_counts(other):
    assert hashed(other) != hashed("def half(x): return x / 2")


def test_names_of_libraries_count():
    assert hashed("import torch as t") != hashed("import numpy as t")
    assert hashed("from torch import nn") != hashed("from torch import fx")
    assert hashed("from torch import nn") != hashed("from torch import nn as layers")


def test_the_parts_of_a_text_with_fields_are_joined():
    assert hashed("f'a' f'b{x}c' 'd'") == hashed("f'ab{x}cd'") != hashed("f'ab{x}c'")


def test_a_deep_expression_has_a_hash():
    assert hashed(" + ".join("x" * 800)) != hashed(" + ".join("x" * 799))


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_every_text_counts_as_itself(text):
    assert (hashed(f"x = {text!r}") == hashed("x = 'plain'")) == (text == "plain")


VERSIONS = """
import ast, sys, types
for name, path in (("dasbench", ""), ("dasbench.code", sys.argv[1])):  # what else they import is not installed there
    package = types.ModuleType(name)
    package.__path__ = [path]
    sys.modules[name] = package
from dasbench.code.syntax import hash_tree
print([hash_tree(ast.parse(open(name, encoding="utf-8").read())) for name in sys.argv[2:]])
"""


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_other_versions_of_python_give_the_same_hashes(version):
    installed = [
        shutil.which(f"python{version}"),
        *Path.home().glob(f".pyenv/versions/{version}.*/bin/python"),
    ]
    works = [
        python
        for python in installed
        if python and not subprocess.run([python, "-c", ""], check=False).returncode
    ]
    if not works:
        pytest.skip(f"there is no python{version} on this machine")
    package = Path(dasbench.__file__).parent
    files = [str(file) for file in sorted(package.rglob("*.py"))]
    arguments = ["-c", VERSIONS, str(package / "code"), *files]

    ours, theirs = (
        subprocess.run([each, *arguments], capture_output=True, text=True, check=True).stdout
        for each in (sys.executable, works[0])
    )

    assert theirs == ours
