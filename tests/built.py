"""Networks of trials for tests that train nothing: the data set of the trial is not looked at."""

from dasbench.models import GatedNetwork, build_model
from dasbench.resolution import resolve_network
from dasbench.spec.network import Network
from dasbench.spec.trial import Trial


def network_for(trial: Trial, *, num_classes: int = 10) -> Network:
    """The resolved network of a trial."""
    asked = Network(
        backbone=trial.backbone,
        gate=trial.gate,
        placement=trial.placement,
        num_classes=num_classes,
        input_size=(3, 32, 32),
    )
    return resolve_network(asked)


def built_network(trial: Trial, *, num_classes: int = 10) -> GatedNetwork:
    """The network of a trial with its freshly drawn weights."""
    return build_model(network_for(trial, num_classes=num_classes), seed=trial.seed)


def built_as_it_stands(trial: Trial) -> GatedNetwork:
    """The network of a resolved trial: no stages are all of them, whatever its gate's own are."""
    network = network_for(trial).model_copy(update={"placement": trial.placement})
    return build_model(network, seed=trial.seed)
