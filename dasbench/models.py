"""The only place where a network is assembled: a backbone, gates at its sites, seeded weights."""

import copy
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from dasbench.backbones.site import Site
from dasbench.backbones.weights import load_gates
from dasbench.blame import refusal
from dasbench.catalog import BACKBONES, GATES
from dasbench.errors import ModelError, unknown_name
from dasbench.faults import foreign
from dasbench.gates.traits import Foldable
from dasbench.parts import UNNAMED, Names, bare_name, called, kind_of, make_backbone, make_gate
from dasbench.seeds import derive_seed
from dasbench.spec.network import Network
from dasbench.spec.trial import Placement


class GatedNetwork(nn.Module):
    """A backbone in which the outputs of some modules pass through gates.

    The backbone keeps its own forward pass and the names of its weights (below `backbone.`), so
    that pretrained weights load into `network.backbone` unchanged. Gates stand below `gates.`.

    Args:
        backbone: any network.
        gates: gate by the path of the module whose output it replaces.
        stage_ends: where the backbone's stages end, in the order in which data passes them.
        names: how errors call the backbone and the gates.

    Shape:
        as the backbone's: [B, 3, H, W] -> [B, classes]
    """

    def __init__(
        self,
        backbone: nn.Module,
        gates: Mapping[str, nn.Module],
        stage_ends: tuple[Site, ...] = (),
        *,
        names: Names = UNNAMED,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.stage_ends = stage_ends
        self.names = names
        self.gates = nn.ModuleDict()
        self._hooks: dict[str, RemovableHandle] = {}
        for path, gate in gates.items():
            self.gates[_key(path)] = gate
            hook = _PassThrough(path, gate, names.gate)
            self._hooks[path] = backbone.get_submodule(path).register_forward_hook(hook)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, classes] of images [B, 3, H, W].

        Raises:
            ModelError: if the backbone or a gate does not take them; names it, the size and the
                site.
        """
        with foreign(partial(self._refusal, tuple(x.shape))):
            logits: Tensor = self.backbone(x)
        return logits

    def _refusal(self, shape: tuple[int, ...], error: BaseException) -> ModelError | None:
        """The backbone does not take images of this shape."""
        if not self.names.backbone:
            return None
        what = f"backbone '{self.names.backbone}' fails on images of {shape[-2]}x{shape[-1]} px"
        if self.names.takes:
            what += f" (it takes {self.names.takes})"
        return refusal(what, error, entry=BACKBONES[bare_name(self.names.backbone)])

    def fold_gates(self) -> None:
        """Let every gate that can dissolve into the layer before it do so (`inference_form`)."""
        for path, hook in list(self._hooks.items()):
            gate = self.gates[_key(path)]
            if isinstance(gate, Foldable) and gate.fold(self.backbone.get_submodule(path)):
                hook.remove()
                del self._hooks[path], self.gates[_key(path)]


def _key(path: str) -> str:
    """A site's path as the name of a module, which cannot hold dots."""
    return path.replace(".", ":")


class _PassThrough:
    """A forward hook that hands a module's output to a gate.

    It is copied and pickled with the network. What leaves the gate has the type and the memory
    format of what went in: else one gate that computes in fp32, or shuffles channels, would decide
    how the rest of a network in half precision and channels-last computes.
    """

    def __init__(self, path: str, gate: nn.Module, name: str) -> None:
        self.path = path
        self.gate = gate
        self.name = name

    def __call__(self, module: nn.Module, args: object, output: Tensor) -> Tensor:
        with foreign(partial(self._refusal, output)):
            try:
                gated: Tensor = self.gate(output)
            except ModelError as error:
                raise ModelError(f"site '{self.path}': {error}") from error
        tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if not isinstance(gated, Tensor):
            raise ModelError(
                f"{self._gate} returns {kind_of(gated)}, not a map; "
                "a gate keeps the shape of its input"
            )
        if not tracing and gated.shape != output.shape:
            shapes = f"{tuple(output.shape)} into {tuple(gated.shape)}"
            raise ModelError(f"{self._gate} turns {shapes}; a gate keeps its shape")
        return _in_the_form_of(output, gated)

    @property
    def _gate(self) -> str:
        if self.name:
            return f"site '{self.path}': gate '{self.name}'"
        return f"site '{self.path}': the gate {type(self.gate).__name__}"

    def _refusal(self, x: object, error: BaseException) -> ModelError | None:
        """The gate raised something on a map."""
        if not self.name:
            return None
        what = f"{self._gate} fails on {kind_of(x)}"
        return refusal(what, error, entry=GATES[bare_name(self.name)])


def _in_the_form_of(x: Tensor, gated: Tensor) -> Tensor:
    """A gated map in the type and the memory format of the map `x` that it was.

    It is copied only where it is in others. In fp32 on a CPU the format stays as the gate left it:
    sums over maps of another one would be rounded differently.
    """
    if gated.dtype != x.dtype:
        gated = gated.to(x.dtype)
    if x.dtype == torch.float32 and not x.is_cuda:
        return gated
    for layout in (torch.contiguous_format, torch.channels_last):
        if x.is_contiguous(memory_format=layout):
            if not gated.is_contiguous(memory_format=layout):
                gated = gated.contiguous(memory_format=layout)
            return gated
    return gated


def build_model(network: Network, *, seed: int = 0) -> GatedNetwork:
    """Assemble a network, its weights drawn from a seed.

    The backbone is drawn first, from a stream of its own, so that all variants of a seed start from
    the same one; each gate has a stream named by its site. The global random state is left as it
    was. A backbone that starts from the weights of an earlier trial brings that trial's gates with
    it.

    Args:
        network: a resolved one (see `resolution.resolve_network`).
        seed: of a trial.

    Raises:
        ModelError: if the backbone has no such stage, place or site.
        DataError: if its weights file does not fit.

    Example:
        >>> from dasbench.resolution import resolve_network
        >>> narrow = {"name": "resnet18", "width": 4}
        >>> asked = Network(backbone=narrow, gate="das", num_classes=10, input_size=(3, 32, 32))
        >>> list(build_model(resolve_network(asked)).gates)
        ['layer1', 'layer2', 'layer3', 'layer4']
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "backbone"))
        backbone = make_backbone(network)
        gates: dict[str, nn.Module] = {}
        if network.gate.name != "none":
            for site in choose_sites(backbone.sites, network.placement):
                torch.manual_seed(derive_seed(seed, "gate", site.path))
                gates[site.path] = make_gate(network.gate, site, backbone)
    stage_ends = tuple(site for site in backbone.sites if site.after == "stage")
    names = Names(
        called("backbone", network.backbone), called("gate", network.gate), backbone.takes
    )
    model = GatedNetwork(backbone.module, gates, stage_ends, names=names)
    if file := BACKBONES[network.backbone.name].traits.find_weights(network.backbone.params):
        load_gates(model.gates, file)
    return model


def inference_form(network: GatedNetwork) -> GatedNetwork:
    """A copy of a network in which every gate that can has dissolved into the layer before it.

    It computes the same in eval mode, and is what a network costs in use; it is not meant to be
    trained.

    Args:
        network: left as it is.

    Example:
        >>> from dasbench.resolution import resolve_network
        >>> narrow = {"name": "resnet18", "width": 4}
        >>> asked = Network(backbone=narrow, gate="asr", num_classes=10, input_size=(3, 32, 32))
        >>> network = build_model(resolve_network(asked))
        >>> len(network.gates), len(inference_form(network).gates)
        (8, 0)
    """
    network = copy.deepcopy(network)
    network.fold_gates()
    return network


def choose_sites(sites: tuple[Site, ...], placement: Placement) -> list[Site]:
    """The sites of a backbone that a placement means.

    Raises:
        ModelError: if the backbone lacks one of them, or none is left; the message lists what it
            has.

    Example:
        >>> sites = (Site("layer1", 1, 64, "stage"), Site("layer2", 2, 128, "stage"))
        >>> [site.path for site in choose_sites(sites, Placement(stages=(2,), after="stage"))]
        ['layer2']
    """
    if placement.sites is not None:
        return _named_sites(sites, placement.sites)
    stages = _wanted_stages(sites, placement)
    places = _places_after(sites, placement.after or "stage")
    in_stages = [site for site in places if site.stage in stages]
    chosen = _sites_in_blocks(in_stages, placement)
    if not chosen:
        written = placement.model_dump(exclude_none=True, mode="json")
        text = ", ".join(f"{key} {value}" for key, value in written.items())
        raise ModelError(f"placement: {text} leaves no place; {_places_by_stage(places)}")
    return chosen


def _named_sites(sites: tuple[Site, ...], paths: Collection[str]) -> list[Site]:
    """The sites of some paths."""
    # a stage's end can be its last block's end: one place
    by_path = {site.path: site for site in sites}
    for path in paths:
        if path not in by_path:
            raise ModelError(f"placement.sites: {unknown_name('site', path, by_path)}")
    return [site for path, site in by_path.items() if path in paths]


def _wanted_stages(sites: tuple[Site, ...], placement: Placement) -> set[int]:
    """The stages that a placement names; all that the backbone has if it names none."""
    stages = {site.stage for site in sites}
    for stage in placement.stages or ():
        if stage not in stages:
            raise ModelError(
                f"placement.stages: the backbone has no stage {stage}; it has {sorted(stages)}"
            )
    return set(placement.stages or stages)


def _places_after(sites: tuple[Site, ...], kind: str) -> list[Site]:
    """The sites of one kind of place."""
    places = [site for site in sites if site.after == kind]
    if not places:
        there = ", ".join(sorted({site.after for site in sites})) or "no place for a gate at all"
        raise ModelError(f"placement.after: the backbone has no place '{kind}'; it has {there}")
    return places


def _sites_in_blocks(places: list[Site], placement: Placement) -> list[Site]:
    """The places in those blocks of each stage that the placement means."""
    if placement.blocks == "alternate":
        return [site for site in places if (site.block or 0) % 2 == 1]
    if placement.blocks not in ("first", "last"):
        return places
    in_order = places if placement.blocks == "last" else reversed(places)
    wanted = {site.stage: site.block for site in in_order}  # the last block of a stage wins
    return [site for site in places if site.block == wanted[site.stage]]


def _places_by_stage(places: list[Site]) -> str:
    numbers = sorted(Counter(site.stage for site in places).items())
    return "places in each stage: " + ", ".join(f"{stage}: {number}" for stage, number in numbers)
