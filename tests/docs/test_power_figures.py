"""What docs/comparisons.md says of both tests is what was simulated."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = json.loads((ROOT / "benchmarks/results/power.json").read_text())


def rate(test: str, seeds: int, what: str) -> float:
    (row,) = (
        row
        for row in ROWS
        if (row["family"], row["test"], row["seeds"]) == ("against a baseline", test, seeds)
    )
    return row[what]


def test_the_page_on_comparisons():
    page = " ".join((ROOT / "docs/comparisons.md").read_text().split())

    for seeds in (3, 5):
        arm_wise, plain = (f"{rate(test, seeds, 'power'):.0%}" for test in ("arm-wise", "paired t"))
        words = f"{seeds} seeds resolve" if seeds == 3 else f"{seeds} seeds"
        assert f"{words} {arm_wise[:-1]} %" in page
        assert f"instead of {plain[:-1]} %" in page
    assert {row["draws"] for row in ROWS} == {2000}
    assert max(row["error"] for row in ROWS if row["test"] == "arm-wise") < 0.05


def test_three_seeds_resolve_what_took_five():
    assert rate("arm-wise", 3, "power") >= rate("paired t", 5, "power")
