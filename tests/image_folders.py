"""A folder of images as studies read it, and what is said of one that is wrong; shared by tests."""

from pathlib import Path

import pytest

from dasbench.data_access import reading_data
from dasbench.datasets.image_folder import image_folder
from dasbench.errors import DataError


def read(folder: Path, **params):
    with reading_data(folder.parent):
        return image_folder(root=folder.name, image_size=16, **params)


def complaint(folder: Path, **params) -> str:
    with pytest.raises(DataError) as error:
        read(folder, **params)
    return str(error.value)
