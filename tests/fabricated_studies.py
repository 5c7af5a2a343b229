"""Studies with results that nobody trained, written through the store."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dasbench.records import Cost, Outcome, Row
from dasbench.results.planning import Member
from dasbench.results.store import open_store


def row(label: str, seed: int, top1: float, macs: int, **fields: Any) -> Row:
    """One finished trial as reports read it."""
    cost = Cost(
        params_full=macs, macs_full=macs, params_paper=1, macs_paper=1, input_size=(3, 8, 8)
    )
    plain = {
        "variant": {"gate": label},
        "label": label,
        "state": "done",
        "metrics": {"top1": top1},
        "cost": cost,
    }
    return Row(**{"study": "s", "key": f"{label}{seed}", "seed": seed, **plain, **fields})


def fabricate_study(
    db: Path,
    name: str,
    variants: Sequence[tuple[Mapping[str, Any], float, int]],
    *,
    seeds: int = 3,
    question: str = "Which?",
    labels: Sequence[str] = (),
    failed: Collection[tuple[int, int]] = (),
    pending: bool = False,
) -> None:
    """Write a study.

    Args:
        db: the database's file.
        name: the study's name.
        variants: fields, mean score and multiply-adds of each variant.
        seeds: number of seeds.
        question: what it asks.
        labels: what the study calls each variant; `""`, or none at all, for its fields and values.
        failed: trials that diverged, as (place of the variant, seed).
        pending: nothing has run yet.
    """
    luck = np.random.default_rng(0).normal(0, 0.3, seeds)
    noise = np.random.default_rng(1).normal(0, 0.1, (len(variants), seeds))
    members, outcomes = [], []
    for place, (variant, mean, macs) in enumerate(variants):
        given = labels[place] if labels else ""
        cost = Cost(
            params_full=macs // 10,
            macs_full=macs,
            params_paper=1,
            macs_paper=1,
            input_size=(3, 8, 8),
        )
        for seed in range(seeds):
            key = f"{name.encode().hex()[:8]}{place:03d}{seed:03d}"
            label = (
                given or " ".join(f"{field}={value}" for field, value in variant.items()) or "base"
            )
            members.append(
                Member(
                    key=key,
                    spec={"key": key},
                    variant=variant,
                    label=label,
                    seed=seed,
                    dataset="d 8",
                )
            )
            bad = (place, seed) in failed
            top1 = float(mean + luck[seed] + noise[place, seed])
            metrics = {} if bad else {"top1": top1, "val_loss": (100 - top1) / 10}
            status = {"status": "failed", "reason": "nan"} if bad else {"status": "done"}
            outcomes.append(
                Outcome(
                    key=key, metrics=metrics, cost=cost, seconds=5.0, peak_memory=10**8, **status
                )
            )
    with open_store(db) as store:
        store.plan(name, members=members, question=question)
        for outcome in () if pending else outcomes:
            attempt = store.claim(outcome.key, name)
            assert attempt is not None
            store.add(outcome, attempt)
