"""With which seeds a variant is trained."""

import pytest
from pydantic import ValidationError

from dasbench.search.samplers.looks import Looks
from dasbench.search.samplers.sampler import Result
from dasbench.spec.replication import Replication
from dasbench.spec.study import Study


@pytest.mark.parametrize(
    ("written", "seeds"),
    [
        (1, [0]),
        (3, [0, 1, 2]),
        ([7, 3], [7, 3]),
        ({"looks": [2, 5], "min_effect": 0.5}, [0, 1, 2, 3, 4]),
        ({"until": "resolved", "max": 4, "min_effect": 0.5}, [0, 1, 2, 3]),
    ],
)
def test_seeds_are_a_number_a_list_or_looks(written, seeds):
    assert list(Replication.model_validate(written)) == seeds


@pytest.mark.parametrize(
    "written",
    [
        2,
        [7, 3],
        {"looks": [2, 5], "min_effect": 0.5, "baseline": {"gate": "none"}},
        {"until": "resolved", "max": 9, "min_effect": 0.5, "baseline": {"gate": "none"}},
    ],
)
def test_seeds_come_back_from_json_as_they_were(written):
    seeds = Replication.model_validate(written)

    assert Replication.model_validate_json(seeds.model_dump_json(), strict=True) == seeds


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (0, "between 1 and 1000 seeds, not 0"),
        (1001, "between 1 and 1000 seeds, not 1001"),
        ("three", "must be a number of seeds"),
        (True, "must be a number of seeds"),
        ([], "at least 1"),
        ([1, 1], "holds a seed twice"),
        ([-1], "greater than or equal to 0"),
        ({}, "needs 'looks'"),
        ({"looks": []}, "needs 'looks'"),
        ({"looks": [5, "ten"]}, "needs 'looks'"),
        ({"looks": [1, 5]}, "ascending numbers of seeds from 2"),
        ({"looks": [5, 5]}, "ascending numbers of seeds from 2"),
        ({"looks": [5, 2000]}, "ascending numbers of seeds from 2 to 1000"),
        ({"looks": [2, 5], "min_effect": 0}, "greater than 0"),
        ({"looks": [2, 5], "effect": 1}, "Extra inputs"),
        ({"looks": [2, 5], "min_effect": float("inf")}, "finite number"),
        ({"looks": [2, 5], "max": 5}, "'max' needs 'until: resolved'"),
        ({"looks": [2, 5], "until": "resolved"}, "either 'until' or 'looks'"),
        ({"until": "resolved"}, "'until' needs the smallest difference that matters"),
        ({"until": "resolved", "min_effect": -1}, "greater than 0"),
        ({"until": "resolved", "min_effect": float("nan")}, "finite number"),
        ({"until": "resolved", "min_effect": 1, "max": 2}, "greater than or equal to 3"),
        ({"until": "resolved", "min_effect": 1, "max": 1001}, "less than or equal to 1000"),
        ({"until": "resolved", "min_effect": 1, "max": "ten"}, "valid integer"),
        ({"until": "resolved", "min_effect": 1, "max": [5]}, "valid integer"),
        ({"until": "solved", "min_effect": 1}, "Input should be 'resolved'"),
        ({"min_effect": 1}, "needs 'looks', .* or 'until: resolved'"),
    ],
)
def test_seeds_without_a_meaning_are_refused(written, said):
    with pytest.raises(ValidationError, match=said):
        Replication.model_validate(written)


def test_seeds_survive_the_database():
    seeds = Replication.model_validate({"looks": [2, 4], "baseline": {"gate": "none"}})

    assert Replication.model_validate(seeds.model_dump(mode="json")) == seeds


@pytest.mark.parametrize("base", [{"name": "none"}, "none"])
@pytest.mark.parametrize("ungated", [{"name": "none"}, "none"])
def test_looks_compare_with_the_base_however_it_is_written(base, ungated):
    study = Study(
        name="gates",
        question="Which gate?",
        base={"backbone": "resnet18", "gate": base, "dataset": "digits"},
        axes=[{"key": "gate", "values": ["se", ungated]}],
        seeds={"looks": [2, 3]},
    )
    looks = Looks(study)

    for proposal in looks.propose():
        metrics = {"top1": 60.0 + proposal.seed}
        looks.tell(proposal, Result(fate="done", metrics=metrics))
    looks.propose()

    assert set(looks.taken[0].states) == {"gate=se"}
