"""A narrow network trains in a format that its kernels bear, and computes what it does in any other."""

import copy
import pickle
import subprocess
import sys

import pytest
import torch

from dasbench.catalog import TASKS, resolve
from dasbench.spec.trial import Trial

TRIAL = Trial(
    backbone={"name": "resnet18", "width": 8, "stem": "small"},
    dataset={"name": "salient_shapes", "image_size": 64, "num_train": 120, "num_val": 60, "num_test": 60},
    training={"epochs": 1, "batch_size": 32, "lr": 0.01, "augment": False},
)


def narrow_network() -> torch.nn.Module:
    return TASKS["classification"].make().build(resolve(TRIAL), device=torch.device("cpu")).model


def run_apart(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, which may die."""
    trial = f"from dasbench.spec.trial import Trial\ntrial = Trial.model_validate_json({TRIAL.model_dump_json()!r})\n"
    arguments = [sys.executable, "-c", trial + code]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=240)


def test_a_narrow_network_on_larger_images_trains_without_dying():
    done = run_apart("""
from dasbench.training.run_trial import run_trial
print(run_trial(trial).status)
""")

    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.slow
def test_its_numbers_are_those_of_the_contiguous_format():
    done = run_apart("""
import torch
from torch.nn import functional
from dasbench.catalog import TASKS, resolve
from dasbench.models import build_model
learner = TASKS["classification"].make().build(resolve(trial), device=torch.device("cpu"))
plain = build_model(resolve(trial), num_classes=6).train()  # contiguous throughout
learner.model.train()
(part,) = next(iter(learner.batches(1)))
images, labels = part.content
expected = functional.cross_entropy(plain(images.contiguous()), labels)
assert abs(learner.loss(part.content).item() - expected.item()) < 1e-5

spared, bare = (model.backbone.layer2[0].downsample[0] for model in (learner.model, plain))
x = torch.randn(32, 8, 64, 64)
inputs = [x.to(memory_format=torch.channels_last).requires_grad_(), x.requires_grad_()]
outs = [layer(one) for layer, one in zip((spared, bare), inputs)]
for out in outs:
    out.square().mean().backward()
for one, other in (outs, (inputs[0].grad, inputs[1].grad), (spared.weight.grad, bare.weight.grad)):
    assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
print("equal")
""")

    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr


def test_only_the_strided_layer_of_few_channels_leaves_the_format():
    spared = {"backbone.layer2.0.downsample.0"}  # 8 channels; that of the next stage has 16

    hooked = {name for name, module in narrow_network().named_modules() if module._forward_pre_hooks}

    assert hooked == spared


def test_copies_and_pickles_are_spared_too():
    model = narrow_network().eval()
    images = torch.randn(2, 3, 64, 64)
    expected = model(images)

    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(twin(images), expected)
        assert len(twin.backbone.layer2[0].downsample[0]._forward_pre_hooks) == 1
