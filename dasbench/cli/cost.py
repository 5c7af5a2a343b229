"""`dasbench cost`: how many parameters and multiply-adds, and how much time and memory?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dasbench.cli.networks import (
    INPUT_SIZE,
    NUM_CLASSES,
    find_study,
    networks_of_study,
    read_network,
)
from dasbench.cli.options import db_option, study_options, table_options
from dasbench.errors import UsageError

if TYPE_CHECKING:
    from dasbench.networks import Counted
    from dasbench.render.tables.table import Layout

LONGEST_SIDE = 4096
"""Pixels."""


def _both_sides(
    _context: click.Context, _option: click.Parameter, given: str | None
) -> tuple[int, int] | None:
    """Height and width of an image, written as one number for a square, or as `32x320`."""
    if given is None:
        return None
    sides = given.split("x")
    if len(sides) > 2 or not all(map(_is_side, sides)):
        raise click.BadParameter(
            f"'{given}' is neither a side nor height x width (32x320), from 1 to {LONGEST_SIDE}"
        )
    return int(sides[0]), int(sides[-1])


def _is_side(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= LONGEST_SIDE


EXAMPLE = (
    "`dasbench cost studies/norm_ablation.yaml`, or `dasbench cost --backbone resnet50 --gate das`"
)


@click.command("cost")
@click.argument("study", metavar="[STUDY]", required=False)
@study_options
@db_option
@click.option("--backbone", metavar="NAME", help="Count this network instead of a study's.")
@click.option(
    "--image-size",
    metavar="N|HxW",
    callback=_both_sides,
    help="Side of its images, or 32x320. [default: 224]",
)
@click.option(
    "--classes", type=click.IntRange(1, 100_000), help="Length of its logits. [default: 1000]"
)
@click.option("--by-module", is_flag=True, help="List every module.")
@click.option(
    "--depth", type=click.IntRange(0), help="With --by-module: how many names a path may have."
)
@click.option(
    "--cross-check",
    is_flag=True,
    help="Show ptflops' counts too, and what explains the difference.",
)
@click.option("--latency", is_flag=True, help="Measure time and memory on this machine.")
@click.option(
    "--batch-size", type=click.IntRange(2), default=32, show_default=True, help="With --latency."
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="With --latency: cpu, cuda, cuda:1, or auto.",
)
@table_options("table", "json", "csv")
def command(
    study: str | None,
    profile: str | None,
    overrides: tuple[str, ...],
    gate: str | None,
    db: str,
    backbone: str | None,
    image_size: tuple[int, int] | None,
    classes: int | None,
    by_module: bool,
    depth: int | None,
    cross_check: bool,
    latency: bool,
    batch_size: int,
    device: str,
    layout: "Layout",
) -> None:
    """Count parameters and multiply-adds: of a study's distinct models, or of one network.

    \b
      dasbench cost studies/norm_ablation.yaml
      dasbench cost --backbone resnet50 --gate das --set gate.alpha=0.1

    STUDY is the name of a study in the database, or its file. Both counting conventions are shown:
    full, and paper, the partial count behind the paper's figures. Nothing is trained and nothing is
    written.
    """
    if by_module and (cross_check or latency):
        raise UsageError(
            "--by-module lists modules; "
            "ask for --cross-check and --latency in a command of their own"
        )
    _refuse_both(study, backbone=backbone, alone=(backbone, image_size, classes), profile=profile)
    if study is None:
        height, width = image_size or INPUT_SIZE[1:]
        network = read_network(
            backbone or "",
            gate=gate,
            overrides=overrides,
            num_classes=classes or NUM_CLASSES,
            input_size=(3, height, width),
        )
        from dasbench.networks import count_network  # imports torch

        networks = [count_network(network)]
        title = f"Cost of one image of {height}x{width}, {network.num_classes} classes"
    else:
        loaded = find_study(study, profile=profile, overrides=overrides, gate=gate, db=db)
        networks, title = networks_of_study(loaded), loaded.question
    if by_module:
        _print_by_module(title, networks, depth=depth, layout=layout)
    else:
        timed = None
        if latency:
            timed = batch_size
        _print_costs(
            title, networks, cross_check=cross_check, batch_size=timed, device=device, layout=layout
        )


def _refuse_both(
    study: str | None, *, backbone: str | None, alone: tuple[object, ...], profile: str | None
) -> None:
    """Make sure that it is either a study that is asked for, or one network."""
    if study is None and backbone is None:
        raise UsageError(f"say what to count: {EXAMPLE}")
    if study is None and profile is not None:
        raise UsageError("--profile belongs to a study; name its file too")
    if study is not None and any(alone):
        raise UsageError(
            "--backbone, --image-size and --classes describe a network without a study; "
            "with a study write --set backbone.name=... or --set dataset.image_size=..."
        )


def _print_by_module(
    title: str, networks: Sequence["Counted"], *, depth: int | None, layout: "Layout"
) -> None:
    from dasbench.costs.by_module import cost_by_module
    from dasbench.networks import NetworkModules, as_counted
    from dasbench.render.cost import module_records, module_tables
    from dasbench.render.tables.printing import print_found

    found = []
    for each in networks:
        modules = cost_by_module(as_counted(each.build()), each.cost.input_size, depth=depth)
        found.append(NetworkModules(label=each.label, modules=modules))
    print_found(
        layout, tables=lambda: module_tables(title, found), records=lambda: module_records(found)
    )


def _print_costs(
    title: str,
    networks: Sequence["Counted"],
    *,
    cross_check: bool,
    batch_size: int | None,
    device: str,
    layout: "Layout",
) -> None:
    from dasbench.costs.cross_check import cross_check as check
    from dasbench.costs.latency import measure_latency
    from dasbench.devices import check_device
    from dasbench.networks import NetworkCost, as_counted, placed
    from dasbench.render.cost import cost_records, cost_tables
    from dasbench.render.tables.printing import print_found

    if batch_size:
        check_device(device)
    costs = []
    for each in networks:
        size = each.cost.input_size
        checked, measured = None, None
        if cross_check:
            checked = check(as_counted(each.build()), size)
        if batch_size:
            network = placed(each.build(), device)
            measured = measure_latency(network, size, batch_size=batch_size)
        costs.append(NetworkCost(network=each, check=checked, measured=measured))
    print_found(
        layout, tables=lambda: cost_tables(title, costs), records=lambda: cost_records(costs)
    )
