"""Images a second of dasbench, and of the loops that somebody would write by hand for the same network and images."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from dasbench.datasets.choice import load_dataset
from dasbench.models import build_model
from dasbench.spec.network import network_of
from dasbench.spec.trial import Trial
from dasbench.training.arithmetic import set_arithmetic
from dasbench.training.run_trial import run_trial
from dasbench.training.runtime import Runtime


@dataclass(frozen=True)
class Habits:
    """How a loop by hand is written.

    Args:
        fused: whether one kernel updates all weights, on a GPU.
        reads_losses: whether every step waits for its loss.
        deterministic: whether operators take their deterministic form, without cuDNN's benchmark.
        compile_mode: of `torch.compile`; None does not compile.
        workers: processes of a DataLoader that transform images one by one, as torchvision's
            reference scripts do; 0 keeps all images on the device.
    """

    fused: bool = True
    reads_losses: bool = False
    deterministic: bool = False
    compile_mode: str | None = None
    workers: int = 0


def dasbench_speed(trial: Trial, runtime: Runtime) -> float:
    """Images a second in the training part of dasbench's last epoch.

    Raises:
        RuntimeError: if the trial fails.
    """
    outcome = run_trial(trial, runtime=runtime)
    if outcome.status != "done":
        raise RuntimeError(outcome.error)
    return outcome.epochs[-1].metrics["images_per_s"]


def by_hand_speed(trial: Trial, device: torch.device, habits: Habits = Habits()) -> float:
    """Images a second in the last epoch of a loop with nothing in it but the steps."""
    set_arithmetic(trial, device, deterministic=habits.deterministic)
    torch.manual_seed(trial.seed)
    network = network_of(trial, load_dataset(trial.dataset))
    model = build_model(network, seed=trial.seed)
    model = model.to(device).to(memory_format=torch.channels_last).train()
    fused = True if habits.fused and device.type == "cuda" else None
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=fused
    )
    forward = torch.compile(model, mode=habits.compile_mode) if habits.compile_mode else model
    autocast = torch.autocast(
        device.type, torch.bfloat16, enabled=trial.training.precision == "bf16"
    )
    batches = (
        LoadedBatches(trial, device, habits.workers)
        if habits.workers
        else ResidentBatches(trial, device)
    )
    seconds, images = 0.0, 0
    for _ in range(trial.training.epochs):
        wait_for(device)
        images, start = 0, perf_counter()
        for x, labels in batches:
            optimizer.zero_grad(set_to_none=True)
            with autocast:
                logits = forward(x)
            loss = nn.functional.cross_entropy(logits.float(), labels)
            loss.backward()
            optimizer.step()
            if habits.reads_losses:
                loss.item()
            images += len(x)
        wait_for(device)
        seconds = perf_counter() - start
    assert torch.isfinite(loss), "the loop by hand diverged"
    return images / seconds


def wait_for(device: torch.device) -> None:
    """Let the device finish what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class ResidentBatches:
    """Epochs of images that lie on the device: an order drawn there, normalised straight to the training's type."""

    def __init__(self, trial: Trial, device: torch.device) -> None:
        data = load_dataset(trial.dataset)
        self.device, self.batch_size = device, trial.training.batch_size
        self.dtype = torch.bfloat16 if trial.training.precision == "bf16" else torch.float32
        self.images = data.train.images.to(device, memory_format=torch.channels_last)
        self.labels = data.train.labels.to(device)
        mean, std = (
            torch.tensor(values, device=device)[:, None, None] for values in (data.mean, data.std)
        )
        self.scale, self.shift = 1 / (255 * std), -mean / std

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in torch.randperm(len(self.labels), device=self.device).split(self.batch_size):
            x = self.images[chosen] * self.scale + self.shift
            yield (
                x.to(self.dtype).contiguous(memory_format=torch.channels_last),
                self.labels[chosen],
            )


class SingleImages(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Images one by one, as a DataLoader's workers transform them."""

    def __init__(self, images: Tensor, labels: Tensor, transform: nn.Module) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


class LoadedBatches:
    """Epochs of the same images from the worker processes of a DataLoader: pinned, copied without blocking."""

    def __init__(self, trial: Trial, device: torch.device, workers: int) -> None:
        data = load_dataset(trial.dataset)
        transform = v2.Compose(
            [v2.ToDtype(torch.float32, scale=True), v2.Normalize(data.mean, data.std)]
        )
        self.device = device
        self.loader = DataLoader(
            SingleImages(data.train.images, data.train.labels, transform),
            batch_size=trial.training.batch_size,
            shuffle=True,
            num_workers=workers,
            pin_memory=device.type == "cuda",
            persistent_workers=True,
        )

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in self.loader:
            moved = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
            yield moved, labels.to(self.device, non_blocking=True)
