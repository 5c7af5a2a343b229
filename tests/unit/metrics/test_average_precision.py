"""Average precisions: cases that can be worked out by hand, and another implementation on random scenes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from faster_coco_eval import COCO, COCOeval_faster

from dasbench.catalog import METRICS, known_names
from dasbench.components.traits import MetricTraits
from dasbench.datasets.annotations import Objects
from dasbench.errors import DataError, UsageError
from dasbench.metrics.average_precision import Detections, average_precisions

NAMES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")


def there(*boxes, labels=None, areas=None, crowd=None) -> Objects:
    """The objects of an image; boxes as left, upper, right, lower."""
    corners = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    sizes = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    return Objects(
        corners,
        torch.tensor(labels or [0] * len(boxes), dtype=torch.int64),
        sizes if areas is None else torch.tensor(areas, dtype=torch.float32),
        torch.tensor(crowd or [False] * len(boxes), dtype=torch.bool),
    )


def seen(*boxes, labels=None, scores=None) -> Detections:
    corners = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    sure = torch.tensor(scores or [0.9] * len(boxes), dtype=torch.float32)
    return Detections(corners, torch.tensor(labels or [0] * len(boxes), dtype=torch.int64), sure)


def precisions(truth, found, *, num_classes=3) -> dict[str, float]:
    return average_precisions(truth, found, num_classes=num_classes)


CAT, DOG = (10, 10, 110, 110), (150, 20, 250, 120)


def test_perfect_detections_have_every_precision_of_100():
    truth = [there((0, 0, 20, 20), (30, 30, 80, 80), CAT, labels=[0, 1, 2]), there(DOG)]
    found = [seen((0, 0, 20, 20), (30, 30, 80, 80), CAT, labels=[0, 1, 2]), seen(DOG)]

    assert precisions(truth, found) == pytest.approx(dict.fromkeys(NAMES, 100.0))


def test_a_shifted_box_is_found_up_to_its_overlap():
    shifted = (
        30,
        10,
        130,
        110,
    )  # by 20 of 100: overlap 80 / 120 = 0.667, beyond 4 of the 10 thresholds

    assert precisions([there(CAT)], [seen(shifted)]) == pytest.approx(
        {"ap": 40, "ap50": 100, "ap75": 0, "ap_large": 40}
    )


def test_one_of_two_objects_found_is_a_recall_of_one_half():
    scores = precisions([there(CAT, DOG)], [seen(CAT)])

    assert scores["ap"] == pytest.approx(100 * 51 / 101)  # recalls 0, 0.01, ..., 0.5 of 101


@pytest.mark.parametrize(("score", "expected"), [(0.8, 100.0), (0.95, 50.0)])
def test_a_false_detection_counts_by_its_score(score, expected):
    found = [seen(CAT, DOG, scores=[0.9, score])]

    assert precisions([there(CAT)], found)["ap"] == pytest.approx(expected)


def test_an_object_that_is_found_twice_is_one_success_and_one_fault():
    truth, found = [there(CAT, DOG)], [seen(CAT, CAT, DOG, scores=[0.9, 0.8, 0.7])]

    assert precisions(truth, found)["ap"] == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)


def test_a_wrong_label_is_no_success():
    assert precisions([there(CAT, labels=[1])], [seen(CAT, labels=[2])])["ap"] == 0


def test_classes_count_alike_however_many_objects_they_have():
    truth = [there(CAT, DOG, (300, 0, 400, 100), labels=[0, 0, 1])]

    assert precisions(truth, [seen(CAT, DOG)])["ap"] == pytest.approx(50)


def test_classes_that_do_not_occur_do_not_count():
    found = [seen(CAT, DOG, labels=[0, 2])]

    assert precisions([there(CAT)], found)["ap"] == pytest.approx(100)


@pytest.mark.parametrize("inside", [(), ((160, 30, 180, 60), (200, 40, 240, 100))])
def test_a_crowd_neither_rewards_nor_punishes(inside):
    truth = [there(CAT, DOG, crowd=[False, True])]

    found = [seen(*inside, CAT, scores=[0.99] * len(inside) + [0.5])]

    assert precisions(truth, found)["ap"] == pytest.approx(100)


def test_what_is_found_outside_of_a_crowd_is_a_fault():
    truth = [there(CAT, DOG, crowd=[False, True])]

    assert precisions(truth, [seen(CAT, (300, 200, 320, 220), scores=[0.5, 0.9])])[
        "ap"
    ] == pytest.approx(50)


def test_sizes_are_told_by_the_area_and_not_by_the_box():
    truth = [there(CAT, DOG, areas=[500.0, 5000.0])]

    assert precisions(truth, [seen(CAT)]) == pytest.approx(
        {"ap": 5100 / 101, "ap50": 5100 / 101, "ap75": 5100 / 101, "ap_small": 100, "ap_medium": 0}
    )


def test_without_detections_every_precision_is_zero():
    assert precisions([there(CAT), there()], [seen(), seen()]) == {
        "ap": 0,
        "ap50": 0,
        "ap75": 0,
        "ap_large": 0,
    }


def test_the_best_100_detections_of_an_image_and_class_count():
    noise = [(300, 300, 310 + number, 310) for number in range(100)]
    truth = [there(CAT)]

    assert precisions(truth, [seen(*noise[:99], CAT, scores=[0.9] * 99 + [0.5])])[
        "ap"
    ] == pytest.approx(1)
    assert precisions(truth, [seen(*noise, CAT, scores=[0.9] * 100 + [0.5])])["ap"] == 0


def test_the_first_object_of_the_first_image_can_be_found():
    """A match with an annotation of number 0 counts as none in COCO's program."""
    assert precisions([there(CAT)], [seen(CAT)])["ap"] == pytest.approx(100)


@pytest.mark.parametrize(
    "truth", [[], [there()], [there(CAT, crowd=[True])]], ids=["image", "object", "crowd"]
)
def test_without_anything_to_find_there_is_no_precision(truth):
    with pytest.raises(DataError, match="nothing to find"):
        precisions(truth, [seen(CAT)] * len(truth))


@pytest.mark.parametrize(
    ("truth", "found", "words"),
    [
        ([there(CAT)], [seen(), seen()], "of 2 images, but there are objects of 1"),
        ([there(CAT, labels=[3])], [seen()], "labels from 3 to 3, but there are 3 classes from 0"),
        ([there(CAT)], [seen(CAT, labels=[-1])], "labels from -1 to -1"),
        (
            [there(CAT)],
            [seen(CAT, scores=[math.nan])],
            "image 0 has a detection whose box or score is not finite",
        ),
        ([there(CAT)], [seen((0, 0, math.inf, 1))], "not finite"),
    ],
    ids=["length", "label", "background", "score", "box"],
)
def test_what_cannot_be_scored_is_refused(truth, found, words):
    with pytest.raises(UsageError, match=words):
        precisions(truth, found)


def test_nothing_is_printed(capsys):
    precisions([there(CAT)], [seen(CAT)])

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", NAMES)
def test_each_precision_is_a_metric_of_detection(name):
    entry = METRICS[name]
    metric: Callable[..., float] = entry.make
    truth, found = random_scenes(0)

    assert name in known_names()["metric"]
    assert entry.traits == MetricTraits(unit="%", direction="max", tasks=("detection",))
    assert metric(truth, found) == precisions(truth, found, num_classes=5)[name]


@pytest.mark.parametrize(("size", "side"), [("small", 50), ("medium", 20), ("large", 20)])
def test_a_size_that_no_object_has_is_no_number(size, side):
    truth, found = [there((0, 0, side, side))], [seen((0, 0, side, side))]

    assert math.isnan(METRICS[f"ap_{size}"].make(truth, found))


def random_scenes(seed: int, *, images: int = 40) -> tuple[list[Objects], list[Detections]]:
    """Objects of all sizes, some of them crowds, with detections near and far from them; some images have none."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for number in range(images):
        count = 0 if number % 7 == 0 else int(rng.integers(1, 8))
        corners = rng.uniform(0, 300, (count, 2))
        boxes = np.concatenate([corners, corners + np.exp(rng.uniform(2, 5.5, (count, 2)))], 1)
        areas = rng.uniform(0.4, 1.0, count) * np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        labels, crowd = rng.integers(0, 5, count), rng.random(count) < 0.1
        truth.append(
            there(
                *boxes.tolist(), labels=labels.tolist(), areas=areas.tolist(), crowd=crowd.tolist()
            )
        )
        repeated = np.repeat(np.arange(count), 2)
        near = boxes[repeated] + rng.normal(0, 4, (2 * count, 4))
        far = np.concatenate(
            [corners := rng.uniform(0, 300, (5, 2)), corners + rng.uniform(5, 99, (5, 2))], 1
        )
        kept = rng.random(len(near)) < 0.8
        guesses = np.where(
            rng.random(2 * count) < 0.8, labels[repeated], rng.integers(0, 5, 2 * count)
        )[kept]
        told = [*guesses.tolist(), *rng.integers(0, 5, 5).tolist()]
        found.append(
            seen(
                *near[kept].tolist(),
                *far.tolist(),
                labels=told,
                scores=rng.random(len(told)).tolist(),
            )
        )
    return truth, found


def by_faster_coco_eval(truth: list[Objects], found: list[Detections]) -> dict[str, float]:
    """The same from another implementation of COCO's evaluation."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image, (objects, detections) in enumerate(zip(truth, found, strict=True), start=1):
        for box, label, area, crowd in zip(*(values.tolist() for values in objects), strict=True):
            numbers = {"id": len(annotations) + 1, "image_id": image, "category_id": label + 1}
            annotations.append(
                {**numbers, "bbox": extents(box), "area": area, "iscrowd": int(crowd)}
            )
        for box, label, score in zip(*(values.tolist() for values in detections), strict=True):
            results.append(
                {"image_id": image, "category_id": label + 1, "bbox": extents(box), "score": score}
            )
    images = [{"id": number} for number in range(1, len(truth) + 1)]
    categories = [{"id": number} for number in range(1, 6)]
    known = COCO({"images": images, "annotations": annotations, "categories": categories})
    evaluation = COCOeval_faster(
        known, known.loadRes(results), iouType="bbox", print_function=lambda *_: None
    )
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return {name: 100 * value for name, value in zip(NAMES, evaluation.stats[:6], strict=True)}


def extents(box: list[float]) -> list[float]:
    left, upper, right, lower = box
    return [left, upper, right - left, lower - upper]


@pytest.mark.parametrize("seed", range(5))
def test_another_implementation_agrees_on_random_scenes(seed):
    truth, found = random_scenes(seed)

    ours = precisions(truth, found, num_classes=5)

    assert ours == pytest.approx(by_faster_coco_eval(truth, found), abs=1e-6)
    assert 10 < ours["ap"] < 90  # neither all nor nothing was found
