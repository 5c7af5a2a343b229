"""Where a trial runs, and with how much of a machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dasbench.plugins import Plugin
from dasbench.training.checkpoints import EVERY_S


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where a trial runs; nothing of it decides the result but for rounding.

    Args:
        device: `cpu`, `cuda`, `cuda:1`; `auto` takes CUDA where there is one.
        threads: of torch's operators on the CPU.
        deterministic: whether operators take their deterministic form; None for a CPU alone.
        gpu_share: part of a GPU's memory that the trial may take; 1 sets no limit.
        timeout_s: seconds after which an attempt fails, or None.
        checkpoint_s: seconds between two checkpoints, at the least; 0 keeps one after each epoch.
        data_root: the folder that holds the data sets; None for $DASBENCH_DATA, else `./data`.
        contents: fingerprints of files that the planning process has read, by what they look like
            from outside; this one reads those that look different.
        loaders: threads that decode images ahead of the training; 0 decodes in the thread that
            trains.
        replicas: processes that share out every batch, each with a GPU of its own where the device
            is CUDA, with their part of the threads and the loaders. The result is that of one
            process up to rounding.
        plugins: modules of the user's own components, which register them when they are imported:
            what `dasbench.plugins.imported` lists, or names and paths.
        plugin_root: the folder in which names and paths are looked for.
    """

    device: str = "auto"
    threads: int = 1
    deterministic: bool | None = None
    gpu_share: float = 1.0
    timeout_s: float | None = None
    checkpoint_s: float = EVERY_S
    data_root: Path | None = None
    contents: Mapping[str, str] = field(default_factory=dict)
    loaders: int = 0
    replicas: int = 1
    plugins: tuple[str | Plugin, ...] = ()
    plugin_root: Path | None = None
