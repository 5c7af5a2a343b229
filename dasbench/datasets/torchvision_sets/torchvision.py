"""Torchvision's classification data sets by their names, from their own files on disk."""

from pathlib import Path
from typing import Annotated

from annotated_types import Gt, Le, MinLen
from pydantic import AfterValidator, ValidationInfo

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part
from dasbench.datasets.pictures.framing import Fit, Framing, ImageSize
from dasbench.datasets.torchvision_sets.arrays import array_dataset
from dasbench.datasets.torchvision_sets.opening import Asked
from dasbench.datasets.torchvision_sets.others import OTHERS
from dasbench.datasets.torchvision_sets.parts import Parts, Variant
from dasbench.datasets.torchvision_sets.photographs import photograph_dataset
from dasbench.datasets.torchvision_sets.table import KNOWN
from dasbench.errors import UsageError, unknown_name

PHOTOGRAPH_SIDE = 128
"""Pixels of a side to which photographs are brought if nothing is said."""


def _known_name(name: str) -> str:
    """Refuse what is no data set, or none of classification."""
    if name in OTHERS:
        raise ValueError(f"torchvision's '{name}' {OTHERS[name]}")
    if name not in KNOWN:
        alike = {known.lower(): known for known in (*KNOWN, *OTHERS)}
        exact = alike.get(name.lower())
        if exact:
            guess = f"unknown data set of torchvision '{name}'. Did you mean '{exact}'?"
            raise ValueError(guess)
        raise ValueError(unknown_name("data set of torchvision", name, KNOWN))
    return name


def _known_variant(variant: Variant, checked: ValidationInfo) -> Variant:
    """Refuse what is no variant of the data set that the study names."""
    name = checked.data.get("set")
    if name is not None and variant is not None:
        _variant_of(name, variant)
    return variant


def _variant_of(name: str, variant: Variant) -> Parts:
    """The parts of a data set's variant, of its first one if none is asked for."""
    variants = KNOWN[name].variants
    if variant is None:
        return next(iter(variants.values()))
    if variant in variants:
        return variants[variant]
    if None in variants:
        raise ValueError(f"torchvision's '{name}' has no variants, so it cannot be '{variant}'")
    raise ValueError(f"'{name}' has no variant '{variant}'; it has {', '.join(map(str, variants))}")


@DATASETS.register("torchvision", source="torchvision's data sets, whose authors `citation` names")
def torchvision_set(
    *,
    set: Annotated[str, AfterValidator(_known_name)],  # noqa: A002 - torchvision's word
    variant: Annotated[Variant, AfterValidator(_known_variant)] = None,
    root: Annotated[str, MinLen(1)] = ".",
    image_size: ImageSize | None = None,
    fit: Fit = "crop",
    val_share: Annotated[float, Gt(0), Le(0.45)] = 0.1,
    test_share: Annotated[float, Gt(0), Le(0.45)] = 0.2,
) -> Dataset:
    """One of torchvision's classification data sets, from its own files on disk.

    Its official parts are ours. One that is missing is cut from the training images, stratified and
    fixed. Small images of one size (MNIST, SVHN, STL10 ...) are shown whole and shifted in
    training, photographs are cropped. Letters, digits and traffic signs are never mirrored.

    Args:
        set: its name in torchvision (`Flowers102`).
        variant: which one, where there are several: EMNIST's `split` (`balanced`), DTD's
            `partition` (1), FGVCAircraft's `annotation_level` (`variant`), Imagenette's `size`
            (`full`), Places365's side in pixels (`256`, else `large`), INaturalist's `version`
            (`2021_train`); None takes that in brackets.
        root: what torchvision calls so: the folder that holds the data set's own folder; absolute
            or below the data root.
        image_size: height and width in pixels, or the side of a square; None for the size of the
            originals where all have one, else 128.
        fit: how a photograph of another shape gets there; small images are only ever distorted.
        val_share: of each class, what is cut for validation if there is no such part.
        test_share: of each class, what is cut for the test if there is no such part.

    Raises:
        DataError: if files are missing or damaged, a class lacks images, or an image stands in two
            parts.
        MachineError: if the installed torchvision lacks the data set.
        UsageError: if there is no such data set or variant.
    """
    try:
        parts = _variant_of(_known_name(set), variant)
    except ValueError as error:
        raise UsageError(f"dataset.set: {error}") from None
    asked = Asked(set, KNOWN[set], parts, data_access().root / Path(root).expanduser())
    shares: dict[Part, float] = {"val": val_share, "test": test_share}
    if asked.known.files is None:
        return array_dataset(asked, shares, image_size=image_size, fit=fit)
    framing = Framing.of(image_size or PHOTOGRAPH_SIDE, fit)
    return photograph_dataset(asked, asked.known.files, shares, framing=framing)
