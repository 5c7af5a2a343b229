"""Comparisons for new images, from which test images each trial had right."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from dasbench.analysis.images import Hits, NewImages, adjust_family, compare_on_new_images
from dasbench.errors import UsageError
from dasbench.records import Row
from dasbench.results.reading import read_store
from dasbench.views.comparisons.comparison import Answer
from dasbench.views.selection import Selection, count_examples

HITS_METRIC = "top1"
"""The metric that is the share of the images that were right."""

TASK = "classification"
"""The task whose trials keep which images they had right."""


def with_new_images(db: str, selection: Selection, answers: Sequence[Answer]) -> list[Answer]:
    """The answers, each with what it says of new images; of several, with Holm's correction.

    Args:
        db: a file, or a URL of SQLAlchemy.
        selection: the rows whose scores were compared.
        answers: a comparison, or those of a family.

    Raises:
        UsageError: if something else than top1 was compared, or groups; or if trials do not keep
            which images they had right.
    """
    for answer in answers:
        _refuse_what_has_no_images(answer)
    rows = _scored_rows(selection.rows, answers)
    hits = _read_hits(db, rows)
    seeds_of = {key: row.seed for key, row in rows.items()}
    found = [_compare(answer, hits, seeds_of) for answer in answers]
    if any(answer.comparison.p_holm is not None for answer in answers):
        found = adjust_family(found)
    return [replace(answer, images=one) for answer, one in zip(answers, found, strict=True)]


def _refuse_what_has_no_images(answer: Answer) -> None:
    """Refuse a comparison that is not one of two variants by their top-1."""
    metric = answer.question.metric
    if metric != HITS_METRIC:
        raise UsageError(
            f"`new_images`: of single images trials keep {HITS_METRIC} alone, not {metric}; "
            f"leave `new_images` out, or compare by `metric` {HITS_METRIC}."
        )
    if answer.averaged is not None:
        raise UsageError(
            f"`new_images` compares two variants, and '{answer.a}' or '{answer.b}' is a group "
            "of several. Name one of each, or leave `new_images` out."
        )


def _scored_rows(rows: Sequence[Row], answers: Sequence[Answer]) -> dict[str, Row]:
    """The trials by key whose scores were compared."""
    keys: set[str] = set()
    for answer in answers:
        keys.update(*answer.keys)
    scored = {}
    for row in rows:
        if row.key in keys and row.is_done and isfinite(row.metrics.get(HITS_METRIC, nan)):
            scored[row.key] = row
    return scored


def _read_hits(db: str, rows: Mapping[str, Row]) -> dict[str, NDArray[np.uint8]]:
    """Which images each trial had right, by key.

    Raises:
        UsageError: if a trial does not keep that, or if what it keeps does not give its score.
    """
    with read_store(db) as reader:
        bits = reader.correct(list(rows))
    _refuse_missing_bits(rows, bits)
    sizes = (count_examples(bits[key], row.metrics[HITS_METRIC]) for key, row in rows.items())
    num_images = next(filter(None, sizes), 0)
    hits = {}
    for key, row in rows.items():
        packed = np.frombuffer(bytes.fromhex(bits[key]), dtype=np.uint8)
        hits[key] = np.unpackbits(packed, count=num_images)
        score = row.metrics[HITS_METRIC]
        if not num_images or abs(100 * hits[key].mean() - score) > 1e-6:
            raise UsageError(
                f"`new_images`: the images that trial {key} keeps as right do not give its "
                f"{HITS_METRIC} of {score:g}. `dasbench run STUDY --again {key}` trains it again."
            )
    return hits


def _refuse_missing_bits(rows: Mapping[str, Row], bits: Mapping[str, str]) -> None:
    """Refuse trials that do not keep which images they had right."""
    without = [key for key in rows if key not in bits]
    if not without:
        return
    task = rows[without[0]].task
    if task != TASK:
        raise UsageError(
            "`new_images` needs to know which test images each trial had right: "
            f"trials of {TASK} keep that, these are of {task}."
        )
    raise UsageError(
        "`new_images` needs to know which test images each trial had right: "
        f"{len(without)} of {len(rows)} trials have not kept it ({without[0]}). "
        f"`dasbench run STUDY --again {without[0]}` trains again and keeps it."
    )


def _compare(answer: Answer, hits: Mapping[str, Hits], seeds_of: Mapping[str, int]) -> NewImages:
    """The comparison of two variants over the seeds that both have."""
    a, b = ({seeds_of[key]: hits[key] for key in keys if key in hits} for keys in answer.keys)
    seeds = sorted(a.keys() & b.keys())
    num_images = max(map(len, hits.values()), default=0)
    return compare_on_new_images(
        _rows_of(seeds, a, num_images), _rows_of(seeds, b, num_images), answer.comparison
    )


def _rows_of(seeds: Sequence[int], by_seed: Mapping[int, Hits], num_images: int) -> Hits:
    """A row for each seed, [n, N]; of no seed, no row."""
    hits = np.zeros((len(seeds), num_images), dtype=np.uint8)
    for place, seed in enumerate(seeds):
        hits[place] = by_seed[seed]
    return hits
