"""Draws docs/images/power.png: what both tests resolve, by the number of seeds.

python benchmarks/power_figure.py                # simulates, writes results/power.json, draws
python benchmarks/power_figure.py --drawn-only   # draws what was simulated before
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from power import ALL_PAIRS, BASELINE, TESTS, Setting, rates

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "benchmarks/results/power.json"
PICTURE = ROOT / "docs/images/power.png"

SEEDS = (3, 4, 5, 6, 8, 10)
ARMS = 9
TITLES = {BASELINE: "8 variants against a baseline", ALL_PAIRS: "all 36 pairs of 9 variants"}
LOOKS = {"arm-wise": ("#c1272d", "o"), "paired t": ("#666666", "s")}


def simulate(draws: int) -> list[dict[str, Any]]:
    """Error and power of both tests at each number of seeds."""
    rows = []
    for family in TITLES:
        for seeds in SEEDS:
            for test in TESTS:
                setting = Setting(family=family, arms=ARMS, seeds=seeds)
                row = {"family": family, "seeds": seeds, "test": test}
                rows.append(row | asdict(rates(setting, draws, test)) | {"draws": draws})
    return rows


def draw(rows: list[dict[str, Any]]) -> None:
    """Draw power, and the error below it, a panel for each family."""
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.4), sharey=True, layout="constrained")
    for panel, (family, title) in zip(panels, TITLES.items(), strict=True):
        for test, (color, marker) in LOOKS.items():
            own = [row for row in rows if (row["family"], row["test"]) == (family, test)]
            seeds = [row["seeds"] for row in own]
            panel.plot(seeds, [row["power"] for row in own], color=color, marker=marker, label=test)
            panel.plot(seeds, [row["error"] for row in own], color=color, marker=marker, ms=3,
                       linestyle=":", label=f"{test}: false alarms")  # fmt: skip
        panel.axhline(0.05, color="#bbbbbb", linewidth=0.8)
        panel.set(title=title, xlabel="seeds of each variant", xticks=SEEDS, ylim=(0, 1.03))
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("share that is resolved\n(true difference: 3 sd)")
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(PICTURE, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000, help="studies a point (default: 2000)")
    parser.add_argument("--drawn-only", action="store_true", help="do not simulate again")
    options = parser.parse_args()
    if not options.drawn_only:
        FIGURES.write_text(json.dumps(simulate(options.draws), indent=1) + "\n")
    draw(json.loads(FIGURES.read_text()))


if __name__ == "__main__":
    main()
