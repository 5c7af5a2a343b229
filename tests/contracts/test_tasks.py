"""Every task keeps the contract of its kind; a new one is found and tested without an edit here."""

import pytest
from tiny_trials import DETECTOR

from dasbench.catalog import TASKS
from dasbench.testing import check_task

SMALL = {"detection": DETECTOR}
"""Parameters that make a task small enough to be tried quickly."""


@pytest.mark.parametrize("name", TASKS.names())
def test_every_task_keeps_its_contract(name):
    check_task(name, params=SMALL.get(name))


def test_a_task_keeps_it_where_it_scores_saliency_too():
    data = {"name": "salient_shapes", "num_train": 60, "num_val": 60, "num_test": 60}
    params = {"saliency": "stage4", "saliency_images": 8}

    check_task("classification", params=params, dataset=data)
