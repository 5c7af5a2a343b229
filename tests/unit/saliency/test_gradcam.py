"""Grad-CAM against other implementations, with any gate, at any layer."""

import copy

import pytest
import torch
from built import built_network
from drawn_shapes import shapes_trial
from torch import nn

from dasbench.catalog import GATES
from dasbench.errors import ModelError, UsageError
from dasbench.resolution import resolve
from dasbench.saliency.gradcam import enlarge, find_layer, grad_cam
from dasbench.spec.trial import Trial


def spread(maps):
    """Every map from 0 to 1, as libraries show it."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low)


def test_a_map_is_the_relu_of_channels_weighted_by_their_mean_gradients():
    network = nn.Sequential(
        nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 4, bias=False)
    )
    images = torch.rand(1, 3, 4, 5)
    by_hand = torch.einsum("c,bchw->bhw", network[3].weight[2] / 20, network[0](images)).relu()

    heat = grad_cam(network, images, layer="0", classes=torch.tensor([2]))

    assert torch.allclose(heat.maps, by_hand, atol=1e-7)
    assert heat.classes.tolist() == [2]


@pytest.mark.parametrize(
    "layer", ["backbone.layer1.0.conv1", "backbone.layer2", "backbone.layer3", "backbone.layer4"]
)
def test_maps_are_those_of_captum(network, images, layer):
    from captum.attr import LayerGradCam

    classes = torch.tensor([0, 3, 5])
    module = network.get_submodule(layer)
    theirs = (
        LayerGradCam(network, module)
        .attribute(images, classes, relu_attributions=True)[:, 0]
        .detach()
    )

    assert torch.allclose(
        grad_cam(network, images, layer=layer, classes=classes).maps, theirs, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["backbone.layer3", "backbone.layer4"])
def test_enlarged_maps_are_those_of_pytorch_grad_cam(network, images, layer):
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    classes = [1, 2, 4]
    with GradCAM(network, [network.get_submodule(layer)]) as cam:
        theirs = torch.from_numpy(
            cam(images, [ClassifierOutputTarget(number) for number in classes])
        )
    ours = spread(
        enlarge(
            grad_cam(network, images, layer=layer, classes=torch.tensor(classes)).maps, (32, 32)
        )
    )

    pairs = torch.stack([ours.flatten(), spread(theirs).flatten()])
    assert float(torch.corrcoef(pairs)[0, 1]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("gate", GATES.names())
def test_networks_with_any_gate_can_be_looked_at(gate, images):
    trial = shapes_trial(gate)

    maps = grad_cam(built_network(trial, num_classes=6), images, layer="backbone.layer3").maps

    assert maps.shape == (3, 8, 8)
    assert bool(maps.isfinite().all())
    assert float(maps.min()) >= 0


def test_what_is_looked_at_is_the_gated_output(network, images):
    halved = copy.deepcopy(network)
    halved.gates["layer3"].register_forward_hook(lambda _module, _inputs, output: output * 0.5)
    kept = []
    handle = halved.backbone.layer4.register_forward_pre_hook(
        lambda _module, inputs: kept.append(inputs[0])
    )
    grad_cam(halved, images, layer="backbone.layer3")
    handle.remove()
    seen = []
    halved.backbone.layer3.register_forward_hook(
        lambda _module, _inputs, output: seen.append(output)
    )

    halved(images)

    assert torch.equal(seen[0], kept[0])


def test_looking_leaves_a_network_as_it_was(network, images):
    looked_at = copy.deepcopy(network).train()
    looked_at.backbone.bn1.eval()
    before = copy.deepcopy(looked_at.state_dict())

    grad_cam(looked_at, images, layer="backbone.layer4")

    assert all(torch.equal(before[name], value) for name, value in looked_at.state_dict().items())
    assert all(parameter.grad is None for parameter in looked_at.parameters())
    assert (looked_at.training, looked_at.backbone.bn1.training) == (True, False)
    assert (
        not looked_at.backbone.layer4._forward_hooks.keys()
        - network.backbone.layer4._forward_hooks.keys()
    )


def test_a_map_does_not_depend_on_the_batch_it_comes_in(network, images):
    together = grad_cam(network, images, layer="backbone.layer3").maps
    alone = torch.cat(
        [grad_cam(network, image[None], layer="backbone.layer3").maps for image in images]
    )

    assert torch.allclose(together, alone, atol=1e-6)


def test_frozen_weights_and_inference_mode_around_do_not_hinder(network, images):
    frozen = copy.deepcopy(network).requires_grad_(False)
    expected = grad_cam(network, images, layer="backbone.layer4").maps

    with torch.no_grad():
        maps = grad_cam(frozen, images, layer="backbone.layer4").maps

    assert torch.equal(maps, expected)


def test_a_layer_that_is_changed_in_place_afterwards_is_seen_as_it_was(images):
    network = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 32 * 32, 2)
    )
    apart = nn.Sequential(network[0], nn.ReLU(), network[2], network[3])

    assert torch.equal(
        grad_cam(network, images, layer="0").maps, grad_cam(apart, images, layer="0").maps
    )


def test_a_map_of_a_class_that_nothing_speaks_for_is_zero():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 2))
    nn.init.constant_(network[3].weight, -1.0)

    maps = grad_cam(network, torch.rand(2, 3, 4, 4), layer="1").maps

    assert maps.count_nonzero() == 0
    assert enlarge(maps, (8, 8)).count_nonzero() == 0


class Odd(nn.Module):
    """A network with layers that cannot be looked at."""

    def __init__(self):
        super().__init__()
        self.body, self.act, self.idle = nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Identity()
        self.head, self.side, self.pair = (
            nn.Linear(4, 2),
            nn.Conv2d(3, 1, 1),
            nn.MultiheadAttention(4, 1),
        )

    def forward(self, x):
        self.side(x)
        x = self.act(self.act(self.body(x)))
        tokens = x.flatten(2).permute(2, 0, 1)
        return self.head(self.pair(tokens, tokens, tokens)[0].mean(0))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("head", r"puts out \[2, 2\]"),
        ("act", "runs 2 times"),
        ("idle", "runs 0 times"),
        ("side", "do not depend on"),
        ("pair", "puts out tuple"),
    ],
)
def test_a_layer_without_a_map_is_refused(layer, message):
    with pytest.raises(ModelError, match=message):
        grad_cam(Odd(), torch.rand(2, 3, 4, 4), layer=layer)


@pytest.mark.parametrize("classes", [[0, 6, 1], [-1, 0, 0], [0, 1]])
def test_classes_that_are_not_there_are_refused(network, images, classes):
    with pytest.raises(UsageError, match="each from 0 to 5"):
        grad_cam(network, images, layer="backbone.layer4", classes=torch.tensor(classes))


@pytest.mark.parametrize(
    ("layer", "path"),
    [
        ("stage4", "backbone.layer4"),
        ("layer3.1.conv2", "backbone.layer3.1.conv2"),
        ("backbone.layer3", "backbone.layer3"),
        ("gates.layer2", "gates.layer2"),
    ],
)
def test_a_layer_is_found_by_stage_or_path(network, layer, path):
    assert find_layer(network, layer) == path


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("stage5", "stage1, stage2, stage3, stage4"),
        ("layr3", "Did you mean 'layer3'"),
        ("", "no such module"),
        ("[/]", "no such module"),
    ],
)
def test_a_layer_that_is_not_there_is_named(network, layer, message):
    with pytest.raises(ModelError, match=message):
        find_layer(network, layer)


def test_stages_of_other_backbones_are_found():
    trial = resolve(Trial(backbone={"name": "mobilenet_v2"}, dataset="digits"))
    network = built_network(trial, num_classes=10)

    path = find_layer(network, f"stage{network.stage_ends[-1].stage}")

    assert grad_cam(network, torch.rand(1, 3, 64, 64), layer=path).maps.shape == (1, 2, 2)
