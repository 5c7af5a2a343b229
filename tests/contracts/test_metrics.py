"""Every metric keeps the contract of its kind; a new one is found and tested without an edit here."""

import pytest

from dasbench.catalog import METRICS
from dasbench.testing import check_metric


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_keeps_its_contract(name):
    check_metric(name)
