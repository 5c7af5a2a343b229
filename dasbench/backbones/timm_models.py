"""Any of timm's networks by its name, if timm is installed; gates' places are traced."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

from dasbench.backbones.site import Backbone
from dasbench.backbones.tracing import count_stages, trace_sites
from dasbench.backbones.weights import find_head, find_weights, load_pretrained, pretrained_file
from dasbench.catalog import BACKBONES
from dasbench.errors import DasbenchError, MachineError, ModelError
from dasbench.faults import foreign, message_of
from dasbench.spec.plain import Params


def _num_stages(params: Params) -> int:
    return count_stages(timm_model, params)


@BACKBONES.register(
    "timm",
    source="Wightman 2019, PyTorch image models; "
    "the paper of each network is in timm's documentation",
    weights_file=partial(pretrained_file, None),
    stages=_num_stages,
    example={"model": "mobilenetv3_small_050"},
    conventions={"after": {"before_add": "block", "inside": "block"}},
)
def timm_model(num_classes: int, *, model: str, weights: str | None = None) -> Backbone:
    """Any network of timm, by its name; needs `pip install dasbench[timm]`.

    Its stages and blocks are found by tracing (see `dasbench.backbones.tracing`;
    `dasbench show backbone timm --set backbone.model=NAME` lists them). There is no place before an
    addition, so a gate whose default it is stands at the blocks' ends.

    Args:
        num_classes: length of the logits.
        model: timm's name (`resnet26`), without the tag of any weights.
        weights: file to start from, a state_dict; None for fresh weights.

    Raises:
        ModelError: if timm is not installed, or has no such network.
    """
    with foreign(_import_error):
        import timm  # an optional dependency
    if not timm.is_model(model) or "." in model:
        near = ", ".join(get_close_matches(model, timm.list_models(), n=3, cutoff=0.4)) or "nothing"
        raise ModelError(f"backbone.model: timm has no network '{model}'; nearest: {near}")
    with foreign(lambda error: ModelError(f"timm cannot make '{model}': {message_of(error)}")):
        net: Any = timm.create_model(model, pretrained=False, num_classes=num_classes)
    if weights is not None:
        load_pretrained(net, find_weights(weights, model=None), head=find_head(net))
    sites = trace_sites(net, image_side=net.pretrained_cfg["input_size"][-1])
    return Backbone(net, sites, takes=_takes(net.pretrained_cfg))


def _import_error(error: BaseException) -> DasbenchError:
    if isinstance(error, ModuleNotFoundError) and error.name == "timm":
        return ModelError(
            "backbone 'timm' needs timm, which is not installed: pip install dasbench[timm]"
        )
    return MachineError(
        f"backbone 'timm': the timm that is installed cannot be imported: {message_of(error)}; "
        "install it again: pip install --force-reinstall timm"
    )


def _takes(config: Mapping[str, Any]) -> str:
    """Which images a network takes, in words.

    Example:
        >>> _takes({"input_size": (3, 224, 224), "fixed_input_size": True})
        '224x224 px alone'
        >>> _takes({"input_size": (3, 299, 299)})
        'larger ones; 299x299 px are usual'
    """
    height, width = config["input_size"][-2:]
    if config.get("fixed_input_size"):
        return f"{height}x{width} px alone"
    if config.get("min_input_size"):
        return "{}x{} px and more".format(*config["min_input_size"][-2:])
    return f"larger ones; {height}x{width} px are usual"
