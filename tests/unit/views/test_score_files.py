"""Scores from elsewhere: files of any country, their units, and what is refused with its place."""

from pathlib import Path

import pytest

from dasbench.errors import UsageError
from dasbench.views.score_files.reading import read_scores
from dasbench.views.score_files.units import foreign_unit
from dasbench.views.units import SCORE_UNITS, ScoreUnit, asked_unit


def write(tmp_path: Path, text, name="scores.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_scores_from_elsewhere_are_read_with_a_byte_order_mark_crlf_and_blanks(tmp_path):
    path = write(
        tmp_path,
        b'\xef\xbb\xbfvariant, seed ,note,acc\r\na,0,x,90.5\r\n\r\n b ,1,y,nan\r\n"a,b",2.0,z,1e1\r\n',
    )

    read = read_scores(path, metric="acc")

    assert {one.label: (dict(one.scores["acc"]), one.failed) for one in read.entries} == {
        "a": ({0: 90.5}, 0),
        "b": ({}, 1),
        "a,b": ({2: 10.0}, 0),
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "scores.csv: the file is empty"),
        ("\n \n", "the file is empty"),
        ("variant,seed,top1\n", "there is no score below"),
        (
            "name,seed,top1\na,0,1\n",
            "scores.csv:1: there is no column 'variant'. Columns: name, seed, top1",
        ),
        ("variant,seed\na,0\n", "0 columns may hold the scores"),
        ("variant,seed,top1,top5\na,0,1,2\n", r"2 columns may hold the scores \(top1, top5\)"),
        ("variant,seed,top1,top1\na,0,1,2\n", "column 'top1' is there twice"),
        ("variant,seed,top1\na,0,high\n", "line 2: column 'top1': 'high' is no finite number"),
        ("variant,seed,top1\na,0,-inf\n", "line 2: column 'top1': '-inf' is no finite number"),
        ("variant,seed,top1\na,0,-1e300\n", "'-1e300' is too large to be tested, at most 1e[+]100"),
        ("variant,seed,top1\na,0,\n", "line 2: column 'top1': '' is no finite number; write nan"),
        ("variant,seed,top1\na,0.5,1\n", "line 2: column 'seed': '0.5' is no whole number"),
        ("variant,seed,top1\na,nan,1\n", "line 2: column 'seed': 'nan' is no whole number"),
        ("variant,seed,top1\n,0,1\n", "line 2: column 'variant'"),
        (
            "variant,seed,top1\na,0,1\nb,0,2\na,0,3\n",
            "line 4: columns 'variant', 'seed': 'a', 0 are already on line 2",
        ),
        ("variant,seed,top1\na,0\n", "line 2: 1 cells are missing"),
        ("variant,seed,top1\na,0,1,2\n", "line 2: 1 cells too many"),
        (b"variant,seed,top1\n\xff,0,1\n", "byte 18 is not UTF-8"),
        ('variant,seed,top1\n"a,0,1\n', "is no CSV"),
    ],
)
def test_a_file_that_is_no_table_of_scores_is_refused_with_the_place(tmp_path, text, complaint):
    with pytest.raises(UsageError, match=complaint):
        read_scores(write(tmp_path, text))


def test_all_complaints_about_a_file_come_at_once(tmp_path):
    lines = "".join(f"a,{seed},x\n" for seed in range(30))

    with pytest.raises(UsageError) as caught:
        read_scores(write(tmp_path, "variant,seed,top1\n" + lines))

    assert len(str(caught.value).splitlines()) == 21
    assert "and 10 more" in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_scores(tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "variant,seed,top1\na,0,91,2\n",
            "1 cells too many; a score with a decimal comma needs quotes, or semicolons",
        ),
        (
            'variant,seed,top1\na,0,"1,234"\n',
            "'1,234' may be 1.234 or 1234; write it without a comma",
        ),
        ("variant;seed;top1\na;0;1.234,5\n", "'1.234,5' is no finite number"),
        (
            "variant,seed,top1\na,0,91.2%\nb,0,90.1\n",
            "line 3: column 'top1': '90.1' has no percent sign",
        ),
        ("Seed,variant,SEED,x\n1,a,1,5\n", "column 'seed' is there twice"),
    ],
)
def test_a_number_that_can_be_read_in_two_ways_is_refused_with_the_place(tmp_path, text, complaint):
    with pytest.raises(UsageError, match=complaint):
        read_scores(write(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "variant,seed,top1\na,0,91.25\nb,0,7.5\n",
        "\ufeffVariant;SEED;top1\na;0;91,25\nb;0;7,5\n",
        "sep=;\nvariant;seed;top1\na;0;91,25\nb;0;7.5\n",
        "variant\tseed\ttop1\na\t0\t91.25\nb\t0\t7.5\n",
        'variant,seed,top1\na,0,"91,25"\nb,0,"7,5"\n',
        "variant,seed,top1\na,0,91.25%\nb,0,7.5 %\n",
    ],
)
def test_scores_are_read_as_spreadsheets_of_any_country_write_them(tmp_path, text):
    read = read_scores(write(tmp_path, text))

    assert [entry.scores["top1"][0] for entry in read.entries] == [91.25, 7.5]
    assert read.unit == SCORE_UNITS["percent"]


@pytest.mark.parametrize(
    "column", ["ap", "accuracy", "Top-1", "coco/bbox_mAP_50", "f1", "valAcc", "my_score"]
)
def test_a_unit_is_asked_for_where_no_score_is_above_one(tmp_path, column):
    path = write(tmp_path, f"variant,seed,{column}\na,0,0.371\nb,0,0.412\n")

    with pytest.raises(
        UsageError, match=r"are they fractions \(0.412 is 41.2 %\) or percent\? Add `unit` fraction"
    ):
        read_scores(path)


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [
        (("0.412", "41.8"), "'0.412' on line 2 may be a fraction, '41.8' on line 3 is not"),
        (("412", "41.8"), "'412' on line 2 is no share in percent"),
        (("-3", "41.8"), "'-3' on line 2 is no share in percent"),
    ],
)
def test_scores_that_cannot_all_be_percent_are_asked_about(tmp_path, scores, complaint):
    path = write(
        tmp_path,
        "variant,seed,ap\n" + "".join(f"v{n},0,{score}\n" for n, score in enumerate(scores)),
    )

    with pytest.raises(UsageError, match=complaint):
        read_scores(path)


def test_fractions_become_percent(tmp_path):
    path = write(tmp_path, "variant,seed,ap\na,0,0.371\na,1,nan\nb,0,0.5\n")

    read = read_scores(path, unit=asked_unit("fraction"))

    assert [dict(entry.scores["ap"]) for entry in read.entries] == [
        {0: pytest.approx(37.1)},
        {0: 50},
    ]
    assert read.unit.name == "pp"


@pytest.mark.parametrize(
    ("score", "unit", "complaint"),
    [
        ("41.2", "fraction", "'41.2' is no fraction, which goes up to 1"),
        ("41.2%", "fraction", "'41.2%' is in percent"),
        ("41.2%", "ms", "'41.2%' is in percent"),
    ],
)
def test_a_unit_that_the_scores_contradict_is_refused(tmp_path, score, unit, complaint):
    with pytest.raises(UsageError, match=complaint):
        read_scores(write(tmp_path, f"variant,seed,ap\na,0,{score}\n"), unit=asked_unit(unit))


def test_a_unit_that_is_nearly_one_of_ours_is_taken_for_a_slip():
    with pytest.raises(UsageError, match=r"unknown unit 'fractions'\. Did you mean 'fraction'"):
        asked_unit("fractions")
    assert (asked_unit("ms"), asked_unit("%")) == (ScoreUnit("ms"), SCORE_UNITS["percent"])


def test_the_metric_is_found_in_capitals_too(tmp_path):
    read = read_scores(write(tmp_path, "variant,seed,AP,loss\na,0,37.1,2\n"), metric="ap")

    assert (read.metric, read.unit.name) == ("AP", "pp")


def test_the_unit_of_scores_from_elsewhere_is_asked_for_unless_they_or_their_name_leave_no_doubt():
    assert foreign_unit("accuracy", [71.2, 0.0]) == SCORE_UNITS["percent"]
    assert foreign_unit("top1 (%)", [0.7, 0.8]) == SCORE_UNITS["percent"]
    assert (
        foreign_unit("val_loss", [0.7, 0.8]) == foreign_unit("psnr", [31.2]) == SCORE_UNITS["none"]
    )
    assert (
        foreign_unit("nll", [2.7, 0.8]) == foreign_unit("latency_ms", [0.4]) == SCORE_UNITS["none"]
    )
    assert (
        foreign_unit("nll", [0.7, 0.8])
        is foreign_unit("ece", [0.02])
        is foreign_unit("err", [0.1])
        is None
    )
