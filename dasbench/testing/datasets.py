"""What every data set keeps: parts that share no image, classes in range, images by index alone."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dasbench.catalog import DATASETS
from dasbench.datasets.annotations import IGNORED, HasClassMaps, HasObjects, Objects, Scene
from dasbench.datasets.dataset import Dataset, Examples, Images
from dasbench.datasets.loading import in_order, load_batches
from dasbench.seeds import uniform
from dasbench.spec.plain import Params
from dasbench.testing.documentation import check_documentation


def check_dataset(name: str, *, params: Params | None = None) -> None:
    """Check a data set's parts, its fingerprint, and all that it is registered to give.

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
    data, again = (_read(name, params or {}, threads=threads) for threads in (2, 1))
    _check_facts(data, again)
    is_known = {"labels", "objects", "maps"} & set(gives)
    assert is_known, "register what it gives: labels, objects, maps"
    if "labels" in gives:
        _check_labels(again)  # type: ignore[arg-type]  # as it is registered to be
    if "objects" in gives:
        _check_objects(data)
    if "maps" in gives:
        _check_maps(data)
    if tuple(gives) == ("maps",):
        _check_images(data)  # type: ignore[arg-type]  # as _check_maps has seen


def _check_facts(data: Dataset[Examples], again: Dataset[Examples]) -> None:
    """Check what is known of the whole, in two readings."""
    same_means = (data.mean, data.std) == (again.mean, again.std)
    assert same_means, "mean and std depend on the number of torch's threads"
    same = data.fingerprint == again.fingerprint
    assert same, "the fingerprint changes from one reading to the next"
    assert data.licence, "say under which licence the images are"
    assert data.citation, "say whom to cite"
    numbers = {len(data.mean), len(data.std), data.input_size[0]}
    assert len(numbers) == 1, "one mean and standard deviation for each channel"


def _read(name: str, params: Params, *, threads: int) -> Dataset[Examples]:
    """The data set, computed with so many of torch's threads, which add up in their own order."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return DATASETS[name].make(**params)
    finally:
        torch.set_num_threads(before)


def _check_labels(data: Dataset) -> None:
    """Check images that have a class each."""
    for part in (data.train, data.val, data.test):
        assert part.labels.dtype == torch.int64, "labels are not int64"
        there = set(part.labels.tolist())
        assert there == set(range(len(data.classes))), "a class is missing from a part"
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
    """Check that an image depends on its index and its draws alone.

    That is, not on its batch, nor on the number of loaders.

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

        whole, again = read(len(order)), read(len(order))
        assert torch.equal(whole, again), "the same images differ when they are read again"
        assert torch.equal(whole, read(1)), "an image depends on the batch that it comes in"
        assert torch.equal(whole, read(3, loaders=3)), "an image depends on the number of loaders"


def _check_objects(data: Dataset[Examples]) -> None:
    """Check images that come with the objects in them."""
    seen: set[bytes] = set()
    for part in (data.train, data.val, data.test):
        assert isinstance(part, HasObjects), "a part does not give out scenes"
        scenes = _check_scenes_of(part, num_classes=len(data.classes))
        images = {scene.image.numpy().tobytes() for scene in scenes}
        assert not images & seen, "two parts share an image"
        seen |= images
        check_scenes(part)
        if part is data.train:
            order = np.arange(len(part))
            varied = part.scenes(order, uniform(7, order, draws=part.num_draws))
            for scene in (*scenes, *varied):
                _check_to_train_on(scene)


def _check_scenes_of(part: HasObjects, *, num_classes: int) -> Sequence[Scene]:
    """Check the scenes of a part as evaluation sees them; returns them."""
    assert len(part) > 0, "a part is empty"
    scenes = part.scenes(np.arange(len(part)))
    for scene in scenes:
        _check_scene(scene, num_classes=num_classes)
    assert any((~scene.objects.crowd).any() for scene in scenes), "a part has no object"
    return scenes


def _check_scene(scene: Scene, *, num_classes: int) -> None:
    """Check the types, shapes and ranges of an image and its objects."""
    image, objects = scene
    assert image.dtype == torch.uint8, "images are not 8-bit"
    assert image.ndim == 3, "images are not [3, H, W]"
    assert image.shape[0] == 3, "images are not [3, H, W]"
    _check_forms(objects)
    is_class = (objects.labels >= 0) & (objects.labels < num_classes)
    assert is_class.all(), "an object has a label outside of the classes"
    assert (objects.areas >= 0).all(), "an area is negative"
    boxes, ends = objects.boxes, _ends(image)
    is_inside = (boxes >= -1) & (boxes <= ends + 1)
    assert is_inside.all(), "a box reaches more than a pixel out of its image"
    assert (boxes[:, 2:] >= boxes[:, :2]).all(), "a box ends before it begins"


def _check_forms(objects: Objects) -> None:
    """Check the types and shapes of what is said of the objects in an image."""
    boxes, labels, areas, crowd = objects
    kinds = [tensor.dtype for tensor in objects]
    agreed = [torch.float32, torch.int64, torch.float32, torch.bool]
    assert kinds == agreed, "objects are of other types than agreed"
    number = len(boxes)
    assert boxes.shape == (number, 4), "boxes are not [n, 4]"
    matching = labels.shape == areas.shape == crowd.shape == (number,)
    assert matching, "boxes, labels, areas and crowd do not match"


def _ends(image: Tensor) -> Tensor:
    """The largest values of a box in an image."""
    height, width = image.shape[1:]
    return torch.tensor([width, height, width, height])


def _check_to_train_on(scene: Scene) -> None:
    """Check that there is something to learn, and nothing that a detector stumbles over."""
    boxes = scene.objects.boxes
    assert (~scene.objects.crowd).any(), "a training image has no object"
    is_inside = (boxes >= 0) & (boxes <= _ends(scene.image))
    assert is_inside.all(), "a box of a training image reaches out of it"
    assert (boxes[:, 2:] > boxes[:, :2]).all(), "a box of a training image has no area"


def check_scenes(part: HasObjects, *, variation: int = 7) -> None:
    """Check that an image and its objects depend on its index and its draws, not on its batch.

    Args:
        part: the part to check; its first 20 images are read.
        variation: seed of the draws.

    Raises:
        AssertionError: naming what changed them.
    """
    order = np.arange(min(20, len(part)))[::-1].copy()
    for draws in (None, uniform(variation, order, draws=part.num_draws)):
        whole, again = part.scenes(order, draws), part.scenes(order, draws)
        assert _equal(whole, again), "the same images differ when they are read again"
        single: list[Scene] = []
        for place in range(len(order)):
            own = None if draws is None else draws[[place]]
            single += part.scenes(order[[place]], own)
        same = _equal(whole, single)
        assert same, "an image or its objects depend on the batch that they come in"


def _check_maps(data: Dataset[Examples]) -> None:
    """Check the classes of pixels."""
    for part in (data.train, data.val, data.test):
        assert isinstance(part, HasClassMaps), "a part does not give out class maps"
        order = np.arange(len(part))
        whole = part.class_maps(order)
        assert whole.dtype == torch.uint8, "class maps are not 8-bit"
        size = (len(part), *data.input_size[1:])
        assert whole.shape == size, "class maps differ in size from their images"
        known = whole[whole != IGNORED]
        assert len(known) > 0, "no pixel of a part has a class"
        assert int(known.max()) <= len(data.classes), "a pixel has a class outside of the classes"
        assert known.any(), "no pixel of a part has a class"
        some = order[:20][::-1].copy()
        draws = uniform(7, some, draws=part.num_draws)
        single = [part.class_maps(some[[k]], draws[[k]]) for k in range(len(some))]
        together = part.class_maps(some, draws)
        assert torch.equal(together, torch.cat(single)), "a class map depends on its batch"


def _equal(first: list[Scene], second: list[Scene]) -> bool:
    """Whether all tensors are equal."""
    pairs = zip(_tensors(first), _tensors(second), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def _tensors(scenes: list[Scene]) -> list[Tensor]:
    """The tensors of some scenes, one after the other."""
    return [tensor for scene in scenes for tensor in (scene.image, *scene.objects)]
