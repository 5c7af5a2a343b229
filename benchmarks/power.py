"""How often each test errs, and what it resolves, over simulated studies: paired t and arm-wise.

    python benchmarks/power.py                              # every table, 1,000 studies a row: minutes
    python benchmarks/power.py small discrete --draws 10000 --json rates.json

Scores are an arm's level, a seed's and noise; a third number after two error rates is the share of
differences of three standard deviations, on half of the arms, that is resolved.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from dasbench.analysis.arm_wise import pair_tests
from dasbench.analysis.families import holm, seed_table
from dasbench.analysis.looks import State, take_look
from dasbench.analysis.moderated import noise_of
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import ALPHA, Test
from dasbench.paper.tables import table

EFFECT = 3.0
"""What half of the arms differ by under the partial null, in standard deviations."""

BASELINE, ALL_PAIRS = "against a baseline", "all pairs"
TESTS: tuple[Test, ...] = ("paired t", "arm-wise")
WIDE = 4.0  # a wild arm's standard deviation
PLANS = {"20": (20,), "5, 10, 20": (5, 10, 20), "3, 5, 8, 12, 20": (3, 5, 8, 12, 20)}
IMAGES = 0.19  # one of 269 images, at 80 % right, in units of sqrt(err / 2n)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is simulated.

    Args:
        family: the pairs that are tested.
        arms: arms of the study.
        seeds: of each.
        noise: how the arms' standard deviations differ.
        step: what scores are rounded to, in standard deviations; 0 for nothing.
        missing: share of cells without a score.
        stopped: every second arm has its first three seeds only.
    """

    family: str = BASELINE
    arms: int = 9
    seeds: int = 3
    noise: str = "equal"
    step: float = 0.0
    missing: float = 0.0
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What one test came to; shares of the studies, or of the pairs.

    Args:
        error: a false alarm in the family where no arm differs.
        partial_error: one where half of the arms differ.
        power: pairs that differ and are resolved.
        coverage: pairs whose 95 % interval holds the true difference.
    """

    error: float
    partial_error: float
    power: float
    coverage: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What planned looks came to.

    Args:
        runs: trials until everything was settled, on effects like those of Table 4.
        error: share of studies with a false alarm where no arm differs.
        wrong: share of studies that resolve a difference with the wrong sign.
    """

    runs: float
    error: float
    wrong: float


def spread(noise: str, arms: int, random: np.random.Generator) -> Floats:
    """Standard deviation of each arm; the first is the baseline."""
    sd = np.ones(arms)
    if noise.startswith("lognormal"):
        sd = np.exp(float(noise.split()[1]) * random.normal(size=arms))
    elif noise == "baseline wild":
        sd[0] = WIDE
    elif noise == "one wild":
        sd[1] = WIDE
    elif noise == "half wild":
        sd[1::2] = WIDE
    else:
        assert noise == "equal"
    return sd


def levels(setting: Setting, *, differ: bool) -> Floats:
    """True level of each arm."""
    level = np.zeros(setting.arms)
    if differ:
        level[setting.arms - setting.arms // 2 :] = EFFECT
    return level


def simulated(setting: Setting, level: Floats, random: np.random.Generator) -> Floats:
    """Scores of one study, NaN where there is none; shape [K, S]."""
    shape = (setting.arms, setting.seeds)
    scores = spread(setting.noise, setting.arms, random)[:, None] * random.normal(size=shape)
    scores += level[:, None] + random.normal(size=setting.seeds)
    if setting.step:
        scores = np.round(scores / setting.step) * setting.step
    if setting.stopped:
        scores[1::2, 3:] = np.nan
    if setting.missing:
        scores[random.random(shape) < setting.missing] = np.nan
    return scores


def rates(setting: Setting, draws: int, test: Test, *, seed: int = 0) -> Rates:
    """Simulate studies without a difference, and as many where half of the arms differ."""
    first, second = np.triu_indices(setting.arms, k=1)
    if setting.family == BASELINE:
        first, second = first[: setting.arms - 1], second[: setting.arms - 1]
    random = np.random.default_rng(seed)
    alarms: dict[bool, list[bool]] = {False: [], True: []}
    resolved, covered = [], []
    for differ, _ in product((False, True), range(draws)):
        level = levels(setting, differ=differ)
        scores = simulated(setting, level, random)
        noise = noise_of(scores, step=setting.step) if test == "arm-wise" else None
        tests = pair_tests(scores, first, second, noise=noise)
        truth = level[first] - level[second]
        found = holm(tests.p) <= ALPHA
        alarms[differ].append(bool(found[truth == 0].any()))
        if differ:
            resolved.append(found[truth != 0])
            known = ~np.isnan(tests.half_width)
            covered.append((np.abs(tests.mean - truth) <= tests.half_width)[known])
    return Rates(
        error=float(np.mean(alarms[False])),
        partial_error=float(np.mean(alarms[True])),
        power=float(np.concatenate(resolved).mean()),
        coverage=float(np.concatenate(covered).mean()),
    )


def table_4_effects() -> Floats:
    """Accuracy of each arm of Table 4 less that of c, which is the first."""
    top1 = {row.label: float(row.published["top1"].value) for row in table("table4").rows}
    others = [value - top1["c"] for label, value in top1.items() if label != "c"]
    return np.array([0.0, *others])


def replicate(scores: Floats, looks: tuple[int, ...], test: Test) -> tuple[dict[int, State], int]:
    """Look as planned at one study; where each arm came to stand, and the trials that it took."""
    states: dict[int, State] = {}
    have = np.zeros(len(scores), dtype=int)
    for number, seeds in enumerate(looks, start=1):
        going_on = [v for v in range(len(scores)) if v == 0 or states.get(v, "open") == "open"]
        have[going_on] = seeds
        known = {}
        for variant, row in enumerate(scores):
            known[variant] = dict(enumerate(row[: have[variant]].tolist()))
        noise = noise_of(seed_table(known)) if test == "arm-wise" else None
        look = take_look(
            known, 0, looks=looks, number=number, min_effect=0.5, settled=states, noise=noise
        )
        states = dict(look.states)
        if look.next_seeds is None:
            break
    return states, int(have.sum())


def plan(looks: tuple[int, ...], noise: str, draws: int, test: Test, *, seed: int = 0) -> Plan:
    """Simulate planned looks at the eight arms of Table 4, whose standard deviation is 0.4."""
    effects = table_4_effects()
    random = np.random.default_rng(seed)
    runs, errors, wrong = [], [], []
    for differ, _ in product((False, True), range(draws)):
        sd = 0.4 * spread(noise, len(effects), random)
        scores = sd[:, None] * random.normal(size=(len(effects), looks[-1]))
        if not differ:
            states, _ = replicate(scores, looks, test)
            errors.append("resolved" in states.values())
            continue
        scores += effects[:, None]
        states, taken = replicate(scores, looks, test)
        runs.append(taken)
        wrong.append(any(states[v] == "resolved" and scores[v].mean() > 0 for v in states))
    return Plan(
        runs=float(np.mean(runs)), error=float(np.mean(errors)), wrong=float(np.mean(wrong))
    )


def noise_settings() -> Iterator[Setting]:
    for family, arms, seeds in product((BASELINE, ALL_PAIRS), (9, 16), (3, 5, 10)):
        for noise in ("equal", "lognormal .3", "lognormal .7"):
            yield Setting(family=family, arms=arms, seeds=seeds, noise=noise)


def small_settings() -> Iterator[Setting]:
    for family, seeds, arms in product((BASELINE, ALL_PAIRS), (2, 3, 5, 10), (3, 4, 5)):
        for noise in ("equal", "lognormal .3", "lognormal .7"):
            yield Setting(family=family, arms=arms, seeds=seeds, noise=noise)


def wild_settings() -> Iterator[Setting]:
    for family, seeds, arms in product((BASELINE, ALL_PAIRS), (3, 5, 10), (5, 9)):
        for noise in ("one wild", "baseline wild", "half wild"):
            yield Setting(family=family, arms=arms, seeds=seeds, noise=noise)


def discrete_settings() -> Iterator[Setting]:
    for family, seeds, arms in product((BASELINE, ALL_PAIRS), (3, 5), (3, 4, 9)):
        for step in (IMAGES, 0.8):
            yield Setting(family=family, arms=arms, seeds=seeds, step=step)


def gaps_settings() -> Iterator[Setting]:
    for family, seeds, arms in product((BASELINE, ALL_PAIRS), (3, 5, 10), (3, 4, 9)):
        yield Setting(family=family, arms=arms, seeds=seeds, missing=0.1)
        if seeds > 3:
            yield Setting(family=family, arms=arms, seeds=seeds, stopped=True)


TABLES = {
    "noise": noise_settings,
    "small": small_settings,
    "wild": wild_settings,
    "discrete": discrete_settings,
    "gaps": gaps_settings,
}


def measure_rates(name: str, draws: int) -> Iterator[dict[str, object]]:
    """Every row of a table, printed as it comes."""
    print(f"\n{name}: error under the full / the partial null, power; coverage of the intervals")
    for setting in TABLES[name]():
        told = asdict(setting)
        line = (
            f"{setting.family:19} {setting.arms:3} arms {setting.seeds:3} seeds  {setting.noise:14}"
        )
        line += (
            f" step {setting.step:<4} missing {setting.missing:<4} {'stopped' * setting.stopped:8}"
        )
        for test in TESTS:
            one = rates(setting, draws, test)
            told[test] = asdict(one)
            line += f"  {test} {one.error:.3f}/{one.partial_error:.3f} {one.power:.2f}; {one.coverage:.3f}"
        print(line, flush=True)
        yield {"table": name, **told}


def measure_looks(draws: int) -> Iterator[dict[str, object]]:
    """Every plan of looks, printed as it comes."""
    print("\nlooks: trials until settled, error without a difference, wrong signs")
    for (name, looks), noise, test in product(PLANS.items(), ("equal", "lognormal .5"), TESTS):
        one = plan(looks, noise, draws, test)
        print(
            f"{name:16} {noise:14} {test:9} {one.runs:6.1f}  {one.error:.3f}  {one.wrong:.4f}",
            flush=True,
        )
        yield {"table": "looks", "looks": looks, "noise": noise, "test": test, **asdict(one)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "tables",
        nargs="*",
        default=[*TABLES, "looks"],
        help="of: noise small wild discrete gaps looks",
    )
    parser.add_argument("--draws", type=int, default=1000, help="studies a row (default: 1000)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    told: list[dict[str, object]] = []
    for name in options.tables:
        told += (
            measure_looks(options.draws) if name == "looks" else measure_rates(name, options.draws)
        )
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
