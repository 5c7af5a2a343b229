"""Names come from the folder's text; a component is imported on its first use."""

import subprocess
import sys

import pytest

from dasbench.catalog import GATES, KINDS
from dasbench.errors import UsageError
from dasbench.registry import Registry


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "plug"
    folder.mkdir()
    (folder / "__init__.py").write_text("from dasbench.registry import Registry\nTHINGS = Registry('thing', 'plug')\n")
    (folder / "one.py").write_text(
        "from plug import THINGS\n"
        "@THINGS.register('one', source='s', colour='red')\n"
        "def one(size, *, width: int = 3, name: str): 'First line.\\n\\nMore.'\n"
    )
    (folder / "broken.py").write_text("from plug import THINGS\n@THINGS.register('broken')\nclass B: pass\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "plug"
    for name in [name for name in sys.modules if name.partition(".")[0] == "plug"]:
        del sys.modules[name]


def test_names_are_listed_without_importing_any_component(package):
    import plug

    assert plug.THINGS.names() == ("broken", "one")
    assert "plug.one" not in sys.modules


def test_an_entry_knows_its_parameters_source_and_traits(package):
    import plug

    entry = plug.THINGS["one"]

    assert entry.summary == "First line."
    assert entry.defaults == {"width": 3}
    assert [parameter.name for parameter in entry.parameters] == ["width", "name"]
    assert (entry.source, entry.traits) == ("s", {"colour": "red"})


def test_a_component_that_breaks_on_import_does_not_break_the_others(package):
    import plug

    assert plug.THINGS["one"].name == "one"
    with pytest.raises(ZeroDivisionError):
        plug.THINGS["broken"]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown gate 'dass'\. Did you mean 'das'\?"):
        GATES["dass"]


def test_two_components_cannot_share_a_name():
    things = Registry("thing", "dasbench.metrics")
    things.register("x")(lambda: 1)

    def other() -> None: ...

    with pytest.raises(UsageError, match="registered twice"):
        things.register("x")(other)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_listed_component_can_be_imported_and_is_documented(kind):
    for name in KINDS[kind].names():
        assert KINDS[kind][name].summary.endswith((".", "?")), f"{kind} {name} has no docstring"


def test_listing_names_imports_neither_torch_nor_ray():
    code = "import sys; from dasbench.catalog import known_names; known_names(); print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
