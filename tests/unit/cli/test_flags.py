"""What rooms below the command line call by its argument, a command shows as a flag."""

import logging

import pytest

from dasbench.cli import run_command
from dasbench.cli.output import LogLines
from dasbench.render.text.arguments import as_flags

STUDY = (
    "name: photos\nquestion: Which?\n"
    "base: {backbone: {name: resnet18, width: 2}, dataset: cifar10}\n"
    "axes: [{key: gate, values: [none, se]}]\n"
)


@pytest.mark.parametrize("verb", ["check", "plan", "cost"])
def test_a_flag_of_another_verb_is_shown_as_a_flag_too(tmp_path, monkeypatch, capsys, verb):
    (tmp_path / "study.yaml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASBENCH_DATA", str(tmp_path / "nothing"))

    code = run_command([verb, "study.yaml"])

    shown = capsys.readouterr().err
    assert code == 3
    assert "run with --download (170 MB)" in shown
    assert "below --data-root (or $DASBENCH_DATA" in shown


def test_what_is_logged_is_shown_with_flags(capsys):
    logger = logging.getLogger("dasbench.tests.flags")
    handler = LogLines()
    logger.addHandler(handler)

    logger.warning("no sign of life: %s", "name another file with `db`")
    logger.removeHandler(handler)

    assert capsys.readouterr().err == "no sign of life: name another file with --db\n"


def test_what_is_no_argument_stays_between_its_backticks():
    said = "`dasbench plan STUDY` lists them; `se` is a gate; `where`: unknown"

    assert as_flags(said, {"where": "--where"}).endswith("`se` is a gate; --where: unknown")
