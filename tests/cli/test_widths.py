"""What verbs print into real terminals of several widths: no line is wider, no name is cut, what is missing is said."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from dasbench.catalog import known_names
from dasbench.records import Cost, Outcome
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.spec.labels import label
from dasbench.spec.load import load_study

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies/norm_ablation.yaml"
NORMS = ("bn", "fn", "in", "ln")
LABELS = [f"first_norm={first} second_norm={second}" for first in NORMS for second in NORMS]
BASELINE, OTHER = "first_norm=in second_norm=ln", "first_norm=bn second_norm=bn"
WIDTHS = (60, 80, 100, 120)
ENCODINGS = ("latin-1", "ascii")
VERTICAL = ("┃", "│", "|")
"""What stands between columns, also where a terminal has no lines to draw."""

WIDE = 999
"""A terminal that has room for everything."""

READING = {
    "leaderboard": ["leaderboard", "norm_ablation"],
    "compare all": ["compare", "--baseline", BASELINE, "norm_ablation"],
    "compare two": ["compare", BASELINE, OTHER, "norm_ablation"],
    "importance": ["importance", "norm_ablation"],
}
"""Verbs that read results alone and start in a second."""

BUILDING = {
    "plan": ["plan", str(STUDY)],
    "reproduce": ["reproduce", "table4"],
    "list": ["list", "gates"],
}
"""Verbs that import torch, or the components."""

NAMES = {
    "leaderboard": LABELS,
    "compare all": [name for name in LABELS if name != BASELINE],
    "importance": [
        "gate.first_norm",
        "gate.second_norm",
        "gate.first_norm x gate.second_norm",
        "residual",
    ],
    "plan": LABELS,
    "reproduce": [f"{row}" for row in "abcdefgh"],
    "list": ["a2", "das", "deform_attn", "gsop", "none", "triplet"],
}
"""What the first column of a verb's tables has to hold, at any width."""

TERMINAL = """
import fcntl, json, os, struct, sys, termios
from dasbench.cli import run_command
for run in json.loads(sys.argv[1]):
    os.environ["COLUMNS"] = run["columns"]
    sys.stdout.reconfigure(encoding=run["encoding"])
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, run["width"], 0, 0))
    code = run_command(run["arguments"])
    sys.stdout.flush()
    os.write(1, b"\\x1e%d\\x1f" % code)
"""
"""Runs verbs one after the other in the terminal that standard output is, which takes another width each time."""


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """The results of the README's study: three seeds of each pair of norms."""
    path = tmp_path_factory.mktemp("widths") / "results.db"
    study = load_study(STUDY, known=known_names)
    chance = np.random.default_rng(0)
    outcomes = []
    members = []
    for place, variant in enumerate(study.variants()):
        cost = Cost(params_full=760_654, macs_full=10_005_752, params_paper=720_622, macs_paper=9_476_840,
                    input_size=(1, 16, 16))  # fmt: skip
        for seed in range(3):
            key = f"{place:06d}{seed:06d}"
            member = Member(
                key=key,
                spec={"key": key},
                variant=variant,
                label=label(variant),
                seed=seed,
                dataset="d",
            )
            members.append(member)
            top1, val_top1 = (float(95 + place / 5 + spread) for spread in chance.normal(0, 1, 2))
            metrics = {"top1": top1, "val_top1": val_top1}
            outcomes.append(
                Outcome(
                    key=key,
                    status="done",
                    metrics=metrics,
                    cost=cost,
                    seconds=9.0,
                    peak_memory=1_400_000_000,
                )
            )
    with open_store(path) as store:
        document = study.model_dump(mode="json")
        store.plan(study.name, members=members, question=study.question, document=document)
        for outcome in outcomes:
            store.add(outcome, store.claim(outcome.key, study.name))
    return path


@dataclass(frozen=True)
class Run:
    """A verb in a terminal."""

    arguments: list[str]
    width: int
    encoding: str = "utf-8"
    columns: str = ""


def run_in_terminal(db, runs):
    """What runs print, one after the other in one process, whose terminal changes its width."""
    master, slave = pty.openpty()
    environment = {"DASBENCH_DB": str(db), "OMP_NUM_THREADS": "1", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, json.dumps([asdict(run) for run in runs])],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        cwd=db.parent,
        env={**os.environ, **environment},
    )
    os.close(slave)
    written = b"".join(iter(lambda: _read(master), b""))
    os.close(master)
    assert process.wait(60) == 0
    printed = re.findall(rb"(.*?)\x1e(\d+)\x1f", written, re.DOTALL)
    assert [code for _, code in printed] == [b"0"] * len(runs)
    texts = [text.decode(run.encoding) for run, (text, _) in zip(runs, printed, strict=True)]
    return [re.sub(r"\x1b\[[\d;]*m|\r", "", text) for text in texts]


def _read(master):
    try:
        return os.read(master, 1 << 16)
    except OSError:  # as Linux says that nobody holds the other end any more
        return b""


@pytest.fixture(scope="module")
def reading(db):
    """What they print by verb and width, as `VERB --wide`, `VERB ENCODING`, `leaderboard WIDTH` (with COLUMNS)."""
    runs: dict[tuple[str, int], Run] = {}
    for verb, given in READING.items():
        runs |= {(verb, width): Run(given, width) for width in (*WIDTHS, WIDE)}
        runs[f"{verb} --wide", 60] = Run([*given, "--wide"], 60)
        for encoding in ENCODINGS:
            runs[f"{verb} {encoding}", 80] = Run(given, 80, encoding)
    for width, columns in ((200, 60), (60, 200)):
        runs[f"leaderboard {width}", columns] = Run(
            READING["leaderboard"], width, columns=str(columns)
        )
    return dict(zip(runs, run_in_terminal(db, [*runs.values()]), strict=True))


@pytest.fixture(scope="module")
def building(db):
    """What they print by verb and width."""
    runs = {
        (verb, width): Run(given, width)
        for verb, given in BUILDING.items()
        for width in (*WIDTHS, WIDE)
    }
    return dict(zip(runs, run_in_terminal(db, [*runs.values()]), strict=True))


def drawn_rows(out):
    """The cells of each line of all tables."""
    lines = [line for line in out.splitlines() if line.startswith(VERTICAL)]
    return [
        [cell.strip() for cell in re.split("|".join(map(re.escape, VERTICAL)), line)[1:-1]]
        for line in lines
    ]


def titles_of(out):
    """The headings of the first table, each with its lines joined."""
    heading = out.partition("┡")[0]
    return [" ".join(filter(None, cells)) for cells in zip(*drawn_rows(heading), strict=True)]


def first_column(out):
    """The first column of all tables, its lines joined."""
    return " ".join(row[0] for row in drawn_rows(out) if row[0])


def check_names_and_lines(printed, verb, width):
    out = printed[verb, width]

    assert [line for line in out.splitlines() if cell_len(line) > width] == []
    assert "…" not in out
    sentence = verb.startswith("compare two")
    text = " ".join(out.split()) if sentence else first_column(out)
    names = (
        [BASELINE, OTHER]
        if sentence
        else NAMES[verb.removesuffix(" latin-1").removesuffix(" ascii")]
    )
    assert [name for name in names if name not in text] == []


def check_what_is_left_out(printed, verb, width):
    shown, whole = (titles_of(printed[verb, columns]) for columns in (width, WIDE))
    said = " ".join(printed[verb, width].split())
    left_out = re.findall(r"Left out: (.*?)\. --wide shows all columns", said)

    assert len(shown) + len(left_out[0].split(", ") if left_out else []) >= len(whole)
    assert shown == [title for title in whole if title in shown]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", READING)
def test_no_line_is_wider_than_the_terminal_and_no_name_is_cut(reading, verb, width):
    check_names_and_lines(reading, verb, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", ["leaderboard", "compare all"])
def test_columns_that_are_left_out_are_named(reading, verb, width):
    check_what_is_left_out(reading, verb, width)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", BUILDING)
def test_verbs_that_build_networks_keep_to_the_terminal_too(building, verb, width):
    check_names_and_lines(building, verb, width)
    check_what_is_left_out(building, verb, width)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_leaderboard_shows_rank_score_and_costs_at_80(reading, width):
    out = reading["leaderboard", width]
    titles = titles_of(out)

    assert {"rank", "n"} <= {*titles}
    assert [
        start
        for start in ("params", "FLOPs")
        if not any(title.startswith(start) for title in titles)
    ] == []
    assert len(re.findall(r"\d+\.\d\d ± \d+\.\d\d", out)) == len(LABELS)
    assert out.count("3/3") == len(LABELS)


@pytest.mark.parametrize("verb", ["leaderboard", "compare all", "importance"])
def test_wide_shows_in_a_narrow_terminal_what_a_wide_one_shows(reading, verb):
    wide = reading[f"{verb} --wide", 60]

    assert titles_of(wide) == titles_of(reading[verb, WIDE])
    assert [row for row in drawn_rows(reading[verb, WIDE]) if row not in drawn_rows(wide)] == []
    assert "Left out" not in wide


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("verb", READING)
def test_terminals_of_few_characters_lose_nothing(reading, verb, encoding):
    check_names_and_lines(reading, f"{verb} {encoding}", 80)


@pytest.mark.parametrize(("encoding", "sign"), [("latin-1", "±"), ("ascii", "+-")])
def test_half_widths_are_there_in_few_characters(reading, encoding, sign):
    out = reading[f"leaderboard {encoding}", 80]

    assert len(re.findall(rf"\d+\.\d\d {re.escape(sign)} \d+\.\d\d", out)) == len(LABELS)


def test_columns_of_the_environment_come_before_the_terminals_width(reading):
    assert reading["leaderboard 200", 60] == reading["leaderboard", 60]
    assert 120 < max(map(cell_len, reading["leaderboard 60", 200].splitlines())) <= 200
