"""Where the checks run, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from dasbench.devices import device_of
from dasbench.records import Outcome
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.training.fit import Report
from dasbench.training.run_trial import go_on, run_trial
from dasbench.training.runtime import Runtime
from on_gpu.noise import Work

Row = dict[str, Any]
"""One finding of a check, as plain data; under `failed` stands what should not be so, if anything."""


@dataclass(frozen=True)
class Setting:
    """Where the checks run.

    Args:
        device: `cuda`, or `cpu` for a rehearsal.
        small: whether networks and data are as small as can be, to rehearse.
    """

    device: str
    small: bool

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Setting":
        """What ACCEPT_DEVICE and ACCEPT_SMALL say."""
        return cls(environment.get("ACCEPT_DEVICE", "cuda"), bool(environment.get("ACCEPT_SMALL")))

    @property
    def torch_device(self) -> torch.device:
        """The device as torch knows it."""
        return device_of(self.device)

    @property
    def on_gpu(self) -> bool:
        """Whether this is no rehearsal."""
        return self.device != "cpu"

    def run(
        self, trial: Trial, report: Report = go_on, workdir: str | None = None, **runtime: Any
    ) -> Outcome:
        """Train a trial on the device; `runtime` are further fields of a `Runtime`."""
        return run_trial(trial, report, workdir, runtime=Runtime(device=self.device, **runtime))

    def digits(self, gate: str = "none", *, seed: int = 0, **training: Any) -> Trial:
        """A small network on scans of digits."""
        fields = {
            "backbone": {"name": "resnet18", "width": 4 if self.small else 8, "stem": "small"},
            "gate": gate,
            "dataset": {"name": "digits", "image_size": 16},
            "training": {"epochs": 2, "batch_size": 64, "lr": 0.05, **training},
            "seed": seed,
        }
        return resolve(Trial.model_validate(fields))

    @property
    def small_images(self) -> Work:
        """A ResNet-18 on images of 32 px."""
        return (
            Work("resnet18", 4, 16, 128, 32)
            if self.small
            else Work("resnet18", 64, 32, 25_600, 256)
        )

    @property
    def photographs(self) -> Work:
        """A ResNet-50 on images of 224 px."""
        return (
            Work("resnet50", 4, 64, 16, 8) if self.small else Work("resnet50", 64, 224, 2_560, 256)
        )


def failing(*demands: tuple[bool, str]) -> Row:
    """The words of the demands that do not hold, under `failed`; nothing if all hold.

    Args:
        demands: whether it holds, and what is wrong if it does not.
    """
    words = [wrong for holds, wrong in demands if not holds]
    return {"failed": "; ".join(words)} if words else {}


def trained(outcome: Outcome) -> tuple[bool, str]:
    """The demand that a trial came to its end."""
    return outcome.status == "done", f"the trial is {outcome.status}: {outcome.error[-600:]}"


def rounded(value: float) -> float:
    """A number to four digits."""
    return float(f"{value:.4g}")
