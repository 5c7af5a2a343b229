"""`dasbench saliency` as a user runs it, on networks that were really trained."""

import csv
import json

import pytest
import torch
from command_line import run_dasbench
from PIL import Image

from dasbench.results.reading import read_store

pytestmark = pytest.mark.slow

STUDY = """\
name: shapes
question: Where does it look?
base:
  backbone: {name: resnet18, width: 4, stem: small}
  dataset: {name: salient_shapes, num_train: 60, num_val: 60, num_test: 60}
  training: {epochs: 1, lr: 0.05}
axes:
  - {key: gate, values: [none, das]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saliency")
    (folder / "study.yaml").write_text(STUDY)
    done = run_dasbench(folder, "run", "study.yaml", "--executor", "inline", "--device", "cpu")
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def keys(folder):
    with read_store(folder / "results.db") as reader:
        return {row.variant["gate"]: row.key for row in reader.rows("shapes")}


@pytest.fixture(scope="module")
def compared(folder, keys):
    """Both networks looked at; their weights are trained again by this."""
    arguments = (
        "--layer",
        "stage3",
        "--layer",
        "stage4",
        "--images",
        8,
        "--shown",
        3,
        "-o",
        "out",
        "--json",
    )
    done = run_dasbench(folder, "saliency", keys["das"], "--against", keys["none"], *arguments)
    assert done.code == 0, done.err
    return done


def test_weights_that_were_not_kept_are_trained_again_bit_for_bit(folder, keys, compared):
    assert compared.err.count("training 1 epochs again") == 2
    assert compared.err.count("the same network as was scored") == 2
    assert {path.stem for path in (folder / ".dasbench/weights").glob("*.pt")} == set(keys.values())


def test_json_holds_each_network_and_layer_with_its_images(keys, compared):
    records = json.loads(compared.out)

    assert [(record["trial"], record["layer"]) for record in records] == [
        (keys[gate], layer) for gate in ("none", "das") for layer in ("stage3", "stage4")
    ]
    assert {record["n"] + record["undefined"] for record in records} == {8}
    scores = [image["sfd"] for image in records[3]["images"] if image["sfd"] is not None]
    assert records[3]["sfd_mean"] == pytest.approx(sum(scores) / len(scores))
    assert records[3]["against"] == keys["none"]
    assert (records[3]["base"], records[3]["threshold"], records[3]["antilog"]) == (
        10.0,
        0.15,
        "shifted",
    )


def test_the_figure_and_a_csv_file_lie_beside_each_other(folder, keys, compared):
    stem = folder / "out" / f"saliency_{keys['das']}_{keys['none']}"

    with stem.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 8
    assert set(rows[0]) >= {"image", "label", "predicted", "trial", "layer", "sfd"}
    assert Image.open(stem.with_suffix(".png")).size[0] == 1050


def test_weights_that_are_there_are_used_again_and_give_the_same_scores(folder, keys, compared):
    done = run_dasbench(
        folder, "saliency", keys["das"], "--layer", "stage4", "--images", 8, "-o", "again", "--json"
    )

    assert "training" not in done.err
    assert json.loads(done.out)[0]["images"] == json.loads(compared.out)[3]["images"]


def test_a_table_says_the_parameters_and_the_sensitivity(folder, keys, compared):
    done = run_dasbench(
        folder, "saliency", keys["das"][:8], "--images", 5, "--sensitivity", "--threshold", "0.3"
    )

    assert done.code == 0, done.err
    assert "threshold 0.3" in done.out
    assert done.out.count("by what the paper leaves open") == 2
    assert (folder / "figures" / f"saliency_{keys['das']}.png").exists()


def test_weights_of_ones_own_can_be_given(folder, keys, compared):
    content = torch.load(folder / f".dasbench/weights/{keys['das']}.pt")
    torch.save(content["model"], folder / "mine.pt")

    done = run_dasbench(
        folder,
        "saliency",
        keys["das"],
        "--weights",
        "mine.pt",
        "--images",
        8,
        "--layer",
        "stage4",
        "--json",
    )

    assert "weights from mine.pt" in done.err
    assert json.loads(done.out)[0]["images"] == json.loads(compared.out)[3]["images"]


def test_a_data_set_without_masks_gets_heat_maps_without_scores(trained):
    with read_store(trained / "results.db") as reader:
        key = reader.rows("tiny")[0].key

    done = run_dasbench(
        trained, "saliency", key, "--images", 2, "--layer", "stage1", "-o", "maps", "--json"
    )

    assert done.code == 0, done.err
    assert "does not say where its objects are" in done.err
    assert json.loads(done.out)[0]["sfd_mean"] is None
    assert (trained / "maps" / f"saliency_{key}.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--layer", "stage9"], 2, "stage1, stage2, stage3, stage4"),
        (["--layer", "[/]\x1b[31m"], 2, "no such module"),
        (["--base", "0"], 2, "base '0'"),
        (["--threshold", "nan"], 2, "threshold 'nan'"),
        (["--images", "0"], 2, "--images"),
        (["--regions", "nowhere"], 3, "nowhere: is no folder"),
        (["--regions", "grounded_sam"], 2, "grounded_sam"),
        (["--region-weights", "x"], 2, "belongs to --regions grounded_sam"),
        (["--weights", "missing.pt"], 3, "no such weights file"),
        (["--weights", "study.yaml"], 3, "cannot be read as weights"),
        (["--against", "ffff"], 2, "no trial's key begins with 'ffff'"),
        (["--device", "cuda:9"], 2, "CUDA"),
        (["--db", "missing.db"], 3, "missing.db"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(
    folder, keys, arguments, code, message
):
    done = run_dasbench(folder, "saliency", keys["none"], *arguments)

    assert done.code == code
    assert message in done.err
    assert "epoch" not in done.err
    assert done.out == ""


def test_a_trial_cannot_be_compared_with_itself(folder, keys):
    done = run_dasbench(folder, "saliency", keys["none"], "--against", keys["none"][:9])

    assert (done.code, "is the same trial" in done.err) == (2, True)
