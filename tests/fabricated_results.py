"""A results database with all that may happen to trials: scores that are not finite, failures, restarts, odd names."""

import math

from dasbench.records import Cost, Epoch, Outcome
from dasbench.results.planning import Member
from dasbench.results.store import Store

COST = Cost(
    params_full=1200, macs_full=34_000, params_paper=1100, macs_paper=33_000, input_size=(1, 8, 8)
)
HOSTILE = "[/] \x1b[31m $\\frac{$ =cmd() <b>"
TOP1 = {
    "aa0": 61.25,
    "aa1": 70.1,
    "aa2": 0.1 + 0.2,
    "bb0": 80.0,
    "bb1": 80.0,
    "cc0": math.nan,
    "cc1": 33.3,
}
"""Final top-1 of the trials that end well."""

_VARIANTS = {
    "a": {"gate.alpha": 0.1, "gate.norm": "in"},
    "b": {"gate.alpha": 1, "gate.norm": HOSTILE},
}
_VARIANTS |= {
    "c": {"gate": {"name": "das", "design": "c"}, "placement.stages": [1, 2]},
    "d": {"gate.alpha": 0.4},
}


def member(key: str, *, role: str = "") -> Member:
    """The trial of a key such as `aa0`: its variant and its seed."""
    variant = _VARIANTS[key[0]]
    label = HOSTILE if key[0] == "b" else f"variant {key[0]}"
    seed = int(key[2])
    spec = {
        "backbone": {"name": "resnet18", "width": 2},
        "gate": {"name": "das", "design": key[0]},
        "seed": seed,
    }
    return Member(
        key=key, spec=spec, variant=variant, label=label, seed=seed, dataset="digits", role=role
    )


def curve(*numbers: int, height: float = 50.0) -> tuple[Epoch, ...]:
    """Epochs of these numbers; the loss of the second is not finite."""
    return tuple(
        Epoch(
            n, {"train_loss": math.inf if n == 2 else 1 / n, "val_top1": height + n, "seconds": 0.5}
        )
        for n in numbers
    )


def finish(store: Store, key: str, study: str, **fields: object) -> None:
    """Run a trial: what is not given is that of a trial which ended well."""
    attempt = store.claim(key, study)
    assert attempt is not None
    usual = {
        "status": "done",
        "epochs": curve(1, 2, 3),
        "metrics": {"top1": TOP1.get(key, 1.0), "val_top1": 53.0, "val_loss": math.inf},
        "cost": COST,
        "seconds": 12.5 + int(key[2]),
        "peak_memory": 3_000_000_000,
        "environment": {"torch": "2.6", "threads": 1, "host": HOSTILE},
        "correct": "ff0a",
    }
    assert store.add(Outcome(key=key, **{**usual, **fields}), attempt)


def fill(store: Store) -> None:
    """Two studies that share a trial: done, failed, stopped, pending, running, restarted, confirmed."""
    keys = ["aa0", "aa1", "aa2", "bb0", "bb1", "cc0", "cc1", "dd0", "dd1", "dd2", "dd3"]
    objective = {"metric": "top1", "direction": "max"}
    store.plan(
        "first",
        members=[member(key) for key in keys],
        question=HOSTILE,
        document={"objectives": [objective]},
    )
    two = [objective, {"metric": "macs", "direction": "min"}]
    picked = [
        member("aa0", role="search"),
        member("aa3", role="confirm"),
        member("aa4", role="confirm"),
    ]
    store.plan("second", members=picked, question="Is it real?", document={"objectives": two})
    store.plan("empty", members=[])
    for key in ("aa0", "aa1", "aa2", "bb0", "bb1", "cc0"):
        finish(store, key, "first")
    finish(store, "cc1", "first", status="interrupted", epochs=curve(1, 2, height=10.0))
    finish(
        store, "cc1", "first", epochs=curve(2, height=20.0)
    )  # started again from its first epoch, and ended early
    error = f"Traceback (most recent call last):\n  File {HOSTILE}\nRuntimeError: boom"
    finish(
        store,
        "dd0",
        "first",
        status="failed",
        reason="oom",
        error=error,
        metrics={},
        epochs=curve(1),
    )
    finish(store, "dd1", "first", status="stopped", metrics={"val_top1": 20.0})
    store.claim("dd2", "first")
    finish(store, "aa3", "second", metrics={"top1": 90.0, "val_top1": 91.0})
    finish(store, "aa4", "second", metrics={"top1": 92.0, "val_top1": 93.0})
