"""The command line: results on standard output, everything else on standard error, an exit code that says it all."""

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from command_line import TINY, run_dasbench
from older_layouts import undo_fourth

from dasbench.cli import VERBS


def test_help_is_there_at_once_and_names_every_verb(dasbench):
    dasbench("--help")
    started = time.perf_counter()
    done = dasbench("--help")

    assert time.perf_counter() - started < 1.5
    assert all(f"  {verb} " in done.out for verb in VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself_without_importing_torch(verb):
    code = f"import sys; from dasbench.cli import run_command; run_command(['{verb}', '--help']); "
    code += "print([m for m in ('torch', 'ray', 'sqlalchemy', 'matplotlib') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "Usage: dasbench" not in done.stderr
    assert "\\b" not in done.stdout, "click's mark for a paragraph that is not wrapped is on screen"
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    "verb",
    [
        "leaderboard tiny",
        "leaderboard tiny --format html",
        "pareto tiny",
        "pareto tiny --json",
        "list studies",
        "importance tiny",
        "export tiny -o trials.csv",
        "plot importance tiny",
        "report tiny -o report",
    ],
)
def test_reading_results_imports_neither_torch_nor_ray(trained, verb):
    code = "import sys; from dasbench.cli import run_command\n"
    code += f"assert run_command({verb.split()}) == 0\n"
    code += "print([m for m in ('torch', 'ray') if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=trained
    )

    assert done.stdout.endswith("[]\n")


def test_check_says_that_a_study_is_sound_and_touches_no_database(dasbench, write_study, tmp_path):
    done = dasbench("check", write_study())

    assert (done.code, done.err) == (0, "")
    assert "sound" in done.out
    assert "4 trials" in done.out
    assert not (tmp_path / "results.db").exists()


@pytest.mark.parametrize("verb", ["check", "plan", "run"])
def test_an_unsound_study_exits_with_2_and_nothing_is_made(dasbench, write_study, tmp_path, verb):
    path = write_study(TINY.replace("digits", "digit").replace("epochs: 2", "epochs: 0"))

    done = dasbench(verb, path)

    assert done.code == 2
    assert f"{path}:5: base.dataset: unknown dataset 'digit'. Did you mean 'digits'?" in done.err
    assert f"{path}:6: base.training.epochs: " in done.err
    assert [file.name for file in tmp_path.iterdir()] == ["study.yaml"]


def test_a_form_that_is_unsound_is_refused_in_under_a_second(dasbench, write_study):
    path = write_study(TINY.replace("digits", "digit"))
    dasbench("check", path)

    started = time.perf_counter()
    dasbench("check", path)

    assert time.perf_counter() - started < 2  # one second on an idle machine


def test_parameters_that_a_component_lacks_are_found_on_their_line(dasbench, write_study):
    path = write_study(TINY.replace("width: 4", "wdth: 4"))

    done = dasbench("check", path)

    assert done.code == 2
    assert f"{path}:4: base.backbone.wdth: unknown key 'wdth'. Did you mean 'width'?" in done.err


@pytest.mark.slow
def test_plan_lists_trials_with_costs_and_what_is_done(trained, tmp_path):
    fresh = json.loads(
        run_dasbench(trained, "plan", "study.yaml", "--json", "--db", tmp_path / "none.db").out
    )
    known = json.loads(run_dasbench(trained, "plan", "study.yaml", "--json").out)

    assert {row["state"] for row in fresh} == {"new"}
    assert {row["state"] for row in known} == {"done"}
    assert len({row["key"] for row in known}) == 4
    assert all(row["params_full"] > 0 and row["macs_full"] > 0 for row in known)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
def test_plan_says_how_long_the_rest_takes(trained):
    more = run_dasbench(trained, "plan", "study.yaml", "--set", "training.epochs=3")

    assert "4 to run: about" in more.out


@pytest.mark.slow
def test_running_again_trains_nothing(trained):
    done = run_dasbench(trained, "run", "study.yaml")

    assert done.code == 0
    assert done.out.splitlines() == [
        "4 of 4 trials have a result; 0 ran now.",
        "Nothing was missing.",
        "To see what came out:",
        "  dasbench leaderboard tiny",
        "  dasbench pareto tiny",
    ]


def test_the_leaderboard_as_json_holds_the_promised_fields(trained):
    rows = json.loads(run_dasbench(trained, "leaderboard", "tiny", "--format", "json").out)

    promised = [
        "variant",
        "label",
        "n",
        "failed",
        "top1_mean",
        "top1_sd",
        "params_full",
        "macs_full",
        "params_paper",
        "macs_paper",
    ]
    assert all(set(row) >= set(promised) for row in rows)
    assert [row["n"] for row in rows] == [2, 2]
    assert {row["variant"]["backbone.width"] for row in rows} == {2, 4}
    assert [row["top1_mean"] for row in rows] == sorted(
        (row["top1_mean"] for row in rows), reverse=True
    )


def test_the_leaderboard_agrees_with_the_database(trained):
    rows = json.loads(run_dasbench(trained, "leaderboard", "study.yaml", "--json").out)

    with sqlite3.connect(trained / "results.db") as db:
        query = "select m.label, json_extract(t.metrics, '$.top1') from das_members m join das_trials t using (key)"
        scores: dict[str, list[float]] = {}
        for label, top1 in db.execute(query):
            scores.setdefault(label, []).append(top1)
    assert {row["label"]: row["top1_mean"] for row in rows} == {
        label: pytest.approx(sum(values) / len(values)) for label, values in scores.items()
    }


def test_the_leaderboard_as_a_table_and_as_csv(trained):
    table = run_dasbench(trained, "leaderboard", "tiny").out
    lines = list(
        csv.DictReader(
            io.StringIO(run_dasbench(trained, "leaderboard", "tiny", "--format", "csv").out)
        )
    )

    assert "Does it run? [bold] $x^2$ =1+1" in table
    assert "width=4" in table
    assert "2/2" in table
    assert [line["n"] for line in lines] == ["2", "2"]


def test_pareto_draws_png_and_svg_and_prints_its_points(trained):
    drawn = run_dasbench(trained, "pareto", "tiny").out.splitlines()
    points = json.loads(
        run_dasbench(trained, "pareto", "tiny", "--cost", "params", "--format", "json").out
    )

    assert drawn == ["figures/tiny_pareto.png", "figures/tiny_pareto.svg"]
    assert (trained / drawn[0]).read_bytes().startswith(b"\x89PNG")
    assert (trained / drawn[1]).read_text().startswith("<?xml")
    assert {point["n"] for point in points} == {2}
    assert any(point["on_front"] for point in points)


def test_the_same_points_give_the_same_bytes(trained, tmp_path):
    for name in ("a.svg", "b.svg"):
        run_dasbench(trained, "pareto", "tiny", "-o", tmp_path / name)

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_does_not_exist_is_answered_with_what_does(trained, dasbench, tmp_path):
    unknown = run_dasbench(trained, "leaderboard", "tinny")
    missing = dasbench("leaderboard", "tiny")
    verb = dasbench("leaderbord")
    kind = dasbench("list", "gatez")

    assert (unknown.code, missing.code, verb.code, kind.code) == (2, 3, 2, 2)
    assert "unknown study 'tinny'. Did you mean 'tiny'?" in unknown.err
    assert "results.db" in missing.err
    assert "No such command 'leaderbord'" in verb.err
    assert "Did you mean 'gates'?" in kind.err
    assert list(tmp_path.iterdir()) == []


def test_the_database_is_an_option_then_the_environment_then_the_folder(trained, dasbench):
    by_option = dasbench(
        "leaderboard", "tiny", "--json", "--db", trained / "results.db", DASBENCH_DB="/nowhere"
    )
    by_environment = dasbench(
        "leaderboard", "tiny", "--json", DASBENCH_DB=str(trained / "results.db")
    )

    assert by_option.code == by_environment.code == 0
    assert by_option.out == by_environment.out


def test_components_are_listed_with_their_sources(dasbench):
    gates = json.loads(dasbench("list", "gates", "--json").out)

    das = next(gate for gate in gates if gate["name"] == "das")
    assert das["parameters"]["alpha"] == 0.2
    assert "DAS" in das["source"]
    assert "das" in dasbench("list", "gates").out


@pytest.mark.slow
def test_a_device_that_is_not_there_is_refused_before_anything_is_trained(
    dasbench, write_study, tmp_path
):
    done = dasbench("run", write_study(), "--device", "tpu")

    assert done.code == 2
    assert "write cpu, cuda" in done.err
    assert not (tmp_path / "results.db").exists()


@pytest.mark.slow
def test_components_of_ones_own_are_imported(dasbench, write_study, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "from dasbench.catalog import GATES\n"
        "@GATES.register('half', source='me')\n"
        "class Half(nn.Module):\n"
        "    'Halves.'\n"
        "    def __init__(self, channels, *, factor: float = 0.5):\n"
        "        super().__init__()\n"
        "        self.factor = factor\n"
        "    def forward(self, x):\n"
        "        return x * self.factor\n"
    )
    path = write_study(TINY.replace("  dataset:", "  gate: {name: half, factor: 0.25}\n  dataset:"))

    assert dasbench("check", path).code == 2
    assert dasbench("--import", "mine", "check", path).code == 0


def test_an_error_of_ours_is_one_line_and_a_file(monkeypatch, capsys):
    from dasbench import cli

    def explode(**options):
        raise RuntimeError("boom")

    monkeypatch.setattr(cli.cli, "main", explode)

    assert cli.run_command([]) == 70
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "boom" in lines[0]


def test_one_process_runs_several_commands(capsys):
    from dasbench import cli

    assert [cli.run_command([*words]) for words in (["list", "gates"], ["list", "samplers"])] == [
        0,
        0,
    ]
    assert "nsga2" in capsys.readouterr().out


@pytest.mark.slow
def test_a_database_of_an_older_layout_is_brought_up_to_date_by_the_next_run(
    trained: Path, tmp_path: Path
) -> None:
    for name in ("study.yaml", "results.db"):
        shutil.copy(trained / name, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "results.db")) as connection, connection:
        undo_fourth(connection)
        connection.executescript(
            "DROP TABLE das_looks; ALTER TABLE das_members DROP COLUMN role;"
            "UPDATE das_alembic_version SET version_num = '0001'; PRAGMA user_version = 1;"
        )

    before = run_dasbench(tmp_path, "plan", "study.yaml")
    ran = run_dasbench(tmp_path, "run", "study.yaml", "--executor", "inline")

    assert (before.code, "Bring it up to date (a copy is kept): dasbench run" in before.err) == (
        3,
        True,
    )
    assert (ran.code, "4 of 4 trials have a result; 0 ran now." in ran.out) == (0, True)
    assert list(tmp_path.glob("results.db.backup-0001-*"))


@pytest.mark.slow
def test_data_that_changed_since_the_study_was_planned_end_a_run_before_it_trains(
    trained: Path, tmp_path: Path
) -> None:
    for name in ("study.yaml", "results.db"):
        shutil.copy(trained / name, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "results.db")) as connection, connection:
        (spec,) = connection.execute("SELECT spec FROM das_trials LIMIT 1").fetchone()
        now = json.loads(spec)["data_fingerprint"]
        connection.execute(
            "UPDATE das_trials SET spec = replace(spec, ?, ?)", (now, "0" * len(now))
        )
    before = (tmp_path / "results.db").read_bytes()

    ran = run_dasbench(tmp_path, "run", "study.yaml", "--executor", "inline", "--set", "training.lr=0.03",
                       "--replace")  # fmt: skip

    assert ran.code == 3
    assert all(part in ran.err for part in ("digits", now, "0" * len(now), "another name"))
    assert (tmp_path / "results.db").read_bytes() == before


@pytest.mark.slow
def test_weights_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        TINY.replace("[2, 4]", "[2]").replace("seeds: 2", "seeds: 1")
    )

    ran = run_dasbench(tmp_path, "run", "one.yaml", "--executor", "inline", "--keep-weights")

    (row,) = json.loads(run_dasbench(tmp_path, "leaderboard", "tiny", "--json").out)
    assert ran.code == 0, ran.err
    assert [file.stem for file in (tmp_path / ".dasbench" / "weights").iterdir()] == row["keys"]


@pytest.mark.parametrize("command", [["leaderboard", "tiny"], ["check", "study.yaml"], ["--help"]])
def test_a_command_whose_reader_has_gone_ends_well(trained: Path, command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "dasbench", *command],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=trained,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_run_whose_reader_has_gone_goes_on(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TINY)
    run = f"{sys.executable} -m dasbench run study.yaml --executor inline --plain"
    command = f"{run} 2>&1 | head -n 1; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=True
    )

    assert done.stdout.splitlines()[-1] == "0", done.stdout
    assert len(json.loads(run_dasbench(tmp_path, "leaderboard", "tiny", "--json").out)) == 2


def test_a_full_disk_behind_the_output_is_no_bug_of_ours(trained: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = f"{sys.executable} -m dasbench leaderboard tiny > /dev/full; echo $?"

    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=trained, check=True
    )

    assert (done.stdout, "the disk is full" in done.stderr) == ("3\n", True)
