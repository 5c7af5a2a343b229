"""Scores of a network, and of a task on a part of its data set."""

import math

import numpy as np
import pytest
from drawn_shapes import MEMORY, shapes_trial
from torch import nn

from dasbench.datasets.choice import load_dataset
from dasbench.errors import ModelError, UsageError
from dasbench.saliency.regions import own_regions
from dasbench.saliency.sfd import Scoring, choose_images, look, part_scorer, score_saliency
from dasbench.spec.trial import Choice

NORMALISED = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


def test_a_sample_of_images_is_the_same_for_all_and_random():
    chosen = choose_images(600, 100)

    assert len(set(chosen.tolist())) == 100
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, choose_images(600, 100))
    assert chosen.max() > 300


def test_a_networks_score_is_the_mean_over_images(network):
    data = load_dataset(shapes_trial().dataset)
    find = own_regions(data.test)
    assert find is not None

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
    find = own_regions(split)
    assert find is not None
    regions = find(np.arange(4))

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
