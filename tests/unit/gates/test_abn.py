"""ABN: the mask and the logits of the branch by hand, the copied stage, the second loss, and the published counts."""

import math
from itertools import pairwise

import pytest
import torch
from built import built_network
from ptflops import get_model_complexity_info
from torch import nn
from torch.nn import functional

from dasbench.backbones.site import Site
from dasbench.catalog import TASKS
from dasbench.costs.measure import measure_cost
from dasbench.errors import ModelError
from dasbench.gates.abn import AttentionBranch, AttentionBranchGate
from dasbench.models import GatedNetwork
from dasbench.paper.figures import UNITS, PaperRow
from dasbench.paper.tables import table
from dasbench.records import Outcome
from dasbench.resolution import resolve
from dasbench.spec.trial import Trial
from dasbench.training.run_trial import run_trial

(ROW,) = [row for row in table("table1").rows if row.gate is not None and row.gate.name == "abn"]


def make_trial(backbone: str = "resnet18", **fields: object) -> Trial:
    chosen = {"name": backbone, "width": 4, "stem": "small"}
    data = {"name": "digits", "image_size": 16}
    return resolve(
        Trial.model_validate({"backbone": chosen, "gate": "abn", "dataset": data, **fields})
    )


def gate_of(network: GatedNetwork) -> AttentionBranchGate:
    (gate,) = network.gates.values()
    assert isinstance(gate, AttentionBranchGate)
    return gate


def build(row: PaperRow, *, device: str) -> GatedNetwork:
    with torch.device(device):
        trial = resolve(Trial.model_validate({**row.trial_fields(), "dataset": "digits"}))
        return built_network(trial, num_classes=table("table1").num_classes or 0)


def test_values_of_a_small_map() -> None:
    """One channel, two classes, two pixels; the stage is the identity, and norms divide by sqrt(1 + eps)."""
    branch = AttentionBranch(nn.Identity(), 1, num_classes=2).double().eval()
    branch.evidence[0].weight.data = torch.tensor([2.0, -1.0], dtype=torch.float64).view(2, 1, 1, 1)
    branch.classify.weight.data = torch.tensor([[0.5, 1.0], [0.0, 3.0]], dtype=torch.float64).view(
        2, 2, 1, 1
    )
    branch.to_mask[0].weight.data.zero_()
    branch.to_mask[0].weight.data[0, 0, 1, 1:] = torch.tensor(
        [1.0, 0.25]
    )  # class 0: this pixel and its right neighbour
    branch.to_mask[0].weight.data[0, 1, 1, 1] = -2.0  # class 1: this pixel
    gate = AttentionBranchGate(1)
    gate.branch = branch
    x = torch.tensor([3.0, -4.0], dtype=torch.float64).view(1, 1, 1, 2)

    out, (_, logits) = gate(x).flatten(), branch(x)

    shrink = 1 / math.sqrt(1 + 1e-5)
    evidence = [
        [2 * 3 * shrink**2, 0.0],
        [0.0, 4 * shrink**2],
    ]  # by class and pixel, after the ReLU
    masks = [1 / (1 + math.exp(-value * shrink)) for value in (evidence[0][0], -2 * evidence[1][1])]
    assert out.tolist() == pytest.approx([3 * (1 + masks[0]), -4 * (1 + masks[1])], abs=1e-12)
    expected = [(0.5 * evidence[0][0] + 1.0 * evidence[1][1]) / 2, 3.0 * evidence[1][1] / 2]
    assert logits[0].tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_the_branch_begins_with_the_following_stage_at_full_resolution(backbone: str) -> None:
    network = built_network(make_trial(backbone), num_classes=10)
    stage, copied = (
        network.backbone.get_submodule("layer4"),
        gate_of(network).branch.get_submodule("stage"),
    )

    assert {key: value.shape for key, value in copied.state_dict().items()} == {
        key: value.shape for key, value in stage.state_dict().items()
    }
    assert {module.stride for module in copied.modules() if isinstance(module, nn.Conv2d)} == {
        (1, 1)
    }
    assert {module.stride for module in stage.modules() if isinstance(module, nn.Conv2d)} == {
        (1, 1),
        (2, 2),
    }
    pairs = zip(copied.named_parameters(), stage.named_parameters(), strict=True)
    assert not any(
        torch.equal(ours, theirs) for (_, ours), (name, theirs) in pairs if theirs.dim() == 4
    )


def test_its_convolutions_start_from_hes_distribution_over_the_fan_out() -> None:
    torch.manual_seed(0)
    stage = nn.Sequential(nn.Conv2d(64, 128, 3), nn.BatchNorm2d(128))
    nn.init.constant_(stage[1].weight, 3.0)

    branch = AttentionBranch(stage, 128, num_classes=100)

    assert branch.stage[0].weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.03)
    assert branch.classify.weight.std().item() == pytest.approx((2 / 100) ** 0.5, rel=0.03)
    assert branch.stage[1].weight.eq(1).all()


def test_the_loss_is_the_sum_of_both_classifications() -> None:
    trial = make_trial(training={"label_smoothing": 0.1})
    learner = TASKS["classification"].make().build(trial, device=torch.device("cpu"))
    (part,) = next(iter(learner.batches(1)))
    learner.model.train()
    logits = learner.model(part.content.images)
    (auxiliary,) = gate_of(learner.model).take_auxiliary()
    losses = [
        functional.cross_entropy(one, part.content.labels, label_smoothing=0.1)
        for one in (logits, auxiliary)
    ]

    assert sum(learner.losses([part])).item() == pytest.approx(sum(losses).item(), rel=1e-5)
    assert losses[1].item() > 0


def test_only_the_second_loss_reaches_the_branchs_classification() -> None:
    learner = TASKS["classification"].make().build(make_trial(), device=torch.device("cpu"))
    (part,) = next(iter(learner.batches(1)))
    learner.model.train()
    branch = gate_of(learner.model).branch

    functional.cross_entropy(learner.model(part.content.images), part.content.labels).backward()
    assert branch.classify.weight.grad is None
    sum(learner.losses([part])).backward()

    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in branch.parameters())


def test_logits_are_kept_in_training_alone_and_handed_out_once() -> None:
    network = built_network(make_trial(), num_classes=7)
    gate = gate_of(network)
    x = torch.randn(2, 3, 16, 16)

    network.eval()(x)
    assert list(gate.take_auxiliary()) == []
    network.train()(torch.cat((x, x)))
    network(x)
    assert [tuple(logits.shape) for logits in gate.take_auxiliary()] == [(2, 7)]
    assert list(gate.take_auxiliary()) == []


def test_it_follows_on_any_stage_but_the_last() -> None:
    network = built_network(make_trial(placement={"stages": [2]}), num_classes=10)

    assert network.eval()(torch.randn(2, 3, 16, 16)).shape == (2, 10)
    with pytest.raises(ModelError, match="no stage follows on 'layer4'"):
        built_network(make_trial(placement={"stages": [4]}), num_classes=10)


def test_a_place_whose_channels_the_following_stage_cannot_take_is_refused() -> None:
    with pytest.raises(
        ModelError, match=r"'layer2\.0\.bn2' has 8 channels, but the stage that follows takes 32"
    ):
        built_network(
            make_trial("resnet50", placement={"stages": [2], "after": "inside"}), num_classes=10
        )


def test_a_backbone_without_a_classifier_is_refused() -> None:
    sites = Site("0", 1, 4, "block", 0), Site("1", 2, 4, "block", 0)

    with pytest.raises(ModelError, match="no linear layer"):
        AttentionBranchGate(4).attach(nn.Sequential(nn.Identity(), nn.Identity()), sites[0], sites)


def test_training_on_a_single_pixel_is_refused_with_a_remedy() -> None:
    network = built_network(make_trial(), num_classes=10)
    gate = gate_of(network)

    with pytest.raises(ModelError, match="batches of 2 images or more"):
        gate(torch.randn(1, 16, 1, 1))
    assert gate.eval()(torch.randn(1, 16, 1, 1)).isfinite().all()


def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path) -> None:
    trial = make_trial(training={"epochs": 2, "lr": 0.05, "batch_size": 256}).with_values(
        {"dataset.image_size": 8}
    )

    def curve(outcome: Outcome) -> list[float]:
        assert outcome.status == "done", outcome.error
        return [epoch.metrics["train_loss"] for epoch in outcome.epochs]

    whole = run_trial(trial)
    run_trial(trial, lambda _: "interrupt", tmp_path)

    assert curve(run_trial(trial, workdir=tmp_path)) == curve(whole)
    assert all(later < earlier for earlier, later in pairwise(curve(whole)))


def test_resnet50_has_the_exact_number_of_parameters() -> None:
    assert (
        sum(parameter.numel() for parameter in build(ROW, device="meta").parameters())
        == ROW.params_exact
    )


def test_resnet50_has_the_published_multiply_adds() -> None:
    figure = ROW.published["flops_g"]
    assert figure is not None

    macs, _ = get_model_complexity_info(
        build(ROW, device="meta").eval(),
        (3, 224, 224),
        as_strings=False,
        print_per_layer_stat=False,
        input_constructor=lambda size: torch.empty((1, *size), device="meta"),
        backend="pytorch",
        backend_specific_config={"count_functional": False},
    )

    assert macs == pytest.approx(figure.value * UNITS[figure.unit], rel=0.003)


def test_the_branchs_classification_counts_where_modules_are_counted() -> None:
    """It runs in eval mode too, but no output depends on it, so that the traced (full) count is without it."""
    network = built_network(make_trial(), num_classes=10)
    before = measure_cost(network, (3, 16, 16))

    gate_of(network).branch.classify = nn.Identity()

    after = measure_cost(network, (3, 16, 16))
    assert before.uncounted == {}
    assert before.macs_paper - after.macs_paper == 10 * 10 * 4 * 4
    assert before.macs_full == after.macs_full
