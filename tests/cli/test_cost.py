"""`dasbench cost`: exact counts of a network or of a study's networks, and what bad input gets."""

import csv
import io
import json

import pytest
import torch
from click.testing import CliRunner, Result
from command_line import TINY, run_dasbench

from dasbench.catalog import BACKBONES
from dasbench.cli import run_command
from dasbench.cli.cost import command
from dasbench.paper.tables import table

TINY_NETWORK = (
    "--backbone",
    "resnet18",
    "--set",
    "backbone.width=4",
    "--image-size",
    "64",
    "--classes",
    "10",
)
COUNTS = ("params_full", "macs_full", "params_paper", "macs_paper")
PROMISED = {*COUNTS, "uncounted", "input_size", "versions", "label", "backbone", "gate"}


def cost(*arguments: object) -> Result:
    """Run the verb in this process: importing torch once is enough."""
    done = CliRunner().invoke(command, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def records(*arguments: object) -> list[dict]:
    return json.loads(cost(*arguments, "--json").stdout)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command line says when it exits with 2."""
    assert run_command(["cost", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("label", ["c", "d"])
def test_the_proposed_gate_in_resnet18_has_the_recounted_integers(label):
    exact = table("table4").row(label).exact

    (record,) = records("--backbone", "resnet18", "--gate", "das", "--set", f"gate.design={label}")

    assert (record["params_paper"], record["macs_paper"]) == (
        exact["paper"].params,
        exact["paper"].macs,
    )
    assert (record["params_full"], record["macs_full"]) == (
        exact["full"].params,
        exact["full"].macs,
    )
    assert (record["uncounted"], record["input_size"], record["num_classes"]) == (
        {},
        [3, 224, 224],
        1000,
    )


def test_a_record_holds_the_promised_fields():
    (record,) = records(*TINY_NETWORK, "--gate", "se")

    assert set(record) >= PROMISED
    assert record["label"] == "resnet18(width=4) + se"
    assert (record["backbone"], record["gate"]) == ("resnet18", "se")
    assert {"torch", "torchvision", "fvcore", "dasbench"} <= set(record["versions"])


def test_an_image_may_have_two_sides():
    (square,) = records(*TINY_NETWORK)
    (wide,) = records(*TINY_NETWORK, "--image-size", "64x128")

    assert wide["input_size"] == [3, 64, 128]
    assert wide["macs_full"] > 1.9 * square["macs_full"]


def test_set_reaches_the_gate_the_backbone_and_the_placement():
    (everywhere,) = records(*TINY_NETWORK, "--gate", "das")
    (last,) = records(
        *TINY_NETWORK, "--gate", "das", "--set", "placement.stages=[4]", "--set", "gate.alpha=0.5"
    )

    assert last["network"]["placement"]["stages"] == [4]
    assert last["network"]["gate"]["alpha"] == 0.5
    assert last["params_full"] != everywhere["params_full"]


def test_the_table_says_both_conventions_and_that_a_multiply_add_counts_once():
    text = cost(*TINY_NETWORK).stdout

    assert "params (full)" in text
    assert "MACs (paper)" in text
    assert "A multiply-add counts once" in text


def test_csv_has_a_line_for_the_network():
    (line,) = csv.DictReader(io.StringIO(cost(*TINY_NETWORK, "--format", "csv").stdout))

    assert int(line["params_full"]) > 0


def test_modules_add_up_and_go_as_deep_as_is_asked():
    modules = records(*TINY_NETWORK, "--gate", "das", "--by-module", "--depth", "1")

    whole, *parts = modules
    assert [whole["path"], *(part["path"] for part in parts)] == ["", "backbone", "gates"]
    for name in COUNTS:
        assert whole[name] == sum(part[name] for part in parts)


def test_a_gate_that_dissolves_costs_nothing_in_use():
    plain, folded = (records(*TINY_NETWORK, "--gate", gate)[0] for gate in ("none", "asr"))

    assert (folded["params_full"], folded["macs_full"]) == (
        plain["params_full"],
        plain["macs_full"],
    )


def test_the_cross_check_explains_what_ptflops_does_not_see():
    done = cost(*TINY_NETWORK, "--gate", "das", "--cross-check")
    (record,) = records(*TINY_NETWORK, "--gate", "das", "--cross-check")

    assert "not seen by ptflops" in done.stdout
    assert record["ptflops_agrees"]
    assert record["params_ptflops"] == record["params_full"]
    assert record["ptflops_difference"] < 0


def test_latency_comes_with_what_is_needed_to_judge_it():
    (record,) = records(*TINY_NETWORK, "--latency", "--batch-size", "2", "--device", "cpu")

    for name in ("latency", "batch", "training_step"):
        assert record[f"{name}_ms"] > 0
        assert record[f"{name}_iqr_ms"] >= 0
        assert record[f"{name}_runs"] >= 3
    assert (record["device"], record["batch_size"], record["precision"]) == ("cpu", 2, "float32")
    assert record["threads"] >= 1
    assert record["training_memory"] >= 0


def test_a_study_has_a_row_for_every_distinct_network(write_study):
    rows = records(write_study())

    assert [row["label"] for row in rows] == ["width=2", "width=4"]
    assert [row["variants"] for row in rows] == [[{"backbone.width": 2}], [{"backbone.width": 4}]]
    assert rows[0]["params_full"] < rows[1]["params_full"]
    assert rows[0]["input_size"][1:] == [8, 8]


def test_variants_that_share_a_network_share_a_row(write_study):
    text = (
        write_study()
        .read_text()
        .replace("backbone.width, values: [2, 4]", "training.lr, values: [0.1, 0.2]")
    )

    (row,) = records(write_study(text))

    assert row["label"] == "lr=0.1; lr=0.2"


def test_set_changes_a_study(write_study):
    plain, gated = records(write_study()), records(write_study(), "--gate", "se")

    assert all(
        more["params_full"] > less["params_full"] for less, more in zip(plain, gated, strict=True)
    )


def test_modules_of_a_study_are_those_that_its_task_trains(write_study):
    modules = records(write_study(), "--by-module", "--depth", "0")
    rows = records(write_study())

    assert [module["macs_full"] for module in modules] == [row["macs_full"] for row in rows]


@pytest.mark.slow
def test_a_study_is_found_in_the_database_by_its_name(trained):
    by_name = run_dasbench(trained, "cost", "tiny", "--json")
    by_file = run_dasbench(trained, "cost", "study.yaml", "--json")

    assert (by_name.code, by_file.code) == (0, 0)
    assert by_name.out == by_file.out


def test_names_that_do_not_exist_are_answered_with_the_nearest_all_at_once(capsys):
    said = refused(capsys, "--backbone", "resnet5", "--gate", "dass")

    assert "unknown backbone 'resnet5'. Did you mean 'resnet50'?" in said
    assert "unknown gate 'dass'. Did you mean 'das'?" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "gate.alfa=0.1"), "gate.alfa: unknown key 'alfa'. Did you mean 'alpha'?"),
        (("--set", "gate.alpha=0"), "gate.alpha: must be greater than 0, not 0"),
        (("--set", "gate.alpha"), "--set gate.alpha: write KEY=VALUE"),
        (("--set", "dataset.name=digits"), "below backbone, gate, placement"),
        (("--set", "placement.stages=[5]"), "the backbone has no stage 5; it has [1, 2, 3, 4]"),
        (("--set", "placement.after=blok"), "Did you mean 'block'?"),
        (("--image-size", "32"), "site 'layer4': instance norm cannot normalise a map of 1x1"),
        (("--image-size", "0"), "--image-size"),
        (("--image-size", "32x"), "'32x' is neither a side nor height x width"),
        (("--classes", "none"), "--classes"),
        (("--profile", "paper"), "--profile belongs to a study"),
        (("--by-module", "--latency"), "--by-module lists modules"),
        (("--latency", "--device", "tpu"), "--device tpu: write cpu, cuda"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(capsys, arguments, message):
    assert message in refused(capsys, "--backbone", "resnet18", "--gate", "das", *arguments)


def test_it_must_be_said_what_to_count(capsys, write_study):
    assert "dasbench cost --backbone resnet50 --gate das" in refused(capsys)
    assert "--set backbone.name=" in refused(capsys, write_study(), "--backbone", "resnet18")


def test_a_study_known_by_its_name_alone_cannot_be_changed(capsys):
    assert "give the file instead" in refused(capsys, "tiny", "--set", "gate.alpha=0.1")


KEY = "0123456789ab"


@pytest.fixture
def database_elsewhere(tmp_path, monkeypatch) -> str:
    """A database that is not in the folder that one stands in, with a trial's weights beside it."""
    weights = tmp_path / "elsewhere" / ".dasbench" / "weights"
    weights.mkdir(parents=True)
    torch.save(BACKBONES["resnet18"].make(10, width=4).module.state_dict(), weights / f"{KEY}.pt")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return str(weights.parents[1] / "results.db")


def test_weights_are_found_where_they_were_kept_beside_the_chosen_database(
    database_elsewhere, monkeypatch
):
    arguments = ["cost", *TINY_NETWORK, "--set", f"backbone.weights={KEY}"]

    unaware = run_command(arguments)
    told = run_command([*arguments, "--db", database_elsewhere])
    monkeypatch.setenv("DASBENCH_DB", database_elsewhere)
    aware = run_command(arguments)

    assert (unaware, told, aware) == (3, 0, 0)


def test_a_study_is_checked_with_the_weights_beside_the_database_of_the_environment(
    database_elsewhere, monkeypatch, write_study
):
    monkeypatch.setenv("DASBENCH_DB", database_elsewhere)
    study = write_study(TINY.replace("[2, 4]", "[4]").replace("stem: small", "stem: imagenet"))

    assert run_command(["check", str(study), "--set", f"backbone.weights={KEY}"]) == 0
