"""The contract of metrics says what a broken one breaks."""

import itertools
import math
import re

import pytest
import torch
from broken_components import refusal

from dasbench.catalog import METRICS
from dasbench.metrics.accuracy import top1
from dasbench.testing import MetricExamples, check_metric

SCORE = {"unit": "%", "direction": "max", "tasks": ("classification",)}


def changing(logits, labels):
    score = top1(logits, labels)
    logits.zero_()
    return score


STARTS = itertools.count()


def wavering(logits, labels):
    return top1(logits, labels) / 2 + next(STARTS)


BROKEN_METRICS = {
    "changes its arguments": (changing, SCORE),
    r"the same arguments score \[.*\], then": (
        wavering,
        SCORE,
    ),
    "draws random numbers of torch": (
        lambda logits, labels: top1(logits, labels) + 0.0 * float(torch.rand(1)),
        SCORE,
    ),
    r"returns tensor\(.*; a score is a float": (
        lambda logits, labels: torch.tensor(top1(logits, labels)),
        SCORE,
    ),
    "a score in % is 150.0, not in 0 to 100": (
        lambda logits, labels: 3 * top1(logits, labels),
        SCORE,
    ),
    "a score is inf": (lambda logits, labels: top1(logits, labels) * math.inf, SCORE),
    "nothing was measured: return NaN, or raise": (
        lambda logits, labels: top1(logits, labels) if len(labels) else 0.0,
        SCORE,
    ),
    "it fails with IndexError": (
        lambda logits, labels: top1(logits, labels) + 0.0 * float(labels[0]),
        SCORE,
    ),
    "direction='min', but a perfect answer scores": (top1, {**SCORE, "direction": "min"}),
    "register it with a direction": (top1, {**SCORE, "direction": None}),
    r"in percent, a perfect answer scores \[1.0\]: not 100.0": (
        lambda logits, labels: top1(logits, labels) / 100,
        SCORE,
    ),
    "there is no task 'guessing'": (top1, {**SCORE, "tasks": ("guessing",)}),
    "task 'classification' has no such switch": (top1, {**SCORE, "needs": "luck"}),
    "say what it takes": (top1, {**SCORE, "tasks": None}),
}


@pytest.mark.parametrize("words", BROKEN_METRICS)
def test_the_contract_of_metrics_names_what_is_broken(words):
    compute, traits = BROKEN_METRICS[words]

    def metric(logits, labels):
        """Score an answer."""
        return compute(logits, labels)

    METRICS.register("own", **traits)(metric)

    assert re.search(words, refusal(check_metric, "own"))


PSNR = MetricExamples(poor=(0.3,), perfect=(1e-9,), single=(0.3,), empty=(math.nan,))


def test_a_metric_of_another_kind_is_tried_on_examples_of_its_own():
    @METRICS.register("own", unit="dB", direction="max")
    def psnr(mean_squared_error):
        """Compare the signal with the noise."""
        return -10 * math.log10(mean_squared_error)

    check_metric("own", examples=PSNR)
