"""What networks cost, as tables and records: counts, their check, measurements, modules."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from dasbench.costs.by_module import ModuleCost
from dasbench.costs.cross_check import CrossCheck
from dasbench.costs.latency import MeasuredCost, Timing
from dasbench.networks import Counted, NetworkCost, NetworkModules
from dasbench.records import Cost
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.numbers import MIB
from dasbench.render.text.words import counted
from dasbench.spec.plain import Record

CONVENTIONS = (
    "A multiply-add counts once. full: every parameter and every operator. "
    "paper: the partial count behind the paper's figures, without a deformable convolution's own "
    "kernel and a gate's norms. Never mix the two."
)

CHECKED = (
    "ptflops sees module leaves only. "
    "Agrees: equal parameters, and MACs within 1 % of full once explained."
)

NETWORK = Column(key="network", title="network", is_text=True)
COUNT_COLUMNS = (
    Column(key="params_full", title="params (full)"),
    Column(key="macs_full", title="MACs (full)"),
    Column(key="params_paper", title="params (paper)", priority=2),
    Column(key="macs_paper", title="MACs (paper)", priority=2),
)
UNCOUNTED = Column(key="uncounted", title="uncounted", is_text=True, priority=1)
CHECK_COLUMNS = (
    NETWORK,
    Column(key="params_ptflops", title="params (ptflops)", priority=1),
    Column(key="macs_ptflops", title="MACs (ptflops)", priority=1),
    Column(key="difference", title="difference"),
    Column(key="agrees", title="agrees", is_text=True),
)
MODULE_COLUMNS = (
    Column(key="module", title="module", is_text=True),
    Column(key="class", title="class", is_text=True, priority=1),
    *COUNT_COLUMNS,
)


def cost_tables(title: str, costs: Sequence[NetworkCost]) -> list[Table]:
    """The counts of networks; a second opinion and measurements follow where there are any."""
    checked = [(cost.network.label, cost.check) for cost in costs if cost.check]
    measured = [(cost.network, cost.measured) for cost in costs if cost.measured]
    tables = [_count_table(title, costs)]
    if checked:
        tables.append(_check_table(checked))
    if measured:
        tables.append(_measured_table(measured))
    return tables


def cost_records(costs: Sequence[NetworkCost]) -> list[Record]:
    """A record for each network, flat."""
    return list(map(_cost_record, costs))


def module_tables(title: str, networks: Sequence[NetworkModules]) -> list[Table]:
    """A table for each network with a line for each of its modules."""
    return [_module_table(title, network) for network in networks]


def module_records(networks: Sequence[NetworkModules]) -> list[Record]:
    """A record for each module of each network."""
    records: list[Record] = []
    for network in networks:
        records += [{"label": network.label, **asdict(module)} for module in network.modules]
    return records


def _count_table(title: str, costs: Sequence[NetworkCost]) -> Table:
    rows = []
    for cost in costs:
        uncounted = _calls(cost.network.cost.uncounted) or "nothing"
        rows.append((cost.network.label, *_counts(cost.network.cost), uncounted))
    return Table(
        title=title, columns=(NETWORK, *COUNT_COLUMNS, UNCOUNTED), rows=rows, notes=[CONVENTIONS]
    )


def _check_table(checked: Sequence[tuple[str, CrossCheck]]) -> Table:
    rows, notes = [], [CHECKED]
    for label, check in checked:
        counts = (f"{check.params_ptflops:,}", f"{check.macs_ptflops:,}")
        agrees = "yes" if check.agrees else "no"
        rows.append((label, *counts, f"{check.difference:+.2%}", agrees))
        notes.append(f"{label}: {check.explain()}")
    return Table(title="Cross-check against full", columns=CHECK_COLUMNS, rows=rows, notes=notes)


def _measured_table(measured: Sequence[tuple[Counted, MeasuredCost]]) -> Table:
    rows = []
    for network, found in measured:
        times = map(_time, _timings(found).values())
        rows.append((network.label, *times, f"{found.training_memory.bytes / MIB:,.0f}"))
    network, first = measured[0]
    columns = (
        NETWORK,
        Column(key="latency", title="1 image (ms)"),
        Column(key="batch", title=f"{first.batched.batch_size} images (ms)", priority=2),
        Column(key="training_step", title="training step (ms)", priority=1),
        Column(key="training_memory", title="step memory (MiB)", priority=1),
    )
    notes = [
        "Median, distance between the quartiles, number of runs. Compare on one machine only.",
        f"{first.device} ({first.device_name}), {counted(first.threads, 'thread')}, "
        f"{first.precision}, torch {network.cost.versions['torch']}. "
        f"Memory: {first.training_memory.method}.",
    ]
    return Table(title="Measured", columns=columns, rows=rows, notes=notes)


def _module_table(title: str, network: NetworkModules) -> Table:
    rows = []
    for module in network.modules:
        path = module.path or "(all of it)"
        rows.append((path, module.kind, *_counts(module)))
    return Table(
        title=f"{title}: {network.label}", columns=MODULE_COLUMNS, rows=rows, notes=[CONVENTIONS]
    )


def _cost_record(cost: NetworkCost) -> Record:
    network = cost.network
    counts, asked = network.cost, network.network
    record: Record = {"label": network.label}
    record |= {"backbone": asked.backbone.name, "gate": asked.gate.name}
    record |= counts.counts
    record |= {"uncounted": dict(counts.uncounted), "input_size": list(counts.input_size)}
    record |= {"num_classes": asked.num_classes, "versions": dict(counts.versions)}
    spec = asked.model_dump(
        mode="json", include={"backbone", "gate", "placement"}, exclude_none=True
    )
    record |= {"network": spec, "variants": list(map(dict, network.variants))}
    if cost.check:
        record |= _check_record(cost.check)
    if cost.measured:
        record |= _measured_record(cost.measured)
    return record


def _check_record(check: CrossCheck) -> Record:
    return {
        "params_ptflops": check.params_ptflops,
        "macs_ptflops": check.macs_ptflops,
        "ptflops_difference": check.difference,
        "ptflops_unexplained": check.unexplained,
        "ptflops_agrees": check.agrees,
        "ptflops_explanation": check.explain(),
        "ptflops_version": check.version,
    }


def _measured_record(measured: MeasuredCost) -> Record:
    record: Record = {
        "device": measured.device,
        "device_name": measured.device_name,
        "threads": measured.threads,
        "precision": measured.precision,
        "batch_size": measured.batched.batch_size,
    }
    for name, timing in _timings(measured).items():
        record |= {
            f"{name}_ms": timing.median_ms,
            f"{name}_iqr_ms": timing.iqr_ms,
            f"{name}_runs": timing.runs,
        }
    memory = measured.training_memory
    return record | {"training_memory": memory.bytes, "memory_method": memory.method}


def _timings(measured: MeasuredCost) -> dict[str, Timing]:
    """What was timed, by its name in columns and records."""
    return {
        "latency": measured.single,
        "batch": measured.batched,
        "training_step": measured.training_step,
    }


def _time(timing: Timing) -> str:
    return f"{timing.median_ms:.1f} (IQR {timing.iqr_ms:.1f}, n={timing.runs})"


def _counts(cost: Cost | ModuleCost) -> tuple[str, ...]:
    """The counts in the order of `COUNT_COLUMNS`."""
    counts = (cost.params_full, cost.macs_full, cost.params_paper, cost.macs_paper)
    return tuple(map("{:,}".format, counts))


def _calls(uncounted: Mapping[str, int]) -> str:
    return ", ".join(f"{calls} {name}" for name, calls in uncounted.items())
