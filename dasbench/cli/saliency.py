"""`dasbench saliency`: where does a trained network look?"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from dasbench.cli.options import data_option, db_option, table_options
from dasbench.cli.output import tell
from dasbench.cli.trained import Sample, Subject, find_subjects, look_at
from dasbench.errors import DataError, StoreError, UsageError
from dasbench.spec.identity import data_name

if TYPE_CHECKING:
    from torch import Tensor

    from dasbench.datasets.dataset import Dataset, Split
    from dasbench.render.tables.table import Layout
    from dasbench.saliency.regions import FindRegions
    from dasbench.saliency.sfd import Scoring
    from dasbench.views.saliency import Viewed

GROUNDED_SAM = "grounded_sam"


@click.command("saliency")
@click.argument("trial", metavar="TRIAL")
@click.option(
    "--against",
    metavar="TRIAL",
    help="A second network, as a rule the plain backbone; it stands left.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="stage3, stage4, or a module's path; may be repeated. [default: the last two stages]",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("figures"),
    metavar="DIR",
    help="Folder of the figure and the CSV file. [default: figures]",
)
@click.option(
    "--images",
    "num_images",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Images that are scored: a random sample, always the same.",
)
@click.option(
    "--shown",
    type=click.IntRange(1, 40),
    default=6,
    show_default=True,
    metavar="N",
    help="Images in the figure: the first of the sample.",
)
@click.option(
    "--part",
    type=click.Choice(["test", "val", "train"]),
    default="test",
    show_default=True,
    help="Of the data.",
)
@click.option(
    "--class",
    "target",
    type=click.Choice(["predicted", "label"]),
    default="predicted",
    show_default=True,
    help="Whose evidence: the class that the network predicts, or the right one.",
)
@click.option(
    "--regions",
    metavar=f"DIR|{GROUNDED_SAM}",
    help="Masks of the objects: PNG files, or found by models. [default: the data set's own]",
)
@click.option(
    "--region-weights",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help=f"With --regions {GROUNDED_SAM}: the models' folders, grounding_dino and sam.",
)
@click.option(
    "--base", type=float, default=10, show_default=True, help="Of the antilog; 1 for none."
)
@click.option(
    "--threshold",
    type=float,
    default=0.15,
    show_default=True,
    help="Share of a map's maximum that is salient.",
)
@click.option(
    "--antilog",
    type=click.Choice(["shifted", "plain"]),
    default="shifted",
    show_default=True,
    help="base^w - 1, or base^w as the paper reads literally.",
)
@click.option(
    "--sensitivity", is_flag=True, help="Show how far the scores move with base and threshold."
)
@click.option(
    "--weights",
    "files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Trained weights of TRIAL; a second time: of the other.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, or auto.")
@data_option
@db_option
@table_options("table", "json")
def command(
    trial: str,
    against: str | None,
    layers: tuple[str, ...],
    folder: Path,
    num_images: int,
    shown: int,
    part: Literal["train", "val", "test"],
    target: Literal["predicted", "label"],
    regions: str | None,
    region_weights: Path | None,
    base: float,
    threshold: float,
    antilog: Literal["shifted", "plain"],
    sensitivity: bool,
    files: tuple[Path, ...],
    device: str,
    db: str,
    layout: "Layout",
) -> None:
    """Show where a trained network looks (Grad-CAM), and how much of that is the object (sfd).

    \b
      dasbench saliency 3f2a1b --against 9c04de
      dasbench saliency 3f2a1b --layer stage4 --images 20 --json

    TRIAL is the key of a finished trial, or its first digits (`dasbench leaderboard STUDY --json`
    lists them). Weights that were not kept are trained again from the trial's fields, bit for bit
    on a CPU, and kept in .dasbench/weights beside the database.
    """
    num_networks = 1 if against is None else 2
    if len(files) > num_networks:
        raise UsageError(f"--weights: {len(files)} files for {num_networks} networks")
    subjects = list(find_subjects(db, trial, against, files))
    from dasbench.datasets.choice import load_dataset
    from dasbench.devices import check_device
    from dasbench.saliency.sfd import Scoring, choose_images  # imports torch

    check_device(device)
    scoring = Scoring(base=base, threshold=threshold, antilog=antilog, target=target)
    data: Dataset = load_dataset(subjects[0].trial.dataset)
    _refuse_changed_data(data, subjects)
    split: Split = getattr(data, part)
    indices = choose_images(len(split), num_images)
    find_regions = _find_regions(regions, region_weights, data, split)
    found = None
    if find_regions:
        found = find_regions(indices)
    _tell_covering(found)
    sample = Sample(data=data, part=part, split=split, indices=indices, regions=found)
    views: list[Viewed] = []
    for subject in subjects:
        views += look_at(
            subject, sample, layers, scoring, db=db, device=device, sensitivity=sensitivity
        )
    _conclude(views, sample, scoring, folder=folder, shown=shown, layout=layout)


def _refuse_changed_data(data: "Dataset", subjects: Sequence[Subject]) -> None:
    """Make sure that all networks see the images that they were scored on."""
    named = [
        data_name(each.trial.dataset.model_dump(), each.trial.data_fingerprint) for each in subjects
    ]
    if len(set(named)) > 1:
        raise UsageError(f"the trials saw different data: {' and '.join(dict.fromkeys(named))}")
    for subject in subjects:
        if subject.trial.data_fingerprint not in ("", data.fingerprint):
            raise DataError(
                f"the data set {subject.trial.dataset} has changed since trial "
                f"{subject.record.key} was planned: its fingerprint was "
                f"{subject.trial.data_fingerprint} and is {data.fingerprint}"
            )


def _find_regions(
    given: str | None, weights: Path | None, data: "Dataset", split: "Split"
) -> "FindRegions | None":
    """Where the objects are, from what was asked for or from the data set itself."""
    from dasbench.saliency.matching import match_masks
    from dasbench.saliency.regions import own_regions, read_masks

    if weights is not None and given != GROUNDED_SAM:
        raise UsageError(f"--region-weights belongs to --regions {GROUNDED_SAM}")
    if given == GROUNDED_SAM:
        from dasbench.saliency.grounded_sam import grounded_sam

        return grounded_sam(split, data.classes, weights=weights)
    if given is not None:
        matches = match_masks(Path(given), split)
        tell(matches.described())
        return read_masks(matches, size=data.input_size[1:])
    found = own_regions(split)
    if found is None:
        click.echo(
            f"the data set {data.name} does not say where its objects are: "
            "heat maps without sfd; --regions DIR gives masks",
            err=True,
        )
    return found


def _tell_covering(regions: "Tensor | None") -> None:
    """Say how many regions are the whole image, as of masks that mark more than the object."""
    if regions is None:
        return
    number = int(regions.flatten(1).all(1).sum())
    if number:
        tell(
            f"{number} of {len(regions)} regions cover their whole image, "
            "where sfd is 1: what is not 0 is the object"
        )


def _conclude(
    views: Sequence["Viewed"],
    sample: Sample,
    scoring: "Scoring",
    *,
    folder: Path,
    shown: int,
    layout: "Layout",
) -> None:
    """Print the scores; draw the figure and write the scores of all images beside it."""
    from dasbench.render.plots.saliency import draw
    from dasbench.render.saliency import (
        image_records,
        saliency_records,
        saliency_tables,
        saliency_title,
    )
    from dasbench.render.tables.printing import print_found
    from dasbench.render.text.records import csv_text
    from dasbench.views.figures.saliency import info
    from dasbench.views.saliency import saliency_scores

    subjects = list(dict.fromkeys(view.trial for view in views))
    indices = sample.indices[:shown]
    title = saliency_title(scoring.target, sample.data.name)
    scores, parameters = saliency_scores(views), asdict(scoring)
    print_found(
        layout,
        tables=lambda: saliency_tables(title, scores, parameters=parameters),
        records=lambda: saliency_records(scores, parameters=parameters),
    )
    images = sample.split.batch(indices).cpu().permute(0, 2, 3, 1).numpy()
    stem = folder / "_".join(["saliency", *reversed(subjects)])
    heading = f"{title}: {len(indices)} of {len(sample.indices)} random {sample.part} images"
    draw(info(views, images=images), stem.with_suffix(".png"), title=heading)
    _write(stem.with_suffix(".csv"), csv_text(image_records(views)))
    for suffix in (".png", ".csv"):
        click.echo(str(stem.with_suffix(suffix)), err=True)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}") from error
