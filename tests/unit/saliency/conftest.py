"""What the tests of saliency share."""

import pytest
import torch
from built import built_network
from drawn_shapes import shapes_trial
from torch import nn


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = built_network(shapes_trial(), num_classes=6)
    for parameter in network.gates.parameters():
        nn.init.normal_(parameter, std=0.3)  # a gate that does something
    return network.eval()


@pytest.fixture
def images():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
