"""What networks cost, as tables: counts, counts by module, a second counter's opinion, measured time and memory."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dasbench.costs.by_module import ModuleCost
from dasbench.costs.cross_check import CrossCheck
from dasbench.costs.latency import MeasuredCost
from dasbench.networks import Counted
from dasbench.records import COST_FIELDS
from dasbench.render.formats import console, text_table
from dasbench.render.records import print_records

Record = dict[str, Any]
"""One line of a report as plain data."""

COST_ORDER = ("params_full", "macs_full", "params_paper", "macs_paper")
"""The counts in the order of the tables' columns."""

CONVENTIONS = (
    "A multiply-add counts once. full: every parameter and every operator. paper: the partial count behind the "
    "paper's figures, without a deformable convolution's own kernel and a gate's norms. Never mix the two."
)


def cost_record(counted: Counted, *, check: CrossCheck | None = None, measured: MeasuredCost | None = None) -> Record:
    """Flat plain data of one network, as JSON and CSV show it.

    Args:
        counted: the network.
        check: what ptflops says of it.
        measured: its time and memory.
    """
    cost, trial = counted.cost, counted.trial
    record: Record = {"label": counted.label, "backbone": trial.backbone.name, "gate": trial.gate.name}
    record |= {name: getattr(cost, name) for name in COST_FIELDS}
    record |= {"uncounted": dict(cost.uncounted), "input_size": list(cost.input_size)}
    record |= {"num_classes": counted.num_classes, "versions": dict(cost.versions)}
    spec = trial.model_dump(mode="json", include={"backbone", "gate", "placement"}, exclude_none=True)
    record |= {"network": spec, "variants": [dict(variant) for variant in counted.variants]}
    if check:
        record |= _checked(check)
    if measured:
        record |= _measured(measured)
    return record


def print_costs(title: str, records: Sequence[Record], *, format_: str) -> None:
    """Print networks as a table, JSON or CSV; a second opinion and measurements follow the counts."""
    if format_ != "table":
        print_records(records, format_=format_)
        return
    _print_counts(title, records)
    if "params_ptflops" in records[0]:
        _print_checks(records)
    if "latency_ms" in records[0]:
        _print_measured(records)


def module_records(label: str, modules: Sequence[ModuleCost]) -> list[Record]:
    """Flat plain data of a network's modules."""
    return [{"label": label, **asdict(module)} for module in modules]


def print_modules(title: str, records: Sequence[Record], *, format_: str) -> None:
    """Print networks module by module, as a table for each of them, JSON or CSV."""
    if format_ != "table":
        print_records(records, format_=format_)
        return
    columns = ["module", "class", "params (full)", "MACs (full)", "params (paper)", "MACs (paper)"]
    for label in dict.fromkeys(record["label"] for record in records):
        table = text_table(f"{title}: {label}", columns, left=2, caption=CONVENTIONS)
        for record in records:
            if record["label"] == label:
                counts = [f"{record[name]:,}" for name in COST_ORDER]
                table.add_row(record["path"] or "(all of it)", record["kind"], *counts)
        console().print(table)


def _print_counts(title: str, records: Sequence[Record]) -> None:
    columns = ["network", "params (full)", "MACs (full)", "params (paper)", "MACs (paper)", "uncounted"]
    table = text_table(title, columns, caption=CONVENTIONS)
    for record in records:
        uncounted = ", ".join(f"{calls} {name}" for name, calls in record["uncounted"].items())
        table.add_row(record["label"], *[f"{record[name]:,}" for name in COST_ORDER], uncounted or "nothing")
    console().print(table)


def _print_checks(records: Sequence[Record]) -> None:
    columns = ["network", "params (ptflops)", "MACs (ptflops)", "difference", "agrees"]
    caption = "ptflops sees module leaves only. Agrees: equal parameters, and MACs within 1 % of full once explained."
    table = text_table("Cross-check against full", columns, caption=caption)
    for record in records:
        counts = [f"{record[name]:,}" for name in ("params_ptflops", "macs_ptflops")]
        agrees = "yes" if record["ptflops_agrees"] else "no"
        table.add_row(record["label"], *counts, f"{record['ptflops_difference']:+.2%}", agrees)
    console().print(table)
    for record in records:
        console().print(f"{record['label']}: {record['ptflops_explanation']}")


def _print_measured(records: Sequence[Record]) -> None:
    first = records[0]
    columns = [
        "network",
        "1 image (ms)",
        f"{first['batch_size']} images (ms)",
        "training step (ms)",
        "step memory (MiB)",
    ]
    caption = (
        f"Median, distance between the quartiles, number of runs. {first['device']} ({first['device_name']}), "
        f"{first['threads']} threads, {first['precision']}, torch {first['versions']['torch']}. "
        f"Memory: {first['memory_method']}. Compare on one machine only."
    )
    table = text_table("Measured", columns, caption=caption)
    for record in records:
        times = [
            f"{record[f'{name}_ms']:.1f} (IQR {record[f'{name}_iqr_ms']:.1f}, n={record[f'{name}_runs']})"
            for name in ("latency", "batch", "training_step")
        ]
        table.add_row(record["label"], *times, f"{record['training_memory'] / 2**20:,.0f}")
    console().print(table)


def _checked(check: CrossCheck) -> Record:
    return {
        "params_ptflops": check.params_ptflops,
        "macs_ptflops": check.macs_ptflops,
        "ptflops_difference": check.difference,
        "ptflops_unexplained": check.unexplained,
        "ptflops_agrees": check.agrees,
        "ptflops_explanation": check.explain(),
        "ptflops_version": check.version,
    }


def _measured(measured: MeasuredCost) -> Record:
    record: Record = {name: getattr(measured, name) for name in ("device", "device_name", "threads", "precision")}
    record["batch_size"] = measured.batched.batch_size
    for name, timing in (
        ("latency", measured.single),
        ("batch", measured.batched),
        ("training_step", measured.training_step),
    ):
        record |= {f"{name}_ms": timing.median_ms, f"{name}_iqr_ms": timing.iqr_ms, f"{name}_runs": timing.runs}
    memory = measured.training_memory
    return record | {"training_memory": memory.bytes, "memory_method": memory.method}
