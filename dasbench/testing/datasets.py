"""What every data set keeps: parts that share no image, classes in range, images that depend on their index alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dasbench.catalog import DATASETS
from dasbench.datasets.annotations import IGNORED, HasClassMaps, HasObjects, Scene
from dasbench.datasets.dataset import Dataset, Examples, Images
from dasbench.datasets.loading import in_order, load_batches
from dasbench.seeds import uniform
from dasbench.testing.gates import check_documentation


def check_dataset(name: str, *, params: Mapping[str, Any] | None = None) -> None:
    """Check a data set's parts, its fingerprint, and all that it is registered to give: labels, if nothing is said.

    Files are looked for where `dasbench.data_access.reading_data` or $DASBENCH_DATA say.

    Args:
        name: the registered name.
        params: parameters for its constructor.

    Raises:
        AssertionError: naming the part of the contract that is broken.

    Example:
        >>> check_dataset("digits", params={"image_size": 8})
    """
    check_documentation(DATASETS[name])
    gives = DATASETS[name].traits.gives
    data, again = (_made(name, params or {}, threads=threads) for threads in (2, 1))
    assert (data.mean, data.std) == (again.mean, again.std), (
        "mean and std depend on the number of torch's threads"
    )
    assert data.fingerprint == again.fingerprint, (
        "the fingerprint changes from one reading to the next"
    )
    assert data.licence, "say under which licence the images are"
    assert data.citation, "say whom to cite"
    assert len(data.mean) == len(data.std) == data.input_size[0], (
        "one mean and standard deviation for each channel"
    )
    assert {"labels", "objects", "maps"} & set(gives), (
        "register what it gives: labels, objects, maps"
    )
    if "labels" in gives:
        _check_labels(again)  # type: ignore[arg-type]  # as it is registered to be
    if "objects" in gives:
        _check_objects(data)
    if "maps" in gives:
        _check_maps(data)
    if tuple(gives) == ("maps",):
        _check_images(data)  # type: ignore[arg-type]  # as _check_maps has seen


def _made(name: str, params: Mapping[str, Any], *, threads: int) -> Dataset[Examples]:
    """The data set, computed with so many of torch's threads, which may add up numbers in an order of their own."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        data: Dataset[Examples] = DATASETS[name].make(**params)
    finally:
        torch.set_num_threads(before)
    return data


def _check_labels(data: Dataset) -> None:
    """Check images that have a class each."""
    for part in (data.train, data.val, data.test):
        assert part.labels.dtype == torch.int64, "labels are not int64"
        assert set(part.labels.tolist()) == set(range(len(data.classes))), (
            "a class is missing from a part"
        )
        assert len(part) == len(part.labels), "images and labels do not match"
    _check_images(data)


def _check_images(data: Dataset[Images]) -> None:
    """Check images that are of one size."""
    seen: set[bytes] = set()
    for part in (data.train, data.val, data.test):
        images = _checked_images(part, data.input_size)
        assert not images & seen, "two parts share an image"
        seen |= images
    check_split(data.train)


def _checked_images(part: Images, size: tuple[int, int, int]) -> set[bytes]:
    """The bytes of every image of a part as it is evaluated."""
    images: set[bytes] = set()
    for batch in load_batches(part, in_order(len(part), 64)):
        assert batch.dtype == torch.uint8, "images are not 8-bit"
        assert batch.shape[1:] == size, "images differ in size from what the data set says"
        images |= {image.numpy().tobytes() for image in batch}
    assert len(part) > 0, "a part is empty"
    return images


def check_split(split: Images, *, variation: int = 7) -> None:
    """Check that an image depends on its index and its draws alone: not on its batch, nor on the number of loaders.

    Args:
        split: the part to check; its first 20 images are read.
        variation: seed of the draws.

    Raises:
        AssertionError: naming what changed the images.
    """
    order = np.arange(min(20, len(split)))[::-1].copy()
    for seed in (None, variation):

        def read(size: int, *, loaders: int = 0, seed: int | None = seed) -> Tensor:
            batches = [order[start : start + size] for start in range(0, len(order), size)]
            return torch.cat(list(load_batches(split, batches, variation=seed, loaders=loaders)))

        whole = read(len(order))
        assert torch.equal(whole, read(len(order))), (
            "the same images differ when they are read again"
        )
        assert torch.equal(whole, read(1)), "an image depends on the batch that it comes in"
        assert torch.equal(whole, read(3, loaders=3)), "an image depends on the number of loaders"


def _check_objects(data: Dataset[Examples]) -> None:
    """Check images that come with the objects in them."""
    seen: set[bytes] = set()
    for part in (data.train, data.val, data.test):
        assert isinstance(part, HasObjects), "a part does not give out scenes"
        assert len(part) > 0, "a part is empty"
        scenes = part.scenes(np.arange(len(part)))
        for scene in scenes:
            _check_scene(scene, num_classes=len(data.classes))
        assert any((~scene.objects.crowd).any() for scene in scenes), "a part has no object"
        images = {scene.image.numpy().tobytes() for scene in scenes}
        assert not images & seen, "two parts share an image"
        seen |= images
        check_scenes(part)
        if part is data.train:
            order = np.arange(len(part))
            for scene in (*scenes, *part.scenes(order, uniform(7, order, draws=part.num_draws))):
                _check_to_train_on(scene)


def _check_scene(scene: Scene, *, num_classes: int) -> None:
    """Check the types, shapes and ranges of an image and its objects."""
    image, (boxes, labels, areas, crowd) = scene
    assert image.dtype == torch.uint8, "images are not 8-bit"
    assert image.ndim == 3, "images are not [3, H, W]"
    assert image.shape[0] == 3, "images are not [3, H, W]"
    kinds = [tensor.dtype for tensor in (boxes, labels, areas, crowd)]
    assert kinds == [torch.float32, torch.int64, torch.float32, torch.bool], (
        "objects are of other types than agreed"
    )
    number = len(boxes)
    assert boxes.shape == (number, 4), "boxes are not [n, 4]"
    assert labels.shape == areas.shape == crowd.shape == (number,), (
        "boxes, labels, areas and crowd do not match"
    )
    assert ((labels >= 0) & (labels < num_classes)).all(), (
        "an object has a label outside of the classes"
    )
    assert (areas >= 0).all(), "an area is negative"
    ends = torch.tensor([image.shape[2], image.shape[1]] * 2)
    assert ((boxes >= -1) & (boxes <= ends + 1)).all(), (
        "a box reaches more than a pixel out of its image"
    )
    assert (boxes[:, 2:] >= boxes[:, :2]).all(), "a box ends before it begins"


def _check_to_train_on(scene: Scene) -> None:
    """Check that there is something to learn, and nothing that a detector stumbles over."""
    boxes, ends = (
        scene.objects.boxes,
        torch.tensor([scene.image.shape[2], scene.image.shape[1]] * 2),
    )
    assert (~scene.objects.crowd).any(), "a training image has no object"
    assert ((boxes >= 0) & (boxes <= ends)).all(), "a box of a training image reaches out of it"
    assert (boxes[:, 2:] > boxes[:, :2]).all(), "a box of a training image has no area"


def check_scenes(part: HasObjects, *, variation: int = 7) -> None:
    """Check that an image and its objects depend on its index and its draws alone, not on its batch.

    Args:
        part: the part to check; its first 20 images are read.
        variation: seed of the draws.

    Raises:
        AssertionError: naming what changed them.
    """
    order = np.arange(min(20, len(part)))[::-1].copy()
    for draws in (None, uniform(variation, order, draws=part.num_draws)):
        whole = part.scenes(order, draws)
        assert _equal(whole, part.scenes(order, draws)), (
            "the same images differ when they are read again"
        )
        places = range(len(order))
        single = [part.scenes(order[[k]], None if draws is None else draws[[k]])[0] for k in places]
        assert _equal(whole, single), (
            "an image or its objects depend on the batch that they come in"
        )


def _check_maps(data: Dataset[Examples]) -> None:
    """Check the classes of pixels."""
    for part in (data.train, data.val, data.test):
        assert isinstance(part, HasClassMaps), "a part does not give out class maps"
        order = np.arange(len(part))
        whole = part.class_maps(order)
        assert whole.dtype == torch.uint8, "class maps are not 8-bit"
        assert whole.shape == (len(part), *data.input_size[1:]), (
            "class maps differ in size from their images"
        )
        known = whole[whole != IGNORED]
        assert len(known) > 0, "no pixel of a part has a class"
        assert int(known.max()) <= len(data.classes), "a pixel has a class outside of the classes"
        assert known.any(), "no pixel of a part has a class"
        some = order[:20][::-1].copy()
        draws = uniform(7, some, draws=part.num_draws)
        single = [part.class_maps(some[[k]], draws[[k]]) for k in range(len(some))]
        assert torch.equal(part.class_maps(some, draws), torch.cat(single)), (
            "a class map depends on its batch"
        )


def _equal(first: list[Scene], second: list[Scene]) -> bool:
    """Whether all tensors are equal."""
    pairs = zip(first, second, strict=True)
    return all(
        torch.equal(one, other)
        for a, b in pairs
        for one, other in zip((a.image, *a.objects), (b.image, *b.objects), strict=True)
    )
