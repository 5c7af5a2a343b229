"""Grad-CAM against other implementations, regions from three sources, scores of a network, weights that are kept."""

import copy
import dataclasses
import json
import math
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from built import built_network
from PIL import Image
from torch import nn

from dasbench.catalog import GATES
from dasbench.datasets.choice import load_dataset
from dasbench.datasets.folders.files import FileSplit
from dasbench.datasets.memory import MemorySplit
from dasbench.datasets.pictures.framing import Framing
from dasbench.errors import DataError, ModelError, StoreError, UsageError
from dasbench.render.plots.saliency import draw
from dasbench.render.saliency import image_records, saliency_records, saliency_tables
from dasbench.resolution import resolve
from dasbench.saliency.gradcam import enlarge, find_layer, grad_cam
from dasbench.saliency.grounded_sam import grounded_sam
from dasbench.saliency.matching import match_masks
from dasbench.saliency.regions import own_regions, read_masks
from dasbench.saliency.sfd import Scoring, choose_images, look, part_scorer, score_saliency
from dasbench.spec.trial import Choice, Trial
from dasbench.training.run_trial import Runtime, run_trial
from dasbench.training.weights import keep_weights, load_weights, train_weights, weights_file
from dasbench.views.figures.saliency import info
from dasbench.views.saliency import Reading, Viewed, saliency_scores

MEMORY = MemorySplit(
    torch.zeros(20, 3, 4, 4, dtype=torch.uint8), torch.zeros(20, dtype=torch.int64)
)

NORMALISED = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


def shapes_trial(gate="das", **training):
    return resolve(
        Trial(
            backbone={"name": "resnet18", "width": 4, "stem": "small"},
            gate=gate,
            dataset={"name": "salient_shapes", "num_train": 60, "num_val": 60, "num_test": 60},
            training={"epochs": 2, "lr": 0.05, **training},
        )
    )


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


# regions


def test_a_data_set_gives_its_own_regions():
    split = load_dataset(shapes_trial().dataset).test

    masks = own_regions(split)(np.array([7, 3]))

    assert torch.equal(masks, split.regions(np.array([7, 3])).masks)


def test_a_data_set_without_regions_says_so():
    assert (
        own_regions(
            MemorySplit(
                torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
            )
        )
        is None
    )


def test_an_empty_region_names_its_image():
    split = SimpleNamespace(
        regions=lambda indices: SimpleNamespace(masks=torch.zeros(len(indices), 4, 4).bool())
    )

    with pytest.raises(DataError, match="image 9: its region is empty, as are 2 of 2"):
        own_regions(split)(np.array([9, 4]))


def save_mask(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels, np.uint8))
    (image.convert(mode) if mode else image).save(path)


SQUARE = np.pad(np.ones((2, 2)), 1)


@pytest.mark.parametrize("value", [1, 255])
@pytest.mark.parametrize("mode", [None, "RGB", "RGBA", "LA", "1"])
def test_masks_of_any_kind_of_png_are_read(tmp_path, value, mode):
    save_mask(tmp_path / "3.png", SQUARE * (255 if mode == "1" else value), mode)

    masks = read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))(np.array([3]))

    assert torch.equal(masks[0], torch.from_numpy(SQUARE > 0))


def test_masks_are_found_by_number_however_it_is_padded(tmp_path):
    save_mask(tmp_path / "00012.png", SQUARE)
    save_mask(tmp_path / "3.png", np.ones((4, 4)))

    masks = read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))(np.array([12, 3]))

    assert masks.sum((1, 2)).tolist() == [4, 16]


def test_masks_are_found_by_path_before_name_before_number(tmp_path):
    files = ("cat/1.jpg", "dog/1.jpg", "dog/b.jpeg", "dog/c.jpg")
    split = FileSplit(tmp_path, files, torch.zeros(4, dtype=torch.int64), Framing.of(4))
    for number, name in enumerate(["cat/1", "dog/1", "b", "3"], start=1):
        save_mask(tmp_path / f"masks/{name}.png", np.arange(16).reshape(4, 4) < number)

    masks = read_masks(match_masks(tmp_path / "masks", split), size=(4, 4))(np.arange(4))

    assert masks.sum((1, 2)).tolist() == [1, 2, 3, 4]


def test_a_missing_mask_says_what_it_would_be_called(tmp_path):
    save_mask(tmp_path / "masks/0.png", SQUARE)
    split = FileSplit(
        tmp_path, ("cat/a.jpg", "cat/b.jpg"), torch.zeros(2, dtype=torch.int64), Framing.of(4)
    )

    with pytest.raises(
        DataError, match=r"no mask for image 1; it would be cat/b.png or b.png or 1.png"
    ):
        read_masks(match_masks(tmp_path / "masks", split), size=(4, 4))(np.array([1]))


PETS = ("test/cat/000.jpg", "test/cat/001.jpg", "test/dog/000.jpg", "test/dog/001.jpg")


def matched(tmp_path, images, masks):
    """Which mask each image gets, of empty files with these names."""
    for name in masks:
        (tmp_path / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "masks" / name).touch()
    return match_masks(
        tmp_path / "masks", FileSplit(tmp_path, images, torch.zeros(len(images)), Framing.of(4))
    )


@pytest.mark.parametrize(
    "masks",
    [
        ("cat/000.png", "cat/001.png", "dog/000.png", "dog/001.png"),
        (
            "test/cat/000.png",
            "test/cat/001.PNG",
            "test/dog/000.png",
            "test/dog/001.png",
            "train/cat/000.png",
        ),
        (
            "Testing/cat/000.png",
            "Testing/cat/001.png",
            "Testing/dog/000.png",
            "Testing/dog/001.png",
            "val/cat/000.png",
        ),
        ("all/cat/000.png", "all/cat/001.png", "all/dog/000.png", "all/dog/001.png", "000.png"),
    ],
)
def test_the_longest_common_end_of_the_path_decides(tmp_path, masks):
    found = matched(tmp_path, PETS, masks).files(np.arange(4))

    assert [path.relative_to(tmp_path / "masks").as_posix() for path in found] == list(masks[:4])


@pytest.mark.parametrize(
    ("images", "masks", "complaint"),
    [
        (
            PETS,
            ("000.png", "001.png"),
            "'000.png' may be the mask of test/cat/000.jpg, test/dog/000.jpg",
        ),
        (PETS, ("a/cat/000.png", "b/cat/000.png"), "candidates: a/cat/000.png, b/cat/000.png"),
        (
            PETS,
            ("dog/000.png", "dog/001.png"),
            "has no mask for image 0; it would be test/cat/000.png or 000.png",
        ),
        (PETS, ("train/cat/000.png", "val/cat/000.png"), "has no mask for image 0"),
        (
            PETS,
            ("0.png", "1.png", "2.png", "3.png"),
            "image 2; it would be test/dog/000.png or 000.png",
        ),
        (
            ("cat/a.jpg", "cat/a.png"),
            ("cat/a.png",),
            "'cat/a.png' may be the mask of cat/a.jpg, cat/a.png",
        ),
        (
            ("cat/a.jpg", "cat/b.jpg"),
            ("0.png", "00.png", "1.png"),
            "mask of cat/a.jpg; candidates: 0.png, 00.png",
        ),
    ],
)
def test_a_mask_that_may_be_another_images_is_refused_with_the_candidates(
    tmp_path, images, masks, complaint
):
    matches = matched(tmp_path, images, masks)

    with pytest.raises(DataError, match=complaint):
        matches.files(np.arange(len(images)))


def test_it_is_said_how_masks_were_found_and_which_images_have_none(tmp_path):
    images = (*PETS, "test/dog/x.jpg", "test/dog/y.jpg")

    matches = matched(
        tmp_path, images, ("cat/000.png", "cat/001.png", "seen/x.png", "5.png", "odd.png")
    )

    assert matches.described().partition("masks: ")[2] == (
        "4 of 6 images have a mask: 2 by the last 2 names of the path (test/cat/000.jpg: cat/000.png); "
        "1 by name (test/dog/x.jpg: seen/x.png); 1 by number (test/dog/y.jpg: 5.png); "
        "2 without (test/dog/000.jpg, test/dog/001.jpg); files of no image: 1"
    )
    with pytest.raises(DataError, match=r"\(2 of 6 images are like this, also test/dog/001\.jpg\)"):
        matches.files(np.arange(6))


def test_numbers_beyond_those_of_the_part_are_another_parts(tmp_path):
    for number in range(1, 21):
        save_mask(tmp_path / f"{number}.png", SQUARE)

    with pytest.raises(
        DataError,
        match=r"20\.png: is no image's mask: the part has 20 images, with the numbers from 0",
    ):
        match_masks(tmp_path, MEMORY)


def test_an_image_is_not_its_own_mask(tmp_path):
    (tmp_path / "masks/cat").mkdir(parents=True)
    (tmp_path / "masks/cat/a.png").touch()

    with pytest.raises(DataError, match="is an image of the data set, not a mask"):
        match_masks(
            tmp_path / "masks",
            FileSplit(tmp_path / "masks", ("cat/a.png",), torch.zeros(1), Framing.of(4)),
        )


def test_masks_that_are_empty_damaged_or_of_another_size_are_named(tmp_path):
    save_mask(tmp_path / "0.png", np.zeros((4, 4)))
    save_mask(tmp_path / "1.png", np.ones((8, 6)))
    (tmp_path / "2.png").write_bytes(b"no image")
    find = read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))

    for index, message in enumerate(
        ["0.png: image 0: its region is empty", "is 6x8, but", "cannot be decoded"]
    ):
        with pytest.raises(DataError, match=message):
            find(np.array([index]))


def test_a_folder_without_masks_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no \.png"):
        read_masks(match_masks(tmp_path, MEMORY), size=(4, 4))
    with pytest.raises(DataError, match="is no folder"):
        read_masks(match_masks(tmp_path / "missing", MEMORY), size=(4, 4))


def test_finding_regions_with_models_needs_their_extra(monkeypatch):
    monkeypatch.setattr("dasbench.saliency.grounded_sam.find_spec", lambda _name: None)

    with pytest.raises(UsageError, match=r"pip install 'dasbench\[grounded-sam\]'"):
        grounded_sam(MEMORY, ("cat",), weights=None)


def test_finding_regions_with_models_needs_their_weights(monkeypatch, tmp_path):
    monkeypatch.setattr("dasbench.saliency.grounded_sam.find_spec", lambda _name: object())

    with pytest.raises(UsageError, match="--region-weights"):
        grounded_sam(MEMORY, ("cat",), weights=None)
    with pytest.raises(DataError, match="grounding_dino: holds no model"):
        grounded_sam(MEMORY, ("cat",), weights=tmp_path)


def test_a_class_that_is_but_a_number_needs_a_name(monkeypatch, tmp_path):
    monkeypatch.setattr("dasbench.saliency.grounded_sam.find_spec", lambda _name: object())
    for model in ("grounding_dino", "sam"):
        (tmp_path / model).mkdir()
        (tmp_path / model / "config.json").write_text(json.dumps({}))

    with pytest.raises(UsageError, match="class 'n01440764' has no name"):
        grounded_sam(MEMORY, ("n02085620-Chihuahua", "n01440764"), weights=tmp_path)


# scores of a network


def test_a_sample_of_images_is_the_same_for_all_and_random():
    chosen = choose_images(600, 100)

    assert len(set(chosen.tolist())) == 100
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, choose_images(600, 100))
    assert chosen.max() > 300


def test_a_networks_score_is_the_mean_over_images(network):
    data = load_dataset(shapes_trial().dataset)
    find = own_regions(data.test)

    metrics = score_saliency(network, data.test, find, layer="backbone.layer3", num_images=9)

    indices = choose_images(60, 9)
    seen = look(network, data.test, indices, layer="backbone.layer3", regions=find(indices))
    assert metrics["sfd_n"] == 9
    assert metrics["sfd"] == pytest.approx(seen.scores.mean())
    assert 0 < metrics["sfd"] < 1


def test_a_network_that_looks_nowhere_has_no_score_but_is_counted():
    data = load_dataset(shapes_trial().dataset)
    blind = nn.Sequential(
        nn.Conv2d(3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 6)
    )
    nn.init.constant_(blind[4].weight, -1.0)

    metrics = score_saliency(blind, data.test, own_regions(data.test), layer="1", num_images=5)

    assert math.isnan(metrics["sfd"])
    assert metrics["sfd_n"] == 0


def test_a_network_that_looks_at_the_object_alone_scores_one():
    split = load_dataset(shapes_trial().dataset).test
    regions = own_regions(split)(np.arange(4))

    assert Scoring().score(regions.float(), regions).tolist() == [1.0] * 4


def test_a_task_can_score_a_part_with_the_masks_of_its_data_set(network):
    trial = shapes_trial()
    data = load_dataset(trial.dataset)

    score = part_scorer(network, data, layer="stage4", num_images=7)

    direct = score_saliency(
        network,
        data.val,
        own_regions(data.val),
        layer="backbone.layer4",
        num_images=7,
        **NORMALISED,
    )
    assert score("val") == direct
    assert score("test") != direct


def test_a_task_cannot_score_what_is_not_there(network):
    trial = shapes_trial()

    with pytest.raises(ModelError, match="'stage9': there is no such stage"):
        part_scorer(network, load_dataset(trial.dataset), layer="stage9")
    with pytest.raises(ModelError, match="digits does not say where its objects are"):
        part_scorer(network, load_dataset(Choice(name="digits")), layer="stage4")


def test_the_evidence_for_the_label_can_be_asked_for(network):
    data = load_dataset(shapes_trial().dataset)

    seen = look(
        network,
        data.test,
        np.arange(12),
        layer="backbone.layer4",
        regions=None,
        scoring=Scoring(target="label"),
    )

    assert seen.classes.tolist() == seen.labels.tolist() == [0, 1, 2, 3, 4, 5] * 2
    assert seen.scores is None


def test_no_images_are_refused(network):
    with pytest.raises(UsageError, match="ask for 1 or more"):
        look(network, MEMORY, np.array([], np.int64), layer="backbone.layer4", regions=None)


# weights


def test_weights_are_those_that_the_trial_was_tested_with(tmp_path):
    trial = shapes_trial(select="best", lr=0.5, epochs=3)
    outcome = run_trial(trial, workdir=tmp_path / "work", runtime=Runtime(device="cpu"))
    file = keep_weights(trial, workdir=tmp_path / "work", folder=tmp_path / "weights")
    network = built_network(trial, num_classes=6)
    load_weights(network, file, trial=trial)

    data = load_dataset(trial.dataset)
    network.eval()
    with torch.inference_mode():
        logits = network((data.test.batch(np.arange(60)).float() / 255 - 0.5) / 0.25)

    assert float(nn.functional.cross_entropy(logits, data.test.labels)) == pytest.approx(
        outcome.metrics["loss"], abs=1e-4
    )
    assert file == weights_file(tmp_path / "weights", trial.key)


def test_training_again_gives_the_same_weights_and_leaves_no_checkpoints(tmp_path):
    trial = shapes_trial(epochs=1)
    runtime = Runtime(device="cpu")

    outcomes = [
        train_weights(trial, folder=tmp_path / name, runtime=runtime) for name in ("a", "b")
    ]

    one, other = (torch.load(tmp_path / name / f"{trial.key}.pt")["model"] for name in ("a", "b"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert outcomes[0].metrics["loss"] == outcomes[1].metrics["loss"]
    assert not list(tmp_path.rglob("epoch-*.pt"))


def test_weights_that_do_not_belong_are_refused(tmp_path):
    trial, plain = shapes_trial(), shapes_trial("none")
    network = built_network(trial, num_classes=6)
    torch.save({"key": "0" * 12, "model": network.state_dict()}, tmp_path / "other.pt")
    torch.save(built_network(plain, num_classes=6).state_dict(), tmp_path / "plain.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("no weights")

    for name, error, message in [
        ("other.pt", UsageError, "holds the weights of trial 000000000000"),
        ("plain.pt", UsageError, "does not fit"),
        ("list.pt", DataError, "holds a list"),
        ("text.pt", DataError, "cannot be read as weights"),
        ("missing.pt", DataError, "no such weights file"),
    ]:
        with pytest.raises(error, match=message):
            load_weights(network, tmp_path / name, trial=trial)


def test_a_plain_state_dict_is_taken_as_it_is(tmp_path):
    trial = shapes_trial()
    source, target = built_network(trial, num_classes=6), built_network(trial, num_classes=6)
    nn.init.constant_(source.backbone.fc.bias, 7.0)
    torch.save(source.state_dict(), tmp_path / "mine.pt")

    load_weights(target, tmp_path / "mine.pt", trial=trial)

    assert target.backbone.fc.bias.tolist() == [7.0] * 6


def test_weights_without_a_checkpoint_are_lost(tmp_path):
    with pytest.raises(StoreError, match="holds no checkpoint"):
        keep_weights(shapes_trial(), workdir=tmp_path, folder=tmp_path / "weights")


def test_training_that_fails_names_its_cause(tmp_path):
    changed = shapes_trial().model_copy(update={"data_fingerprint": "0" * 16})

    with pytest.raises(
        StoreError, match=r"could not be trained again: .*changed after the trial was planned"
    ):
        train_weights(changed, folder=tmp_path, runtime=Runtime(device="cpu"))


# records and the figure


def view(trial="a" * 12, label="gate=das", scores=(0.75, 0.25, math.nan), layer="stage4"):
    maps = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)
    maps[2] = 0
    return Viewed(
        trial=trial, label=label, seed=0, layer=layer, part="test", images=[4, 7, 9], labels=["x"] * 3,
        predicted=["y"] * 3, target="predicted", maps=maps, regions=None if scores is None else maps > 0.5,
        scores=None if scores is None else np.array(scores),
    )  # fmt: skip


def records_of(views):
    return saliency_records(saliency_scores(views), parameters={"base": 10.0})


def test_a_record_says_mean_spread_and_what_had_no_score():
    (record,) = records_of([view()])

    assert (record["sfd_mean"], record["n"], record["undefined"]) == (0.5, 2, 1)
    assert record["sfd_sd"] == pytest.approx(np.std([0.75, 0.25], ddof=1))
    assert record["difference"] is None


def test_networks_are_compared_image_by_image():
    _, record = records_of(
        [view(scores=(0.5, 0.25, 0.5)), view("b" * 12, scores=(0.75, 0.75, math.nan))]
    )

    assert (record["against"], record["pairs"], record["difference"]) == ("a" * 12, 2, 0.375)


def test_a_table_compares_networks_where_there_is_something_to_compare():
    views = [view(scores=(0.5, 0.25, 0.5)), view("b" * 12, scores=(0.75, 0.75, math.nan))]

    [compared] = saliency_tables("Where?", saliency_scores(views), parameters={"base": 10.0})
    [alone] = saliency_tables("Where?", saliency_scores(views[:1]), parameters={"base": 10.0})

    assert [cells[-1] for cells in compared.rows] == ["", "+0.375 ± 1.588"]
    assert (alone.columns[-1].key, alone.notes) == ("undefined", ["base 10.0."])


def test_networks_without_scores_are_not_compared():
    views = [view(scores=None), view("b" * 12, scores=None)]

    [table] = saliency_tables("Where?", saliency_scores(views), parameters={})

    assert [tuple(cells[3:]) for cells in table.rows] == [("-", "-", "0", "0")] * 2


def test_sensitivity_has_a_line_for_each_reading_and_a_column_for_each_threshold():
    readings = [
        Reading(
            antilog=antilog,
            base=base,
            threshold=threshold,
            sfd_mean=base * threshold,
            sfd_sd=0.0,
            n=3,
        )
        for antilog, base, threshold in product(("shifted", "plain"), (1, 10), (0.15, 0.3))
    ]
    seen = dataclasses.replace(view(), sensitivity=readings)

    _, table = saliency_tables("Where?", saliency_scores([seen]), parameters={})

    assert [column.title for column in table.columns] == [
        "antilog",
        "base",
        "threshold 0.15",
        "threshold 0.3",
    ]
    assert table.rows[:2] == [("none", "1", "0.150", "0.300"), ("shifted", "10", "1.500", "3.000")]
    assert len(records_of([seen])[0]["sensitivity"]) == len(readings)


def test_without_regions_there_is_no_score():
    assert records_of([view(scores=None)])[0]["sfd_mean"] is None
    assert [row["sfd"] for row in image_records([view(scores=None)])] == [None] * 3


@pytest.mark.parametrize("scores", [(0.75, 0.25, math.nan), None])
def test_a_figure_takes_hostile_text_and_maps_of_zeros(tmp_path, scores):
    views = [
        view(label="$\\frac{$ [/] \x1b[31m"),
        view("b" * 12, label="_" * 300, scores=scores, layer="$layer$"),
    ]
    images = np.zeros((3, 8, 8, 3), np.uint8)

    draw(info(views, images=images), tmp_path / "figure.png", title="=1+1 $x^2$ [bold]")

    assert Image.open(tmp_path / "figure.png").size[0] == 1050


def test_a_map_of_zeros_stays_zero_in_the_figure():
    shown = info([view()], images=np.zeros((3, 8, 8, 3), np.uint8))

    assert shown.columns[0].maps.max(axis=(1, 2)).tolist() == [1.0, 1.0, 0.0]
