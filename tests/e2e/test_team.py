"""A team's database: several drivers at once on one PostgreSQL server, studies that share trials."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from command_line import TINY, run_dasbench

from dasbench.results.reading import read_store

pytestmark = pytest.mark.slow

LEFT = TINY.replace("name: tiny", "name: left").replace("[2, 4]", "[2, 3, 4]")
RIGHT = TINY.replace("name: tiny", "name: right").replace("[2, 4]", "[3, 4, 5]")


def start(folder: Path, name: str, text: str, db: str) -> subprocess.Popen:
    (folder / f"{name}.yaml").write_text(text)
    command = [
        sys.executable,
        "-m",
        "dasbench",
        "run",
        f"{name}.yaml",
        "--executor",
        "inline",
        "--db",
        db,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment)


def test_drivers_of_different_studies_share_trials_and_train_none_twice(
    tmp_path: Path, team_database: str
) -> None:
    drivers = [
        start(tmp_path, "left", LEFT, team_database),
        start(tmp_path, "right", RIGHT, team_database),
    ]
    errors = [driver.communicate(timeout=240)[1] for driver in drivers]

    assert [driver.returncode for driver in drivers] == [0, 0], errors
    with read_store(team_database) as reader:
        rows = reader.rows()
        attempts = Counter({row.key: len(reader.trial(row.key).attempts) for row in rows})
    assert {row.state for row in rows} == {"done"}
    assert (len(rows), len(attempts)) == (12, 8)
    assert set(attempts.values()) == {1}


def test_a_study_on_a_server_is_read_and_resumed_like_one_in_a_file(
    tmp_path: Path, team_database: str
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    for _ in range(2):
        done = run_dasbench(
            tmp_path, "run", "tiny.yaml", "--executor", "inline", "--db", team_database
        )
        assert done.code == 0, done.err
    board = run_dasbench(tmp_path, "leaderboard", "tiny", DASBENCH_DB=team_database)

    assert "4 of 4 trials have a result; 0 ran now." in done.out
    assert "width=4" in board.out
    assert not (tmp_path / "results.db").exists()
