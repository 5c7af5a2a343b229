"""`dasbench show`: what is known of one trial, or inside of one backbone?"""

from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from dasbench.cli.networks import read_network
from dasbench.cli.options import (
    db_option,
    figure_option,
    table_options,
)
from dasbench.errors import EmptyStoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dasbench.backbones.site import Backbone, Site
    from dasbench.render.tables.table import Layout
    from dasbench.results.answers import TrialRecord

_CLASSES = 10
"""Length of the logits of the network that is looked at; no site depends on it."""


@click.command("show")
@click.argument("things", metavar="TRIAL|BACKBONE", nargs=-1, required=True)
@db_option
@click.option("--diff", is_flag=True, help="Show what differs between two trials: show --diff A B.")
@figure_option("Draw a trial's learning curve too.")
@click.option(
    "--set",
    "overrides",
    metavar="backbone.KEY=VALUE",
    multiple=True,
    help="Set a backbone's parameter.",
)
@table_options("table", "json", "csv")
def command(
    things: tuple[str, ...],
    db: str,
    diff: bool,
    outputs: tuple[str, ...],
    overrides: tuple[str, ...],
    layout: "Layout",
) -> None:
    """Show what is known of a trial, what differs between two, or the sites of a backbone.

    \b
      dasbench show 3f9a2c                   # a trial, by the first digits of its key
      dasbench show 3f9a2c -o curve.png
      dasbench show --diff 3f9a2c 81d0be
      dasbench show backbone resnet50        # every place where a gate can stand
      dasbench show torchvision --set backbone.model=efficientnet_b0

    `dasbench leaderboard STUDY --json` lists the keys of trials. Of a site, `after`, `stage` and
    `block` (from 0 in its stage) are what a study's placement chooses by; `path` goes into its list
    of sites.
    """
    kind, names = _kind(things)
    if diff:
        if outputs or overrides or kind == "backbone" or len(names) != 2:
            raise UsageError(
                "--diff takes two trials and no other option but --db and --format: show --diff A B"
            )
        _show_differences(db, *names, layout=layout)
        return
    if len(names) != 1:
        raise UsageError(
            f"name one trial or one backbone, not {len(names)}; --diff compares two trials"
        )
    if kind == "backbone":
        if outputs:
            raise UsageError("-o draws the learning curve of a trial; a backbone has none")
        _show_sites(names[0], overrides, layout)
        return
    if overrides:
        raise UsageError(
            "--set sets a parameter of a backbone; a trial is what it was when it was trained"
        )
    _show_trial(db, names[0], outputs, layout)


def _kind(things: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """What is to be shown: `backbone` or `trial`, and its names; either word may be written out."""
    if len(things) > 1 and things[0] in ("backbone", "trial"):
        return things[0], things[1:]
    from dasbench.catalog import BACKBONES  # pydantic takes a third of a second

    if things[0] in BACKBONES:
        return "backbone", things
    return "trial", things


def _show_trial(db: str, key: str, outputs: tuple[str, ...], layout: "Layout") -> None:
    from dasbench.render.plots.figure import figure_paths
    from dasbench.render.tables.printing import print_found
    from dasbench.render.text.records import to_json
    from dasbench.render.trial import fact_records, failure_text, trial_record, trial_tables

    paths = figure_paths(key, "curve", outputs, drawn=False)
    trial = _find(db, key)
    if layout.format_ == "json":  # one object, and not a list of one
        click.echo(to_json(trial_record(trial), indent=2))
    else:
        print_found(layout, tables=lambda: trial_tables(trial), records=lambda: fact_records(trial))
    if layout.format_ == "table" and (failure := failure_text(trial)):
        click.echo(failure)
    if paths:
        _draw_curve(trial, paths)


def _draw_curve(trial: "TrialRecord", paths: "Sequence[Path]") -> None:
    from dasbench.render.plots.curve import draw  # imports matplotlib when it draws
    from dasbench.views.figures.curve import info

    what = info(trial)
    for path in paths:
        draw(what, path)
        click.echo(str(path), err=True)


def _show_differences(db: str, first: str, second: str, *, layout: "Layout") -> None:
    from dasbench.render.tables.printing import print_found
    from dasbench.render.trial import difference_records, difference_tables
    from dasbench.views.trial import differences

    one, other = _find(db, first), _find(db, second)
    found = differences(one, other)
    print_found(
        layout,
        tables=lambda: difference_tables(one, other, found),
        records=lambda: difference_records(found),
    )


def _find(db: str, key: str) -> "TrialRecord":
    """The trial of a key.

    Raises:
        UsageError: if there is none; the message names the nearest key or backbone.
    """
    from dasbench.catalog import BACKBONES
    from dasbench.views.trial import read_trial

    near = get_close_matches(key, BACKBONES.names(), n=1)
    guess = ""
    if near:
        guess = f" Did you mean the backbone '{near[0]}'?"
    try:
        return read_trial(db, key)
    except EmptyStoreError as error:
        if set(key.lower()) <= set("0123456789abcdef"):
            raise
        message = f"'{key}' is neither a backbone nor the key of a trial.{guess}"
        raise UsageError(f"{message} `dasbench list backbones` lists the backbones.") from error
    except UsageError as error:
        raise UsageError(f"{error}{guess}") from error


def _show_sites(name: str, overrides: tuple[str, ...], layout: "Layout") -> None:
    sites = backbone_sites(name, overrides=overrides)
    from dasbench.render.sites import site_records, site_tables
    from dasbench.render.tables.printing import print_found

    print_found(
        layout, tables=lambda: site_tables(name, sites), records=lambda: site_records(sites)
    )


def backbone_sites(name: str, *, overrides: tuple[str, ...] = ()) -> "Sequence[Site]":
    """Every site of a backbone, in the order in which data passes them.

    Args:
        name: the backbone's name.
        overrides: `backbone.key=value` for its parameters.

    Raises:
        StudyError: if there is no such backbone, or it does not accept a parameter.
        UsageError: if something else than a parameter of the backbone is set.

    Example:
        >>> backbone_sites("resnet18", overrides=("backbone.width=8",))[-1]
        Site(path='layer4', stage=4, channels=64, after='stage', block=None)
    """
    for text in overrides:
        if not text.startswith("backbone."):
            raise UsageError(
                f"--set {text}: write backbone.KEY=VALUE, with a parameter of the backbone"
            )
    asked = read_network(name, overrides=overrides)
    from dasbench.catalog import BACKBONES
    from dasbench.resolution import resolve_network  # components import torch

    backbone = resolve_network(asked).backbone
    made: Backbone = BACKBONES[backbone.name].make(_CLASSES, **backbone.params)
    return made.sites
