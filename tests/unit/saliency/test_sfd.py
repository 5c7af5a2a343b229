"""The sfd score on maps whose score is known exactly."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dasbench.catalog import METRICS, known_names
from dasbench.errors import DataError, UsageError
from dasbench.metrics.sfd import box_around, sfd
from dasbench.paper.tables import table
from dasbench.saliency.sfd import Scoring, sensitivity

REGION = torch.tensor([[True, True, False, False], [True, True, False, False]])


def score(rows, region=REGION, **parameters):
    return float(sfd(torch.tensor(rows, dtype=torch.float32), region, **parameters))


def test_weight_in_the_region_alone_scores_one():
    assert score([[3, 3, 0, 0], [3, 3, 0, 0]]) == 1.0


def test_weight_beside_the_region_alone_scores_nothing():
    assert score([[0, 0, 3, 3], [0, 0, 3, 3]]) == 0.0


def test_a_map_that_is_even_scores_a_half():
    assert score([[0.2] * 4, [0.2] * 4]) == 0.5


def test_equal_means_score_a_half_whatever_the_number_of_pixels():
    region = torch.tensor([[True, False, False, False]])

    assert score([[4.0, 4.0, 4.0, 4.0]], region) == 0.5


def test_a_score_is_the_quotient_of_equation_5():
    region = torch.tensor([[True, False, False]])
    stretched = [10**w - 1 for w in (1.0, 0.5, 0.25)]
    expected = stretched[0] / (stretched[0] + (stretched[1] + stretched[2]) / 2)

    assert score([[4.0, 2.0, 1.0]], region) == pytest.approx(expected)


def test_the_literal_antilog_is_base_to_the_weight():
    region = torch.tensor([[True, False, False]])
    expected = 10 / (10 + (10**0.5 + 10**0.25) / 2)

    assert score([[4.0, 2.0, 1.0]], region, antilog="plain") == pytest.approx(expected)


def test_base_1_leaves_weights_as_they_are():
    assert score([[4.0, 2.0, 1.0]], torch.tensor([[True, False, False]]), base=1) == pytest.approx(
        1 / (1 + 0.375)
    )


def test_the_box_leaves_out_what_is_below_the_threshold():
    region = torch.tensor([[True, False, False, False]])

    assert score([[1.0, 0.5, 0.1, 0.1]], region, threshold=0.3, base=1) == pytest.approx(1 / 1.5)
    assert score([[1.0, 0.5, 0.1, 0.1]], region, threshold=0.05, base=1) == pytest.approx(
        1 / (1 + 0.7 / 3)
    )


def test_a_weight_at_the_threshold_counts_as_salient():
    region = torch.tensor([[True, False, False]])

    assert score([[1.0, 0.0, 0.5]], region, threshold=0.5, base=1) == pytest.approx(1 / 1.25)


def test_a_region_with_nothing_salient_around_it_scores_one():
    assert score([[1.0, 0.5, 0.1, 0.1]] * 2, threshold=0.2) == 1.0


def test_a_region_that_is_the_whole_image_scores_one():
    assert score([[1.0, 0.0], [0.2, 0.7]], torch.ones(2, 2, dtype=torch.bool)) == 1.0


def test_a_region_in_two_parts_has_a_box_around_both():
    region = torch.tensor([[True, False, True]])

    assert score([[1.0, 1.0, 1.0]], region, threshold=1.0) == 0.5


def test_a_map_of_zeros_has_no_score():
    assert math.isnan(score([[0.0] * 4, [0.0] * 4]))
    assert math.isnan(score([[0.0] * 4, [0.0] * 4], antilog="plain"))


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_a_map_that_is_not_finite_has_no_score(odd):
    assert math.isnan(score([[1.0, odd, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]))


def test_an_empty_region_is_refused_by_its_number():
    maps, regions = torch.ones(3, 2, 2), torch.ones(3, 2, 2, dtype=torch.bool)
    regions[1] = False

    with pytest.raises(DataError, match="map 1 is empty"):
        sfd(maps, regions)


def test_a_map_of_another_size_than_its_region_is_refused():
    with pytest.raises(UsageError, match=r"maps \[3, 3\], regions \[2, 4\]"):
        sfd(torch.ones(3, 3), REGION)


def test_negative_weights_and_masks_of_numbers_are_refused():
    with pytest.raises(UsageError, match="negative"):
        sfd(torch.full((2, 4), -1.0), REGION)
    with pytest.raises(UsageError, match="not bool"):
        sfd(torch.ones(2, 4), REGION.float())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"base": 0.5}, "base '0.5'"),
        ({"base": math.nan}, "base 'nan'"),
        ({"base": 1, "antilog": "plain"}, "antilog plain"),
        ({"threshold": 1.5}, "threshold '1.5'"),
        ({"threshold": math.nan}, "threshold 'nan'"),
        ({"antilog": "shiftedd"}, "Did you mean 'shifted'"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(UsageError, match=message):
        score([[1.0] * 4] * 2, **parameters)
    with pytest.raises(UsageError, match=message):
        Scoring(**parameters)


MAPS = st.lists(st.floats(0, 100, width=32), min_size=12, max_size=12).filter(
    lambda values: max(values) > 1e-3
)
MASKS = st.lists(st.booleans(), min_size=12, max_size=12).filter(any)


@given(values=MAPS, mask=MASKS, base=st.floats(1, 1000), threshold=st.floats(0, 1))
def test_every_score_lies_between_0_and_1(values, mask, base, threshold):
    found = sfd(
        torch.tensor(values).view(3, 4),
        torch.tensor(mask).view(3, 4),
        base=base,
        threshold=threshold,
    )

    assert 0 <= float(found) <= 1


@given(values=MAPS, mask=MASKS, exponent=st.integers(-10, 10))
def test_the_scale_of_a_map_does_not_matter(values, mask, exponent):
    maps, region = (
        torch.tensor(values, dtype=torch.float64).view(3, 4),
        torch.tensor(mask).view(3, 4),
    )

    assert float(sfd(maps * 2.0**exponent, region)) == pytest.approx(
        float(sfd(maps, region)), abs=1e-12
    )


@given(values=MAPS, mask=MASKS)
def test_a_mirrored_image_has_the_same_score(values, mask):
    maps, region = torch.tensor(values).view(3, 4), torch.tensor(mask).view(3, 4)

    assert float(sfd(maps.flip(1), region.flip(1))) == pytest.approx(
        float(sfd(maps, region)), abs=1e-12
    )


@given(mask=MASKS)
def test_a_box_holds_its_mask_and_touches_it_on_all_sides(mask):
    region = torch.tensor(mask).view(3, 4)
    rows, columns = region.any(1).nonzero(), region.any(0).nonzero()
    expected = torch.zeros(3, 4, dtype=torch.bool)
    expected[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True

    assert torch.equal(box_around(region), expected)


def test_a_batch_is_scored_map_by_map():
    maps, regions = torch.rand(5, 2, 4), REGION.expand(5, 2, 4)

    assert sfd(maps, regions).tolist() == [float(sfd(one, REGION)) for one in maps]


def test_the_literal_antilog_of_base_10_cannot_reach_what_the_paper_prints():
    highest = max(row.published["sfd"].value for row in table("figure4").rows)

    assert score([[1.0, 1.0, 0.0, 1e-9]] * 2, antilog="plain", threshold=0) < highest
    assert score([[1.0, 1.0, 0.0, 1e-9]] * 2, threshold=0) > highest


def test_a_sensitivity_table_has_every_combination_and_no_antilog_once():
    maps, regions = torch.rand(4, 2, 4), REGION.expand(4, 2, 4)

    records = sensitivity(maps, regions, bases=(1, 10), thresholds=(0.1, 0.5))

    assert [(r["antilog"], r["base"], r["threshold"]) for r in records] == [
        ("shifted", 1, 0.1), ("shifted", 1, 0.5), ("shifted", 10, 0.1), ("shifted", 10, 0.5),
        ("plain", 10, 0.1), ("plain", 10, 0.5),
    ]  # fmt: skip
    assert records[3]["sfd_mean"] == pytest.approx(float(sfd(maps, regions, threshold=0.5).mean()))


def test_sfd_can_be_an_objective_of_which_more_is_better():
    assert "sfd" in known_names()["metric"]
    assert METRICS["sfd"].traits.direction == "max"
