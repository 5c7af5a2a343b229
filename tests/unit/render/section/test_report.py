"""The files of a report: figures, numbers, references, and what is left alone."""

import csv
import json
import random
import re
from pathlib import Path

import pytest
from fabricated_reports import BAD, CLOSE, GOOD, write
from fabricated_results import HOSTILE, fill
from fabricated_studies import fabricate_study

from dasbench.errors import StoreError, UsageError
from dasbench.render.section import report as report_module
from dasbench.render.section.report import report
from dasbench.results.store import open_store


def test_the_figures_that_suit_the_axes_are_there_with_their_numbers(db, tmp_path):
    norms = [
        ({"gate.first_norm": a, "gate.second_norm": b}, 90 + i, 10**7 + i)
        for i, a in enumerate("xy")
        for b in "zw"
    ]
    fabricate_study(Path(db), "norms", norms)

    report(db, "norms", tmp_path / "out")

    figures = sorted(path.name for path in (tmp_path / "out" / "figures").iterdir())
    assert figures == [
        f"{name}.{end}"
        for name in ("importance", "norms", "pareto")
        for end in ("csv", "pdf", "png")
    ]
    rows = list(csv.DictReader((tmp_path / "out" / "figures" / "norms.csv").open()))
    assert [row["first_norm"] for row in rows] == ["x", "x", "y", "y"]
    assert all(row["n"] == "3" and float(row["ci95"]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("variants", "reasons"),
    [
        ([({"gate": "se"}, 70, 10**6), ({"gate": "none"}, 60, 10**6)],
         {"pareto": "the same macs_full", "importance": "varies gate alone"}),
        ([({"gate": "se"}, 70, 10**6)], {"pareto": "one variant has a result"}),
        ([({"gate.alpha": 0.1, "gate.kernel": 3}, 70, 10**6), ({"gate.alpha": 0.1, "gate.kernel": 5}, 71, 2 * 10**6)],
         {"alpha": "one alpha has a result"}),
        ([({"gate.first_norm": "bn", "gate.second_norm": "bn"}, 70, 10**6)], {"norms": "one pair of norms"}),
        ([({"placement.stages": [1]}, 70, 10**6)], {"placement": "one placement has a result"}),
    ],
    ids=["costs are equal", "one variant", "one alpha", "one pair", "one placement"],
)  # fmt: skip
def test_a_figure_that_says_nothing_is_left_out_with_the_reason(db, section, variants, reasons):
    fabricate_study(Path(db), "few", variants)

    found = section("few")

    assert not reasons.keys() & {figure.name for figure in found.figures}
    assert {
        name: words in found.left_out[name] for name, words in reasons.items()
    } == dict.fromkeys(reasons, True)


def test_equal_results_give_equal_bytes(db, tmp_path):
    write(db, "gates", {"se": GOOD, "none": BAD})

    first, second = (report(db, "gates", tmp_path / name) for name in ("first", "second"))

    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_folder_that_is_not_empty_is_left_alone(db, tmp_path):
    write(db, "gates", {"se": GOOD})
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match=r"not empty \(it holds 'notes.txt'\).*`force`"):
        report(db, "gates", out)

    assert [path.name for path in out.iterdir()] == ["notes.txt"]


def test_force_replaces_a_report_and_keeps_what_is_not_of_it(db, tmp_path):
    alphas = [({"gate.alpha": alpha}, 70 + alpha, 10**6) for alpha in (0.1, 0.2)]
    fabricate_study(Path(db), "alpha", alphas)
    write(db, "gates", {"se": GOOD})
    out = tmp_path / "out"
    report(db, "alpha", out)
    (out / "notes.txt").write_text("mine")
    assert (out / "figures" / "alpha.pdf").exists()

    report(db, "gates", out, force=True)

    assert not list((out / "figures").glob("alpha.*"))
    assert "Ablation: gates" in (out / "section.tex").read_text()
    assert (out / "notes.txt").read_text() == "mine"
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an older report"])
def test_a_failure_leaves_no_half_written_report(db, tmp_path, monkeypatch, there):
    write(db, "gates", {"se": GOOD})
    out = tmp_path / "out"
    if there:
        report(db, "gates", out)
    before = contents(tmp_path)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_module, "csv_text", full_disk)
    with pytest.raises(StoreError, match="No space left"):
        report(db, "gates", out, force=True)

    assert contents(tmp_path) == before
    assert out.exists() == there


def contents(folder):
    """Every file but those of the database."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "results.db" not in path.name
    }


def test_every_component_is_cited_in_every_format(db, tmp_path):
    document = {"sampler": {"name": "tpe"}, "scheduler": "asha"}
    write(db, "gates", {"se": GOOD, "none": BAD, "das": CLOSE}, document=document)

    report(db, "gates", tmp_path / "out")

    tex_source, bib, page, words = (
        (tmp_path / "out" / name).read_text()
        for name in ("section.tex", "references.bib", "index.html", "methods.txt")
    )
    cited = re.findall(r"(\w[\w ]*)~\\cite\{([\w,-]+)\}", tex_source)
    entries = re.findall(r"@misc\{([\w-]+),", bib)
    assert [what for what, _ in cited] == [
        "backbone resnet18", "gate das", "gate se", "data set digits", "sampler tpe", "scheduler asha"
    ]  # fmt: skip
    assert [key for _, keys in cited for key in keys.split(",")] == entries
    assert re.findall(r'<li id="([^"]+)">', page) == entries
    assert len(re.findall(r"(?m)^\[\d\] ", words)) == len(entries) == 7
    assert "\\bibliography{references}" in (tmp_path / "out" / "document.tex").read_text()


def test_a_report_without_literature_has_no_bibliography(db, tmp_path):
    write(db, "gates", {"se": GOOD})
    fabricate_study(Path(db), "bare", [({"gate": "se"}, 70, 10**6)])
    out = tmp_path / "out"
    report(db, "gates", out)
    assert (out / "references.bib").exists()

    report(db, "bare", out, force=True)

    assert not (out / "references.bib").exists()
    assert (
        "bibliography" not in (out / "document.tex").read_text() + (out / "section.tex").read_text()
    )
    assert "References" not in (out / "index.html").read_text()


def test_all_that_may_happen_to_trials_has_a_report(db, tmp_path):
    with open_store(db) as store:
        fill(store)

    for study in ("first", "second", "empty"):
        report(db, study, tmp_path / study)
        assert json.dumps(HOSTILE)[1:-1] not in (tmp_path / study / "section.tex").read_text()

    assert "1 done" not in (tmp_path / "empty" / "methods.txt").read_text()
    assert "no trial yet" in (tmp_path / "empty" / "methods.txt").read_text()


def test_an_importance_that_explains_nothing_is_left_out(db, section):
    draw = random.Random(0)
    cells = [(alpha, norm) for alpha in range(6) for norm in range(6) if draw.random() < 0.7]
    variants = [
        ({"gate.alpha": alpha, "gate.norm": norm}, draw.gauss(70, 3), 100) for alpha, norm in cells
    ]
    fabricate_study(Path(db), "noise", variants)

    found = section("noise")

    assert "importance" not in [figure.name for figure in found.figures]
    assert found.left_out["importance"].endswith("explains nothing of those that it did not see")
