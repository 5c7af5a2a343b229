"""What docs/gpu.md says of a card is what was found on it."""

import json
from pathlib import Path
from statistics import fmean

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gpu.md").read_text()


@pytest.fixture(scope="module")
def found() -> list[dict]:
    lines = (ROOT / "benchmarks/results/h200-2026-11-27.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def of(found: list[dict], check: str, **fields: object) -> list[dict]:
    """The findings of a check that have these values."""
    own = [row for row in found if row["check"] == check and "ending" not in row]
    return [row for row in own if fields.items() <= row.items()]


def test_speeds(found):
    speeds = {row["what"]: row["images_per_s"] for row in of(found, "speed32", precision="fp32")}

    for what in ("dasbench, deterministic=False", "dasbench, deterministic=True"):
        assert f"{speeds[what]:,.0f}" in PAGE
    assert len(speeds) == 7
    for what in ("by hand", "by hand, reads the loss of each step", "by hand, deterministic"):
        assert f"{speeds[what]:,.0f}" in PAGE


def test_accuracies_and_losses(found):
    (cpu,) = {fmean(row["top1_on_cpu"]) for row in of(found, "curve", gate="none") if "top1" in row}
    assert f"top-1 {cpu:.1f} on the CPU" in PAGE
    for row in of(found, "curve", gate="none"):
        if "top1" in row:
            assert f"{fmean(row['top1']):.1f} in {row['precision']}" in PAGE
    apart = [
        abs(row["first_loss"] / row["on_cpu"] - 1)
        for row in of(found, "curve")
        if "first_loss" in row
    ]
    assert f"first losses at most {100 * max(apart):.1f} % from the CPU's" in PAGE


def test_memory(found):
    rows = of(found, "memory")

    assert f"the context takes {max(row['context_mib'] for row in rows)} MiB" in PAGE
    (large,) = (row for row in rows if row["trial"] == "resnet50, bf16")
    taken, counted = large["reserved_mib"] / 1024, large["counted_with_mib"] / 1024
    assert f"reserved {taken:.1f} GiB and was counted with {counted:.1f}" in PAGE


def test_gates_and_tasks(found):
    trained = [row for row in of(found, "gates") if "loss" in row]
    assert not [row for row in of(found, "gates") if "failed" in row]
    assert len([row for row in trained if row["precision"] == "fp32"]) == 21
    assert len([row for row in trained if row["precision"] == "bf16"]) == 20
    loose = {row["gate"] for row in of(found, "gates") if row.get("indeterminate")}
    assert loose == {"das", "deform_attn", "dra"}
    assert [len(of(found, task)) for task in ("segmentation", "detection")] == [9, 12]


def test_same_bits(found):
    again = [(row["gate"], row["precision"]) for row in of(found, "twice") if row["recorded"]]
    assert again == [
        (gate, name) for gate in ("none", "se", "cbam", "sp") for name in ("fp32", "bf16")
    ]
    assert all(row["same_bits"] for row in of(found, "twice"))
    assert [row["same_bits"] for row in of(found, "resume")] == [True] * 3
