"""What one trial takes of a machine, and how many fit there."""

import math
from dataclasses import dataclass, replace

FINENESS = 10_000
"""Into how many parts Ray divides a GPU."""


@dataclass(frozen=True)
class Share:
    """What one trial takes of a machine.

    Args:
        cpus: cores.
        gpus: GPUs; a fraction shares one.
    """

    cpus: int = 1
    gpus: float = 0

    def times_in(self, cpus: float, gpus: float) -> int:
        """How many trials fit into so many cores and GPUs; `math.inf` sets no limit.

        Example:
            >>> Share(cpus=2, gpus=0.25).times_in(cpus=16, gpus=1)
            4
            >>> Share(cpus=2, gpus=0.25).times_in(cpus=16, gpus=math.inf)
            8
        """
        fitting = cpus / self.cpus
        if self.gpus:
            fitting = min(fitting, gpus / self.gpus + 1e-9)
        return int(fitting)

    def spread(self, trials: int, gpus: int) -> "Share":
        """A share that spreads trials over all GPUs, where fewer run at once than they would hold.

        Ray fills one GPU before it takes the next.

        Args:
            trials: how many run at once.
            gpus: how many GPUs there are.

        Example:
            >>> Share(gpus=0.05).spread(trials=4, gpus=2).gpus
            0.5
        """
        if not 0 < self.gpus < 1 or gpus < 1:
            return self
        holds = int(1 / self.gpus + 1e-9)
        on_each = min(holds, math.ceil(trials / gpus))
        return replace(self, gpus=max(self.gpus, part_of_gpu(on_each)))

    def __str__(self) -> str:
        cores = f"{self.cpus} core{'s' * (self.cpus != 1)}"
        if not self.gpus:
            return cores
        return f"{cores} and {self.gpus:g} GPU{'s' * (self.gpus > 1)}"


def part_of_gpu(trials: int) -> float:
    """The part of a GPU of which so many fit and not one more.

    Example:
        >>> part_of_gpu(3)
        0.3333
    """
    return (FINENESS // trials) / FINENESS
