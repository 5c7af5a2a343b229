"""What `dasbench cost` shows of networks that are counted, checked and measured."""

from torch import nn

from dasbench.costs.by_module import ModuleCost
from dasbench.costs.cross_check import CrossCheck
from dasbench.costs.latency import MeasuredCost, Timing
from dasbench.costs.peak_memory import PeakMemory
from dasbench.networks import Counted, NetworkCost, NetworkModules
from dasbench.records import Cost
from dasbench.render.cost import cost_records, cost_tables, module_records, module_tables
from dasbench.spec.network import Network

NETWORK = Network(backbone="resnet18", gate="das", num_classes=10, input_size=(3, 64, 64))


def network(label="gate=das", **uncounted):
    cost = Cost(
        params_full=52_306,
        macs_full=1_372_208,
        params_paper=49_534,
        macs_paper=1_330_868,
        uncounted=uncounted,
        input_size=(3, 64, 64),
        versions={"torch": "2.6"},
    )
    return Counted(label=label, network=NETWORK, cost=cost, build=nn.Identity)


def measured(threads=1):
    timing = Timing(batch_size=8, median_ms=4.0, iqr_ms=0.1, runs=30, warmup=5)
    return MeasuredCost(
        input_size=(3, 64, 64),
        device="cpu",
        device_name="a processor",
        threads=threads,
        precision="float32",
        single=timing,
        batched=timing,
        training_step=timing,
        training_memory=PeakMemory(bytes=3 * 2**20, method="resident set"),
        versions={"torch": "2.6"},
    )


def test_counts_are_exact_and_what_was_not_counted_is_named():
    [table] = cost_tables(
        "Which?", [NetworkCost(network=network(sort=2)), NetworkCost(network=network("none"))]
    )

    assert list(table.rows) == [
        ("gate=das", "52,306", "1,372,208", "49,534", "1,330,868", "2 sort"),
        ("none", "52,306", "1,372,208", "49,534", "1,330,868", "nothing"),
    ]


def test_the_narrowest_table_keeps_the_full_counts():
    [table] = cost_tables("Which?", [NetworkCost(network=network())])

    assert [column.key for column in table.columns if column.priority == 0] == [
        "network",
        "params_full",
        "macs_full",
    ]


def test_measurements_say_where_they_were_made():
    _, table = cost_tables("Which?", [NetworkCost(network=network(), measured=measured())])

    assert [column.title for column in table.columns][1:3] == ["1 image (ms)", "8 images (ms)"]
    assert table.rows[0][1:] == (*["4.0 (IQR 0.1, n=30)"] * 3, "3")
    assert "cpu (a processor), 1 thread, float32, torch 2.6." in " ".join(table.notes)


def test_a_second_opinion_is_explained_network_by_network():
    counts = {
        "params_full": 52_306,
        "params_ptflops": 52_306,
        "macs_full": 1_000,
        "macs_ptflops": 990,
    }
    check = CrossCheck(
        input_size=(3, 64, 64),
        unseen={"sort": 10},
        charged=0,
        tolerance=0.01,
        version="1",
        **counts,
    )

    _, table = cost_tables("Which?", [NetworkCost(network=network(), check=check)])

    assert table.rows[0][:2] == ("gate=das", "52,306")
    assert table.notes[-1].startswith("gate=das: ptflops -1.00%")


def test_records_gain_what_was_asked_for_alone():
    plain, timed = cost_records(
        [NetworkCost(network=network()), NetworkCost(network=network(), measured=measured())]
    )

    assert set(timed) - set(plain) >= {
        "latency_ms",
        "batch_iqr_ms",
        "training_step_runs",
        "training_memory",
    }
    assert (timed["batch_size"], timed["memory_method"]) == (8, "resident set")


def test_each_network_has_a_table_of_its_modules():
    module = ModuleCost(
        path="", kind="ResNet", params_full=1, macs_full=2, params_paper=3, macs_paper=4
    )
    networks = [NetworkModules(label=label, modules=[module]) for label in ("a", "b")]

    assert [table.title for table in module_tables("Which?", networks)] == [
        "Which?: a",
        "Which?: b",
    ]
    assert module_tables("Which?", networks)[0].rows[0][0] == "(all of it)"
    assert [record["label"] for record in module_records(networks)] == ["a", "b"]
