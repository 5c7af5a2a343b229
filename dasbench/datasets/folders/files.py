"""A part of a data set whose images are files: decoded, cropped and mirrored one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.looking.first_look import FileList
from dasbench.datasets.pictures.framing import Framing
from dasbench.datasets.pictures.pixels import read_image


@dataclass(frozen=True)
class FileSplit:
    """Images in files.

    Training shows a random part of each (RandomResizedCrop), mirrored half of the time.

    Args:
        folder: where the files lie.
        files: path of each image below the folder.
        labels: int64, [N], from 0.
        framing: what is seen of an image.
    """

    folder: Path
    files: Sequence[str]
    labels: Tensor
    framing: Framing

    @property
    def num_draws(self) -> int:
        """How many uniform numbers it takes to vary one image in training."""
        return self.framing.num_draws

    def __len__(self) -> int:
        return len(self.files)

    @property
    def file_lists(self) -> Sequence[FileList]:
        """The files that it is read from."""
        return (FileList(self.folder, self.files),)

    def batch(self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None) -> Tensor:
        """Some images: varied by their draws, or as they are evaluated."""
        paths = [self.folder / self.files[index] for index in indices.tolist()]
        return read_batch(paths, self.framing, draws)


def read_batch(
    paths: Sequence[Path], framing: Framing, draws: NDArray[np.float64] | None
) -> Tensor:
    """What is seen of some images, decoded in the thread that asks.

    Shape:
        uint8, [B, 3, H, W], channels last, as they are decoded
    """
    pixels = np.empty((len(paths), framing.height, framing.width, 3), np.uint8)
    for row, (path, drawn) in enumerate(zip(paths, rows_of(draws, len(paths)), strict=True)):
        pixels[row] = np.asarray(framing.shown(read_image(path), drawn))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def rows_of(draws: NDArray[np.float64] | None, number: int) -> Sequence[list[float] | None]:
    """The draws of each of some images; None for evaluation."""
    if draws is None:
        return [None] * number
    rows: list[list[float] | None] = draws.tolist()
    return rows
