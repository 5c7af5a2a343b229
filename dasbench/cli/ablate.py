"""`dasbench ablate`: which study tells what each part of a gate contributes?"""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasbench.atomic import written_aside
from dasbench.cli.options import data_option, read_study, words_of
from dasbench.errors import StoreError, UsageError
from dasbench.plugins import relocated

if TYPE_CHECKING:
    from dasbench.spec.study import Study


@click.command("ablate")
@click.argument("gate", metavar="GATE")
@click.option(
    "--base",
    "base",
    required=True,
    metavar="STUDY.yaml",
    help="The study whose network, data and training to take.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.yaml",
    help="Where to write.",
)
@click.option("--only", metavar="PART,...", help="Parts of the ablation. [default: all]")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    help="Seeds of every variant. [default: as the base study]",
)
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set a field: gate.alpha=0.1 composes the gate.",
)
@click.option("--profile", metavar="NAME", help="Start from one of the base study's profiles.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@data_option
def command(
    gate: str,
    base: str,
    output: Path,
    only: str | None,
    seeds: int | None,
    overrides: tuple[str, ...],
    profile: str | None,
    force: bool,
) -> None:
    """Write the study of a gate's ablations: one component out, one in, its parameters and places.

    \b
      dasbench ablate das --base studies/alpha.yaml -o studies/das_parts.yaml
      dasbench ablate das --base studies/alpha.yaml -o y.yaml --only norms --set gate.alpha=0.1
      dasbench run studies/das_parts.yaml

    \b
    leave_one_out   each component replaced by its neutral one, and a gate of the same size
    add_one_in      the plain backbone, the simplest gate, and that with one component each
    count           fewer gates, and other places
    and the gate's own sweeps: norms and alpha of das, reduction of se, ...

    The gate has the parameters that the base study gives it, if it is that study's gate, and those
    of --set. Every variant is built and counted; nothing is trained.
    """
    _check_output(output, base, force=force)
    from dasbench.ablation.composing import compose, compose_data  # imports torch
    from dasbench.ablation.document import Origin, ablation_text, baseline_label
    from dasbench.ablation.lines import ablate
    from dasbench.ablation.variants import list_parts

    data = compose_data(read_study(base, profile=profile, overrides=(), gate=None), gate, overrides)
    own = relocated(data.get("imports") or (), beside=Path(base).parent, to=output.parent)
    data = {**data, "imports": own}
    composed = compose(data["base"])
    with _progress() as told:
        ablation = ablate(composed, list_parts(gate) if only is None else _parts(only), told=told)
    if len(ablation.lines) == 1:
        raise UsageError(
            f"there is nothing to vary in gate '{composed.gate}': ask for other parts with --only"
        )
    if seeds is not None:
        data["seeds"] = seeds
    asked = _words(gate, base, only=only, seeds=seeds, overrides=overrides, profile=profile)
    origin = Origin(command=asked, data=data, profile=profile)
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", output.stem).strip("_-")[:64] or "ablation"
    study = _write(output, ablation_text(name, composed, ablation, origin))
    click.echo(str(output))
    _say_what_is_next(output, study, baseline_label(composed, ablation))


def _check_output(output: Path, base: str, *, force: bool) -> None:
    """Refuse what could not be written, before anything is counted."""
    if output.suffix not in (".yaml", ".yml"):
        raise UsageError(f"-o {output}: a study's file ends in .yaml")
    if not output.parent.is_dir():
        raise UsageError(f"-o {output}: there is no folder '{output.parent}'")
    if output.exists() and Path(base).exists() and output.samefile(base):
        raise UsageError(f"-o {output}: is the base study itself; write to another file")
    if output.exists() and (not force or not output.is_file()):
        raise UsageError(f"-o {output}: exists; write to another file, or replace it with --force")


def _parts(only: str) -> list[str]:
    """The parts that `--only` lists."""
    parts = words_of(only.replace("-", "_"))
    if not parts:
        raise UsageError("--only: name parts of the ablation, as in --only leave_one_out,count")
    return parts


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is being counted, on a terminal."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("counting") as status:
        yield lambda says: status.update(f"counting {escape(says)}")


def _words(
    gate: str,
    base: str,
    *,
    only: str | None,
    seeds: int | None,
    overrides: tuple[str, ...],
    profile: str | None,
) -> str:
    """The command that writes the same study again."""
    words = ["dasbench", "ablate", gate, "--base", base]
    if profile is not None:
        words += ["--profile", profile]
    if only is not None:
        words += ["--only", only]
    if seeds is not None:
        words += ["--seeds", str(seeds)]
    for text in overrides:
        words += ["--set", text]
    return shlex.join(words)


def _write(output: Path, text: str) -> "Study":
    """Write a study file, which appears only if it is sound, and read it."""
    try:
        with written_aside(output) as draft:
            draft.write_text(text, "utf-8")
            return read_study(str(draft), profile=None, overrides=(), gate=None)
    except OSError as error:
        raise StoreError(f"-o {output}: cannot be written: {error.strerror}") from error


def _say_what_is_next(output: Path, study: "Study", baseline: str) -> None:
    variants, seeds = sum(1 for _ in study.variants()), len(study.seeds)
    file = shlex.quote(str(output))
    size = f"{variants} variants x {seeds} seeds = {variants * seeds} trials"
    if seeds == 1:
        size += " (one seed shows no spread: give --seeds 5)"
    click.echo(size, err=True)
    comparison = f"dasbench compare --baseline {shlex.quote(baseline)} {study.name}"
    click.echo(f"next: dasbench run {file}; {comparison}", err=True)
