"""A network by its parts: what is built and counted of a trial, whatever it is trained on."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import Field

from dasbench.spec.trial import Choice, Frozen, Placement, Trial, known

InputSize = tuple[int, int, int]
"""(channels, height, width) of an image."""


class Network(Frozen):
    """A backbone with gates at some of its sites, for images of a size and a number of classes.

    Args:
        backbone: the network that the gates stand in.
        gate: the attention gate, `none` for the plain backbone.
        placement: where the gates go.
        num_classes: length of the logits.
        input_size: (channels, height, width) of one image.
        weights_fingerprint: hash of the file that the backbone's weights are read from, `""` for
            freshly drawn ones; filled in by `resolution.resolve_network`.

    Example:
        >>> Network(backbone="resnet18", gate="das", num_classes=10, input_size=(3, 32, 32)).title
        'resnet18 + das'
    """

    backbone: Annotated[Choice, known("backbone")]
    gate: Annotated[Choice, known("gate")] = Choice(name="none")
    placement: Placement = Placement()
    num_classes: int = Field(ge=1)
    input_size: InputSize
    weights_fingerprint: str = ""

    @property
    def title(self) -> str:
        """Its backbone and its gate, in a few words."""
        if self.gate.name == "none":
            return str(self.backbone)
        return f"{self.backbone} + {self.gate}"


class HasImages(Protocol):
    """What a data set says of its images."""

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes."""
        ...

    @property
    def input_size(self) -> InputSize:
        """(channels, height, width) of one image."""
        ...


def network_of(trial: Trial, data: HasImages) -> Network:
    """The network of a trial on its data.

    Args:
        trial: a resolved trial makes a resolved network.
        data: its data set.
    """
    return Network(
        backbone=trial.backbone,
        gate=trial.gate,
        placement=trial.placement,
        num_classes=len(data.classes),
        input_size=data.input_size,
        weights_fingerprint=trial.weights_fingerprint,
    )
