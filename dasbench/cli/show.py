"""`dasbench show`: what is inside of one thing?"""

from typing import Any

import click

from dasbench.cli.networks import read_choice
from dasbench.cli.options import format_option
from dasbench.errors import UsageError

_CLASSES = 10
"""Length of the logits of the network that is looked at; no site depends on it."""


@click.group("show")
def command() -> None:
    """Show what is inside of one thing: the sites of a backbone."""


@command.command("backbone")
@click.argument("name", metavar="NAME")
@click.option("--set", "overrides", metavar="backbone.KEY=VALUE", multiple=True, help="Set one of its parameters.")
@format_option("table", "json", "csv")
def show_backbone(name: str, overrides: tuple[str, ...], format_: str) -> None:
    r"""List the sites of a backbone: every place where a gate can stand.

    \b
      dasbench show backbone resnet50
      dasbench show backbone torchvision --set backbone.model=efficientnet_b0

    `after`, `stage` and `block` (from 0 in its stage) are what a study's placement chooses by; `path` goes into its
    list of sites.
    """
    records = site_records(name, overrides=overrides)
    from dasbench.reports.formats import console, print_records, text_table

    if format_ != "table":
        print_records(records, format_=format_)
        return
    table = text_table(f"Sites of {name}", ("path", "after", "stage", "block", "channels"), left=2)
    for record in records:
        table.add_row(*("" if value is None else str(value) for value in record.values()))
    console().print(table)


def site_records(name: str, *, overrides: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Every site of a backbone, in the order in which data passes them.

    Args:
        name: the backbone's name.
        overrides: `backbone.key=value` for its parameters.

    Raises:
        StudyError: if there is no such backbone, or it does not accept a parameter.
        UsageError: if something else than a parameter of the backbone is set.

    Example:
        >>> site_records("resnet18", overrides=("backbone.width=8",))[-1]
        {'path': 'layer4', 'after': 'stage', 'stage': 4, 'block': None, 'channels': 64}
    """
    for text in overrides:
        if not text.startswith("backbone."):
            raise UsageError(f"--set {text}: write backbone.KEY=VALUE, with a parameter of the backbone")
    choice = read_choice(name, gate=None, overrides=overrides)
    from dasbench.catalog import BACKBONES, resolve_model  # components import torch

    backbone = resolve_model(choice).backbone
    sites = BACKBONES[backbone.name].make(_CLASSES, **backbone.params).sites
    return [
        {"path": site.path, "after": site.after, "stage": site.stage, "block": site.block, "channels": site.channels}
        for site in sites
    ]
