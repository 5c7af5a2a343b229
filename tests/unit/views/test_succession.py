"""What is said of earlier results when a study is planned anew."""

import pytest

from dasbench.records import Row
from dasbench.render.succession import change_sentences, other_study_text
from dasbench.results.answers import EarlierResult, StudyRecord
from dasbench.results.planning import Member
from dasbench.spec.document import Document
from dasbench.spec.study import Study
from dasbench.spec.trial import SEMANTICS, Trial
from dasbench.views.code_labels import name_codes
from dasbench.views.succession import Changes, code_changes, num_leaving, other_study
from dasbench.views.variants import leaderboard

OLD, NEW = "a" * 12, "b" * 12
BASE = Trial(backbone="resnet18", gate={"name": "se"}, dataset="digits")


def member(seed=0, **code):
    trial = BASE.model_copy(update={"seed": seed, "code": code})
    return Member(key=trial.key, spec=trial.model_dump(mode="json"))


def answer(planned, semantics=SEMANTICS, **code):
    key = f"{len(code)}{planned.key[1:]}"
    return EarlierResult(
        key=key, question=planned.question, code=code, semantics=semantics, finished="2026"
    )


def test_every_component_that_changed_is_named_once_with_its_number_of_trials():
    members = [member(seed, gate=NEW, training=NEW) for seed in (0, 1)]
    answers = [answer(each, gate=OLD) for each in members]

    gate, training = change_sentences(code_changes(members, set(), answers))

    assert gate == (
        "the code of gate se changed since 2 trials were trained (aaaaaa, now bbbbbb): they will be trained anew"
    )
    assert training.startswith(
        "the code of the training loop changed since 2 trials were trained (dasbench's own as"
    )


def test_a_component_that_was_put_back_is_named_too():
    planned = member()

    [sentence] = change_sentences(code_changes([planned], set(), [answer(planned, gate=OLD)]))

    assert "(aaaaaa, now dasbench's own as released)" in sentence


def test_the_latest_of_several_versions_is_the_one_that_is_named():
    planned = member(gate=NEW)

    [change] = code_changes(
        [planned], set(), [answer(planned, gate=OLD), answer(planned, gate="c" * 12)]
    ).code

    assert (change.before, change.now, change.trials) == ("c" * 12, NEW, 1)


def test_a_trial_with_a_result_says_nothing():
    planned = member(gate=NEW)

    assert code_changes([planned], {planned.key}, [answer(planned, gate=OLD)]) == Changes(
        code=[], older=0
    )


def test_results_of_an_earlier_meaning_are_said_to_be_so():
    planned = member()

    [sentence] = change_sentences(code_changes([planned], set(), [answer(planned, semantics=1)]))

    assert sentence.startswith("1 trial was trained by an earlier dasbench")


def test_results_that_leave_are_counted_but_for_those_that_other_code_replaces():
    rows = [
        Row(study="s", key=key, variant={}, label="", seed=0, state=state)
        for key, state in (
            ("stays", "done"),
            ("leaves", "done"),
            ("stopped", "stopped"),
            ("new code", "done"),
        )
    ]
    rows.append(Row(study="s", key="never ran", variant={}, label="", seed=0, state="pending"))

    assert num_leaving(rows, ["stays"], ["new code"]) == 2


def study(file, **fields):
    asked = Study.model_validate({"name": "s", "question": "Which?", "base": BASE, **fields})
    return asked.located(Document(file, None))


def record(file, **fields):
    asked = study(file, **fields)
    document = asked.model_dump(mode="json")
    return StudyRecord(
        name="s", question=asked.question, document=document, file=file, created="", states={}
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"question": "What?"}, "its question is 'Which?' (from a.yaml)"),
        (
            {"base": BASE.with_values({"dataset.image_size": 24})},
            "its data set is digits (from a.yaml)",
        ),
        ({"base": BASE.with_values({"training.epochs": 9})}, "its base is another (from a.yaml)"),
        ({"seeds": 5, "axes": [{"key": "gate.reduction", "values": [4, 8]}]}, ""),
    ],
)
def test_another_files_study_differs_in_question_data_or_base(fields, said):
    found = other_study(study("b.yaml", **fields), record("a.yaml"))

    assert (other_study_text(found) if found else "") == said


def test_an_edited_file_is_the_same_study():
    assert other_study(study("a.yaml", question="What?"), record("a.yaml")) is None


def test_a_study_of_an_older_dasbench_whose_base_is_not_understood_is_another():
    old = record("a.yaml")
    old.document["base"]["gate"] = 3

    text = other_study_text(other_study(study("b.yaml"), old))

    assert text == "its data set is another, its base is another (from a.yaml)"


def row(seed, top1, code):
    variant = {"gate": "freq"}
    fields = {"key": f"{top1}", "variant": variant, "label": "gate=freq", "metrics": {"top1": top1}}
    return Row(study="s", seed=seed, state="done", code=code, **fields)


def test_two_versions_of_a_variant_are_two_lines_that_tell_which():
    rows = [row(0, 60.0, {"gate": OLD}), row(0, 70.0, {"gate": NEW}), row(1, 72.0, {"gate": NEW})]

    entries = leaderboard(name_codes(rows))

    assert [(entry.label, entry.num_done) for entry in entries] == [
        ("gate=freq [gate code bbbbbb]", 2),
        ("gate=freq [gate code aaaaaa]", 1),
    ]


def test_a_single_version_is_not_named():
    rows = [row(0, 60.0, {"gate": OLD}), row(1, 61.0, {"gate": OLD})]

    assert [each.label for each in name_codes(rows)] == ["gate=freq", "gate=freq"]
