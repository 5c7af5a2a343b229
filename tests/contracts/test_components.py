"""Every component keeps the contract of its kind; a new file is found and tested without an edit here."""

from pathlib import Path

import pytest
from fabricated_data import PARAMS, fabricate

from dasbench.catalog import BACKBONES, DATASETS, GATES
from dasbench.data_access import reading_data
from dasbench.testing import check_backbone, check_dataset, check_gate, check_study_file

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))

NARROW = {name: {"width": 8} for name in BACKBONES.names() if name.startswith("resnet")}
"""Parameters that make a backbone small enough to be tried quickly."""


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return fabricate(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("name", GATES.names())
def test_every_gate_keeps_its_contract(name):
    check_gate(name)


@pytest.mark.parametrize("name", BACKBONES.names())
def test_every_backbone_keeps_its_contract(name):
    check_backbone(name, params=NARROW.get(name))


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_data_set_keeps_its_contract(name, data_root):
    with reading_data(data_root):
        check_dataset(name, params=PARAMS.get(name))


@pytest.mark.slow
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_loads_and_its_models_build(path):
    check_study_file(path)


def test_there_are_studies():
    assert STUDIES
