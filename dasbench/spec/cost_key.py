"""What the cost of a network is kept under: all that it depends on, nothing of its training."""

import json
from functools import cache
from typing import NamedTuple

from dasbench.spec.identity import deciding_fields, hash_of
from dasbench.spec.trial import Trial


class CostKey(NamedTuple):
    """What a cost belongs to.

    Args:
        network: hash of what it depends on, but for code.
        network_code: hash of the code of its components, `""` for dasbench's own.
    """

    network: str
    network_code: str


UNTRAINED = {"seed": 0, "training": Trial.model_fields["training"].default}
"""Fields of a trial on which the cost of its network does not depend, as they are for all."""


def cost_key(trial: Trial) -> CostKey:
    """What the cost of a resolved trial's network is kept under: equal for all its seeds.

    Example:
        >>> trial = Trial(backbone="resnet18", dataset="digits")
        >>> cost_key(trial) == cost_key(trial.with_values({"seed": 3, "training.lr": 0.1}))
        True
    """
    code = {field: value for field, value in trial.code.items() if field != "training"}
    network = trial.model_copy(update={**UNTRAINED, "code": {}}).model_dump_json()
    network_code = ""
    if code:
        network_code = hash_of(code)
    return CostKey(_hash_of_network(network), network_code)


@cache
def _hash_of_network(network: str) -> str:
    return hash_of(deciding_fields(json.loads(network)))
