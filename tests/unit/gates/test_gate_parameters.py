"""What a study may say about the attention methods: defaults as published, what makes no sense is refused."""

from typing import Any

import pytest

from dasbench.catalog import GATES
from dasbench.spec.parameters import check_parameters

PUBLISHED: dict[str, dict[str, Any]] = {
    "se": {"reduction": 16, "bias": False},
    "cbam": {"reduction": 16, "kernel": 7},
    "bam": {"reduction": 16, "dilation": 4, "fusion": "product"},
    "gc": {"reduction": 16, "fusion": "add"},
    "srm": {},
    "eca": {"kernel": "adaptive"},
    "triplet": {"kernel": 7, "zero_init": True},
    "ge": {"variant": "theta0", "size": None, "base_channels": None, "reduction": 16},
    "gala": {"reduction": 16, "activation": "tanh"},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_defaults_are_the_published_settings(name: str) -> None:
    params, problems = check_parameters(GATES[name].schema, {})

    assert (params, problems) == (PUBLISHED[name], [])


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("se", {"reduction": 0}, "must be greater than or equal to 1, not 0"),
        ("cbam", {"kernel": 4}, "must be one of 1, 3, 5, 7, 9, 11, 13, 15, not 4"),
        ("triplet", {"kernel": -3}, "must be one of 1, 3, 5, 7, 9, 11, 13, 15, not -3"),
        ("eca", {"kernel": "adaptiv"}, "Did you mean 'adaptive'?"),
        ("bam", {"fusion": "sums"}, "Did you mean 'sum'?"),
        ("ge", {"size": 0}, "must be greater than or equal to 1, not 0"),
        ("ge", {"variant": "theta+"}, "Did you mean 'theta'?"),
        ("srm", {"reduction": 16}, "unknown key 'reduction'"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, given: dict[str, Any], message: str) -> None:
    _, problems = check_parameters(GATES[name].schema, given)

    assert [message in problem for _, problem in problems] == [True]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_method_names_its_source_and_its_place(name: str) -> None:
    entry = GATES[name]

    assert "arXiv" in entry.source
    assert entry.traits.placement["after"] in ("stage", "before_add")
    assert entry.summary.endswith(".")
