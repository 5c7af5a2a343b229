"""Studies of gates for reports, written through the store."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fabricated_results import HOSTILE
from fabricated_studies import fabricate_study

from dasbench.records import Cost, Outcome
from dasbench.results.answers import LookRecord
from dasbench.results.planning import Member
from dasbench.results.store import open_store
from dasbench.spec.trial import Trial

ENVIRONMENT = {"dasbench": "0.1.0", "python": "3.11.2", "torch": "2.6.0", "cuda": "12.4", "device": "cuda",
               "device_name": "NVIDIA X", "threads": 2, "git_commit": "0a1b2c3", "git_dirty": True,
               "git_of": "dasbench", "components": {}, "host": "secret-host"}  # fmt: skip

COST = Cost(
    params_full=10**6,
    macs_full=2 * 10**6,
    params_paper=9 * 10**5,
    macs_paper=10**6,
    input_size=(3, 32, 32),
)

NAMES = ["a_b", "50%", "A&B", "$x$", "back\\slash", "{", "[3pt]", "*", "~^#", "é ø 中 🙂 β ﬁ",
         "--all", "<b>", '"q"', "`", "?`"]  # fmt: skip


def write(
    db,
    name,
    scores,
    *,
    document=None,
    looks=(),
    roles=None,
    environments=(ENVIRONMENT,),
    fields=None,
    **training,
):
    """A study of one axis, its gate: scores by seed of each gate; None for a trial that diverged.

    What `fields` has for a gate replaces the fields of its trials.
    """
    with open_store(db) as store:
        members: list[Member] = []
        outcomes: list[Outcome] = []
        for place, (gate, by_seed) in enumerate(scores.items()):
            for seed, score in by_seed.items():
                usual = {
                    "backbone": {"name": "resnet18", "width": 16},
                    "gate": gate,
                    "dataset": {"name": "digits", "image_size": 32},
                    "training": training,
                    "seed": seed,
                    "data_fingerprint": "f" * 16,
                }
                trial = Trial.model_validate({**usual, **(fields or {}).get(gate, {})})
                role = (roles or {}).get((gate, seed), "")
                key = f"{name[:6]}-{trial.key}"
                members.append(
                    Member(key=key, spec=trial.model_dump(mode="json"), variant={"gate": gate}, label=f"gate={gate}",
                           seed=seed, dataset="digits 32", role=role)
                )  # fmt: skip
                usual = {
                    "cost": replace(COST, macs_full=COST.macs_full + place),
                    "seconds": 1800.0,
                    "environment": environments[len(outcomes) % len(environments)],
                }
                ended: dict[str, Any] = {"status": "failed", "reason": "nan"}
                if score is not None:
                    ended = {"status": "done", "metrics": {"top1": score, "val_top1": score + 1}}
                outcomes.append(Outcome(key=key, **usual, **ended))
        store.plan(name, members=members, question="Which gate?", document=document or {})
        for outcome in outcomes:
            assert store.add(outcome, store.claim(outcome.key, name))
        for look in looks:
            store.add_look(name, look)


def seeds(*scores):
    """Scores by their seed."""
    return dict(enumerate(scores))


def table(section, name):
    """The records behind a table."""
    return next(table.records for table in section.tables if table.name == name)


GOOD = seeds(70.0, 70.2, 69.9, 70.1)

CLOSE = seeds(69.9, 70.3, 69.8, 70.1)

BAD = seeds(60.0, 60.2, 59.8, 60.1)

LOOKS = [
    LookRecord(
        plan=(2, 4), number=1, level=0.02, states={"gate=se": "open", "gate=cbam": "out of reach"}
    ),
    LookRecord(
        plan=(2, 4),
        number=2,
        level=0.03,
        states={"gate=se": "resolved", "gate=cbam": "out of reach"},
    ),
]


def hostile_study(db):
    """Two studies, one of which has gates of names that might do harm."""
    write(db, "hostile", {"none": BAD}, document={"objectives": ["top1 max"]})
    variants = [
        ({"gate": name}, 60 + place, 10**6 + place)
        for place, name in enumerate([*NAMES, HOSTILE, "x" * 300])
    ]
    fabricate_study(
        Path(db),
        "names",
        variants,
        question=f"{HOSTILE} </script><script>alert(1)</script> 100 % \\end",
    )
