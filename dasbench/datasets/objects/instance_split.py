"""A part of a data set of photographs with objects: decoded, turned and mirrored one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dasbench.datasets.annotations import Objects, Scene
from dasbench.datasets.looking.first_look import FileList
from dasbench.datasets.objects.instances import Instances
from dasbench.datasets.pictures.orientation import SIDEWAYS, turned_boxes
from dasbench.datasets.pictures.pixels import read_photograph
from dasbench.errors import DataError


@dataclass(frozen=True)
class InstanceSplit:
    """Photographs of any size with their objects; in training, half of them are mirrored.

    A photograph is shown upright. Where its annotations are for the size that it has as it is
    shown, so are the boxes. Where they are for the size as it lies in its file, whoever drew them
    saw it lying: they are turned with it.

    Args:
        folder: where the images lie.
        instances: what they are and show.
    """

    folder: Path
    instances: Instances
    num_draws: int = 1

    def __len__(self) -> int:
        return len(self.instances)

    @property
    def file_lists(self) -> Sequence[FileList]:
        """The files that it is read from."""
        return (FileList(self.folder, self.instances.names),)

    def scenes(
        self, indices: NDArray[np.int64], draws: NDArray[np.float64] | None = None
    ) -> list[Scene]:
        """Some images with their objects, decoded in the thread that asks."""
        mirrored = np.zeros(len(indices), bool)
        if draws is not None:
            mirrored = draws[:, 0] < 0.5
        choices = zip(indices.tolist(), mirrored, strict=True)
        return [self._scene(index, mirrored=flip) for index, flip in choices]

    def _scene(self, index: int, *, mirrored: bool) -> Scene:
        image, orientation = read_photograph(self.folder / self.instances.names[index])
        pixels = np.array(image)
        inside = slice(*self.instances.starts[index : index + 2])
        boxes = self.instances.boxes[inside].copy()
        width, height = self.instances.sizes[index].tolist()
        if image.size != (width, height):
            if orientation not in SIDEWAYS or image.size != (height, width):
                raise DataError(wrong_size(self.folder, self.instances, index, image.size))
            boxes = turned_boxes(boxes, orientation, width=width, height=height)
        if mirrored:
            pixels = pixels[:, ::-1]
            boxes[:, [0, 2]] = pixels.shape[1] - boxes[:, [2, 0]]
        return Scene(
            torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
            Objects(
                torch.from_numpy(boxes),
                torch.from_numpy(self.instances.labels[inside].copy()),
                torch.from_numpy(self.instances.areas[inside].copy()),
                torch.from_numpy(self.instances.crowd[inside].copy()),
            ),
        )


def wrong_size(folder: Path, instances: Instances, index: int, size: tuple[int, int]) -> str:
    """What to say of an image of another size than its annotations are for."""
    width, height = instances.sizes[index].tolist()
    stated = f"{instances.source(index)} says {width} x {height}"
    found = f"{folder / instances.names[index]}: is {size[0]} x {size[1]} pixels"
    return f"{found}, but {stated}; replace the image, or mend that file"
