"""`dasbench report` as a user types it."""

import json
import subprocess
import sys

import pytest
from fabricated_studies import fabricate_study

from dasbench.cli import run_command


@pytest.fixture
def db(tmp_path):
    """A database with a study of two gates at three seeds."""
    path = tmp_path / "results.db"
    fabricate_study(path, "gates", [({"gate": "se"}, 70, 10**7), ({"gate": "none"}, 60, 10**6)])
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["gatess", "-o", "out"], 2, "Did you mean 'gates'?"),
        (["gates"], 2, "Missing option '-o'"),
        (["gates", "-o", "out", "--metric", "val_los"], 2, "Did you mean 'val_loss'?"),
        (["gates", "-o", "out", "--baseline", "nonee"], 2, "Did you mean 'none'?"),
        (["gates", "-o", "out", "--convention", "half"], 2, "'half' is not one of"),
        (["gates", "-o", "out", "--db", "nowhere.db"], 3, "nowhere.db"),
        (["gates", "-o", "results.db"], 2, "it is a file; a report is a folder"),
        (["gates", "-o", "."], 2, "the folder is not empty"),
    ],
)
def test_what_cannot_be_reported_is_refused(
    db, monkeypatch, capsys, tmp_path, arguments, code, complaint
):
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir() if "results.db" not in path.name)

    assert (
        run_command(["report", *([] if "--db" in arguments else ["--db", db]), *arguments]) == code
    )

    assert complaint in capsys.readouterr().err
    assert (
        sorted(path.name for path in tmp_path.iterdir() if "results.db" not in path.name) == before
    )


def test_every_file_that_is_written_is_printed(db, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert run_command(["report", "gates", "-o", "papers/gates", "--db", db]) == 0

    printed = capsys.readouterr().out.split()
    assert printed == sorted(printed)
    assert {
        "papers/gates/index.html",
        "papers/gates/section.tex",
        "papers/gates/figures/pareto.pdf",
    } < set(printed)
    written = {
        str(path.relative_to(tmp_path))
        for path in (tmp_path / "papers").rglob("*")
        if path.is_file()
    }
    assert set(printed) == written


def test_options_reach_the_section(db, tmp_path):
    options = ["--metric", "val_loss", "--baseline", "gate=se", "--convention", "paper"]

    assert run_command(["report", "gates", "-o", str(tmp_path / "out"), "--db", db, *options]) == 0

    text = (tmp_path / "out" / "section.tex").read_text()
    assert "The lowest mean is gate=se" in text
    assert "Differences of val\\_loss from gate=se" in text
    assert "Costs in the 'paper' convention" in text


def test_a_report_needs_no_torch(db, tmp_path):
    code = (
        "import json, sys; from dasbench.cli import run_command; "
        f"assert run_command(['report', 'gates', '-o', {str(tmp_path / 'out')!r}, '--db', {db!r}]) == 0; "
        "print(json.dumps([name for name in ('torch', 'ray', 'optuna', 'torchvision') if name in sys.modules]))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout.splitlines()[-1]) == []
