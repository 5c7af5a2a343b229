"""The last lines of a run: how the study stands, why trials failed, which commands go on."""

import pytest

from dasbench.cli.running.conclusion import WIDTH, Commands, failures, last_lines
from dasbench.records import cause_of
from dasbench.run import Summary

TRACEBACK = 'Traceback (most recent call last):\n  File "gate.py", line 3, in forward\n    raise ValueError\n'
COMMANDS = Commands(
    again=("run", "s.yaml", "--db", "my results.db"), database=("--db", "my results.db")
)


def summary(states, errors=None, **fields):
    errors = errors or {}
    return Summary(
        planned=len(states),
        states=states,
        errors=errors,
        reasons=dict.fromkeys(errors, "error"),
        ran=tuple(states),
        **fields,
    )


def lines(found, **fields):
    return last_lines(
        found,
        COMMANDS,
        study="s@paper",
        labels={key: f"gate={key} seed=0" for key in "abcdef"},
        **fields,
    )


def test_a_study_that_is_done_says_how_to_see_it_in_its_database():
    assert lines(summary({"a": "done", "b": "done"}, complete=True)) == [
        "2 of 2 trials have a result; 2 ran now.",
        "To see what came out:",
        "  dasbench leaderboard s@paper --db 'my results.db'",
        "  dasbench pareto s@paper --db 'my results.db'",
    ]


def test_failures_of_one_cause_are_told_together_with_the_first_of_them():
    errors = {
        "b": f"{TRACEBACK}ValueError: no 3 maps\n",
        "c": f"{TRACEBACK}ValueError: no 12 maps\n",
        "d": f"{TRACEBACK}dasbench.errors.ModelError: gate 'x' at site layer1\n",
    }

    found = lines(summary({"a": "done", **dict.fromkeys("bcd", "failed")}, errors))

    assert found == [
        "1 of 4 trials have a result; 4 ran now.",
        "3 of 4 trials failed:",
        "- 2 had an error: ValueError: no 3 maps (first: b, gate=b seed=0)",
        "- 1 had an error: gate 'x' at site layer1 (first: d, gate=d seed=0)",
        "For the traceback: dasbench show b --db 'my results.db'",
        "To run failed trials again: dasbench run s.yaml --db 'my results.db' --retry failed",
        "To see what came out:",
        "  dasbench leaderboard s@paper --db 'my results.db'",
        "  dasbench pareto s@paper --db 'my results.db'",
    ]


def test_causes_of_different_words_are_kept_apart_and_the_rest_is_counted():
    words = ("one", "two", "three", "four", "five", "six", "seven")
    states = {str(number): "failed" for number in range(7)}
    errors = dict(zip(states, words, strict=True))

    found = lines(summary(states, errors))

    assert len(failures(summary(states, errors))) == 7
    assert "- 2 for 2 other causes" in found
    assert not any("leaderboard" in line for line in found), "there is nothing to see"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            f"{TRACEBACK}mine.Odd: a\n{TRACEBACK}torch.OutOfMemoryError: b 2 MiB\nmore\n",
            "OutOfMemoryError: b 2 MiB",
        ),
        (f"{TRACEBACK}KeyError\n", "KeyError"),
        ("a worker died (signal 9)", "a worker died (signal 9)"),
        (f"gate 'x' fails: no\n\n{TRACEBACK}ValueError: no\n", "gate 'x' fails: no"),
        ("", ""),
    ],
)
def test_a_cause_is_what_a_person_would_read_out(error, cause):
    assert cause_of(error) == cause


def test_lines_fit_a_terminal_and_hold_nothing_that_it_obeys():
    errors = {"a": f"{TRACEBACK}ValueError: {'long ' * 200}\x1b[31m {'x' * 200}\n"}

    found = lines(summary({"a": "failed"}, errors), refusals=["cannot be built: " + "word " * 40])

    told = [line for line in found if "dasbench " not in line and "x" * 80 not in line]
    assert max(map(len, told)) <= WIDTH
    assert "\x1b" not in "".join(found)


def test_an_interrupted_run_says_the_command_without_what_was_asked_for_once():
    commands = Commands(
        again=("run", "s.yaml", "--again", "gate=se", "--again=x", "--replace", "--plain")
    )
    states = {"a": "done", "b": "pending"}

    found = last_lines(summary(states), commands, study="s", labels={}, interrupted=True)

    assert found[1:] == ["To go on: dasbench run s.yaml --plain"]


def test_trials_that_nobody_ran_are_counted():
    found = lines(summary({"a": "done", "b": "running", "c": "pending"}))

    assert found[1:3] == ["2 were not run.", "To go on: dasbench run s.yaml --db 'my results.db'"]


def test_a_scheduler_and_refused_proposals_are_named():
    found = lines(
        summary({"a": "done", "b": "stopped"}, complete=True),
        scheduler="asha",
        refusals=["params < 5 (9 times)"],
    )

    assert found[:4] == [
        "2 of 2 trials have a result; 2 ran now.",
        "1 of them ended early, by the scheduler asha; they give no score.",
        "Proposals that were refused before training:",
        "- params < 5 (9 times)",
    ]


def test_a_retry_that_was_asked_for_is_not_added_twice():
    commands = Commands(again=("run", "s.yaml", "--retry=failed"))

    found = last_lines(summary({"a": "failed"}, {"a": "x"}), commands, study="s", labels={})

    assert found[-1] == "To run failed trials again: dasbench run s.yaml --retry=failed"
