"""The data set that a trial chooses, loaded once for all trials on the same images."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.spec.trial import Choice


def load_dataset(dataset: Choice) -> Any:
    """The data set of a resolved choice; the last two are kept, as many trials share their images.

    Raises:
        DataError: if it is missing or damaged.
    """
    return _dataset_of(dataset.model_dump_json(), data_access().root, data_access().look == "names")


@lru_cache(maxsize=2)
def _dataset_of(dataset: str, _root: Path, _by_names: bool) -> Any:
    choice = Choice.model_validate_json(dataset)
    return DATASETS[choice.name].create(**choice.params)


def data_fingerprint(dataset: Choice) -> str:
    """The fingerprint of a resolved data set, computed once for each way to read its files."""
    return _fingerprint_of(
        dataset.model_dump_json(), data_access().root, data_access().look == "names"
    )


@cache
def _fingerprint_of(dataset: str, root: Path, by_names: bool) -> str:
    fingerprint: str = _dataset_of(dataset, root, by_names).fingerprint
    return fingerprint
