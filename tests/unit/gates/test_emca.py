"""EMCA: the gate by hand, what it hears of the stage before, and the published counts."""

import math

import pytest
import torch
from built import built_network
from ptflops import get_model_complexity_info
from torch import Tensor, nn

from dasbench.backbones.site import Site
from dasbench.errors import ModelError
from dasbench.gates.emca import MultiscaleChannelAttention
from dasbench.models import GatedNetwork
from dasbench.paper.figures import UNITS, PaperRow
from dasbench.paper.tables import table
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial

ROWS = [row for row in table("table1").rows if row.gate is not None and row.gate.name == "emca"]


class Twice(nn.Module):
    """Every channel twice: [0, 1] becomes [0, 1, 0, 1], times ten."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, x), dim=1) * 10


def make_network(
    backbone: str = "resnet18", num_classes: int = 10, **fields: object
) -> GatedNetwork:
    chosen = {"name": backbone, "width": 4, "stem": "small"}
    asked = {"backbone": chosen, "gate": "emca", "dataset": "digits", **fields}
    return built_network(Trial.model_validate(asked), num_classes=num_classes)


def build(row: PaperRow) -> GatedNetwork:
    with torch.device("meta"):
        trial = resolve(Trial.model_validate({**row.trial_fields(), "dataset": "digits"}))
        return built_network(trial, num_classes=table("table1").num_classes or 0)


@pytest.mark.parametrize("amplify", [False, True])
def test_values_of_a_small_map(amplify: bool) -> None:
    backbone = nn.Sequential(nn.Identity(), Twice())
    sites = Site("0", 1, 2, "block", 0), Site("1", 2, 4, "block", 0)
    gate = MultiscaleChannelAttention(4, reduction=4, amplify=amplify)
    gate.attach(backbone, sites[1], sites)
    gate.mix.weight.data = torch.tensor([[[3.0, -0.1]]])  # the earlier map's means, then its own
    gate.reduce.weight.data = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    gate.expand.weight.data = torch.tensor([[1.0], [-1.0], [0.5], [0.0]])
    x = torch.tensor([[0.0, 2.0], [-4.0, -6.0]]).view(1, 2, 1, 2)  # means 1 and -5

    out = gate(backbone(x))

    # channels 0 and 2: 3 * 1 - 0.1 * 10 = 2; channels 1 and 3: 3 * -5 - 0.1 * -50 < 0, so 0
    hidden = 0.1 * 2 + 0.3 * 2
    factors = [1 / (1 + math.exp(-weight * hidden)) + amplify for weight in (1.0, -1.0, 0.5, 0.0)]
    expected = [20 * factors[0], -60 * factors[1], 20 * factors[2], -60 * factors[3]]
    assert out[0, :, 0, 1].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("backbone", "norm"), [("resnet18", "bn2"), ("resnet50", "bn3")])
def test_it_reads_the_ungated_maps_of_all_blocks_of_the_stage_before(
    backbone: str, norm: str
) -> None:
    """The formula again, on maps that hooks in front of all others have seen (blocks then add to them in place)."""
    network = make_network(backbone).eval()
    seen: dict[str, Tensor] = {}
    places = [f"layer{stage}.{block}.{norm}" for stage in (1, 2) for block in range(4)]
    there = dict(network.backbone.named_modules())
    for path in (path for path in places if path in there):
        there[path].register_forward_hook(
            lambda _module, _inputs, output, path=path: seen.__setitem__(path, output.clone()),
            prepend=True,
        )
    outputs: list[Tensor] = []
    second = list(network.gates.values())[1]
    assert isinstance(second, MultiscaleChannelAttention)
    second.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.clone()))

    network(torch.randn(2, 3, 16, 16))

    own = seen[f"layer2.0.{norm}"]
    earlier = [seen[path].mean((2, 3)).repeat(1, 2) for path in places[:4] if path in seen]
    assert len(earlier) == {"resnet18": 2, "resnet50": 3}[backbone]
    weights = second.mix.weight.flatten()
    mixed = sum(
        weight * mean for weight, mean in zip(weights, [*earlier, own.mean((2, 3))], strict=True)
    ).relu()
    factors = torch.sigmoid((mixed @ second.reduce.weight.T).relu() @ second.expand.weight.T)
    torch.testing.assert_close(outputs[0], own * factors[:, :, None, None])


def test_before_the_first_stage_it_reads_the_stem() -> None:
    network = make_network().eval()
    stems: list[Tensor] = []
    network.backbone.get_submodule("layer1").register_forward_pre_hook(
        lambda _module, inputs: stems.append(*inputs)
    )
    heard: list[Tensor] = []
    first = next(iter(network.gates.values()))
    assert isinstance(first, MultiscaleChannelAttention)
    first.mix.register_forward_pre_hook(lambda _module, inputs: heard.append(*inputs))

    network(torch.randn(2, 3, 16, 16))

    torch.testing.assert_close(heard[0].view(2, 4, 2)[:, :, 0], stems[0].mean((2, 3)))


def test_the_stem_is_read_after_its_pool() -> None:
    with_pool = {"name": "resnet18", "width": 4, "stem": "imagenet"}
    trial = Trial.model_validate({"backbone": with_pool, "gate": "emca", "dataset": "digits"})
    network = built_network(trial, num_classes=10).eval()
    pooled: list[Tensor] = []
    network.backbone.get_submodule("maxpool").register_forward_hook(
        lambda *call: pooled.append(call[-1])
    )
    heard: list[Tensor] = []
    first = next(iter(network.gates.values()))
    assert isinstance(first, MultiscaleChannelAttention)
    first.mix.register_forward_pre_hook(lambda _module, inputs: heard.append(*inputs))

    network(torch.randn(2, 3, 64, 64))

    torch.testing.assert_close(heard[0].view(2, 4, 2)[:, :, 0], pooled[0].mean((2, 3)))


def test_the_stage_before_learns_through_the_gate() -> None:
    backbone = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 4, 1))
    sites = Site("0", 1, 2, "block", 0), Site("1", 2, 4, "block", 0)
    gate = MultiscaleChannelAttention(4, reduction=1)
    gate.attach(backbone, sites[1], sites)
    for parameter in gate.parameters():
        nn.init.constant_(parameter, 0.5)
    nn.init.constant_(backbone[0].bias, 1.0)

    gate(backbone(torch.zeros(1, 1, 2, 2)).detach().abs()).sum().backward()

    assert bool((backbone[0].bias.grad != 0).all())


def test_batches_of_other_sizes_and_failed_passes_leave_nothing_behind() -> None:
    network = make_network().eval()
    small, large = torch.randn(1, 3, 16, 16), torch.randn(3, 3, 16, 16)
    expected = network(small)

    network(large)
    broken = network.backbone.get_submodule("layer3").register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ModelError, match="ZeroDivisionError"):
        network(large)
    broken.remove()

    assert torch.equal(network(small), expected)


def test_a_part_of_the_network_cannot_run_alone() -> None:
    network = make_network().eval()
    stage1, stage2 = (network.backbone.get_submodule(name) for name in ("layer1", "layer2"))
    network(torch.randn(2, 3, 16, 16))

    with pytest.raises(
        ModelError, match=r"site 'layer2\.0\.bn2': the gate heard 0 of the 2 earlier maps"
    ):
        stage2(torch.randn(2, 4, 8, 8))
    stage1(torch.randn(3, 4, 8, 8))
    with pytest.raises(
        ModelError, match="a batch of 2 images follows on earlier maps of a batch of 3"
    ):
        stage2(torch.randn(2, 4, 8, 8))


def test_a_backbone_without_stages_or_blocks_is_refused() -> None:
    only = Site("0", 1, 4, "stage")

    with pytest.raises(ModelError, match="neither a stage before '0' nor a first block"):
        MultiscaleChannelAttention(4).attach(nn.Sequential(nn.Identity()), only, [only])


def test_it_stands_in_the_first_block_of_each_stage() -> None:
    paths = [path.replace(":", ".").replace("/", ".") for path in make_network().gates]

    assert paths == [f"layer{stage}.0.bn2" for stage in (1, 2, 3, 4)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_the_network_has_the_exact_number_of_parameters(row: PaperRow) -> None:
    assert sum(parameter.numel() for parameter in build(row).parameters()) == row.params_exact


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_the_network_has_the_published_counts_in_binary_units(row: PaperRow) -> None:
    params, flops = row.published["params_m"], row.published["flops_g"]
    assert params is not None
    assert flops is not None
    network = build(row).eval()

    macs, _ = get_model_complexity_info(
        network,
        (3, 224, 224),
        as_strings=False,
        print_per_layer_stat=False,
        input_constructor=lambda size: torch.empty((1, *size), device="meta"),
        backend="pytorch",
        backend_specific_config={"count_functional": False},
    )

    assert sum(p.numel() for p in network.parameters()) == pytest.approx(
        params.value * UNITS[params.unit], rel=1e-3
    )
    assert macs == pytest.approx(flops.value * UNITS[flops.unit], rel=0.006)


def test_the_row_of_resnet18_mixes_two_maps_in_the_first_stage_and_three_in_the_others() -> None:
    kernels = [gate.mix.kernel_size for gate in build(ROWS[0]).gates.values()]

    assert kernels == [(2,), (3,), (3,), (3,)]


def test_all_maps_count_alike_at_the_start() -> None:
    for gate, num_maps in zip(make_network().gates.values(), (2, 3, 3, 3), strict=True):
        torch.testing.assert_close(gate.mix.weight.data, torch.full((1, 1, num_maps), 1 / num_maps))
