"""The probe scores by a formula; everything around it is as with a network that is trained."""

import math
import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dasbench.catalog import TASKS, known_names
from dasbench.checks import check_components
from dasbench.errors import StudyError, UsageError
from dasbench.resolution import resolve
from dasbench.spec.load import load_study
from dasbench.spec.trial import Trial
from dasbench.tasks.formula import check_formula, evaluate
from dasbench.training.run_trial import run_trial

FIELDS = {
    "gate": "das",
    "gate.alpha": 0.2,
    "gate.first_norm": "in",
    "placement.stages": [1, 2],
    "training.augment": True,
    "seed": 3,
}


def trial(formula="90", **task):
    return Trial(
        task={"name": "probe", "formula": formula, **task},
        backbone={"name": "resnet18", "width": 2, "stem": "small"},
        gate="das",
        dataset={"name": "digits", "image_size": 16},
        training={"epochs": 4},
    )


def science(outcome):
    """What must be equal: everything but the clock."""
    return outcome.status, outcome.metrics, [epoch.metrics["val_top1"] for epoch in outcome.epochs]


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("90", 90),
        ("80 + 10 * gate.alpha - seed / 2 + 2 ** 3 % 5", 83.5),
        ("-gate.alpha + +1", 0.8),
        ("(gate == 'das') + (gate.first_norm != 'in') * 5", 1),
        ("5 if gate.first_norm in ['in', 'ln'] else 1 / 0", 5),
        ("1 if 2 in placement.stages and not 3 in placement.stages or training.augment else 0", 1),
        ("0 < gate.alpha < 0.3", 1),
        ("max(1, 2, min(9, abs(-3))) + sqrt(exp(log(4)))", 5),
        ("1 / 0", math.nan),
        ("log(-1)", math.nan),
        ("(-8) ** 0.5", math.nan),
        ("9 ** 9 ** 9 ** 9", math.nan),
        ("  1  ", 1),
    ],
)
def test_a_formula_has_a_value(formula, value):
    assert evaluate(check_formula(formula), FIELDS) == pytest.approx(value, nan_ok=True)


@given(st.integers(-99, 99), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.sampled_from("+-*"))
def test_a_formula_calculates_as_python_does(whole, left, right, operation):
    text = f"({left!r} {operation} {right!r}) * {whole}"

    assert evaluate(check_formula(text), {}) == pytest.approx(eval(text))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("", "cannot be read"),
        ("90 +", "cannot be read"),
        ("x = 1", "cannot be read"),
        ("gait.alpha", "unknown field 'gait'. Did you mean 'gate'?"),
        ("task.noise", "unknown field 'task'"),
        ("__import__('os').system('true')", "unknown function"),
        ("().__class__", "fields are written as in 'gate.alpha'"),
        ("gate.alpha.real", "too many parts"),
        ("'{0.__class__}'.format(1)", "unknown function"),
        ("lambda: 1", "not allowed"),
        ("[seed for seed in [1]]", "not allowed"),
        ("f'{seed}'", "not allowed"),
        ("placement.stages[0]", "not allowed"),
        ("(seed := 1)", "not allowed"),
        ("7 // 2", "not allowed"),
        ("None", "neither a number nor a text"),
        ("1j", "neither a number nor a text"),
        ("max(1)", "two numbers or more"),
        ("log(1, 2)", "one number"),
        ("log(x=1)", "one number"),
        ("1" * 2000, "longer than 1000 characters"),
        ("(" * 400 + "1" + ")" * 400, "cannot be read"),
        ("-" * 900 + "1", "inside of each other"),
        ("1\0", "cannot be read"),
        ("\x1b[31m[/]$\\frac{$", "cannot be read"),
    ],
)
def test_what_is_no_formula_is_refused_with_the_reason(formula, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_formula(formula)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("gate.reduction", "unknown field of this trial 'gate.reduction'"),
        ("gate.first_norm + 1", "'gate.first_norm' is 'in' and no number"),
        ("gate", "'gate' is 'das' and no number"),
        ("gate * 10", "no number"),
        ("gate < 3", "cannot be compared"),
        ("1 in seed", "cannot be compared"),
        ("placement.stages", "no number"),
    ],
)
def test_a_formula_that_does_not_fit_its_trial_says_so(formula, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        evaluate(check_formula(formula), FIELDS)


def test_a_faulty_formula_is_found_on_its_line_of_the_study(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "name: x\nquestion: Which?\nbase:\n"
        "  task: {name: probe, formula: 90 + gait.alpha}\n"
        "  backbone: resnet18\n  dataset: digits\n"
    )

    with pytest.raises(StudyError, match=r"x\.yaml:4: base\.task\.formula: unknown field 'gait'"):
        check_components(load_study(path, known=known_names()))


def test_the_curve_rises_to_the_value_of_the_formula():
    outcome = run_trial(trial("80 + 10 * gate.alpha", noise=0.0))

    curve = [epoch.metrics["val_top1"] for epoch in outcome.epochs]
    assert curve == sorted(curve)
    assert outcome.status == "done"
    assert [outcome.metrics["top1"], curve[-1]] == pytest.approx([82, 82])


def test_the_same_trial_gives_the_same_numbers_and_another_seed_others():
    first = run_trial(trial())

    assert science(run_trial(trial())) == science(first)
    assert science(run_trial(trial().with_values({"seed": 1}))) != science(first)


def test_how_long_an_epoch_takes_changes_no_score():
    assert science(run_trial(trial(seconds=0.01))) == science(run_trial(trial()))


def test_the_noise_has_the_deviation_that_was_asked_for():
    base = resolve(trial(noise=2.0))
    probe = TASKS["probe"].make(**base.task.params)
    scores = []
    for seed in range(400):
        learner = probe.build(base.with_values({"seed": seed}), device="cpu")
        list(learner.losses(4))
        scores.append(learner.evaluate("test").metrics["top1"])

    assert statistics.mean(scores) == pytest.approx(90, abs=0.4)
    assert statistics.stdev(scores) == pytest.approx(2, abs=0.25)


def test_an_interrupted_probe_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    first = run_trial(
        trial(), lambda epoch: "interrupt" if epoch.number == 2 else "continue", tmp_path
    )
    second = run_trial(trial(), workdir=tmp_path)

    assert (first.status, len(first.epochs)) == ("interrupted", 2)
    assert science(second) == science(run_trial(trial()))


def test_a_probe_can_be_stopped():
    outcome = run_trial(trial(), lambda _: "stop")

    assert (outcome.status, len(outcome.epochs)) == ("stopped", 1)


def test_the_best_epoch_is_the_one_that_is_tested():
    falling = trial("50", start=100.0, noise=0.0).with_values({"training.select": "best"})

    outcome = run_trial(falling)

    assert (
        outcome.metrics["top1"] == max(epoch.metrics["val_top1"] for epoch in outcome.epochs) > 60
    )


def test_a_probe_fails_in_the_epoch_that_was_asked_for():
    outcome = run_trial(trial(fail_at=3))

    assert (outcome.status, outcome.reason, len(outcome.epochs)) == ("failed", "error", 2)
    assert "epoch 3, as task.fail_at asks" in outcome.error


@pytest.mark.parametrize(("task", "epochs"), [({"diverge_at": 2}, 1), ({"formula": "1 / 0"}, 0)])
def test_a_probe_diverges_when_asked_to_or_without_a_finite_value(task, epochs):
    outcome = run_trial(trial(**task))

    assert (outcome.status, outcome.reason, len(outcome.epochs)) == ("failed", "nan", epochs)


def test_the_cost_is_that_of_the_network_which_is_not_trained():
    probe, real = resolve(trial()), resolve(trial().with_values({"task": "classification"}))

    assert TASKS["probe"].make().cost(probe) == TASKS["classification"].make().cost(real)
    assert run_trial(trial()).cost == TASKS["probe"].make().cost(probe)


def test_the_cost_of_a_trial_whose_formula_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="reduction"):
        TASKS["probe"].make(formula="gate.reduction").cost(resolve(trial("gate.reduction")))
