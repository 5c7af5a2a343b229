"""Checks that each part works on the device at all: the machine, the arithmetic, every gate, every task."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dasbench.catalog import GATES, TASKS
from dasbench.devices import has_short_floats
from dasbench.models import GatedNetwork
from dasbench.records import Epoch, Signal
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.training.environment import describe
from on_gpu.setting import Row, Setting, failing, rounded, trained

SOME_GATES = ("none", "das", "deform_attn", "sa", "dra", "emca")
"""What tasks other than classification are tried with."""

DETECTOR = {
    "shorter_side": 128,
    "norms": "trained",
    "pyramid": 32,
    "features": 64,
    "proposals": 64,
    "sampled": 32,
}


def place(setting: Setting) -> Iterator[Row]:
    """Versions, card and driver."""
    there = not setting.on_gpu or torch.cuda.is_available()
    yield {
        "environment": describe(setting.torch_device),
        **failing((there, f"there is no CUDA device for ACCEPT_DEVICE={setting.device}")),
    }
    if setting.on_gpu and there:
        free, total = torch.cuda.mem_get_info()
        short = has_short_floats()
        yield {
            "free_gib": rounded(free / 2**30),
            "total_gib": rounded(total / 2**30),
            "bf16_and_tf32": short,
        }


def precision(setting: Setting) -> Iterator[Row]:
    """The switches of the arithmetic are what the trial's precision says, during the training and in the record."""
    for name in ("fp32", "tf32", "bf16"):
        for deterministic in (False, True):
            during: list[Row] = []

            def watch(epoch: Epoch, during: list[Row] = during) -> Signal:
                del epoch
                during.append({**_switches(), **_rounding(setting.torch_device)})
                return "continue"

            trial = setting.digits("se", epochs=1, precision=name)
            outcome = setting.run(trial, watch, deterministic=deterministic)
            tf32 = setting.on_gpu and name != "fp32"
            wanted = {"tf32_convolutions": tf32, "tf32_products": tf32}
            if setting.on_gpu:
                wanted["cudnn_benchmark"] = not deterministic
            recorded = {key: outcome.environment.get(key, False) for key in wanted}
            seen = during[0] if during else {}
            exact = (
                seen.get("error_of_products", math.inf) < 5e-5
                and seen["error_of_convolutions"] < 5e-5
            )
            yield {
                "precision": name,
                "deterministic": deterministic,
                "during": seen,
                **failing(
                    trained(outcome),
                    (
                        all(seen.get(key) == value for key, value in wanted.items()),
                        f"wanted {wanted} in training",
                    ),
                    (recorded == wanted, f"wanted {wanted} in the record, not {recorded}"),
                    (
                        outcome.environment["deterministic"] == deterministic,
                        "the record says otherwise of determinism",
                    ),
                    (tf32 or exact, "fp32 is not computed in IEEE fp32"),
                ),
            }


def _switches() -> Row:
    return {
        "tf32_convolutions": torch.backends.cudnn.allow_tf32,
        "tf32_products": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
    }


def _rounding(device: torch.device) -> Row:
    """How far a matrix product and a convolution of fp32 numbers lie from those of fp64."""
    stream = torch.Generator(device).manual_seed(0)
    a, b = (torch.randn(256, 256, device=device, generator=stream) for _ in range(2))
    x = torch.randn(8, 32, 16, 16, device=device, generator=stream)
    weight = torch.randn(32, 32, 3, 3, device=device, generator=stream)
    products = _error(a @ b, a.double() @ b.double())
    convolved = nn.functional.conv2d(x.double(), weight.double())
    convolutions = _error(nn.functional.conv2d(x, weight), convolved)
    return {"error_of_products": products, "error_of_convolutions": convolutions}


def _error(found: Tensor, right: Tensor) -> float:
    return rounded(float((found.double() - right).norm() / right.norm()))


def gates(setting: Setting) -> Iterator[Row]:
    """Every gate in fp32 and bf16: an epoch, a validation, the form of its outputs; what has no deterministic form."""
    for gate in GATES.names():
        yield from _tried(setting, {"name": "classification"}, gate)
        trial = _shapes(setting, {"name": "classification"}, gate, "fp32")
        outcome = setting.run(trial, deterministic=True)
        indeterminate = outcome.environment.get("indeterminate", [])
        yield {
            "gate": gate,
            "deterministic": True,
            "indeterminate": indeterminate,
            **failing(trained(outcome)),
        }
        for name in ("fp32", "bf16"):
            forms = _forms(
                _shapes(setting, {"name": "classification"}, gate, name), setting.torch_device
            )
            kept = all(into.dtype == out.dtype for into, out in forms)
            laid_out = all(into.layout == out.layout for into, out in forms)
            yield {
                "gate": gate,
                "precision": name,
                "forms": sorted({(str(into), str(out)) for into, out in forms}),
                **failing(
                    (kept, "a gate's output is of another type than its input"),
                    (
                        laid_out or not setting.on_gpu,
                        "a gate's output lies in memory in another way than its input",
                    ),
                ),
            }


def segmentation(setting: Setting) -> Iterator[Row]:
    """Some gates in a network that labels pixels."""
    for gate in SOME_GATES:
        yield from _tried(setting, {"name": "segmentation"}, gate)


def detection(setting: Setting) -> Iterator[Row]:
    """Some gates in a detector."""
    for gate in SOME_GATES:
        yield from _tried(setting, {"name": "detection", **DETECTOR}, gate)


def _tried(setting: Setting, task: Row, gate: str) -> Iterator[Row]:
    """A short training in fp32 and in bf16."""
    for name in ("fp32", "bf16"):
        outcome = setting.run(_shapes(setting, task, gate, name))
        loss = outcome.metrics.get("train_loss", math.nan)
        yield {
            "task": task["name"],
            "gate": gate,
            "precision": name,
            "loss": loss,
            "scores": {
                key: value for key, value in outcome.metrics.items() if key.startswith("val_")
            },
            "seconds": rounded(outcome.seconds),
            **failing(trained(outcome), (math.isfinite(loss), f"the loss is {loss}")),
        }


def _shapes(setting: Setting, task: Row, gate: str, precision: str) -> Trial:
    """A network on generated images, an epoch of a few steps."""
    counts = {"num_train": 60, "num_val": 60, "num_test": 60}
    size = 32 if setting.small else 64
    fields = {
        "task": task,
        "backbone": {"name": "resnet18", "width": 4 if setting.small else 16, "stem": "small"},
        "gate": gate,
        "dataset": {"name": "salient_shapes", "image_size": size, "difficulty": 0.0, **counts},
        "training": {"epochs": 1, "batch_size": 30, "lr": 0.01, "precision": precision},
    }
    return resolve(Trial.model_validate(fields))


@dataclass(frozen=True)
class Form:
    """Of a map: its type, and how it lies in memory."""

    dtype: str
    layout: str

    @classmethod
    def of(cls, x: Tensor) -> "Form":
        """The form of a map."""
        last = x.is_contiguous(memory_format=torch.channels_last)
        return cls(
            str(x.dtype).removeprefix("torch."), "channels last" if last else "channels first"
        )

    def __str__(self) -> str:
        return f"{self.dtype}, {self.layout}"


def _forms(trial: Trial, device: torch.device) -> list[tuple[Form, Form]]:
    """The form of what goes into each gate, and of what the network goes on with."""
    learner = TASKS[trial.task.name].create(**trial.task.params).build(trial, device=device)
    network = learner.model
    assert isinstance(network, GatedNetwork)
    into: dict[str, Form] = {}
    forms: list[tuple[Form, Form]] = []
    for name, gate in network.gates.items():

        def enter(_gate: nn.Module, inputs: tuple[Tensor], name: str = name) -> None:
            into[name] = Form.of(inputs[0])

        def leave(_site: nn.Module, _inputs: object, output: Tensor, name: str = name) -> None:
            forms.append((into[name], Form.of(output)))

        gate.register_forward_pre_hook(enter)
        network.backbone.get_submodule(name.replace(":", ".")).register_forward_hook(leave)
    network.train()
    for loss in learner.losses(next(iter(learner.batches(1)))):
        loss.backward()
    return forms
