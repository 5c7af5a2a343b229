"""The hash of a component takes in every file of its project that it computes with."""

import sys
from importlib import invalidate_caches

import pytest

from dasbench.catalog import BACKBONES, DATASETS, GATES
from dasbench.code.closure import NoSourceError, code_of
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

GATE = """
import math

from my_norms import scale


def half(x, *, by: float = 2.0):
    return scale(x) / by if by > 0 else x
"""

NORMS = """
FACTOR = 3


def scale(x):
    return FACTOR * x
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder of modules; returns a function that writes some, imports the first and hashes it."""

    def forget():
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
                del sys.modules[name]

    def code(first: str, files: dict[str, str], *, folder: str = ".") -> str:
        forget()
        root = tmp_path / folder
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        invalidate_caches()
        for place in (root / "site-packages", root):
            monkeypatch.syspath_prepend(place)
        __import__(first)
        return code_of(first)

    yield code
    forget()


def test_a_helper_counts(project):
    before = project("my_gate", {"my_gate.py": GATE, "my_norms.py": NORMS}, folder="one")

    changed = project(
        "my_gate", {"my_gate.py": GATE, "my_norms.py": NORMS.replace("3", "4")}, folder="two"
    )

    assert changed != before


def test_a_moved_and_renamed_project_keeps_its_hash(project):
    before = project("my_gate", {"my_gate.py": GATE, "my_norms.py": NORMS}, folder="one")
    renamed = {
        "a_gate.py": GATE.replace("my_norms", "my_scales"),
        "my_scales.py": NORMS.replace("\n", "\r\n"),
    }

    assert project("a_gate", renamed, folder="elsewhere/deep") == before


def test_a_project_that_becomes_a_package_keeps_its_hash(project):
    before = project("my_gate", {"my_gate.py": GATE, "my_norms.py": NORMS}, folder="one")
    inside = {
        "lab/__init__.py": "",
        "lab/gate.py": GATE.replace("my_norms", ".norms"),
        "lab/norms.py": NORMS,
    }

    assert project("lab.gate", inside, folder="two") == before


def test_which_helper_is_used_for_what_counts(project):
    other = NORMS.replace("3", "5")
    text = "from a_part import scale\nfrom b_part import scale as other\n\n\ndef f(x): return scale(x) - other(x)\n"
    before = project(
        "gate", {"gate.py": text, "a_part.py": NORMS, "b_part.py": other}, folder="one"
    )

    swapped = project(
        "gate", {"gate.py": text, "a_part.py": other, "b_part.py": NORMS}, folder="two"
    )

    assert swapped != before


def test_a_parent_class_in_another_file_counts(project):
    child = "from base_gate import Base\n\n\nclass Gate(Base):\n    pass\n"
    parent = "class Base:\n    start = 0.5\n"
    before = project("gate", {"gate.py": child, "base_gate.py": parent}, folder="one")

    assert (
        project(
            "gate", {"gate.py": child, "base_gate.py": parent.replace("0.5", "0.6")}, folder="two"
        )
        != before
    )


def test_modules_that_import_each_other_have_a_hash(project):
    files = {
        "ping.py": "import pong\n\n\ndef f(): return pong.g\n",
        "pong.py": "import ping\n\n\ndef g(): return ping.f\n",
    }
    before = project("ping", files, folder="one")

    assert (
        project("ping", {**files, "pong.py": files["pong.py"] + "X = 1\n"}, folder="two") != before
    )


def test_a_helper_that_is_imported_inside_of_a_function_counts(project):
    late = "def f(x):\n    from late_part import scale\n    return scale(x)\n"
    before = project("gate", {"gate.py": late, "late_part.py": NORMS}, folder="one")

    assert (
        project("gate", {"gate.py": late, "late_part.py": NORMS.replace("3", "4")}, folder="two")
        != before
    )


def test_installed_packages_end_the_walk(project):
    files = {"gate.py": "from a_library import scale\n\n\ndef f(x): return scale(x)\n"}
    before = project("gate", {**files, "site-packages/a_library.py": NORMS}, folder="one")
    changed = {**files, "site-packages/a_library.py": NORMS.replace("3", "4")}

    assert project("gate", changed, folder="two") == before


def test_installed_packages_that_are_imported_later_end_the_walk_too(project):
    files = {"gate.py": "def f(x):\n    from late_library import scale\n    return scale(x)\n"}
    before = project("gate", {**files, "site-packages/late_library.py": NORMS}, folder="one")
    changed = {**files, "site-packages/late_library.py": NORMS.replace("3", "4")}

    assert project("gate", changed, folder="two") == before


def test_a_component_of_an_installed_package_has_the_code_of_that_package(project):
    files = {
        "site-packages/lab/__init__.py": "",
        "site-packages/lab/gate.py": GATE.replace("my_norms", ".norms"),
    }
    before = project("lab.gate", {**files, "site-packages/lab/norms.py": NORMS}, folder="one")

    changed = project(
        "lab.gate", {**files, "site-packages/lab/norms.py": NORMS.replace("3", "4")}, folder="two"
    )

    assert changed != before


def test_a_helper_that_is_no_python_yet_counts_by_its_bytes(project):
    files = {"gate.py": "def f(x):\n    from broken_part import scale\n    return scale(x)\n"}
    before = project("gate", {**files, "broken_part.py": "def scale(:\n"}, folder="one")

    assert project("gate", {**files, "broken_part.py": "def scale(::\n"}, folder="two") != before


def test_a_helper_that_nobody_imports_does_not_count(project):
    before = project("my_gate", {"my_gate.py": GATE, "my_norms.py": NORMS}, folder="one")
    more = {"my_gate.py": GATE, "my_norms.py": NORMS, "my_plots.py": "COLOUR = 'red'\n"}

    assert project("my_gate", more, folder="two") == before


def test_a_module_without_a_file_has_no_hash():
    with pytest.raises(NoSourceError):
        code_of("builtins")


def test_a_component_that_was_typed_in_is_never_the_same_again():
    text = "from dasbench.catalog import GATES\n@GATES.register('typed_in')\nclass Typed: ...\n"
    codes = set()
    for _ in range(2):
        exec(text, {"__name__": "a_cell"})
        codes.add(GATES["typed_in"].code)
        assert GATES["typed_in"].in_this_process_only
        del GATES._entries["typed_in"]

    assert len(codes) == 2
    assert all(code.startswith("unsaved-") for code in codes)


PLUGINS = '''
import dataclasses

from dasbench.backbones.resnet import resnet18
from dasbench.catalog import BACKBONES, DATASETS, GATES
from dasbench.datasets.digits import digits
from dasbench.gates.se import SqueezeExcitation


@BACKBONES.register("own_net", source="a test", stages=4)
def own_net(num_classes: int, *, width: int = 4):
    """A narrow ResNet."""
    return resnet18(num_classes, width=width)


@DATASETS.register("own_digits", source="a test")
def own_digits(*, image_size: int = 8):
    """Digits."""
    return dataclasses.replace(digits(image_size=image_size), name="own_digits")


@GATES.register("own_se", source="a test")
class OwnSe(SqueezeExcitation):
    """A gate with a parent of ours."""
'''


@pytest.fixture
def own(project):
    """A function that imports a module of plug-ins and resolves a trial of them."""

    def resolved(text: str, folder: str) -> Trial:
        forget_own()
        project("own_parts", {"own_parts.py": text}, folder=folder)
        return resolve(Trial(backbone="own_net", gate="own_se", dataset="own_digits"))

    def forget_own():
        for registry, name in ((BACKBONES, "own_net"), (DATASETS, "own_digits"), (GATES, "own_se")):
            registry._entries.pop(name, None)

    return resolved


def test_plugins_of_every_kind_are_in_the_key(own):
    before = own(PLUGINS, "one")

    again = own(PLUGINS.replace("A narrow", "A very narrow"), "two")
    edited = own(
        PLUGINS.replace("replace(digits", "replace( digits").replace(
            "width=width", "width=width + 1"
        ),
        "three",
    )

    assert set(before.code) == {"backbone", "dataset", "gate"}
    assert again.key == before.key
    assert edited.key != before.key


def test_a_changed_default_is_in_the_key_twice_over(own):
    before = own(PLUGINS, "one")
    changed = own(PLUGINS.replace("width: int = 4", "width: int = 8"), "two")

    assert changed.backbone.params != before.backbone.params
    assert changed.code["backbone"] != before.code["backbone"]
