"""What `dasbench plan` can say of a study's resolution, and on which grounds."""

import pytest

from dasbench.records import Row
from dasbench.spec.study import Study
from dasbench.views.forecast import forecast, trial_noise


def study(seeds, **fields):
    base = {"backbone": "resnet18", "gate": "das", "dataset": "digits"}
    axes = [{"key": "gate.alpha", "values": [0.1, 0.2, 0.3, 0.4]}]
    asked = {"name": "s", "question": "?", "base": base, "axes": axes, "seeds": seeds, **fields}
    return Study.model_validate(asked)


def rows(scores, metric="top1"):
    """Done trials; scores by variant and seed."""
    return [
        Row(
            study="s",
            key=f"{variant}-{seed}",
            variant={"gate.alpha": variant},
            label=str(variant),
            seed=seed,
            state="done",
            metrics={metric: score},
        )
        for variant, own in scores.items()
        for seed, score in enumerate(own)
    ]


def test_the_noise_is_what_trials_show():
    noise = trial_noise("top1", rows({0.1: [70.0, 72.0], 0.2: [80.0, 80.0]}), 100)

    assert (noise.source, noise.number, noise.sd) == ("trials", 4, pytest.approx(1.0))


def test_single_seeds_leave_the_floor_of_the_test_part_at_their_score():
    noise = trial_noise("top1", rows({0.1: [90.0], 0.2: [100.0 - 2.0]}), 300)

    assert (noise.source, noise.number, noise.score) == ("test part", 300, 94.0)
    assert noise.sd == pytest.approx(1.0)


@pytest.mark.parametrize(("metric", "size"), [("top1", None), ("miou", 300)])
def test_where_no_floor_is_known_the_noise_is_a_guess(metric, size):
    noise = trial_noise(metric, [], size)

    assert (noise.source, noise.sd) == ("guess", 1.0)


def test_of_a_metric_that_is_no_percentage_nothing_is_guessed():
    assert trial_noise("loss", []) is None
    assert trial_noise("loss", rows({0.1: [1.0, 3.0]}, "loss")).sd == pytest.approx(2**0.5)


def test_seeds_alone_are_told_what_they_resolve_and_what_looks_would_cost():
    told = forecast(study(3), [], num_variants=4)

    assert (told.seeds, list(told.differences), told.has_looks) == (3, [3], False)
    assert told.min_effect == pytest.approx(told.differences[3], rel=0.05)
    assert 12 <= told.runs <= told.most_runs == 80


def test_a_single_seed_is_told_what_three_would_resolve():
    told = forecast(study(1), [], num_variants=4)

    assert (told.seeds, list(told.differences)) == (1, [3])


def test_looks_are_told_what_the_first_and_the_last_resolve():
    told = forecast(study({"until": "resolved", "max": 10, "min_effect": 2.0}), [], num_variants=4)

    assert list(told.differences) == [3, 10]
    assert told.differences[3] > told.differences[10]
    assert (told.has_looks, told.min_effect, told.most_runs) == (True, 2.0, 40)
    assert 12 <= told.runs < 40


def test_a_single_look_settles_nothing_earlier():
    told = forecast(study({"looks": [5], "min_effect": 1.0}), [], num_variants=4)

    assert (told.runs, told.most_runs, list(told.differences)) == (None, 20, [5])


def test_looks_without_a_smallest_difference_have_no_expected_number_of_runs():
    told = forecast(study({"looks": [5, 10]}), [], num_variants=4)

    assert (list(told.differences), told.runs) == ([5, 10], None)


@pytest.mark.parametrize(
    ("asked", "variants", "known"),
    [
        (study(3, sampler="random", trials=4), 4, []),
        (study(3), 1, []),
        (study(3, objectives=["loss min"]), 4, []),
        (study(3), 4, rows({0.1: [70.0, 70.0], 0.2: [80.0, 80.0]})),
    ],
    ids=["a search", "a single variant", "no noise known", "no noise at all"],
)
def test_where_nothing_can_be_said_nothing_is(asked, variants, known):
    assert forecast(asked, known, num_variants=variants) is None
