"""Profile `gpu` of each study but the demo: a night of one card, computed; nobody has measured it."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from fabricated_data import fabricate_cifar100

from dasbench.catalog import known_names
from dasbench.counting import count_cost
from dasbench.data_access import reading_data
from dasbench.plan import plan_trial
from dasbench.prepare import prepare
from dasbench.seeds import derive_seed, permutation
from dasbench.spec.load import load_study
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial

ROOT = Path(__file__).parents[2]
STUDIES = sorted(path for path in (ROOT / "studies").glob("*.yaml") if path.stem != "demo")
"""All but what `dasbench demo` trains: a minute of two cores is its point."""

SAID = re.compile(
    r"^  gpu: .* (\d+) trials of .* computed, not measured: about ([\d.]+) h of one card$",
    re.MULTILINE,
)
"""What the line of a study file in which the profile begins says of it."""

NIGHT_H = 10
"""What a card is left alone for."""

IMAGES_PER_S = 10_000
"""Assumed: training images a second of a plain ResNet-18 at 32 px in bf16 on one card, all its trials together."""

PLAIN_MACS = 556_705_792
"""Of that network, for one image; the time that others take is taken to grow with their multiply-adds."""

HOST_S = {"detection": 0.01}
"""Assumed: seconds that an image takes at the least, where Python and small kernels set the pace and not arithmetic."""

FORWARD = 1 / 3
"""Part of a training step that an evaluation does."""

CIFAR100 = {"num_train": 45_000, "num_val": 5_000, "num_test": 10_000}
"""Images of its parts; the files that are read here hold fewer."""

SAMPLED = 40
"""Variants of a search that are counted."""


@pytest.fixture(scope="module", autouse=True)
def miniature_data(tmp_path_factory) -> Iterator[None]:
    root = tmp_path_factory.mktemp("data")
    fabricate_cifar100(root)
    with reading_data(root):
        yield


@pytest.fixture(params=STUDIES, ids=lambda path: path.stem)
def study(request) -> Study:
    return load_study(request.param, known=known_names(), profile="gpu")


def seconds_of(trial: Trial) -> float:
    """What a trial takes of the card, its training, validations and test together."""
    images = trial.dataset.params if trial.dataset.name == "salient_shapes" else CIFAR100
    epochs = trial.training.epochs
    evaluated = epochs * images["num_val"] + images["num_test"]
    passes = epochs * images["num_train"] + evaluated * FORWARD
    arithmetic = count_cost(trial).macs_full / PLAIN_MACS / IMAGES_PER_S
    return passes * max(arithmetic, HOST_S.get(trial.task.name, 0.0))


def hours_of(study: Study) -> float:
    """What a study takes of the card; of a search, whose trials are not known, each takes the mean of a sample."""
    if not study.is_searched:
        return sum(seconds_of(item.trial) for item in prepare(study).plan.items.values()) / 3600
    variants = list(study.variants())
    places = permutation(derive_seed("profiles", study.name), len(variants))
    sample = [plan_trial(study, variants[place], 0).trial for place in islice(places, SAMPLED)]
    mean = sum(seconds_of(trial) for trial in sample) / len(sample)
    return trials_of(study) * mean / 3600


def trials_of(study: Study) -> int:
    """How many there are; of a search with all its confirmations."""
    if not study.is_searched:
        return len(prepare(study).plan.items)
    return study.trials + (study.confirm.top + 1) * study.confirm.seeds


def test_a_gpu_trains_in_bfloat16_and_every_answer_several_times(study):
    seeds = study.confirm.seeds if study.is_searched else len(study.seeds.values)

    assert study.base.training.precision == "bf16"
    assert seeds >= 3


def test_a_profile_for_a_gpu_asks_for_one(study):
    assert study.resources.gpus == "auto"


@pytest.mark.slow
def test_a_profile_for_a_gpu_ends_within_a_night(study):
    assert hours_of(study) < NIGHT_H


@pytest.mark.slow
def test_a_study_file_says_what_its_profile_takes_of_a_card(study):
    ((trials, hours),) = SAID.findall(Path(study.document.file).read_text())

    assert int(trials) == trials_of(study)
    assert float(hours) == pytest.approx(hours_of(study), rel=0.1)


def test_the_page_on_gpus_lists_what_the_study_files_say():
    page = (ROOT / "docs/gpu.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ([\d.]+) \|$", page, re.MULTILINE)

    assert rows == [(path.stem, *SAID.findall(path.read_text())[0]) for path in STUDIES]
