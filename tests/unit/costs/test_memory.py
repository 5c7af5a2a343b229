"""Counts are remembered from one command to the next, and never where they might be others."""

import json
import sys

import pytest
from command_line import run_dasbench

from dasbench import counting
from dasbench.costs import measure, memory
from dasbench.costs.memory import recall, remember
from dasbench.data_access import cache_folder
from dasbench.records import COUNTING, Cost

NETWORK = ("a" * 12, "")
COST = Cost(
    params_full=7,
    macs_full=70,
    params_paper=6,
    macs_paper=60,
    uncounted={"aten::odd": 2},
    input_size=(3, 8, 8),
    versions={"torch": "2.0"},
    structure="c" * 12,
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "cache"))


def test_a_cost_comes_back_as_it_was():
    remember(NETWORK, COST)

    known = recall(NETWORK)
    assert known is not None
    assert known.to_json() == COST.to_json()
    assert recall(("b" * 12, "")) is None


def test_other_tools_or_other_code_of_dasbench_are_another_count(monkeypatch):
    remember(NETWORK, COST)

    with monkeypatch.context() as other:
        other.setattr(memory, "installed_packages", lambda: ("torch-9.9.dist-info",))
        under_other_tools = recall(NETWORK)
    with monkeypatch.context() as other:
        other.setattr(memory, "_own_code", lambda: "edited")
        under_other_code = recall(NETWORK)
    with monkeypatch.context() as other:
        other.setattr(memory, "COUNTING", COUNTING + 1)
        under_another_revision = recall(NETWORK)

    assert (under_other_tools, under_other_code, under_another_revision) == (None, None, None)
    assert recall(NETWORK) == COST


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"params_full": 1}', "\x00"])
def test_a_damaged_file_is_no_count(text):
    remember(NETWORK, COST)
    (file,) = (cache_folder() / "counts").iterdir()
    file.write_text(text)

    assert recall(NETWORK) is None


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_packages_are_known_however_they_were_installed(tmp_path, monkeypatch, kind):
    (tmp_path / f"torch-9.9.{kind}").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert f"torch-9.9.{kind}" in memory.installed_packages.__wrapped__()


def test_where_nothing_can_be_kept_it_is_counted_each_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DASBENCH_CACHE", str(tmp_path / "file"))

    remember(NETWORK, COST)

    assert recall(NETWORK) is None


def test_the_second_command_gives_the_counts_of_the_first(tmp_path):
    asked = ["cost", "STUDY", "--format", "json"]
    study = tmp_path / "study.yaml"
    study.write_text(
        "name: study\nquestion: How wide?\n"
        "base: {backbone: {name: resnet18, width: 2}, dataset: {name: digits, image_size: 8}}\n"
        "axes: [{key: backbone.width, values: [2, 4]}]\n"
    )
    asked[1] = str(study)

    first, second = run_dasbench(tmp_path, *asked), run_dasbench(tmp_path, *asked)

    assert first.code == 0, first.err
    assert json.loads(second.out) == json.loads(first.out)
    assert len(list((cache_folder() / "counts").iterdir())) == 2


def test_a_remembered_network_is_not_built(monkeypatch):
    from dasbench.resolution import resolve
    from dasbench.spec.trial import Trial

    trial = resolve(Trial(backbone={"name": "resnet18", "width": 2}, dataset="digits"))
    counted = counting.count_cost(trial)
    counting._count.cache_clear()
    monkeypatch.setattr(measure, "count_full", lambda _: pytest.fail("it was counted again"))

    assert counting.count_cost(trial) == counted
