"""How fast dasbench trains, beside loops that somebody would write by hand for the same network, images and batches.

    python benchmarks/training.py --threads 1
    python benchmarks/training.py --device cuda --width 64 --batch 256 --workers 8

On a CPU the other loop is a plain one over the same images in memory. On a GPU it is the one of torchvision's reference
scripts: transforms of single images in the worker processes of a DataLoader, pinned memory, copies that do not block;
dasbench keeps images of this size on the device. The loops take turns, so that what disturbs one disturbs both.
"""

import argparse
import os
from collections.abc import Iterator
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from dasbench.catalog import load_dataset, resolve
from dasbench.models import build_model
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import Runtime, run_trial


def make_trial(*, gate: str, width: int, image_size: int, images: int, batch: int) -> Trial:
    """ResNet-18 on generated images, one epoch."""
    return resolve(
        Trial.model_validate(
            {
                "backbone": {"name": "resnet18", "width": width, "stem": "small"},
                "gate": gate,
                "dataset": {"name": "salient_shapes", "image_size": image_size, "num_train": images},
                "training": {"epochs": 1, "batch_size": batch, "lr": 0.01, "augment": False},
            }
        )
    )


def dasbench_speed(trial: Trial, device: torch.device, threads: int) -> float:
    """Images a second in the training part of dasbench's epoch."""
    outcome = run_trial(trial, runtime=Runtime(device=device.type, threads=threads))
    assert outcome.status == "done", outcome.error
    return outcome.epochs[0].metrics["images_per_s"]


def plain_batches(trial: Trial, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Normalised images from one tensor, in a random order."""
    data = load_dataset(trial.dataset)
    split = data.train.resident(device)
    mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (data.mean, data.std))
    labels = split.labels.to(device)
    for chosen in torch.randperm(len(labels), device=device).split(trial.training.batch_size):
        images = (split.images[chosen].float() / 255 - mean) / std
        yield images.contiguous(memory_format=torch.channels_last), labels[chosen]


class SingleImages(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Images one by one, as a DataLoader's workers transform them."""

    def __init__(self, images: Tensor, labels: Tensor, transform: nn.Module) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def loaded_batches(trial: Trial, device: torch.device, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same images from a DataLoader with worker processes."""
    data = load_dataset(trial.dataset)
    split = data.train.in_memory
    transform = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(data.mean, data.std)])
    loader = DataLoader(
        SingleImages(split.images, split.labels, transform),
        batch_size=trial.training.batch_size,
        shuffle=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
    )
    for images, labels in loader:
        moved = images.to(device, memory_format=torch.channels_last, non_blocking=True)
        yield moved, labels.to(device, non_blocking=True)


def by_hand_speed(trial: Trial, device: torch.device, workers: int) -> float:
    """Images a second of a loop with nothing in it but the steps and a check of the loss."""
    torch.manual_seed(0)
    model = build_model(trial, num_classes=6).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    model.train()
    images = 0
    start = perf_counter()
    for x, labels in loaded_batches(trial, device, workers) if workers else plain_batches(trial, device):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        assert torch.isfinite(loss), "the benchmark diverged"
        images += len(x)
    return images / (perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--gate", nargs="+", default=["none", "das"], help="gates (default: none das)")
    parser.add_argument("--width", type=int, help="of the ResNet-18 (default: 16, on a GPU 64)")
    parser.add_argument("--image-size", type=int, default=32, help="pixels (default: 32)")
    parser.add_argument("--batch", type=int, help="images per step (default: 64, on a GPU 256)")
    parser.add_argument("--images", type=int, help="of an epoch (default: 640, on a GPU 50000)")
    parser.add_argument("--runs", type=int, default=5, help="timed epochs of each loop (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: 1)")
    parser.add_argument("--workers", type=int, help="processes of a DataLoader (default: 0, on a GPU the cores)")
    options = parser.parse_args()
    device = torch.device(options.device)
    gpu = device.type == "cuda"
    workers = options.workers if options.workers is not None else (os.cpu_count() or 1) if gpu else 0
    torch.set_num_threads(options.threads)
    print(
        f"torch {torch.__version__}, {device.type}, {options.threads} thread(s), {workers} loader process(es), medians"
    )
    print(f"{'gate':<12} {'dasbench':>14} {'by hand':>14} {'ratio':>7}")
    for gate in options.gate:
        trial = make_trial(
            gate=gate,
            width=options.width or (64 if gpu else 16),
            image_size=options.image_size,
            images=options.images or (50_000 if gpu else 640),
            batch=options.batch or (256 if gpu else 64),
        )
        ours, theirs = [], []
        for _ in range(options.runs + 1):
            ours.append(dasbench_speed(trial, device, options.threads))
            theirs.append(by_hand_speed(trial, device, workers))
        speeds = median(ours[1:]), median(theirs[1:])
        print(f"{gate:<12} {speeds[0]:>9.0f} im/s {speeds[1]:>9.0f} im/s {speeds[0] / speeds[1]:>7.3f}", flush=True)


if __name__ == "__main__":
    main()
