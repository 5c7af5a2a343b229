"""Running a study makes the results table hold one row for every trial, exactly once."""

from collections import Counter

import pytest

from dasbench.counting import count_costs
from dasbench.errors import HaltedError, LockedError, StudyError, UsageError
from dasbench.prepare import prepare
from dasbench.records import Epoch, Outcome
from dasbench.results.answers import LookRecord
from dasbench.results.store import open_store
from dasbench.run import run_study
from dasbench.search.executors.executor import Interrupt
from dasbench.search.executors.inline import Inline
from dasbench.spec.metrics import Metric
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial


def study(name="s", **fields):
    base = Trial(
        backbone={"name": "resnet18", "width": 2}, dataset={"name": "digits", "image_size": 8}
    )
    axes = [{"key": "backbone.width", "values": [2, 4, 8]}]
    return Study.model_validate(
        {"name": name, "question": "?", "base": base, "axes": axes, "seeds": 2, **fields}
    )


TIMED = Trial(
    task={"name": "classification", "latency": True},
    backbone={"name": "resnet18", "width": 2},
    dataset={"name": "digits", "image_size": 8},
)


class Quiet:
    """A watcher that watches nothing."""

    def planned(self, agenda, states): ...
    def added(self, states): ...
    def looked(self, look): ...
    def reported(self, key, epoch): ...
    def finished(self, outcome): ...


class Trainer:
    """A job that takes no time: one epoch, an outcome as it was told, and a tally of what ran."""

    def __init__(self, outcomes=None):
        self.ran: Counter[str] = Counter()
        self.outcomes = outcomes or {}

    def __call__(self, trial, report, cost=None):
        self.ran[trial.key] += 1
        signal = report(Epoch(1, {"val_top1": 50.0}))
        if signal == "interrupt":
            return Outcome(
                key=trial.key, status="interrupted", epochs=(Epoch(1, {"val_top1": 50.0}),)
            )
        return self.outcomes.get(
            trial.key, Outcome(key=trial.key, status="done", metrics={"top1": 50.0})
        )


def run(store, asked, job, **options):
    forgotten: list[str] = []
    options = {"watcher": Quiet(), "interrupt": Interrupt(), "forget": forgotten.append, **options}
    return run_study(prepare(asked), store, Inline(), job, **options)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "results.db") as opened:
        yield opened


def test_every_trial_gets_one_row(store):
    summary = run(store, study(), Trainer())

    rows = store.rows("s")
    assert summary.complete
    assert len(rows) == len({row.key for row in rows}) == 6
    assert {row.state for row in rows} == {"done"}


def test_a_study_is_stored_with_what_is_known_of_the_metrics_of_its_task(store):
    run(store, study(objectives=["macro_f1 max", "latency_ms max"], base=TIMED), Trainer())

    (record,) = store.studies()
    assert record.metrics["top1"] == Metric("%", "max")
    assert record.metrics["latency_ms"] == Metric("ms", "max")
    assert "miou" not in record.metrics


def test_trials_run_in_the_order_of_the_plan(store):
    job = Trainer()

    run(store, study(), job)

    assert list(job.ran) == list(prepare(study()).plan.items)


def test_running_again_trains_nothing(store):
    run(store, study(), Trainer())
    again = Trainer()

    summary = run(store, study(), again)

    assert (summary.complete, summary.ran, again.ran) == (True, (), Counter())


def test_trials_that_two_studies_share_are_trained_once(store):
    run(store, study("first"), Trainer())
    second = Trainer()

    run(store, study("second", axes=[{"key": "backbone.width", "values": [4, 16]}]), second)

    assert len(second.ran) == 2
    assert {(row.label, row.reused) for row in store.rows("second")} == {
        ("width=4", True),
        ("width=16", False),
    }


def test_a_failed_trial_does_not_stop_the_study_and_is_run_again_only_when_asked(store):
    plan = prepare(study()).plan
    bad = next(iter(plan.items))
    failing = Trainer(
        {bad: Outcome(key=bad, status="failed", reason="nan", error="DivergedError: x")}
    )

    first = run(store, study(), failing)
    ignored = run(store, study(), Trainer())
    wrong_class = run(store, study(), Trainer(), retry=("oom",))
    mended = run(store, study(), Trainer(), retry=("nan",))

    assert (first.complete, first.reasons) == (False, {bad: "nan"})
    assert ignored.ran == wrong_class.ran == ()
    assert (mended.ran, mended.complete) == ((bad,), True)


def test_an_interrupt_ends_the_run_and_the_next_run_goes_on(store):
    interrupt = Interrupt()

    class Presses(Quiet):
        def finished(self, outcome):
            if len([row for row in store.rows("s") if row.state == "done"]) == 2:
                interrupt.signal = 2

    first, second = Trainer(), Trainer()
    cut = run(store, study(), first, watcher=Presses(), interrupt=interrupt)
    whole = run(store, study(), second)

    assert (cut.complete, sum(first.ran.values())) == (False, 2)
    assert Counter(cut.states.values()) == {"done": 2, "pending": 4}
    assert (whole.complete, sum(second.ran.values())) == (True, 4)


def test_a_result_is_committed_before_anyone_hears_of_it_and_only_then_forgotten(tmp_path, store):
    heard = []

    class Looks(Quiet):
        def finished(self, outcome):
            heard.append(store.states([outcome.key])[outcome.key].state)

    def forget(key):
        heard.append(store.states([key])[key].state)

    run(store, study(), Trainer(), watcher=Looks(), forget=forget)

    assert heard == ["done"] * 12


def test_a_driver_that_dies_in_the_middle_loses_only_what_was_in_flight(tmp_path):
    class Dies(Trainer):
        def __call__(self, trial, report, cost=None):
            if sum(self.ran.values()) == 3:
                raise KeyboardInterrupt
            return super().__call__(trial, report)

    first, second = Dies(), Trainer()
    with open_store(tmp_path / "r.db") as store, pytest.raises(KeyboardInterrupt):
        run(store, study(), first)
    with open_store(tmp_path / "r.db") as store:
        run(store, study(), second)

    assert not first.ran & second.ran
    assert len(first.ran | second.ran) == 6


def test_two_drivers_of_one_study_are_refused(tmp_path, store):
    with open_store(tmp_path / "results.db") as other, other.lock("s"), pytest.raises(LockedError):
        run(store, study(), Trainer())


def test_two_variants_that_are_the_same_trial_are_refused():
    axes = [
        {"key": "gate", "values": ["none", "das"]},
        {"key": "placement.after", "values": ["stage", "block"]},
    ]

    with pytest.raises(StudyError, match="are the same trial"):
        prepare(study(axes=axes))


def test_a_parameter_that_one_of_the_gates_lacks_is_refused():
    axes = [{"key": "gate", "values": ["none", "das"]}, {"key": "gate.alpha", "values": [0.1]}]

    with pytest.raises(StudyError, match="unknown key 'alpha'"):
        prepare(study(axes=axes))


def test_all_variants_that_cannot_be_planned_are_named_at_once():
    gates = [{"name": "das"}, {"name": "se"}, {"name": "bam"}]
    axes = [
        {"key": "gate", "values": gates},
        {"key": "placement.blocks", "values": ["first", "last"]},
    ]

    with pytest.raises(StudyError) as caught:
        prepare(study(axes=axes, seeds=2))

    complaints = [complaint.message for complaint in caught.value.complaints]
    assert len(complaints) == len(set(complaints)) >= 2
    assert any("gate 'das' stands at the ends of stages" in message for message in complaints)


def test_models_that_cannot_be_built_are_named_before_anything_is_trained():
    asked = study(axes=[{"key": "gate", "values": ["none", "das"]}])

    with pytest.raises(StudyError, match=r"gate=das: site 'layer2'"):
        count_costs(prepare(asked).plan)


def test_each_distinct_model_is_counted_once():
    costs = count_costs(prepare(study()).plan)

    assert len(costs) == 6
    assert len({id(cost) for cost in costs.values()}) == 3


class Scorer(Trainer):
    """A job whose score follows from the width and the seed."""

    def __call__(self, trial, report, cost=None):
        super().__call__(trial, report)
        score = 10.0 * trial.backbone.params["width"] + trial.seed / 10
        return Outcome(key=trial.key, status="done", metrics={"top1": score, "val_top1": score})


def test_looks_are_kept_and_a_second_run_takes_the_same(store):
    asked = study(seeds={"looks": [2, 4]})

    first, second = run(store, asked, Scorer()), run(store, asked, Scorer())

    assert (first.complete, len(first.ran), second.complete, second.ran) == (True, 12, True, ())
    assert [(look.number, set(look.states.values())) for look in store.looks("s")] == [
        (1, {"open"}),
        (2, {"open"}),
    ]


def test_another_way_of_spending_makes_the_next_look_exploratory(store):
    listed = {"looks": [3, 4], "min_effect": 0.5}
    planned = {"until": "resolved", "max": 4, "min_effect": 0.5}
    run(store, study(seeds=listed), Noisy())
    before = store.looks("s")

    run(store, study(seeds=planned), Noisy())

    after = store.looks("s")
    assert after[: len(before)] == before
    assert [(look.plan, look.alpha, look.exploratory) for look in after] == [
        *[((3, 4), 0.05, False)] * len(before),
        *[((3, 4), 0.04, True)] * (len(after) - len(before)),
    ]
    assert len(after) > len(before)


def test_looks_after_one_that_comes_out_otherwise_are_exploratory(store):
    run(store, study(seeds=2), Noisy())
    then = {"width=4": "open", "width=8": "open"}
    store.add_look("s", LookRecord(plan=(3, 9), number=1, level=0.02, states=then))

    run(store, study(seeds={"looks": [3, 9], "min_effect": 0.5}), Noisy())

    first, second = store.looks("s")
    assert (first.states, first.exploratory, second.exploratory) == (then, False, True)


class Noisy(Trainer):
    """A job whose scores differ by their seed alone, not in the same way for each width."""

    def __call__(self, trial, report, cost=None):
        super().__call__(trial, report)
        score = float(50 + trial.backbone.params["width"] * trial.seed % 7)
        return Outcome(key=trial.key, status="done", metrics={"top1": score, "val_top1": score})


def test_a_study_until_resolved_keeps_what_its_looks_may_spend(store):
    run(store, study(seeds={"until": "resolved", "max": 5, "min_effect": 0.1}), Noisy())

    looks = store.looks("s")
    assert [look.level for look in looks] == pytest.approx([0.04 / 3, 0.08 / 3][: len(looks)])
    assert {(look.plan, look.alpha, look.exploratory) for look in looks} == {((3, 5), 0.04, False)}


@pytest.mark.parametrize(
    ("num_ended", "seeds", "looked_at"),
    [(7, 3, []), (4, 5, []), (7, 5, [[0, 1]]), (9, 5, [[0, 1, 2]])],
)
def test_seeds_are_added_after_a_look_only_if_every_variant_had_results_of_two(
    store, num_ended, seeds, looked_at
):
    interrupt = Interrupt()

    class Presses(Quiet):
        def finished(self, outcome):
            if sum(row.is_done for row in store.rows("s")) == num_ended:
                interrupt.signal = 2

    run(store, study(seeds=3), Trainer(), watcher=Presses(), interrupt=interrupt)

    whole = run(store, study(seeds=seeds), Trainer())

    rows = store.rows("s")
    assert whole.complete
    assert len(rows) == 3 * seeds
    assert all(row.looked_at == looked_at for row in rows)


def test_failed_trials_that_run_again_are_no_added_seeds(store):
    bad = next(iter(prepare(study()).plan.items))
    run(store, study(), Trainer({bad: Outcome(key=bad, status="failed", reason="nan")}))

    run(store, study(), Trainer(), retry=("nan",))

    assert all(row.looked_at == [] for row in store.rows("s"))


def test_a_search_lists_what_was_proposed_and_goes_on_after_an_interrupt(store):
    interrupt = Interrupt()

    class Presses(Quiet):
        def finished(self, outcome):
            if len(store.rows("s")) == 2:
                interrupt.signal = 15

    asked = study(sampler="random", trials=5)
    cut = run(store, asked, Scorer(), watcher=Presses(), interrupt=interrupt)
    whole = run(store, asked, Scorer())

    assert (cut.complete, len(cut.ran), whole.complete, len(whole.ran)) == (False, 2, True, 3)
    assert [row.role for row in store.rows("s")] == ["search"] * 5


@pytest.mark.parametrize(
    "how", [{}, {"seeds": {"looks": [2, 4]}}, {"sampler": "random", "trials": 5}]
)
def test_a_label_that_is_edited_is_what_variants_are_called_and_trains_nothing(store, how):
    plain, named = [2, 4, 8], [2, 4, {"value": 8, "label": "wide"}]
    before, after = (
        study(axes=[{"key": "backbone.width", "values": values}], **how)
        for values in (plain, named)
    )
    run(store, before, Scorer())
    again = Scorer()

    run(store, after, again)

    assert again.ran == Counter()
    assert {row.label for row in store.rows("s")} == {"width=2", "width=4", "wide"}
    assert {name for look in store.looks("s") for name in look.states} <= {"width=4", "wide"}
    run(store, before, again)
    assert {row.label for row in store.rows("s")} == {"width=2", "width=4", "width=8"}


def test_two_searches_share_what_they_both_propose(store):
    run(store, study("first", sampler="random", trials=6), Scorer())
    second = Scorer()

    summary = run(store, study("second", sampler={"name": "random", "seed": 1}, trials=6), second)

    assert (summary.complete, second.ran) == (True, Counter())


def test_a_stopped_trial_keeps_its_checkpoints_and_gets_its_cost(store):
    plan = prepare(study()).plan
    first = next(iter(plan.items))
    stopping = Trainer({first: Outcome(key=first, status="stopped", metrics={"val_top1": 1.0})})
    forgotten: list[str] = []

    summary = run(store, study(), stopping, forget=forgotten.append)

    assert summary.complete
    assert (first in forgotten, len(forgotten)) == (False, 5)
    assert next(row.cost for row in store.rows("s") if row.key == first).params_full > 0


class OtherCode(Trainer):
    """A job on a machine whose code is another: nothing is trained."""

    def __call__(self, trial, report, cost=None):
        self.ran[trial.key] += 1
        return Outcome(
            key=trial.key,
            status="interrupted",
            error="gate freq is 3f on one node and was a2 when planned",
        )


def test_other_code_on_a_worker_stops_the_run_and_fails_no_trial(store):
    job = OtherCode()

    with pytest.raises(HaltedError, match="gate freq is 3f"):
        run(store, study(), job)

    assert job.ran.total() == 1
    assert {row.state for row in store.rows("s")} == {"pending"}
    assert run(store, study(), Trainer()).complete


class Elsewhere(Inline):
    """An executor that would train in other processes."""

    in_process = False


def test_a_component_that_was_typed_in_is_not_sent_to_other_processes(store, monkeypatch):
    monkeypatch.setattr("dasbench.driver.in_this_process_only", lambda _trial: ["gate freq"])

    with pytest.raises(UsageError, match="gate freq was defined in the running program"):
        run_study(
            prepare(study()),
            store,
            Elsewhere(),
            Trainer(),
            watcher=Quiet(),
            interrupt=Interrupt(),
            forget=print,
        )

    assert "s" not in {record.name for record in store.studies()}
    assert run(store, study(), Trainer()).complete


def test_results_are_set_aside_and_trained_from_scratch(store):
    run(store, study(), Trainer())
    key = next(iter(prepare(study()).plan.items))
    job = Trainer({key: Outcome(key=key, status="done", metrics={"top1": 60.0})})
    forgotten: list[str] = []

    run(store, study(), job, again=[key], restart=forgotten.append)

    assert list(job.ran) == [key]
    assert forgotten == [key]
    assert store.trial(key).attempts[0].outcome.metrics == {"top1": 50.0}


def test_a_trial_that_the_study_no_longer_lists_is_not_set_aside(store):
    run(store, study(), Trainer())

    with pytest.raises(UsageError, match="no longer lists 0123"):
        run(store, study(), Trainer(), again=["0123"])
