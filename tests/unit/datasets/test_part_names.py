"""Folders and entries of tables that are named for a part are recognised, however they are spelt."""

import pytest

from dasbench.datasets.folders.part_names import part_named


@pytest.mark.parametrize(
    ("part", "names"),
    [
        (
            "train",
            "train Training TRAIN train_set trainset TrainSet train-images images_train train2017 train_2017",
        ),
        (
            "train",
            "01-train 1.training train.data Train_Dataset trainingset data_train imgs-train trn",
        ),
        (
            "val",
            "val VAL valid Validation validation_set valset val2017 dev devset images-val val_images",
        ),
        ("test", "test Test TESTING test_set testset test-data test2014 TestImages 3_test"),
    ],
)
def test_usual_spellings_mean_their_part(part, names):
    meant = {name: part_named(name) for name in names.split()}

    assert meant == dict.fromkeys(names.split(), part)


@pytest.mark.parametrize("name", ["train set", " Train ", "Training Images", "train 2017"])
def test_spaces_do_no_harm(name):
    assert part_named(name) == "train"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "cat",
        "trains",
        "test_tube",
        "training_shoes",
        "strain",
        "contest",
        "trainval",
        "train_test",
        "2017",
        "images",
    ],
)
def test_other_names_mean_no_part(name):
    assert part_named(name) is None
