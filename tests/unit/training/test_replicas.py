"""Replicas on one machine come to the result of a single process, and end together however they end."""

import os
import signal
from multiprocessing import active_children

import pytest
import torch
from torch import distributed, nn

from dasbench.records import Outcome
from dasbench.spec.trial import Trial
from dasbench.tasks.task import Replica
from dasbench.training.replicas import _libraries_first
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime
from dasbench.training.shared_learner import add_up
from dasbench.training.shared_norm import share_norms

TRIAL = Trial(
    backbone={"name": "resnet18", "width": 4, "stem": "small"},
    gate="das",
    dataset={
        "name": "salient_shapes",
        "image_size": 32,
        "num_train": 130,
        "num_val": 60,
        "num_test": 60,
    },
    training={
        "epochs": 2,
        "lr": 0.002,
        "batch_size": 64,
    },  # batches of 64, 33 and 33: small steps, as rounding grows
)
TWO = Runtime(device="cpu", replicas=2)
CLOSE = 4e-4
"""How far rounding, which differs with the machine, may drive two losses apart; norms of half a batch do 1.4e-3."""


def losses(outcome: Outcome) -> list[float]:
    assert outcome.status == "done", outcome.error
    names = ("train_loss", "val_loss")
    return [epoch.metrics[name] for epoch in outcome.epochs for name in names] + [
        outcome.metrics["loss"]
    ]


@pytest.fixture
def group(tmp_path):
    """A group of one process, so that sums over replicas can be taken."""
    place = (tmp_path / "rendezvous").as_uri()
    distributed.init_process_group("gloo", init_method=place, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize(
    ("kind", "shape"),
    [(nn.BatchNorm1d, (6, 5)), (nn.BatchNorm1d, (6, 5, 3)), (nn.BatchNorm2d, (6, 5, 4, 3))],
)
def test_a_shared_norm_computes_what_torch_does(group, kind, shape, momentum):
    plain, shared = (kind(5, momentum=momentum) for _ in range(2))
    share_norms(shared, Replica())
    torch.manual_seed(0)
    x = 2 * torch.randn(shape) + 1
    inputs = [x.clone().requires_grad_() for _ in range(2)]

    for _ in range(2):
        outs = [norm(one) for norm, one in zip((plain, shared), inputs, strict=True)]
    for out in outs:
        (out**3).sum().backward()

    assert torch.allclose(outs[0], outs[1], atol=1e-5)
    assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-4)
    assert torch.allclose(plain.weight.grad, shared.weight.grad, atol=1e-3)
    for name, buffer in plain.named_buffers():
        assert torch.allclose(
            buffer.float(), dict(shared.named_buffers())[name].float(), atol=1e-6
        ), name


def test_a_shared_norm_keeps_its_hooks_and_its_names(group):
    model = nn.Sequential(nn.BatchNorm2d(3))
    names = list(model.state_dict())
    model[0].register_forward_hook(lambda _module, _args, out: out * 2)
    x = torch.randn(4, 3, 2, 2)
    expected = model(x)

    share_norms(model, Replica())

    assert list(model.state_dict()) == names
    assert torch.allclose(model(x), expected, atol=1e-6)


def test_a_norm_without_weights_or_statistics_is_shared_too(group):
    plain, shared = (nn.BatchNorm2d(3, affine=False, track_running_stats=False) for _ in range(2))
    share_norms(shared, Replica())
    x = torch.randn(4, 3, 2, 2)

    assert torch.allclose(shared(x), plain(x), atol=1e-6)


def test_adding_up_keeps_gradients_of_any_layout_and_leaves_out_what_has_none(group):
    model = nn.ModuleList(
        [nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last), nn.Linear(2, 2)]
    )
    model[0](torch.randn(2, 3, 5, 5)).sum().backward()
    before = [parameter.grad.clone() for parameter in model[0].parameters()]

    total = add_up(model, torch.tensor(1.5))

    assert total.item() == 1.5
    assert all(torch.equal(p.grad, g) for p, g in zip(model[0].parameters(), before, strict=True))
    assert model[1].weight.grad is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"training.accumulate": 2},
        {"training.batch_size": 42},
    ],  # the last: 42, 42, 42 and 4 images
    ids=["batches", "parts", "ragged"],
)
def test_two_replicas_have_the_losses_of_one_process(values):
    trial = TRIAL.with_values(values)
    alone, together = run_trial(trial, runtime=Runtime(device="cpu")), run_trial(trial, runtime=TWO)

    assert losses(together) == pytest.approx(losses(alone), abs=CLOSE)
    assert together.key == alone.key
    assert together.cost == alone.cost
    assert together.environment["replicas"] == 2
    assert active_children() == []


@pytest.mark.slow
def test_a_batch_too_small_to_share_counts_once():
    batches_of_63_and_2 = {"training.batch_size": 63, "dataset.num_train": 65}
    trial = TRIAL.with_values({**batches_of_63_and_2, "gate": "bam"})

    alone = run_trial(trial, runtime=Runtime(device="cpu"))
    together = run_trial(trial, runtime=Runtime(device="cpu", replicas=2))

    assert losses(together) == pytest.approx(losses(alone), abs=CLOSE)


@pytest.mark.slow
def test_an_interrupt_reaches_all_replicas_and_they_go_on_later(tmp_path):
    whole = run_trial(TRIAL, runtime=TWO)
    first = run_trial(TRIAL, lambda _: "interrupt", tmp_path, runtime=TWO)
    seen = []

    second = run_trial(
        TRIAL, lambda epoch: (seen.append(epoch.number), "continue")[1], tmp_path, runtime=TWO
    )

    assert first.status == "interrupted"
    assert seen == [2]
    assert losses(second) == losses(whole)
    assert len(list(tmp_path.rglob("epoch-*.pt"))) == 2
    assert active_children() == []


@pytest.mark.slow
def test_a_replica_that_is_killed_fails_the_trial_with_its_curve():
    def kill_the_second(_):
        os.kill(max(child.pid for child in active_children() if child.pid), signal.SIGKILL)
        return "continue"

    outcome = run_trial(TRIAL.with_values({"training.epochs": 50}), kill_the_second, runtime=TWO)

    assert (outcome.status, outcome.reason) == ("failed", "killed")
    assert "replica 1 of 2 died (signal 9)" in outcome.error
    assert [epoch.number for epoch in outcome.epochs][:1] == [1]
    assert active_children() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "timeout_s", "reason", "words"),
    [
        (
            {"training.lr": 100.0, "training.epochs": 9, "training.schedule": "constant"},
            None,
            "nan",
            "the loss is",
        ),
        ({"training.epochs": 900}, 3.0, "timeout", "the time limit passed"),
        (
            {"backbone.stem": "imagenet", "gate": "gsop", "placement.stages": [9]},
            None,
            "error",
            "no stage 9",
        ),
    ],
    ids=["diverged", "timeout", "error"],
)
def test_replicas_fail_as_one(values, timeout_s, reason, words):
    runtime = Runtime(device="cpu", replicas=2, timeout_s=timeout_s)

    outcome = run_trial(TRIAL.with_values(values), runtime=runtime)

    assert (outcome.status, outcome.reason) == ("failed", reason), outcome.error
    assert words in outcome.error
    assert active_children() == []


@pytest.mark.slow
def test_a_key_press_ends_all_replicas():
    def press(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(TRIAL, press, runtime=TWO)

    assert active_children() == []


def test_processes_that_are_started_leave_the_environment_as_it_was(monkeypatch):
    for before in (None, "", "1"):
        if before is None:
            monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
        else:
            monkeypatch.setenv("PYTHONSAFEPATH", before)

        with _libraries_first():
            inside = os.environ["PYTHONSAFEPATH"]

        assert (inside, os.environ.get("PYTHONSAFEPATH")) == ("1", before)
