"""The last lines of `dasbench run`: how the study stands, why trials failed, and how to go on.

They are results and go to standard output; what is said before, while trials run, goes to standard
error.
"""

import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dasbench.records import State, cause_of
from dasbench.render.text.plain import shown

if TYPE_CHECKING:
    from dasbench.run import Summary

WIDTH = 80
"""Letters of a line, commands left out: they have to be copied whole."""

GROUPS = 5
"""Kinds of failures that are told."""

REASONS = {
    "nan": "diverged",
    "oom": "ran out of memory",
    "killed": "were killed",
    "timeout": "ran out of time",
    "error": "had an error",
}
"""Class of a failure -> what the trials did."""

ONCE = ("--again", "--replace")
"""Options that a command which goes on must not repeat: what they asked for is done."""


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The commands that go on from a run.

    Args:
        again: words of the run's own command, without `dasbench`.
        database: `--db` and its value if they were given.
    """

    again: Sequence[str]
    database: Sequence[str] = ()

    def run(self, *more: str) -> str:
        """The run again, as it was typed."""
        return shlex.join(["dasbench", *_without(self.again, ONCE), *more])

    def read(self, *words: str) -> str:
        """A command that reads the run's results."""
        return shlex.join(["dasbench", *words, *self.database])

    @property
    def retries(self) -> bool:
        """Whether the run was asked to repeat failed trials."""
        return any(word.partition("=")[0] == "--retry" for word in self.again)


@dataclass(frozen=True)
class Failures:
    """Trials that failed alike.

    Args:
        reason: class of the failure.
        cause: what ended the first of them.
        keys: of all of them, in the order of the study.
    """

    reason: str
    cause: str
    keys: list[str] = field(default_factory=list)


def last_lines(
    summary: "Summary",
    commands: Commands,
    *,
    study: str,
    labels: Mapping[str, str],
    scheduler: str = "none",
    refusals: Sequence[str] = (),
    interrupted: bool = False,
) -> list[str]:
    """How a study stands after a run.

    Args:
        summary: of the run.
        commands: to go on with.
        study: its name.
        labels: the variant and the seed of each trial, by key.
        scheduler: that may end trials early.
        refusals: why proposals of a search were not trained.
        interrupted: whether it was asked to end before all was done.
    """
    states = Counter(summary.states.values())
    finished = states[State.DONE] + states[State.STOPPED]
    waiting = summary.planned - finished - states[State.FAILED]
    groups = failures(summary)
    lines = [f"{finished} of {summary.planned} trials have a result; {len(summary.ran)} ran now."]
    if summary.complete and not summary.ran:
        lines.append("Nothing was missing.")
    lines += _lines_of_early_ends(states[State.STOPPED], scheduler)
    lines += _lines_of_refusals(refusals)
    lines += _lines_of_failures(groups, labels, summary.planned)
    if groups:
        lines.append(f"For the traceback: {commands.read('show', groups[0].keys[0])}")
    if waiting and not interrupted:
        lines.append(f"{waiting} were not run.")
    lines += _how_to_go_on(summary, commands, failed=bool(groups), interrupted=interrupted)
    if finished and not interrupted:
        lines.append("To see what came out:")
        lines += [f"  {commands.read(verb, study)}" for verb in ("leaderboard", "pareto")]
    return lines


def _lines_of_early_ends(stopped: int, scheduler: str) -> list[str]:
    if not stopped:
        return []
    return _wrap(
        f"{stopped} of them ended early, by the scheduler {scheduler}; they give no score."
    )


def _lines_of_refusals(refusals: Sequence[str]) -> Iterator[str]:
    if refusals:
        yield "Proposals that were refused before training:"
    for refusal in refusals:
        yield from _wrap(f"- {refusal}")


def failures(summary: "Summary") -> list[Failures]:
    """The trials that failed, those of one cause together, the largest group first.

    Causes that differ in nothing but numbers are one.
    """
    groups: dict[tuple[str, str], Failures] = {}
    for key, state in summary.states.items():
        if state != "failed":
            continue
        reason, cause = summary.reasons.get(key, "failed"), cause_of(summary.errors.get(key, ""))
        alike = re.sub(r"\d+(\.\d+)?", "#", cause)
        groups.setdefault((reason, alike), Failures(reason, cause)).keys.append(key)
    return sorted(groups.values(), key=lambda group: -len(group.keys))


def _lines_of_failures(
    groups: Sequence[Failures], labels: Mapping[str, str], planned: int
) -> Iterator[str]:
    """Each kind of failure in a sentence, with its first trial."""
    if not groups:
        return
    sizes = [len(group.keys) for group in groups]
    yield f"{sum(sizes)} of {planned} trials failed:"
    for group in groups[:GROUPS]:
        first = f"{group.keys[0]}, {labels.get(group.keys[0], '')}".removesuffix(", ")
        what = f"{len(group.keys)} {REASONS.get(group.reason, 'failed')}"
        if group.cause:
            what += f": {group.cause}"
        yield from _wrap(f"- {what} (first: {first})")
    if len(groups) > GROUPS:
        yield f"- {sum(sizes[GROUPS:])} for {len(groups) - GROUPS} other causes"


def _how_to_go_on(
    summary: "Summary", commands: Commands, *, failed: bool, interrupted: bool
) -> Iterator[str]:
    """The command that trains what is missing."""
    if interrupted or not (summary.complete or failed):
        yield f"To go on: {commands.run()}"
    elif failed:
        more = []
        if not commands.retries:
            more = ["--retry", "failed"]
        yield f"To run failed trials again: {commands.run(*more)}"


def _wrap(text: str) -> list[str]:
    """A sentence in lines, further ones indented; words that are too long for one stay whole."""
    return textwrap.wrap(
        shown(text),
        WIDTH,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=6,
    )


def _without(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """Words of a command without some options and what belongs to them.

    Example:
        >>> _without(["run", "x.yaml", "--again", "gate=se", "--replace", "--plain"], ONCE)
        ['run', 'x.yaml', '--plain']
    """
    kept: list[str] = []
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        if is_value or name in options:
            is_value = not is_value and name == "--again" and not equals
        else:
            kept.append(word)
    return kept
