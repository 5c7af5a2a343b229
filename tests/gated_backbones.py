"""Trials and networks of a backbone with a gate somewhere."""

import torch
from built import built_network
from torch import nn

from dasbench.backbones.site import Backbone
from dasbench.catalog import BACKBONES
from dasbench.spec.trial import Trial

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def trial(backbone: object, gate: object = "none", **placement: object) -> Trial:
    """A trial on digits, as a study writes it."""
    return Trial.model_validate(
        {"backbone": backbone, "gate": gate, "placement": placement, "dataset": "digits"}
    )


def network(backbone: object, gate: object = "none", **placement: object) -> nn.Module:
    """The network of such a trial, with ten classes."""
    return built_network(trial(backbone, gate, **placement), num_classes=10)


def on_meta(name: str, **params: object) -> Backbone:
    """A backbone that has shapes and no numbers."""
    with torch.device("meta"):
        return BACKBONES[name].make(1000, **params)
