"""What a report says of a plot: its caption, the numbers behind it, or why it would say nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dasbench.render.plots.figure import num_with_lost_seeds
from dasbench.spec.plain import Record
from dasbench.views.figures.means import SeedMean
from dasbench.views.frontier import Point


@dataclass(frozen=True, kw_only=True)
class CaptionedPlot:
    """A plot as a figure of a report.

    Args:
        name: of its files and its label.
        caption: what it shows, with what its intervals are and how many seeds they are over.
        records: every number behind it.
        draw: draws it to a PNG, SVG or PDF file.
        interactive: what plotly draws instead on an interactive page: `data` and `layout`.
        why_not: why it would say nothing that the tables do not, `""` if it says something.
    """

    name: str
    caption: str
    records: Sequence[Mapping[str, Any]]
    draw: Callable[[Path], None]
    interactive: Callable[[], Mapping[str, Any]] | None = None
    why_not: str = ""


def mean_record(mean: SeedMean) -> Record:
    """A mean as plain data; its cost is that of the full convention."""
    record = asdict(mean)
    record["macs_full"] = record.pop("cost")
    return record


def spread_sentence(means: Sequence[SeedMean | Point]) -> str:
    """How many seeds the means are over, and what the intervals are; `""` without any mean."""
    if not means:
        return ""
    counts = [mean.n for mean in means]
    few, many = min(counts), max(counts)
    number = f"{few} to {many}"
    if few == many:
        number = f"{many}"
    text = "One seed: no spread known."
    if many > 1:
        text = f"Means over seeds with their 95 % t intervals, n = {number}."
    short = num_with_lost_seeds(means)
    if short:
        text += f" {short} of {len(means)} variants lost seeds."
    return text
