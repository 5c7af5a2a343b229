"""What the results database promises, on SQLite and on PostgreSQL alike."""

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench.errors import LockedError, StoreError, UsageError
from dasbench.records import Cost, Epoch, Outcome
from dasbench.results.answers import LookRecord, alpha_spent
from dasbench.results.encoding import dump_metrics, load_metrics, plain_text
from dasbench.results.engine import locate
from dasbench.results.planning import Member
from dasbench.results.reading import read_store
from dasbench.results.store import Store, open_store

COST = Cost(
    params_full=11_227_812,
    macs_full=1_820_000_000,
    params_paper=11_220_000,
    macs_paper=1_810_000_000,
    uncounted={"aten::roll": 2},
    input_size=(3, 224, 224),
    versions={"fvcore": "0.1.5"},
)
CURVE = (Epoch(1, {"val_top1": 60.0}), Epoch(2, {"val_top1": 71.5}))


def member(key: str, **changes: object) -> Member:
    plain = Member(
        key=key,
        spec={"key": key},
        variant={"gate.name": "das"},
        label="das",
        seed=1,
        dataset="digits 32",
        task="probe",
    )
    return replace(plain, **changes)


def done(key: str, **changes: object) -> Outcome:
    plain = Outcome(
        key=key,
        status="done",
        epochs=CURVE,
        metrics={"top1": 71.0, "val_top1": 71.5},
        cost=COST,
        seconds=12.5,
        peak_memory=3_000_000_000,
        device="cpu",
        environment={"torch": "2.6"},
        correct="ff0a",
    )
    return replace(plain, **changes)


def failed(key: str, reason: str = "oom") -> Outcome:
    return Outcome(
        key=key, status="failed", reason=reason, error="Traceback: out of memory", epochs=CURVE[:1]
    )


def run(store: Store, outcome: Outcome, study: str = "norms") -> bool:
    attempt = store.claim(outcome.key, study)
    assert attempt is not None
    return store.add(outcome, attempt)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place for results."""
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        return str(tmp_path / "results.db")
    return request.getfixturevalue("team_database")


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    with open_store(where) as opened:
        opened.plan(
            "norms",
            members=[member("aa01"), member("aa02"), member("bb03")],
            question="Which norms?",
        )
        yield opened


def test_a_planned_trial_is_pending(store: Store) -> None:
    assert [row.state for row in store.rows("norms")] == ["pending"] * 3


def test_rows_keep_the_order_of_the_study(store: Store) -> None:
    store.plan("norms", members=[member("bb03"), member("aa01")])

    assert [row.key for row in store.rows("norms")] == ["bb03", "aa01"]


def test_planning_again_keeps_results(store: Store) -> None:
    run(store, done("aa01"))

    store.plan("norms", members=[member("aa01"), member("aa02"), member("bb03")])

    assert [row.state for row in store.rows("norms")] == ["done", "pending", "pending"]


def test_a_trial_that_an_edited_study_drops_keeps_its_result(store: Store) -> None:
    run(store, done("aa01"))

    store.plan("norms", members=[member("bb03")])

    assert [row.key for row in store.rows("norms")] == ["bb03"]
    assert store.states(["aa01"])["aa01"].state == "done"


def test_planning_again_updates_the_question(store: Store) -> None:
    store.plan(
        "norms",
        members=[],
        question="Which pair?",
        document={"name": "norms"},
        file="studies/norms.yaml",
    )

    [study] = store.studies()
    assert (study.question, study.document, study.file) == (
        "Which pair?",
        {"name": "norms"},
        "studies/norms.yaml",
    )


def test_a_study_is_extended_after_its_last_trial(store: Store) -> None:
    store.extend("norms", [member("aa02", label="again"), member("cc04", label="new")])

    assert [(row.key, row.label) for row in store.rows("norms")][1:] == [
        ("aa02", "das"),
        ("bb03", "das"),
        ("cc04", "new"),
    ]


def test_extending_an_unknown_study_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="study 'nroms' is not in the database"):
        store.extend("nroms", [member("cc04")])


def test_an_outcome_comes_back_as_it_went_in(store: Store) -> None:
    outcome = done("aa01", metrics={"top1": 71.0, "loss": float("inf")})
    run(store, outcome)

    assert store.trial("aa01").outcome == outcome


def test_a_row_flattens_the_outcome(store: Store) -> None:
    run(store, done("aa01"))

    row = store.rows("norms")[0]
    assert (row.metrics, row.cost, row.seconds, row.peak_memory) == (
        done("x").metrics,
        COST,
        12.5,
        3_000_000_000,
    )
    assert (row.variant, row.seed, row.dataset, row.task) == (
        {"gate.name": "das"},
        1,
        "digits 32",
        "probe",
    )
    assert row.finished.endswith("+00:00")


def test_a_failure_keeps_its_reason_error_and_curve(store: Store) -> None:
    run(store, failed("aa01"))

    trial = store.trial("aa01")
    assert (trial.state.state, trial.state.reason) == ("failed", "oom")
    assert trial.outcome is not None
    assert trial.outcome.error == "Traceback: out of memory"
    assert trial.epochs == CURVE[:1]


def test_a_stopped_trial_is_final(store: Store) -> None:
    run(store, done("aa01", status="stopped"))

    assert store.states(["aa01"])["aa01"].state == "stopped"
    assert store.claim("aa01", "norms") is None


def test_an_interrupted_trial_is_pending_again_and_keeps_its_curve(store: Store) -> None:
    run(store, Outcome(key="aa01", status="interrupted", epochs=CURVE, seconds=3.0))

    assert store.states(["aa01"])["aa01"].state == "pending"
    assert store.epochs("aa01") == CURVE
    assert store.claim("aa01", "norms") == 2


def test_a_running_trial_is_not_claimed_twice(store: Store) -> None:
    store.claim("aa01", "norms")

    assert store.claim("aa01", "norms") is None


def test_a_done_trial_is_not_claimed(store: Store) -> None:
    run(store, done("aa01"))

    assert store.claim("aa01", "norms") is None


def test_claiming_what_was_never_planned_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="trial 'zz99' is not in the database"):
        store.claim("zz99", "norms")


def test_adding_an_outcome_twice_changes_nothing(store: Store) -> None:
    attempt = store.claim("aa01", "norms")
    store.add(done("aa01"), attempt)
    before = store.trial("aa01")

    assert store.add(done("aa01"), attempt)
    assert store.trial("aa01") == before


def test_a_done_trial_cannot_be_changed(store: Store) -> None:
    attempt = store.claim("aa01", "norms")
    store.add(done("aa01"), attempt)

    assert not store.add(failed("aa01"), attempt)
    assert store.trial("aa01").outcome == done("aa01")


def test_a_result_of_an_earlier_attempt_is_dropped(store: Store) -> None:
    first = store.claim("aa01", "norms")
    store.release("aa01", first)
    second = store.claim("aa01", "norms")

    assert not store.add(done("aa01"), first)
    assert store.add(done("aa01"), second)


def test_a_result_of_another_owner_is_dropped(store: Store, where: str) -> None:
    attempt = store.claim("aa01", "norms")

    with open_store(where) as other:
        assert not other.add(done("aa01"), attempt)
    assert store.states(["aa01"])["aa01"].state == "running"


def test_a_released_trial_is_pending(store: Store) -> None:
    attempt = store.claim("aa01", "norms")

    assert store.release("aa01", attempt)
    assert store.states(["aa01"])["aa01"].state == "pending"


def test_closing_gives_running_trials_back(store: Store, where: str) -> None:
    with open_store(where) as other:
        other.claim("aa01", "norms")

    assert store.states(["aa01"])["aa01"].state == "pending"
    assert [attempt.how for attempt in store.trial("aa01").attempts] == ["interrupted"]


def test_the_trials_of_a_living_driver_are_not_swept(store: Store) -> None:
    store.claim("aa01", "norms")

    assert store.sweep() == []


def as_if(store: Store, **owner: object) -> None:
    """Let a store write as another process."""
    store.owner = replace(store.owner, **owner)


def test_the_trials_of_a_dead_driver_are_swept(store: Store, where: str) -> None:
    with open_store(where) as dead:
        as_if(dead, pid_started="1")
        dead.claim("aa01", "norms")

        assert store.sweep() == ["aa01"]
    assert [attempt.how for attempt in store.trial("aa01").attempts] == ["lost"]


def test_the_trial_of_a_dead_driver_is_claimed_without_a_sweep(store: Store, where: str) -> None:
    with open_store(where) as dead:
        as_if(dead, pid_started="1")
        dead.claim("aa01", "norms")

        assert store.claim("aa01", "norms") == 2


def test_a_driver_elsewhere_lives_while_its_lease_does(store: Store, where: str) -> None:
    with open_store(where) as elsewhere:
        as_if(elsewhere, host="elsewhere", pid_started="1")
        elsewhere.claim("aa01", "norms")

        assert store.sweep() == []


def test_only_failures_of_the_given_reasons_are_retried(store: Store) -> None:
    run(store, failed("aa01", "oom"))
    run(store, failed("aa02", "nan"))
    run(store, done("bb03"))

    assert store.retry(["aa01", "aa02", "bb03"], ["oom", "killed"]) == ["aa01"]
    assert [row.state for row in store.rows("norms")] == ["pending", "failed", "done"]


def test_all_failures_are_retried_by_default(store: Store) -> None:
    run(store, failed("aa01", "oom"))
    run(store, failed("aa02", "nan"))

    assert sorted(store.retry(["aa01", "aa02", "bb03"])) == ["aa01", "aa02"]


def test_a_later_attempt_continues_the_curve(store: Store) -> None:
    first = store.claim("aa01", "norms")
    for epoch in CURVE:
        store.add_epoch("aa01", first, epoch)
    store.release("aa01", first)
    second = store.claim("aa01", "norms")
    store.add_epoch("aa01", second, Epoch(2, {"val_top1": 80.0}))
    store.add_epoch("aa01", second, Epoch(3, {"val_top1": 81.0}))

    assert [epoch.metrics["val_top1"] for epoch in store.epochs("aa01")] == [60.0, 80.0, 81.0]


def test_an_attempt_from_scratch_hides_the_points_it_has_not_reached(store: Store) -> None:
    first = store.claim("aa01", "norms")
    for epoch in CURVE:
        store.add_epoch("aa01", first, epoch)
    store.release("aa01", first)
    second = store.claim("aa01", "norms")
    store.add_epoch("aa01", second, Epoch(1, {"val_top1": 80.0}))

    assert store.epochs("aa01") == (Epoch(1, {"val_top1": 80.0}),)


def test_an_epoch_of_a_lost_attempt_is_dropped(store: Store) -> None:
    attempt = store.claim("aa01", "norms")
    store.release("aa01", attempt)

    assert not store.add_epoch("aa01", attempt, CURVE[0])
    assert store.epochs("aa01") == ()


def test_a_trial_of_two_studies_is_marked_as_reused_in_the_second(store: Store) -> None:
    store.plan("alphas", members=[member("aa01"), member("dd05")])
    run(store, done("aa01"), "norms")

    assert [(row.study, row.key) for row in store.rows() if row.reused] == [("alphas", "aa01")]


def test_rows_of_several_studies_come_in_the_given_order(store: Store) -> None:
    store.plan("alphas", members=[member("aa01")])

    assert [row.study for row in store.rows(["norms", "alphas"])] == [
        "norms",
        "norms",
        "norms",
        "alphas",
    ]


def test_an_unknown_study_names_the_nearest(store: Store) -> None:
    with pytest.raises(UsageError, match=r"unknown study 'norm'. Did you mean 'norms'"):
        store.rows("norm")


def test_studies_count_their_trials_by_state(store: Store) -> None:
    run(store, done("aa01"))

    assert [(study.name, study.states) for study in store.studies()] == [
        ("norms", {"done": 1, "pending": 2})
    ]


def test_a_trial_is_found_by_the_first_digits_of_its_key(store: Store) -> None:
    assert store.trial("BB").key == "bb03"


@pytest.mark.parametrize(
    ("prefix", "message"), [("aa", "aa01, aa02. Give more digits"), ("%", "begins with '%'")]
)
def test_a_prefix_that_does_not_name_one_trial_is_refused(
    store: Store, prefix: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        store.trial(prefix)


def test_correct_examples_are_read_for_many_trials(store: Store) -> None:
    run(store, done("aa01"))

    assert store.correct(["aa01", "aa02"]) == {"aa01": "ff0a"}


def test_a_study_is_held_against_another_driver(store: Store, where: str) -> None:
    held = rf"study 'norms' is held by another driver: process {os.getpid()} on host '{socket.gethostname()}', since 20"
    with open_store(where) as other, store.lock("norms"), pytest.raises(LockedError, match=held):
        other.lock("norms").__enter__()


def test_two_drivers_may_hold_two_studies(store: Store, where: str) -> None:
    with open_store(where) as other, store.lock("norms"), other.lock("alphas"):
        assert store.claim("aa01", "norms") == 1
        assert other.claim("aa01", "norms") is None


def test_a_study_is_free_after_its_driver_left(store: Store, where: str) -> None:
    with store.lock("norms"):
        pass

    with open_store(where) as other, other.lock("norms"):
        assert other.claim("aa01", "norms") == 1


def test_the_lock_of_a_dead_driver_is_taken_over(store: Store, where: str) -> None:
    with open_store(where) as dead:
        as_if(dead, pid_started="1")
        with (
            dead.lock("norms"),
            store.lock("norms"),
            open_store(where) as third,
            pytest.raises(LockedError),
        ):
            third.lock("norms").__enter__()


def test_a_reader_sees_what_was_committed(store: Store, where: str) -> None:
    run(store, done("aa01"))

    with read_store(where) as reader:
        assert [row.state for row in reader.rows("norms")] == ["done", "pending", "pending"]


def test_a_text_that_databases_refuse_is_stored_escaped(store: Store) -> None:
    run(store, replace(failed("aa01"), error="bad \x00 \ud800 byte"))

    trial = store.trial("aa01")
    assert trial.outcome is not None
    assert trial.outcome.error == "bad \\x00 \\ud800 byte"


def test_a_result_is_spooled_while_another_program_writes_and_merged_later(
    store: Store, where: str
) -> None:
    writes, free = threading.Event(), threading.Event()
    busy = threading.Thread(
        target=store._database.write, args=[lambda _: (writes.set(), free.wait(20))]
    )
    with open_store(where, patience_s=0.2) as waiting:
        attempt = waiting.claim("aa01", "norms")
        busy.start()
        writes.wait(20)
        with pytest.raises(
            StoreError, match=r"still locked by another program after 0\.2 s.* waits in .*\.spool"
        ):
            waiting.add(done("aa01"), attempt)
        free.set()
        busy.join()

    with open_store(where) as later:
        assert later.trial("aa01").outcome == done("aa01")


def test_opening_twice_finds_the_same_results(where: str) -> None:
    with open_store(where) as first:
        first.plan("norms", members=[member("aa01")])

    with open_store(where) as second:
        assert second.states(["aa01"])["aa01"].state == "pending"


def test_more_trials_than_a_statement_takes_are_planned(store: Store) -> None:
    many = [member(f"{number:06x}") for number in range(2_000)]
    store.plan("many", members=many)
    store.plan("many", members=many)

    assert len(store.states([one.key for one in many])) == 2_000


@pytest.mark.slow
def test_reading_a_server_without_results_says_how_to_get_some(postgres: str) -> None:
    with pytest.raises(StoreError, match=r"no results yet\. Run a study first: dasbench run"):
        read_store(f"{postgres}/postgres")


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    with pytest.raises(
        StoreError,
        match=r"postgresql\+psycopg://me:\*\*\*@127.0.0.1:9/das: the server cannot be used",
    ):
        open_store("postgresql://me:secret@127.0.0.1:9/das")


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "nonsense://x y", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_of_another_database_is_bad_usage(url: str) -> None:
    with pytest.raises(UsageError, match=r"database|gone"):
        locate(url)


def test_a_sqlite_url_is_a_file() -> None:
    assert locate("sqlite:///folder/results.db").path == Path("folder/results.db")


@given(st.dictionaries(st.text(max_size=5), st.floats(), max_size=3))
def test_metrics_survive_the_database(metrics: dict[str, float]) -> None:
    assert repr(load_metrics(dump_metrics(metrics))) == repr(metrics)


@given(st.text(st.characters(exclude_categories=[]), min_size=1))
def test_plain_text_is_always_storable(text: str) -> None:
    assert "\0" not in plain_text(text)
    assert plain_text(text).encode()


def look(number: int, plan: tuple[int, ...] = (3, 6)) -> LookRecord:
    return LookRecord(plan=plan, number=number, level=0.02, states={"das": "open"})


def test_a_look_is_kept_once(store: Store) -> None:
    kept = [store.add_look("norms", look(1)) for _ in range(2)]

    assert kept == [False, False]
    assert [(known.number, known.plan, dict(known.states)) for known in store.looks("norms")] == [
        (1, (3, 6), {"das": "open"})
    ]


def test_a_look_by_another_plan_is_exploratory(store: Store) -> None:
    store.add_look("norms", look(1))
    store.add_look("norms", look(1, plan=(3, 6, 12)))

    assert [(known.plan, known.exploratory) for known in store.looks("norms")] == [
        ((3, 6), False),
        ((3, 6, 12), True),
    ]
    assert store.add_look("norms", look(2)) is True


def test_the_same_seeds_with_other_levels_are_another_plan(store: Store) -> None:
    store.add_look("norms", look(1))
    other = replace(look(2), level=0.03, levels=(0.01, 0.03))

    assert store.add_look("norms", other) is True
    first, second = store.looks("norms")
    assert (first.levels, first.alpha, second.levels, second.alpha) == (
        (),
        0.05,
        (0.01, 0.03),
        0.04,
    )


def test_what_follows_a_look_that_comes_out_otherwise_is_exploratory(store: Store) -> None:
    store.add_look("norms", look(1))

    again = replace(look(1), states={"das": "resolved"})

    assert store.add_look("norms", look(1)) is False
    assert store.add_look("norms", again) is True
    assert [dict(kept.states) for kept in store.looks("norms")] == [{"das": "open"}]


def test_looks_spend_of_the_error_rate_of_their_own_plan() -> None:
    own = [replace(look(number), levels=(0.02, 0.02)) for number in (1, 2)]

    assert alpha_spent([look(1), *own]) == pytest.approx(0.04)


def test_a_stopped_trial_is_continued_when_that_is_asked_for(store: Store) -> None:
    run(store, done("aa01", status="stopped"))

    assert (store.retry(["aa01"]), store.retry(["aa01"], ["nan"])) == ([], [])
    assert store.retry(["aa01"], ["stopped"]) == ["aa01"]
    assert store.states(["aa01"])["aa01"].state == "pending"


def test_the_seeds_that_were_looked_at_are_kept(store: Store) -> None:
    store.plan("norms", members=[Member(key="aa01", spec={}, looked_at=((0, 1), (0, 1, 2)))])

    (row,) = store.rows("norms")
    assert row.looked_at == [[0, 1], [0, 1, 2]]
