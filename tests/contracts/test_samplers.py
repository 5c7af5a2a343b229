"""Every sampler keeps the contract of its kind; a new file is found and tested without an edit here."""

import pytest

from dasbench.catalog import SAMPLERS
from dasbench.testing import check_sampler

SMALL = {"tpe": {"startup": 5}, "nsga2": {"population": 6}, "gp": {"startup": 5}}
"""Parameters that make a sampler go beyond its random start within a few proposals."""

SLOW = {"gp"}
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
    for name in SAMPLERS.names()
]
OTHER_LISTS = {
    "screened": {"scheduler": "median"},
    "by looks": {"seeds": {"looks": [2, 4], "min_effect": 1.0}},
    "until resolved": {"seeds": {"until": "resolved", "max": 4, "min_effect": 1.0}},
}
"""Studies in which `grid` does not list everything at once."""


@pytest.mark.parametrize("objectives", [["top1 max"], ["top1 max", "macs min"]], ids=["one", "two"])
@pytest.mark.parametrize("name", NAMES)
def test_every_sampler_keeps_its_contract(name, objectives):
    check_sampler(name, params=SMALL.get(name), fields={"objectives": objectives})


@pytest.mark.parametrize("fields", OTHER_LISTS.values(), ids=OTHER_LISTS)
def test_a_list_that_waits_for_results_keeps_it_too(fields):
    check_sampler("grid", fields=fields)
