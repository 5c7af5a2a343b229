"""The folder that a section is written to: complete, or not at all."""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

from dasbench.analysis.significance import TestChoice
from dasbench.errors import StoreError, UsageError
from dasbench.render.section.bibliography import bibtex
from dasbench.render.section.figures import report_plots
from dasbench.render.section.page import page
from dasbench.render.section.section import Section, make_section
from dasbench.render.section.tables import TABLES
from dasbench.render.section.tex import document_tex, section_tex
from dasbench.render.text.arguments import as_flags
from dasbench.render.text.plain import shown
from dasbench.render.text.records import csv_text
from dasbench.views.evidence import gather_evidence

FOLDERS = ("tables", "figures")

FIGURE_ENDINGS = (".pdf", ".png")

REFERENCES = "references.bib"


def report(
    db: str,
    study: str,
    folder: Path,
    *,
    metric: str | None = None,
    convention: str = "full",
    baseline: str | None = None,
    test: TestChoice = "arm-wise",
    force: bool = False,
    flags: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the ablation section of a study to a folder; equal results give equal bytes.

    Args:
        db: a file, or a URL of SQLAlchemy.
        study: the study's name.
        folder: made if it is missing; it has to be empty unless `force` is given.
        metric: what ranks; the study's first measured objective by default.
        convention: of the costs, `full` or `paper`.
        baseline: the variant that the others are compared with; see `gather_evidence`.
        test: `arm-wise`, or `t` for paired t tests.
        force: replace a report that is there; other files stay.
        flags: how the reader gives arguments that the reasons of a missing figure name.

    Returns:
        The files that were written.

    Raises:
        UsageError: if the study, the metric or the baseline is unknown, or the folder is not empty.
        StoreError: if the database cannot be read, or the folder cannot be written.
    """
    refuse_folder(folder, force=force)
    evidence = gather_evidence(
        db, study, metric=metric, convention=convention, baseline=baseline, test=test
    )
    section = make_section(evidence)
    left_out = {name: as_flags(why, flags or {}) for name, why in section.left_out.items()}
    section = replace(section, left_out=left_out)
    try:
        return _write_aside(folder, partial(write_section, section))
    except OSError as error:
        raise StoreError(
            f"{folder}: the report cannot be written: {error.strerror or error}"
        ) from error


def refuse_folder(folder: Path, *, force: bool) -> None:
    """Refuse what would mix a report with other files, before anything is computed.

    Raises:
        UsageError: saying what is in the way.
        StoreError: if the folder cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            f"{folder}: it is a file; a report is a folder of files, name another with -o"
        )
    inside = _names_in(folder)
    if inside and not force:
        raise UsageError(
            f"{folder}: the folder is not empty (it holds '{inside[0]}'); "
            "name another with -o, or replace the report in it with `force`, "
            "which keeps other files"
        )
    for name in FOLDERS:
        if (folder / name).exists() and not (folder / name).is_dir():
            raise UsageError(
                f"{folder / name}: it is a file where the report has a folder; move it away"
            )


def _names_in(folder: Path) -> list[str]:
    """What is in a folder, nothing where there is none."""
    try:
        if folder.exists():
            return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise StoreError(f"{folder}: the folder cannot be read: {error.strerror}") from error
    return []


def write_section(section: Section, folder: Path) -> None:
    """Write every file of a section to an empty folder."""
    for name in FOLDERS:
        (folder / name).mkdir()
    for table in section.tables:
        _write(folder / "tables" / f"{table.name}.csv", csv_text(table.records))
    for figure in section.figures:
        _write(folder / "figures" / f"{figure.name}.csv", csv_text(figure.records))
        for ending in FIGURE_ENDINGS:
            figure.draw(folder / "figures" / f"{figure.name}{ending}")
    _write(folder / "methods.txt", methods_text(section))
    if section.references:
        _write(folder / REFERENCES, bibtex(section.references))
    _write(folder / "section.tex", section_tex(section))
    _write(folder / "document.tex", document_tex(section))
    _write(folder / "index.html", page(section, folder))


def methods_text(section: Section) -> str:
    """The methods paragraph in plain text, with its references by number below it."""
    numbers = section.reference_numbers
    cited = []
    for citation in section.citations:
        marks = "".join(f"[{numbers[key]}]" for key in citation.keys)
        cited.append(f"{citation.what} {marks}")
    lines = [section.methods]
    if cited:
        lines = [f"{section.methods} Sources: {'; '.join(cited)}."]
    if section.references:
        lines.append("")
    lines += [f"[{numbers[one.key]}] {one.text}" for one in section.references]
    return "".join(f"{shown(line)}\n" for line in lines)


def _write(path: Path, text: str) -> None:
    """Write a text; what has no UTF-8 is spelt out."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def _write_aside(folder: Path, write: Callable[[Path], None]) -> list[Path]:
    """Write to a new folder that takes the place of `folder`, or whose files take those of its."""
    folder = folder.resolve()
    place = folder.parent
    if folder.exists():
        place = folder
    place.mkdir(parents=True, exist_ok=True)
    aside = place / f".{folder.name}.new-{secrets.token_hex(4)}"
    try:
        aside.mkdir()
        write(aside)
        names = sorted(path.relative_to(aside) for path in aside.rglob("*") if path.is_file())
        if folder.exists():
            _replace(folder, aside, names)
        else:
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [folder / name for name in names]


def _replace(folder: Path, aside: Path, names: Sequence[Path]) -> None:
    """Move the new files into the folder, the page last; what only an older report wrote goes."""
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    for file in sorted(names, key=lambda file: file.name == "index.html"):
        (aside / file).replace(folder / file)
    known = {REFERENCES}
    for name in TABLES:
        known.add(f"tables/{name}.csv")
    for name, ending in product(report_plots(), (*FIGURE_ENDINGS, ".csv")):
        known.add(f"figures/{name}{ending}")
    for stale in known.difference(map(Path.as_posix, names)):
        (folder / stale).unlink(missing_ok=True)
