"""Random streams depend on their purpose alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dasbench.seeds import derive_seed, permutation, uniform

SEEDS = st.integers(0, 2**63 - 1)


def test_the_streams_are_the_same_on_every_machine_and_version():
    assert derive_seed(0, "backbone") == 5940898966988682445
    assert permutation(1, 8).tolist() == [4, 3, 7, 0, 1, 5, 6, 2]


@given(SEEDS, st.permutations(range(20)))
def test_a_samples_numbers_do_not_depend_on_the_order_of_the_batch(seed, order):
    in_order = uniform(seed, np.arange(20), draws=3)

    shuffled = uniform(seed, np.array(order), draws=3)

    assert np.array_equal(shuffled, in_order[order])


@given(SEEDS, st.integers(0, 300))
def test_a_permutation_holds_every_index_once(seed, length):
    assert sorted(permutation(seed, length).tolist()) == list(range(length))


def test_uniform_numbers_look_uniform():
    numbers = uniform(derive_seed("test"), np.arange(20_000), draws=2)

    assert numbers.min() >= 0
    assert numbers.max() < 1
    histogram = np.histogram(numbers, bins=20, range=(0, 1))[0]
    chi_square = ((histogram - 2000) ** 2 / 2000).sum()
    assert chi_square < 45  # 99.9th percentile of chi-square with 19 degrees of freedom: 43.8
    assert abs(np.corrcoef(numbers.T)[0, 1]) < 0.03


def test_different_purposes_give_different_streams():
    seeds = {
        derive_seed(seed, purpose)
        for seed in range(50)
        for purpose in ("order", "augment", "backbone")
    }

    assert len(seeds) == 150
