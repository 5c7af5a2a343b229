"""What a study trains next: its own list, or what a sampler proposes, every trial once."""

from collections.abc import Sequence

import pytest

from dasbench.agenda import Agenda
from dasbench.catalog import SAMPLERS
from dasbench.errors import StudyError
from dasbench.records import Cost, Row
from dasbench.search.samplers.sampler import Proposal
from dasbench.search.winners import objective_values
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial

BASE = Trial(
    backbone={"name": "resnet18", "width": 2, "stem": "small"},
    dataset={"name": "digits", "image_size": 8},
)
WIDTHS = {"key": "backbone.width", "values": [2, 4, 8]}


@SAMPLERS.register("scripted")
class Scripted:
    """Proposes widths from a list, over and over, and keeps what it is told."""

    def __init__(self, study, *, widths: Sequence[int] = ()):
        self.exhausted = False
        self.told: list[tuple[int, int, str]] = []
        self._widths = list(widths)
        self._place = 0

    def propose(self):
        self._place += 1
        return [Proposal({"backbone.width": self._widths[(self._place - 1) % len(self._widths)]})]

    def tell(self, proposal, result):
        self.told.append((proposal.variant["backbone.width"], proposal.seed, result.fate))


def told_to(agenda: Agenda) -> list[tuple[int, int, str]]:
    """What the scripted sampler of an agenda was told."""
    assert isinstance(agenda._sampler, Scripted)
    return agenda._sampler.told


def study(**fields):
    return Study.model_validate(
        {"name": "s", "question": "?", "base": BASE, "axes": [WIDTHS], **fields}
    )


def search(widths, **fields):
    return study(sampler={"name": "scripted", "widths": widths}, **{"trials": 3, **fields})


def finish(agenda, planned, score=50.0, fate="done"):
    for item in planned:
        agenda.tell(
            item.trial.key, fate, {"top1": score, "val_top1": score} if fate == "done" else {}, None
        )


def drain(agenda, scores=None):
    """Take and finish proposals until there are no more; returns (width, seed, role) of each."""
    taken = []
    while planned := agenda.propose():
        for item in planned:
            width = item.variant.get("backbone.width")
            taken.append((width, item.trial.seed, item.role))
            finish(agenda, [item], (scores or {}).get(width, 50.0))
    return taken


def test_a_grid_lists_everything_at_once():
    agenda = Agenda(study(seeds=2))

    planned = agenda.start([])

    assert [(item.variant["backbone.width"], item.trial.seed) for item in planned] == [
        *[(2, 0), (4, 0), (8, 0)],
        *[(2, 1), (4, 1), (8, 1)],
    ]
    assert (agenda.exhausted, agenda.total, agenda.propose()) == (True, 6, [])


def test_a_search_spends_its_trials_and_no_more():
    agenda = Agenda(search([2, 4, 8]))
    agenda.start([])

    assert drain(agenda) == [(2, 0, "search"), (4, 0, "search"), (8, 0, "search")]
    assert agenda.exhausted


def test_a_known_proposal_becomes_the_next_seed_of_its_variant():
    agenda = Agenda(search([2, 2, 4], seeds=2))
    agenda.start([])

    assert [taken[:2] for taken in drain(agenda)] == [(2, 0), (2, 1), (4, 0)]


def test_a_known_proposal_whose_seeds_are_spent_is_answered_and_asked_again():
    agenda = Agenda(search([2, 2, 2, 4], trials=2))
    agenda.start([])

    assert [taken[0] for taken in drain(agenda)] == [2, 4]
    assert told_to(agenda).count((2, 0, "known")) == 2


def test_a_sampler_that_repeats_itself_does_not_end_a_finite_search():
    agenda = Agenda(search([4]))
    agenda.start([])

    taken = drain(agenda)
    while not agenda.exhausted:
        taken += drain(agenda)

    assert sorted(width for width, _, _ in taken) == [2, 4, 8]


def test_a_search_of_more_trials_than_its_space_ends():
    agenda = Agenda(search([2, 4, 8], trials=10))
    agenda.start([])

    taken = drain(agenda)
    while not agenda.exhausted:
        taken += drain(agenda)

    assert len(taken) == len(set(taken)) == 3


def test_the_number_of_trials_is_a_total_after_a_resume():
    first = Agenda(search([2, 4, 8], trials=2))
    first.start([])
    planned = first.propose()
    rows = [
        Row(study="s", key=key, variant=item.variant, label="", seed=0, state="done", role="search")
        for key, item in first.items.items()
    ]

    second = Agenda(search([2, 4, 8], trials=2))
    restored = second.start(rows)

    assert [item.trial.key for item in restored] == [item.trial.key for item in planned]
    assert [width for width, _, _ in drain(second)] == [4]


def test_rows_that_left_the_space_or_the_base_do_not_count():
    key = next(iter(Agenda(study()).start([]))).trial.key
    rows = [
        Row(
            study="s",
            key=key,
            variant={"backbone.width": 2},
            label="",
            seed=0,
            state="done",
            role="search",
        ),
        Row(
            study="s",
            key="0" * 12,
            variant={"backbone.width": 4},
            label="",
            seed=0,
            state="done",
            role="search",
        ),
        Row(
            study="s",
            key=key,
            variant={"backbone.width": 16},
            label="",
            seed=0,
            state="done",
            role="search",
        ),
    ]

    assert [item.variant for item in Agenda(search([2])).start(rows)] == [{"backbone.width": 2}]


@pytest.mark.parametrize(
    "constraint", ["params <= 50000", "backbone.width < 8", "backbone.width != 8"]
)
def test_what_violates_a_constraint_is_never_trained(constraint):
    listed = Agenda(study(constraints=[constraint]))
    searched = Agenda(search([8, 2, 4], trials=2, constraints=[constraint]))
    searched.start([])

    assert [item.variant["backbone.width"] for item in listed.start([])] == [2, 4]
    assert [width for width, _, _ in drain(searched)] == [2, 4]
    assert told_to(searched)[0] == (8, 0, "infeasible")


@pytest.mark.parametrize("sampler", [{}, {"sampler": "random", "trials": 2}])
def test_a_study_of_which_nothing_can_be_trained_is_refused_with_the_reason(sampler):
    agenda = Agenda(study(constraints=["params <= 1"], **sampler))

    with pytest.raises(
        StudyError, match=r"constraints: no trial of the study can be trained: .*params <= 1"
    ):
        agenda.start([]) or drain(agenda) or drain(agenda)


def test_what_was_refused_is_counted_by_its_reason():
    agenda = Agenda(search([8, 2, 8, 4], trials=2, constraints=["backbone.width < 8"]))
    agenda.start([])

    drain(agenda)

    assert agenda.refusals == ["backbone.width < 8 (2 times)"]


@pytest.mark.parametrize(
    ("constraint", "said"),
    [("gate.alfa < 1", "'alfa'. Did"), ("training.epoch < 9", "'epoch'. Did")],
)
def test_a_constraint_on_a_field_that_no_trial_can_have_is_refused(constraint, said):
    with pytest.raises(StudyError, match=said):
        Agenda(study(base=BASE.with_values({"gate": "das"}), constraints=[constraint]))


def test_a_model_that_cannot_be_built_is_infeasible():
    axes = [
        {"key": "dataset.image_size", "values": [8, 16]}
    ]  # instance norm needs more than one pixel
    base = BASE.with_values({"gate": {"name": "das"}})
    agenda = Agenda(study(base=base, axes=axes, sampler="random", trials=2))
    agenda.start([])

    planned = []
    while not agenda.exhausted:
        planned += (fresh := agenda.propose())
        finish(agenda, fresh)

    assert [item.variant for item in planned] == [{"dataset.image_size": 16}]


def test_winners_are_confirmed_beside_the_base_on_fresh_seeds():
    agenda = Agenda(search([2, 4, 8], confirm={"top": 1, "seeds": 2}))
    agenda.start([])

    taken = drain(agenda, scores={2: 40.0, 4: 90.0, 8: 60.0})

    assert taken[3:] == [
        (None, 1, "confirm"),
        (4, 1, "confirm"),
        (None, 2, "confirm"),
        (4, 2, "confirm"),
    ]
    assert agenda.exhausted


def rows_of(agenda):
    return [
        Row(
            study="s",
            key=key,
            variant=item.variant,
            label="",
            seed=item.trial.seed,
            state="done",
            role=item.role,
        )
        for key, item in agenda.items.items()
    ]


def test_a_winner_of_a_search_that_goes_on_is_confirmed_too():
    confirm = {"top": 1, "seeds": 2}
    first = Agenda(search([2, 4, 8], trials=2, confirm=confirm))
    first.start([])
    drain(first, scores={2: 60.0, 4: 40.0})
    second = Agenda(search([2, 4, 8], trials=3, confirm=confirm))
    for item in second.start(rows_of(first)):
        finish(second, [item], {2: 60.0, 4: 40.0}.get(item.variant.get("backbone.width"), 50.0))

    assert drain(second, scores={8: 90.0}) == [
        (8, 0, "search"),
        (8, 1, "confirm"),
        (8, 2, "confirm"),
    ]
    assert second.exhausted


def test_a_search_that_was_confirmed_is_not_confirmed_again():
    study_ = search([2, 4, 8], confirm={"top": 1, "seeds": 2})
    first, second = Agenda(study_), Agenda(study_)
    first.start([])
    drain(first)
    finish(second, second.start(rows_of(first)))

    assert (second.exhausted, second.propose()) == (True, [])


def test_a_trial_that_failed_and_runs_again_may_win():
    study_ = search([4, 2, 8], confirm={"top": 1, "seeds": 2})
    first, second = Agenda(study_), Agenda(study_)
    first.start([])
    finish(first, first.propose(), fate="failed")
    drain(first)
    again, *others = second.start(rows_of(first))
    second.spare([again.trial.key])
    finish(second, others)
    finish(second, [again], 90.0)

    assert drain(second) == [(4, 1, "confirm"), (4, 2, "confirm")]
    assert second.exhausted


def test_a_search_without_a_winner_confirms_nothing():
    agenda = Agenda(search([2, 4, 8], confirm={"top": 1, "seeds": 2}))
    agenda.start([])
    while planned := agenda.propose():
        finish(agenda, planned, fate="failed")

    assert [item.role for item in agenda.items.values()] == ["search"] * 3
    assert agenda.exhausted


def test_confirmations_wait_for_all_of_the_search():
    agenda = Agenda(search([2, 4, 8], confirm={"top": 1, "seeds": 2}))
    agenda.start([])
    planned = [item for _ in range(3) for item in agenda.propose()]
    finish(agenda, planned[:2])

    assert (agenda.propose(), agenda.exhausted) == ([], False)


def test_variants_that_a_scheduler_stopped_get_no_further_seeds():
    agenda = Agenda(study(seeds=2, scheduler="asha"))
    first = agenda.start([])
    finish(agenda, first[:2])
    waiting = agenda.propose()
    finish(agenda, first[2:], fate="stopped")

    assert (waiting, [item.trial.seed for item in first]) == ([], [0, 0, 0])
    assert [(item.variant["backbone.width"], item.trial.seed) for item in agenda.propose()] == [
        (2, 1),
        (4, 1),
    ]
    assert agenda.exhausted


def test_only_the_first_seed_of_a_study_may_be_pruned():
    agenda = Agenda(study(seeds=2))

    assert {item.trial.seed: agenda.prunable(item.trial) for item in agenda.start([])} == {
        0: True,
        1: False,
    }


def test_looks_give_seeds_only_to_what_is_open():
    agenda = Agenda(study(seeds={"looks": [3, 6, 20], "baseline": {"backbone.width": 2}}))
    gains = {
        2: lambda seed: seed / 10,
        4: lambda seed: 40 + seed / 9,
        8: lambda seed: 1.2 * (seed % 2) + seed / 10,
    }
    first = agenda.start([])
    for item in first:
        finish(agenda, [item], gains[item.variant["backbone.width"]](item.trial.seed))

    second = agenda.propose()

    assert len(first) == 9
    assert {item.variant["backbone.width"] for item in second} == {2, 8}
    assert {item.trial.seed for item in second} == {3, 4, 5}
    assert agenda.looks[0].states == {"width=4": "resolved", "width=8": "open"}


def test_variants_that_have_stopped_still_tell_how_noisy_the_others_are():
    agenda = Agenda(study(seeds={"looks": [3, 5], "baseline": {"backbone.width": 2}}))
    scores = {
        2: [1.2, 0.6, 0.6, -3.8, 0.3],
        4: [40.0, 39.9, 39.4],
        8: [1.4, 1.2, 2.9, 0.6, 2.7],  # over five seeds p = 0.10 in a paired t test
    }
    planned = agenda.start([])
    while planned:
        for item in planned:
            finish(agenda, [item], scores[item.variant["backbone.width"]][item.trial.seed])
        planned = agenda.propose()

    first, second = agenda.looks
    assert first.states == {"width=4": "resolved", "width=8": "open"}
    assert second.states == {"width=4": "resolved", "width=8": "resolved"}


def test_looks_taken_again_from_the_same_results_are_the_same():
    def replay(agenda):
        planned = agenda.start([])
        while planned:
            for item in planned:
                finish(agenda, [item], item.variant["backbone.width"] + item.trial.seed % 3)
            planned = agenda.propose()
        return agenda

    asked = study(seeds={"looks": [2, 4]})
    assert replay(Agenda(asked)).looks == replay(Agenda(asked)).looks


def test_a_baseline_that_is_no_variant_is_refused():
    with pytest.raises(StudyError, match=r"0 variants are \{'backbone.width': 3\}"):
        Agenda(study(seeds={"looks": [2, 4], "baseline": {"backbone.width": 3}}))


def test_objectives_are_scored_on_the_validation_part_and_counted_costs_in_full():
    cost = Cost(params_full=10, macs_full=200, params_paper=9, macs_paper=190, input_size=(3, 8, 8))
    asked = study(objectives=["top1 max", "macs min", "params_paper min"])

    assert objective_values(asked, {"top1": 1.0, "val_top1": 2.0}, cost) == (2.0, 200.0, 9.0)
    assert objective_values(asked, {"val_top1": float("nan")}, cost) == ()


@pytest.mark.parametrize(
    "axis",
    [
        {"key": "training.recipe", "values": ["cpu", "cifar100"]},
        {"key": "training", "values": [{"recipe": "cpu"}, {"recipe": "cifar100"}]},
    ],
)
def test_a_recipe_that_varies_replaces_the_training_of_the_base(axis):
    planned = Agenda(study(axes=[axis])).start([])

    assert [(item.trial.training.epochs, item.trial.training.recipe) for item in planned] == [
        (6, None),
        (300, None),
    ]


@pytest.mark.parametrize("failing", [2, 4])
def test_looks_give_no_more_seeds_to_what_fails_on_all_of_them(failing):
    agenda = Agenda(study(seeds={"looks": [3, 6], "baseline": {"backbone.width": 2}}))
    for item in agenda.start([]):
        width = item.variant["backbone.width"]
        finish(
            agenda,
            [item],
            item.trial.seed % 2 + width / 9,
            fate="failed" if width == failing else "done",
        )

    proposed = {item.variant["backbone.width"] for item in agenda.propose()}

    assert failing not in proposed
    assert agenda.looks[0].states["width=4"] == "out of reach"
