"""A study file becomes a study, or every complaint about it at once."""

import os
import subprocess
import sys
import time

import pytest

from dasbench.catalog import known_names
from dasbench.errors import StudyError
from dasbench.spec.document import Document
from dasbench.spec.load import load_study

SOUND = """\
name: x
question: Does it load?
base:
  backbone: {name: resnet18, width: 4}
  gate: {name: das}
  dataset: digits
  training: {epochs: 3, lr: 1e-4}
axes:
  - {key: gate.alpha, values: [0.1, 0.2]}
seeds: 2
"""


def complaints(path, **options):
    with pytest.raises(StudyError) as error:
        load_study(path, known=known_names(), **options)
    return str(error.value).splitlines()


def test_a_sound_file_becomes_its_variants_and_seeds(write_study):
    study = load_study(write_study(SOUND), known=known_names())

    assert list(study.variants()) == [{"gate.alpha": 0.1}, {"gate.alpha": 0.2}]
    assert list(study.seeds) == [0, 1]


def test_a_study_that_learns_its_file_is_a_copy(write_study):
    study = load_study(write_study(SOUND))

    moved = study.located(Document("elsewhere.yaml", None))

    assert moved.document.file == "elsewhere.yaml"
    assert study.document.file.endswith("study.yaml")


def test_parameters_of_a_gate_vary_also_where_the_base_names_none(write_study):
    text = """\
name: x
question: Which?
base: {backbone: resnet18, dataset: digits}
axes:
  - {key: gate.name, values: [none, das]}
  - {key: gate.alpha, values: [0.1, 0.2], when: {gate.name: das}}
"""

    study = load_study(write_study(text), known=known_names())

    assert list(study.variants()) == [
        {"gate.name": "none"},
        {"gate.name": "das", "gate.alpha": 0.1},
        {"gate.name": "das", "gate.alpha": 0.2},
    ]


def test_numbers_and_words_mean_what_they_look_like(write_study):
    study = load_study(write_study(SOUND.replace("name: x", "name: no")), known=known_names())

    assert study.name == "no"
    assert study.base.training.lr == 1e-4


def test_all_complaints_come_at_once_each_on_its_line(write_study):
    text = """\
name: x/y
question: q
base:
  backbone: {name: resnet18}
  gate: {name: dass}
  dataset: digit
  placment: {after: stage}
  training: {epochs: 1e-4, lr: -1}
axes:
  - {key: gate.alpha, values: []}
  - {key: gate, values: [none, dsa]}
seeds: 0
objectives: [top max]
colour: red
"""
    path = write_study(text)

    lines = complaints(path)

    starts = [line.split(" ")[0] for line in lines]
    assert starts == [f"{path}:{number}:" for number in (1, 5, 6, 7, 8, 8, 10, 11, 12, 13, 14)], (
        "\n".join(lines)
    )
    assert "base.gate: unknown gate 'dass'. Did you mean 'das'?" in lines[1]
    assert "Did you mean 'placement'?" in lines[3]
    assert "unknown key 'colour'" in lines[-1]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("name: x\n", "name: x\nname: y\n", 2, "duplicate key"),
        ("lr: 1e-4", "lr: .nan", 7, "not a finite number"),
        ("lr: 1e-4", "lr: .inf", 7, "not a finite number"),
        ("lr: 1e-4", "lr: 1e999", 7, "not a finite number"),
        ("lr: 1e-4", 'lr: "0.1"', 7, "must be a valid number, not '0.1'"),
        ("epochs: 3", "epochs: 3.5", 7, "valid integer"),
        ("epochs: 3", "epochs: true", 7, "valid integer"),
        ("epochs: 3", "epochs: on", 7, "valid integer"),
        ("lr: 1e-4", "recipe: imagenet", 7, "unknown recipe 'imagenet'"),
        ("dataset: digits", "dataset: no", 6, "unknown dataset 'no'"),
        ("seeds: 2", "seeds: [1, 1]", 10, "a seed twice"),
        ("seeds: 2", "seeds: []", 10, "at least 1"),
        ("seeds: 2", "seeds: [-1]", 10, "greater than or equal to 0"),
        ("values: [0.1, 0.2]", "values: ", 9, "'values'"),
        ("values: [0.1, 0.2]", "values: null", 9, "'values'"),
        ("values: [0.1, 0.2]", "low: 0.1, high: 0.2", 9, "'step'"),
        ("key: gate.alpha", "key: seed", 9, "no field that can vary"),
        ("key: gate.alpha", "key: gate.alpha.beta", 9, "no field that can vary"),
        ("key: gate.alpha", "key: training.epochs", 9, "valid integer"),
        ("  dataset: digits", "  dataset: digits\n  seed: 3", 7, "'seeds'"),
        ("question: Does it load?", "question: ''", 2, "at least 1 character"),
        ("question: Does it load?", 'question: "\\e[31mred"', 2, "control character"),
        ("name: x", "name: " + "x" * 300, 1, "1 to 64 letters"),
        ("name: x", "name: '[bold]'", 1, "1 to 64 letters"),
        ("0.2]}", "0.2], when: {gate.dezign: c}}", 9, "unknown field (no axis above varies it"),
        (
            "0.2]}",
            "0.2], when: {gate.kernel: 3}}\n  - {key: gate.kernel, values: [3, 5]}",
            9,
            "'gate.kernel'",
        ),
        (
            "0.2]}",
            "0.2]}\n  - {key: gate.alpha, values: [0.3], when: {gate: das}}",
            8,
            "axes vary 'gate.alpha' twice",
        ),
        ("seeds: 2", "objectives: [top1 max, top1 min]", 10, "holds a metric twice"),
    ],
)
def test_small_faults_are_named_with_their_line(write_study, old, new, line, words):
    path = write_study(SOUND.replace(old, new))

    text = "\n".join(complaints(path))

    assert f"{path}:{line}: " in text
    assert words in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: x\n\tquestion: q\n", "tab"),
        (b"name: caf\xe9\n", "not UTF-8"),
        (b"name: x\0\n", "NUL"),
        (b"", "empty"),
        (b"[1, 2]", "mapping"),
        (b"name: x\n---\nname: y\n", "second document"),
        (b"a: &a [1]\nb: *a\n", "aliases"),
        (b"a: &a [*a]\n", "aliases"),
        (b"name: !!python/object/apply:os.system ['true']\n", "tags"),
        (b"a: " + b"[" * 5000, "nested"),
        (b"a: [" + b"1, " * 40_000 + b"1]\n", "values"),
        (b"#" * 2_000_000, "larger than"),
        (b"name: [x\n", "expected"),
        (b"? [a, b]\n: c\n", "plain word"),
        (b"<<: {a: 1}\n", "plain word"),
    ],
)
def test_files_that_no_study_needs_are_refused_quickly(tmp_path, content, words):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    started = time.monotonic()

    text = "\n".join(complaints(path))

    assert words in text
    assert time.monotonic() - started < 5


def test_what_is_no_regular_file_is_refused(tmp_path):
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)

    assert "regular file" in complaints(tmp_path)[0]
    assert "regular file" in complaints(fifo)[0]
    assert "cannot be read" in complaints(tmp_path / "missing.yaml")[0]


def test_line_ends_of_windows_and_a_utf8_mark_are_accepted(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())

    assert load_study(path, known=known_names()).name == "x"


def test_more_than_a_hundred_thousand_trials_are_refused(write_study):
    axes = "\n".join(
        f"  - {{key: gate.{key}, values: {list(range(1, 60))}}}" for key in ("alpha", "b", "c")
    )
    text = SOUND[: SOUND.index("axes:")] + "axes:\n" + axes

    assert "more than 100,000 trials" in complaints(write_study(text))[0]


def test_a_condition_may_ask_for_a_field_that_is_not_set(write_study):
    text = SOUND.replace("0.2]}", "0.2], when: {placement.after: [null, stage]}}")

    assert len(list(load_study(write_study(text), known=known_names()).variants())) == 2


def test_overrides_replace_fields_of_the_trial(write_study):
    study = load_study(
        write_study(SOUND), known=known_names(), overrides=("training.epochs=7", "gate.kernel=5")
    )

    assert study.base.training.epochs == 7
    assert study.base.gate.params["kernel"] == 5


@pytest.mark.parametrize(
    "override", ["training.epochs", "epochs=3", "gate.alpha=0.3", "training.epochs=x"]
)
def test_overrides_that_mean_nothing_are_refused(write_study, override):
    assert complaints(write_study(SOUND), overrides=(override,))


def test_a_profile_replaces_fields_of_the_base_whole(write_study):
    text = SOUND + "profiles:\n  big:\n    base: {backbone: resnet18}\n    seeds: 5\n"

    study = load_study(write_study(text), known=known_names(), profile="big")

    assert study.name == "x@big"
    assert study.base.backbone.params == {}
    assert study.base.gate.name == "das"
    assert len(study.seeds) == 5


def test_a_fault_in_a_profile_is_found_on_its_own_line(write_study):
    path = write_study(SOUND + "profiles:\n  big:\n    base:\n      backbone: resnet19\n")

    assert complaints(path, profile="big")[0].startswith(
        f"{path}:14: base.backbone: unknown backbone 'resnet19'"
    )
    assert "Did you mean 'big'?" in complaints(path, profile="bog")[0]


def test_a_recipe_stands_for_its_fields_and_gives_way_to_those_beside_it(write_study):
    text = SOUND.replace("{epochs: 3, lr: 1e-4}", "{recipe: cifar100, epochs: 2}")

    training = load_study(write_study(text), known=known_names()).base.training

    assert (training.epochs, training.weight_decay, training.milestones) == (
        2,
        5e-4,
        (70, 130, 200, 260),
    )


def test_the_form_of_a_study_is_checked_without_importing_torch_or_ray(write_study):
    code = (
        "import sys; from pathlib import Path; from dasbench.catalog import known_names;"
        "from dasbench.spec.load import load_study;"
        f"load_study(Path({str(write_study(SOUND))!r}), known=known_names());"
        "print([m for m in ('torch', 'ray', 'sqlalchemy', 'matplotlib', 'scipy') if m in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("sampler: tpe", ":1: trials: sampler 'tpe' needs a number of trials"),
        ("trials: 5", ":11: trials: needs a sampler that proposes"),
        ("confirm: {top: 1, seeds: 3}", ":10: confirm: needs a sampler that proposes"),
        (
            "scheduler: asha\nseeds: {looks: [2, 4]}",
            ":10: scheduler: looks compare fixed variants",
        ),
        ("scheduler: ash", "scheduler: unknown scheduler 'ash'. Did you mean 'asha'?"),
        ("sampler: {name: tp}\ntrials: 3", "sampler: unknown sampler 'tp'. Did you mean 'tpe'?"),
        (
            "constraints: [mcas <= 3]",
            "constraints[0]: unknown cost or field 'mcas'. Did you mean 'macs'?",
        ),
        ("seeds: {looks: [2, 2]}", "seeds: looks are ascending numbers of seeds"),
        (
            "seeds: {until: resolved, max: 2, min_effect: 1}",
            ":10: seeds.max: must be greater than or equal to 3, not 2",
        ),
        (
            "seeds: {until: resolved, max: 10}",
            ":10: seeds.min_effect: 'until' needs the smallest difference that matters",
        ),
        (
            "seeds: {until: resolved, min_effect: -1}",
            ":10: seeds.min_effect: must be greater than 0, not -1",
        ),
        (
            "seeds: {until: resolved, min_effect: .nan}",
            ":10: seeds.min_effect: '.nan' is not a finite number",
        ),
        (
            "seeds: {until: resolved, max: ten, min_effect: half}",
            ":10: seeds.min_effect: must be a valid number, not 'half'",
        ),
        ("seeds: {until: solved, min_effect: 1}", ":10: seeds.until: must be one of resolved"),
        ("seeds: [0, -1]", "seeds[1]: must be greater than or equal to 0, not -1"),
        ("resources: {gpus: many}", "resources.gpus"),
    ],
)
def test_fields_of_a_search_that_make_no_sense_are_refused_on_their_line(write_study, added, said):
    sound = SOUND.replace("seeds: 2\n", "") if "seeds" in added else SOUND
    lines = complaints(write_study(f"{sound}{added}\n"))

    assert any(said in line for line in lines), lines
