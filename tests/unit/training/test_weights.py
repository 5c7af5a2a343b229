"""Weights that are kept are those that the trial was tested with."""

import numpy as np
import pytest
import torch
from built import built_network
from drawn_shapes import shapes_trial
from torch import nn

from dasbench.datasets.choice import load_dataset
from dasbench.errors import DataError, StoreError, UsageError
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime
from dasbench.training.weights import keep_weights, load_weights, train_weights, weights_file


def test_weights_are_those_that_the_trial_was_tested_with(tmp_path):
    trial = shapes_trial(select="best", lr=0.5, epochs=3)
    outcome = run_trial(trial, workdir=tmp_path / "work", runtime=Runtime(device="cpu"))
    file = keep_weights(trial, workdir=tmp_path / "work", folder=tmp_path / "weights")
    network = built_network(trial, num_classes=6)
    load_weights(network, file, trial=trial)

    data = load_dataset(trial.dataset)
    network.eval()
    with torch.inference_mode():
        logits = network((data.test.batch(np.arange(60)).float() / 255 - 0.5) / 0.25)

    assert float(nn.functional.cross_entropy(logits, data.test.labels)) == pytest.approx(
        outcome.metrics["loss"], abs=1e-4
    )
    assert file == weights_file(tmp_path / "weights", trial.key)


def test_training_again_gives_the_same_weights_and_leaves_no_checkpoints(tmp_path):
    trial = shapes_trial(epochs=1)
    runtime = Runtime(device="cpu")

    outcomes = [
        train_weights(trial, folder=tmp_path / name, runtime=runtime) for name in ("a", "b")
    ]

    one, other = (torch.load(tmp_path / name / f"{trial.key}.pt")["model"] for name in ("a", "b"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert outcomes[0].metrics["loss"] == outcomes[1].metrics["loss"]
    assert not list(tmp_path.rglob("epoch-*.pt"))


def test_weights_that_do_not_belong_are_refused(tmp_path):
    trial, plain = shapes_trial(), shapes_trial("none")
    network = built_network(trial, num_classes=6)
    torch.save({"key": "0" * 12, "model": network.state_dict()}, tmp_path / "other.pt")
    torch.save(built_network(plain, num_classes=6).state_dict(), tmp_path / "plain.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("no weights")

    for name, error, message in [
        ("other.pt", UsageError, "holds the weights of trial 000000000000"),
        ("plain.pt", UsageError, "does not fit"),
        ("list.pt", DataError, "holds a list"),
        ("text.pt", DataError, "cannot be read as weights"),
        ("missing.pt", DataError, "no such weights file"),
    ]:
        with pytest.raises(error, match=message):
            load_weights(network, tmp_path / name, trial=trial)


def test_a_plain_state_dict_is_taken_as_it_is(tmp_path):
    trial = shapes_trial()
    source, target = built_network(trial, num_classes=6), built_network(trial, num_classes=6)
    nn.init.constant_(source.backbone.fc.bias, 7.0)
    torch.save(source.state_dict(), tmp_path / "mine.pt")

    load_weights(target, tmp_path / "mine.pt", trial=trial)

    assert target.backbone.fc.bias.tolist() == [7.0] * 6


def test_weights_without_a_checkpoint_are_lost(tmp_path):
    with pytest.raises(StoreError, match="holds no checkpoint"):
        keep_weights(shapes_trial(), workdir=tmp_path, folder=tmp_path / "weights")


def test_training_that_fails_names_its_cause(tmp_path):
    changed = shapes_trial().model_copy(update={"data_fingerprint": "0" * 16})

    with pytest.raises(
        StoreError, match=r"could not be trained again: .*changed after the trial was planned"
    ):
        train_weights(changed, folder=tmp_path, runtime=Runtime(device="cpu"))
