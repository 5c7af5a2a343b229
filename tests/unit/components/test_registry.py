"""Names come from the folder's text; a component is imported on its first use."""

import re
import subprocess
import sys
from importlib import metadata
from typing import Any

import pytest

from dasbench.catalog import GATES, KINDS
from dasbench.components.registry import Registry
from dasbench.components.traits import BackboneTraits, GateTraits, Traits
from dasbench.errors import UsageError


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "plug"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from dasbench.components.registry import Registry\nfrom dasbench.components.traits import BackboneTraits\n"
        "THINGS = Registry('thing', 'plug', BackboneTraits)\n"
    )
    (folder / "one.py").write_text(
        "from plug import THINGS\n"
        "@THINGS.register('one', source='s', stages=4)\n"
        "def one(size, *, width: int = 3, name: str): 'First line.\\n\\nMore.'\n"
    )
    (folder / "broken.py").write_text(
        "from plug import THINGS\n@THINGS.register('broken')\nclass B: pass\n1 / 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "plug"
    for name in [name for name in sys.modules if name.partition(".")[0] == "plug"]:
        del sys.modules[name]


def test_names_are_listed_without_importing_any_component(package):
    import plug  # type: ignore[import-not-found] # the fixture writes it

    assert plug.THINGS.names() == ("broken", "one")
    assert "plug.one" not in sys.modules


def test_an_entry_knows_its_parameters_source_and_traits(package):
    import plug

    entry = plug.THINGS["one"]

    assert entry.summary == "First line."
    assert entry.defaults == {"width": 3}
    assert [parameter.name for parameter in entry.parameters] == ["width", "name"]
    assert (entry.source, entry.traits) == ("s", BackboneTraits(stages=4))


def test_a_component_that_breaks_on_import_does_not_break_the_others(package):
    import plug

    assert plug.THINGS["one"].name == "one"
    with pytest.raises(ZeroDivisionError):
        plug.THINGS["broken"]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown gate 'dass'\. Did you mean 'das'\?"):
        GATES["dass"]


def test_two_components_cannot_share_a_name():
    things: Registry[Any, Traits] = Registry("thing", "dasbench.metrics", Traits)
    things.register("x")(lambda: 1)

    def other() -> None: ...

    with pytest.raises(UsageError, match="registered twice"):
        things.register("x")(other)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_name_of_ours_cannot_be_taken_before_ours_is_imported(kind):
    ours = KINDS[kind]
    fresh: Registry[object, Traits] = Registry(ours.kind, ours.package, ours.traits)
    name = ours.names()[0]

    with pytest.raises(UsageError) as refused:

        @fresh.register(name)
        def theirs() -> None: ...

    said = str(refused.value)
    assert said.startswith(f"{kind} '{name}' is registered twice: in ")
    assert re.search(
        r"dasbench/\w[\w/]+\.py:\d+ and in .*test_registry\.py:\d+; give one another name", said
    )


def test_the_same_function_may_be_registered_again_from_the_same_module():
    things: Registry[Any, Traits] = Registry("thing", "dasbench.metrics", Traits)

    for summary in ("First.", "Edited."):

        def again() -> None: ...

        again.__doc__ = summary
        things.register("own")(again)

    assert things["own"].summary == "Edited."


def test_a_cell_of_a_notebook_may_be_executed_again():
    things: Registry[Any, Traits] = Registry("thing", "dasbench.metrics", Traits)
    cell = "@things.register('own')\nclass Own:\n    'Once.'\n"

    for number in (1, 2):
        exec(compile(cell, f"<cell {number}>", "exec"), {"things": things, "__name__": "__main__"})

    assert things["own"].place.file == "<cell 2>"


def test_a_decorator_without_a_name_says_how_it_is_written():
    things: Registry[Any, Traits] = Registry("gate", "dasbench.metrics", Traits)

    with pytest.raises(UsageError, match=r'test_registry\.py:\d+: .* register\("my_gate"\)'):

        @things.register
        class Nameless: ...


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        (
            {"placment": {"after": "stage"}},
            r"an unknown trait 'placment'\. Did you mean 'placement'\? Known: ",
        ),
        ({"placement": {"after": "stages"}}, r"placement {'after': 'stages'}; write as in {"),
        ({"capacity": {"reduction": 16}}, r"capacity {'reduction': 16}; write as in {"),
        ({"unused": ("kernel",)}, r"unused \('kernel',\); write a function of the parameters"),
    ],
)
def test_a_trait_that_is_mistyped_is_refused_where_it_is_written(traits, said):
    gates: Registry[Any, GateTraits] = Registry("gate", "dasbench.gates", GateTraits)

    with pytest.raises(
        UsageError, match=rf"gate 'own' \(.*test_registry\.py:\d+\) is registered with {said}"
    ):
        gates.register("own", **traits)


def test_all_mistyped_traits_are_refused_at_once():
    gates: Registry[Any, GateTraits] = Registry("gate", "dasbench.gates", GateTraits)

    with pytest.raises(UsageError) as refused:
        gates.register("own", sweeps=3, placment={})

    assert str(refused.value).count("gate 'own'") == 2


def test_what_is_written_as_a_list_or_as_a_tuple_stays_what_it_is():
    gates: Registry[Any, GateTraits] = Registry("gate", "dasbench.gates", GateTraits)
    traits = {"placement": {"stages": [2, 3]}, "capacity": {"reduction": range(1, 9)}}

    gates.register("own", **traits)(lambda: None)

    assert gates["own"].traits == GateTraits(**traits)


class Offered:
    """A package that is installed, and what it offers."""

    def __init__(self, name: str) -> None:
        self.name = name

    def point(self, name: str, value: str) -> metadata.EntryPoint:
        return metadata.EntryPoint(name, value, "dasbench.metrics")._for(self)  # type: ignore[attr-defined] # unknown to its stubs


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        (
            {"a": [("top1", "a_package.x")]},
            r"'top1' is registered twice: in .*accuracy\.py:\d+ and in a \(entry point",
        ),
        (
            {"a": [("own", "a.x")], "b": [("own", "b.x")]},
            r"in a \(entry point a\.x\) and in b \(entry point b\.x\)",
        ),
    ],
)
def test_installed_packages_cannot_share_a_name_with_ours_or_with_each_other(
    monkeypatch, offers, said
):
    points = [Offered(package).point(*each) for package, given in offers.items() for each in given]
    monkeypatch.setattr(metadata, "entry_points", lambda **_: points)
    things: Registry[Any, Traits] = Registry("metric", "dasbench.metrics", Traits)

    with pytest.raises(UsageError, match=said):
        things.names()


def test_a_module_cannot_take_the_name_that_an_installed_package_offers(monkeypatch):
    monkeypatch.setattr(
        metadata, "entry_points", lambda **_: [Offered("a").point("own", "a_package.x")]
    )
    things: Registry[Any, Traits] = Registry("metric", "dasbench.metrics", Traits)

    with pytest.raises(
        UsageError, match=r"in a \(entry point a_package\.x\) and in .*test_registry"
    ):
        things.register("own")(lambda: 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "cannot be imported from a (entry point offered_module): ZeroDivisionError"),
        ("", "registers no metric"),
    ],
)
def test_an_installed_package_that_does_not_keep_its_word_is_named(
    monkeypatch, tmp_path, text, said
):
    (tmp_path / "offered_module.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        metadata, "entry_points", lambda **_: [Offered("a").point("own", "offered_module")]
    )
    things: Registry[Any, Traits] = Registry("metric", "dasbench.metrics", Traits)

    with pytest.raises(UsageError) as refused:
        things["own"]

    sys.modules.pop("offered_module", None)
    assert said in str(refused.value)


def test_annotations_that_a_study_cannot_hold_are_refused_with_their_place():
    things: Registry[Any, Traits] = Registry("thing", "dasbench.metrics", Traits)

    @things.register("absent")
    def absent(*, act: "Absent" = None) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - that is the fault

    @things.register("module")
    def module(*, act: Registry | None = None) -> None: ...

    for name, cause in (
        ("absent", "NameError: name 'Absent' is not defined"),
        ("module", "PydanticSchema"),
    ):
        with pytest.raises(
            UsageError,
            match=rf"thing '{name}': the annotations .*test_registry.py:\d+\): .*{cause}",
        ):
            _ = things[name].schema


def test_what_a_constructor_returns_has_to_keep_the_promise_of_its_kind():
    things: Registry[Any, Traits] = Registry(
        "thing", "dasbench.metrics", Traits, gives=("batch", "labels")
    )
    things.register("own")(lambda: ("images", "labels"))

    with pytest.raises(
        UsageError, match=r"its constructor returns a tuple, which has no 'batch', 'labels'"
    ):
        things["own"].create()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_listed_component_can_be_imported_and_is_documented(kind):
    for name in KINDS[kind].names():
        assert KINDS[kind][name].summary.endswith((".", "?")), f"{kind} {name} has no docstring"


def test_listing_names_imports_neither_torch_nor_ray():
    code = "import sys; from dasbench.catalog import known_names; known_names(); print('torch' in sys.modules)"

    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )
