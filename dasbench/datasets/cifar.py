"""The CIFAR data sets as they are distributed for Python: pickled batches of 32x32 pixels."""

import pickle
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, fingerprint, stratified_split
from dasbench.datasets.memory import MemorySplit, refuse_mixed_up
from dasbench.errors import DataError

SOURCE = (
    "Krizhevsky 2009, Learning multiple layers of features from tiny images, University of Toronto"
)


@dataclass(frozen=True, kw_only=True)
class CifarFiles:
    """How one of the data sets is stored.

    Args:
        name: as studies call it.
        folder: below the data root.
        train, test: files of each part.
        meta: the file with the names of the classes.
        labels: key of the labels in a batch.
        names: key of the names in the meta file.
        num_classes: how many there are.
        torchvision: the class that downloads the files.
    """

    name: str
    folder: str
    train: Sequence[str]
    test: Sequence[str]
    meta: str
    labels: str
    names: str
    num_classes: int
    torchvision: str

    @property
    def how(self) -> str:
        """How to get the files."""
        return (
            "To get it: run with `download` (170 MB), or unpack the Python version from"
            " https://www.cs.toronto.edu/~kriz/cifar.html"
            f" into {self.folder}/ below `data_root` (or $DASBENCH_DATA, else ./data)."
        )


@dataclass(frozen=True)
class _Images:
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


def read_cifar(layout: CifarFiles, *, image_size: int, val_share: float) -> Dataset:
    """Read a data set whole; a stratified, fixed share of the official training images validates.

    Args:
        layout: which one.
        image_size: height and width that the 32x32 originals are scaled to.
        val_share: share of the training images that validate.

    Raises:
        DataError: if a file is missing, cannot be fetched or is damaged, a class is missing, or the
            test images are training images.
    """
    folder = data_access().root / layout.folder
    if data_access().download:
        _fetch_missing(folder, layout)
    if not folder.is_dir():
        raise DataError(f"{folder}: is missing. {layout.how}")
    classes = _class_names(folder, layout)
    whole, test = _read(folder, layout.train, layout), _read(folder, layout.test, layout)
    refuse_mixed_up(whole.pixels, test.pixels, of=f"{folder}:")
    train, val = stratified_split(whole.labels, [val_share], salt=layout.name)
    if len(set(whole.labels[val].tolist())) < len(classes):
        raise DataError(
            f"{folder}: {len(whole.labels)} training images are too few "
            f"to cut {val_share:g} of each class"
        )
    scaled = whole.pixels[train].transpose(1, 0, 2, 3).reshape(3, -1) / np.float32(255)
    return Dataset(
        name=layout.name,
        classes=classes,
        train=_split(whole, train, image_size),
        val=_split(whole, val, image_size),
        test=_split(test, np.arange(len(test.labels)), image_size),
        input_size=(3, image_size, image_size),
        mean=tuple(scaled.mean(1, dtype=np.float64).tolist()),
        std=tuple(scaled.std(1, dtype=np.float64).tolist()),
        fingerprint=fingerprint(whole.pixels, whole.labels, test.pixels, test.labels, train, val),
        licence="none stated; free to use for research",
        citation=SOURCE,
    )


def _fetch_missing(folder: Path, layout: CifarFiles) -> None:
    """Let torchvision fetch and unpack the files below the data root, unless all are there."""
    if all((folder / name).is_file() for name in (*layout.train, *layout.test, layout.meta)):
        return
    from torchvision import datasets  # takes seconds to import

    try:
        getattr(datasets, layout.torchvision)(str(folder.parent), download=True)
    except (OSError, EOFError, RuntimeError, tarfile.TarError) as error:
        what = f"could not be downloaded ({type(error).__name__}: {error})"
        raise DataError(f"{folder}: {what}. Is there a connection? {layout.how}") from error


def _split(images: _Images, indices: NDArray[np.int64], image_size: int) -> MemorySplit:
    """A part; training images are shifted by up to an eighth (4 of 32 pixels) and mirrored."""
    pixels = torch.from_numpy(images.pixels[indices])
    if image_size != 32:
        pixels = torch.cat([_resize(chunk, image_size) for chunk in torch.split(pixels, 1000)])
    labels = torch.from_numpy(images.labels[indices])
    return MemorySplit(pixels, labels, max_shift=image_size // 8, flip=True)


def _resize(pixels: Tensor, image_size: int) -> Tensor:
    """Images at another size, bilinear."""
    sized = torch.nn.functional.interpolate(
        pixels.float(), size=image_size, mode="bilinear", align_corners=False
    )
    return sized.round().clamp(0, 255).to(torch.uint8)


def _class_names(folder: Path, layout: CifarFiles) -> tuple[str, ...]:
    path = folder / layout.meta
    names = _unpickle(path, layout).get(layout.names)
    if not isinstance(names, list):
        names = []
    if len(names) != layout.num_classes:
        raise DataError(
            f"{path}: names {len(names)} classes, {layout.num_classes} were expected. {layout.how}"
        )
    return tuple(map(str, names))


def _read(folder: Path, names: Sequence[str], layout: CifarFiles) -> _Images:
    """The images of some files, one after the other."""
    all_pixels: list[NDArray[np.uint8]] = []
    all_labels: list[NDArray[np.int64]] = []
    for name in names:
        batch = _read_batch(folder / name, layout)
        all_pixels.append(batch.pixels)
        all_labels.append(batch.labels)
    labels = np.concatenate(all_labels)
    counts = np.bincount(labels, minlength=layout.num_classes)
    lacking = int((counts == 0).sum())
    if lacking:
        raise DataError(
            f"{folder}: {lacking} of {layout.num_classes} classes "
            f"have no image in {', '.join(names)}"
        )
    return _Images(np.concatenate(all_pixels), labels)


def _read_batch(path: Path, layout: CifarFiles) -> _Images:
    content = _unpickle(path, layout)
    pixels, labels = content.get("data"), content.get(layout.labels)
    if not _is_table_of_images(pixels):
        raise DataError(f"{path}: 'data' is no table of images of 3072 bytes. {layout.how}")
    if not isinstance(labels, list):
        labels = []
    if len(labels) != len(pixels):
        raise DataError(f"{path}: has {len(pixels)} images, but {len(labels)} labels. {layout.how}")
    outside = [label for label in labels if label not in range(layout.num_classes)]
    if outside:
        known = f"0 to {layout.num_classes - 1}"
        raise DataError(
            f"{path}: has {len(outside)} labels outside of {known}, such as {outside[0]}"
        )
    return _Images(pixels.reshape(-1, 3, 32, 32), np.array(labels, np.int64))


def _is_table_of_images(pixels: object) -> TypeGuard[NDArray[np.uint8]]:
    """Whether something holds the bytes of an image in each row."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        return False
    return pixels.ndim == 2 and pixels.shape[1] == 3072


class _PlainUnpickler(pickle.Unpickler):
    """Reads arrays and plain data, and runs nothing else that a pickle may ask for."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[str, Any] = {
            "_reconstruct": np.empty(0).__reduce__()[0],
            "ndarray": np.ndarray,
            "dtype": np.dtype,
            "encode": _latin1,
        }
        if module.partition(".")[0] not in ("numpy", "_codecs") or name not in allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return allowed[name]


def _latin1(text: str, _encoding: str = "latin1") -> bytes:
    """Bytes, which Python 3 pickles for Python 2 as text."""
    return text.encode("latin1")


def _unpickle(path: Path, layout: CifarFiles) -> Mapping[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: is missing. {layout.how}")
    damage = (
        pickle.UnpicklingError,
        OSError,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
    )
    try:
        with path.open("rb") as stream:
            content = _PlainUnpickler(stream, encoding="latin1").load()
    except damage as error:
        size = path.stat().st_size
        raise DataError(
            f"{path}: is damaged ({size} bytes; {type(error).__name__}: {error}). {layout.how}"
        ) from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no batch of images. {layout.how}")
    return content
