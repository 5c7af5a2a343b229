"""Whose an exception is: the user's, a library's, the machine's, or ours; and what is said of it."""

import os
import sys
import types
from pathlib import Path

import pytest
import torch
from PIL import Image

from dasbench import blame, plugins
from dasbench.blame import judge
from dasbench.errors import DataError, UsageError
from dasbench.faults import foreign, is_out_of_memory, message_of, short_path, told, user_frames
from dasbench.plugins import import_component


def caught(call, *arguments, **options) -> BaseException:
    """What a call raises, seen from here on."""
    try:
        call(*arguments, **options)
    except BaseException as error:  # noqa: BLE001 - that is what is looked at
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        return error
    raise AssertionError("it raises nothing")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes a module of the user's own, imports it and returns it."""
    monkeypatch.setattr(plugins, "_imported", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "faulty") -> types.ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        plugin = import_component(f"{name}.py", beside=tmp_path)
        return sys.modules[plugin.name]

    yield write
    sys.modules.pop("faulty", None)


def test_the_users_code_is_named_with_its_lines_alone(own):
    module = own(
        "import json\n\n\ndef inner(x):\n    return json.loads(x)\n\n\ndef outer():\n    return inner('{')\n"
    )

    verdict = judge(caught(module.outer))

    assert verdict.exit_code == 2
    assert verdict.message.startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert verdict.message.endswith(
        "(faulty.py:9, in outer > faulty.py:5, in inner: return json.loads(x))"
    )


@pytest.mark.parametrize(
    "body", ["raise SystemExit(3)", "raise KeyError('x')", "assert False", "f()", "None.x"]
)
def test_whatever_the_users_code_raises_is_no_bug_of_ours(own, body):
    module = own(f"def f():\n    {body}\n")

    assert (judge(caught(module.f)).exit_code, judge(caught(module.f)).obscure) == (2, False)


def test_a_component_is_named_by_the_function_that_ran(own):
    text = "from dasbench.catalog import METRICS\n"
    text += "@METRICS.register('own_one')\ndef one(): return 1 / 0\n"
    text += "@METRICS.register('own_two')\ndef two(): return [][0]\n"
    module = own(text)

    said = [judge(caught(call)).message for call in (module.one, module.two)]

    assert said[0].startswith(
        "metric 'own_one': ZeroDivisionError: division by zero (faulty.py:3, in one"
    )
    assert said[1].startswith("metric 'own_two': IndexError")


def test_a_file_that_the_users_code_misses_is_about_the_disk(own):
    module = own("def f():\n    open('images/absent.png')\n")

    verdict = judge(caught(module.f))

    assert verdict.exit_code == 3
    assert "images/absent.png" in verdict.message
    assert "faulty.py:2, in f" in verdict.message


@pytest.fixture
def no_plugins(monkeypatch):
    """Nobody has registered anything; other tests of this process may have."""
    monkeypatch.setattr(blame, "_own_entries", list)


def test_code_that_is_neither_imported_nor_registered_is_not_the_users(no_plugins):
    def explode() -> None:
        raise RuntimeError("boom")

    assert judge(caught(explode)).exit_code == 70


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        (lambda: Path("absent/x.csv").write_text(""), 3, "absent/x.csv: No such file or directory"),
        (lambda: Path("/").write_text(""), 3, "/: Is a directory"),
        (lambda: os.fspath(3), 70, "internal error: TypeError"),  # type: ignore[call-overload] # that is the fault
        (lambda: torch.nn.Linear(2, 3)(torch.zeros(5)), 3, "torch fails: RuntimeError"),
        (lambda: torch.empty(1 << 50), 3, "memory"),
        (lambda: Image.open(__file__), 3, "cannot identify image file"),
        (
            lambda: __import__("absent_package"),
            3,
            "the package 'absent_package' cannot be imported",
        ),
        (lambda: __import__("dasbench.absent"), 70, "internal error"),
    ],
)
def test_libraries_and_the_machine_are_told_from_us(no_plugins, call, code, said):
    verdict = judge(caught(call))

    assert verdict.exit_code == code
    assert said in verdict.message
    assert "\n" not in verdict.message


def test_a_package_whose_installation_is_broken_is_named(tmp_path, monkeypatch):
    (tmp_path / "own_broken").mkdir()
    (tmp_path / "own_broken" / "__init__.py").write_text(
        "raise ImportError('libcudart.so.12: cannot open')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    verdict = judge(caught(__import__, "own_broken"))

    assert verdict.exit_code == 3
    assert verdict.message.startswith(
        "the package 'own_broken' cannot be imported: ImportError: libcudart.so.12"
    )


def test_a_full_disk_is_called_so():
    assert (
        judge(OSError(28, "No space left on device", "x.png")).message == "x.png: the disk is full"
    )


def test_errors_of_ours_keep_their_code_and_their_words():
    assert judge(DataError("images: empty")) == blame.Verdict(3, "images: empty")


@pytest.mark.parametrize("error", [SystemExit(2), KeyError("x"), RecursionError()])
def test_what_foreign_code_raises_goes_on_in_our_words(error):
    with (
        pytest.raises(UsageError, match="it fails") as raised,
        foreign(lambda _: UsageError("it fails")),
    ):
        raise error

    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), DataError("x"), MemoryError(), torch.OutOfMemoryError("x")]
)
def test_interrupts_our_own_errors_and_a_lack_of_memory_pass(error):
    with pytest.raises(type(error)) as raised, foreign(lambda _: UsageError("it fails")):
        raise error

    assert raised.value is error


def test_an_answer_of_none_lets_the_exception_pass():
    with pytest.raises(KeyError), foreign(lambda _: None):
        raise KeyError("x")


def test_a_message_is_one_line_of_bounded_length():
    assert message_of(ValueError("a\n" * 2000)).count("\n") == 0
    assert len(message_of(ValueError("a " * 2000))) < 450


def test_a_message_that_cannot_be_made_is_no_new_fault():
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert "Mute" in message_of(MuteError())


def test_the_cause_is_looked_at_where_the_exception_itself_passes_no_code_of_the_users(own):
    module = own("def f():\n    return 1 / 0\n")
    error = RuntimeError("a library says so")
    error.__cause__ = caught(module.f)

    assert [frame.function for frame in user_frames(error)] == ["f"]


def test_a_recursion_is_shown_once(own):
    module = own("def f():\n    f()\n")

    assert told(caught(module.f)).count("faulty.py:2") == 1


def test_paths_are_short_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert short_path(tmp_path / "a" / "b.py") == "a/b.py"
    assert short_path("/elsewhere/b.py") == "/elsewhere/b.py"


def test_a_lack_of_memory_is_known_by_its_words():
    words = "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried 4 GB"

    assert is_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
