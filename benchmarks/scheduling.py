"""What a trial costs beside its training: our executors against plain Ray Tune, plain Optuna and a bare loop.

    python benchmarks/scheduling.py --trials 200

The trials do nothing, so that all of the time is overhead. Plain Ray Tune is asked as its guide
shows it; it starts a process for each trial, which is why it gets fewer of them. What starts and
ends Ray once is left out everywhere. The parts run one after another in processes of their own.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from dasbench.records import Epoch, Outcome, Signal
from dasbench.results.planning import Member
from dasbench.results.store import Store, open_store
from dasbench.search.executors.executor import Executor, Interrupt
from dasbench.search.executors.inline import Inline
from dasbench.search.executors.ray_tune import RayTune
from dasbench.spec.trial import Trial

BASE = Trial(backbone="resnet18", dataset="digits")
OURS = "dasbench, Ray executor"
PLAIN_RAY_TRIALS = 12
"""Of plain Ray Tune: it needs seconds for each."""


def job(trial: Trial, report: Callable[[Epoch], Signal]) -> Outcome:
    """A trial that does nothing."""
    del report
    return Outcome(key=trial.key, status="done", metrics={"top1": 50.0})


def trials(number: int) -> list[Trial]:
    """Distinct trials."""
    return [BASE.model_copy(update={"seed": seed}) for seed in range(number)]


@dataclass(frozen=True)
class Cost:
    """What a trial costs beside its training.

    Args:
        name: of the program.
        milliseconds: from one result to the next.
        trials: how many ran.
        note: what else there is to say.
    """

    name: str
    milliseconds: float
    trials: int
    note: str = ""


class Clock:
    """A listener that keeps each result, in a database if there is one, and when it came."""

    def __init__(self, store: Store | None = None) -> None:
        self.times: list[float] = []
        self.memory: list[float] = []
        self.attempts: dict[str, int] = {}
        self._store = store

    def reported(self, key: str, epoch: Epoch) -> None:
        """Nothing: the trials have no epochs."""

    def finished(self, outcome: Outcome) -> None:
        """Keep a result, and when it came."""
        if self._store:
            self._store.add(outcome, self.attempts[outcome.key])
        self.times.append(perf_counter())
        self.memory.append(resident())

    def claimed(self, wanted: list[Trial]) -> Iterator[Trial]:
        """The trials, each claimed in the database as it is handed out."""
        for trial in wanted:
            if self._store:
                self.attempts[trial.key] = self._store.claim(trial.key, "bench") or 0
            yield trial

    @property
    def gaps_ms(self) -> list[float]:
        """Milliseconds from each result to the next."""
        return [
            1e3 * (after - before)
            for before, after in zip(self.times, self.times[1:], strict=False)
        ]


def resident() -> float:
    """Resident memory of this process in MiB."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def with_database(executor: Executor, number: int) -> Clock:
    """Run trials through an executor, with a database on disk as `dasbench run` uses it."""
    wanted = trials(number)
    with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/results.db") as store:
        members = [
            Member(key=trial.key, spec=trial.model_dump(mode="json"), seed=trial.seed)
            for trial in wanted
        ]
        store.plan("bench", members=members)
        clock = Clock(store)
        executor.run(clock.claimed(wanted), job, clock, Interrupt())
    return clock


def measure_ours(number: int) -> list[Cost]:
    clock = with_database(RayTune(workers=2), number)
    first, last, tenth = min(50, number // 4), number - 1, max(1, number // 10)
    growth = clock.memory[last] - clock.memory[first]
    start, end = median(clock.gaps_ms[:tenth]), median(clock.gaps_ms[-tenth:])
    note = (
        f"driver's memory from trial {first} to {last + 1}: {growth:+.1f} of {clock.memory[last]:.0f} MiB; "
        f"last tenth of the trials {end / start:.2f} times the first"
    )
    return [Cost(OURS, median(clock.gaps_ms), number, note)]


def measure_inline(number: int) -> list[Cost]:
    clock, bare = with_database(Inline(), number), Clock()
    for trial in trials(number):
        bare.finished(job(trial, lambda _: "continue"))
    return [
        Cost("dasbench, inline executor", median(clock.gaps_ms), number),
        Cost("a bare loop", median(bare.gaps_ms), number, "no database"),
    ]


def measure_optuna(number: int) -> list[Cost]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    clock = Clock()

    def objective(trial: optuna.Trial) -> float:
        clock.times.append(perf_counter())
        return trial.suggest_float("x", 0, 1)

    with tempfile.TemporaryDirectory() as folder:
        sampler = optuna.samplers.RandomSampler(seed=0)
        study = optuna.create_study(storage=f"sqlite:///{folder}/optuna.db", sampler=sampler)
        study.optimize(objective, n_trials=number)
    return [Cost("plain Optuna, SQLite", median(clock.gaps_ms), number)]


def measure_ray(number: int) -> list[Cost]:
    import ray
    from ray import tune

    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL
    )
    number = min(number, PLAIN_RAY_TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            lambda config: {"top1": 50.0 + config["seed"]},
            param_space={"seed": tune.grid_search(list(range(number)))},
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        results = tuner.fit()
        ends = sorted(results[place].metrics["timestamp"] for place in range(len(results)))
    return [
        Cost(
            "plain Ray Tune",
            1e3 * (ends[-1] - ends[0]) / max(1, number - 1),
            number,
            "mean, in whole seconds",
        )
    ]


MEASURES = {
    "ray": measure_ray,
    "optuna": measure_optuna,
    "inline": measure_inline,
    "ours": measure_ours,
}


def measured_apart(name: str, number: int) -> list[Cost]:
    """One part, in a process of its own; what it prints last is its result."""
    command = [sys.executable, __file__, "--only", name, "--trials", str(number)]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [Cost(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--trials", type=int, default=200, help="trials of each part (default: 200)"
    )
    parser.add_argument("--only", choices=MEASURES, help="one part, in this process, as JSON")
    options = parser.parse_args()
    if options.only:
        print("\n" + json.dumps([asdict(cost) for cost in MEASURES[options.only](options.trials)]))
        return
    print(
        f"{options.trials} trials that do nothing; medians of the time from one result to the next"
    )
    costs = [cost for name in MEASURES for cost in measured_apart(name, options.trials)]
    ours = next(cost.milliseconds for cost in costs if cost.name == OURS)
    print(f"{'':<28} {'per trial':>13} {'over ours':>10}")
    for cost in costs:
        print(
            f"{cost.name:<28} {cost.milliseconds:>10.2f} ms {cost.milliseconds / ours:>9.2f}x  {cost.note}".rstrip()
        )


if __name__ == "__main__":
    main()
