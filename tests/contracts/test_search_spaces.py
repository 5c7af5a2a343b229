"""Every point of every search space is a network that can be built; a new space is found and tested without an edit."""

from pathlib import Path

import pytest
import torch
from built import built_network

from dasbench.catalog import known_names
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.load import load_study

SPACES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))
MOST = 50
"""Points of a space that are built; larger spaces are sampled."""

STUDY = """\
name: x
question: Does every point build?
base:
  backbone: {{name: resnet18, width: 16, stem: small}}
  gate: das
  dataset: {{name: digits, image_size: 16}}
space: {space}
"""


def load(space, folder):
    path = folder / "x.yaml"
    path.write_text(STUDY.format(space=space))
    return load_study(path, known=known_names())


def test_there_are_search_spaces():
    assert SPACES


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES, ids=lambda path: path.stem)
def test_every_point_of_a_search_space_builds(space, tmp_path):
    study = load(space, tmp_path)
    variants = list(study.variants())
    for place in permutation(derive_seed("points", space.stem), len(variants))[:MOST]:
        network = built_network(study.base.with_values(variants[place]), num_classes=10)

        with torch.no_grad():
            assert network.eval()(torch.zeros(1, 3, 16, 16)).isfinite().all(), variants[place]
