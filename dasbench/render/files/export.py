"""Results as files for other programs: tables, a SQLite copy, a storage of Optuna."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from dasbench.atomic import written_aside
from dasbench.errors import StoreError, UsageError
from dasbench.render.classes import CELL_COLUMNS, cell_records
from dasbench.render.text.records import (
    csv_text,
    field_names,
    finite_or_none,
    text_or_json,
    to_json,
)
from dasbench.results.engine import locate
from dasbench.results.reading import Reader, read_store
from dasbench.results.views import View
from dasbench.spec.plain import Record
from dasbench.views.classes import trial_cells
from dasbench.views.fields import flat_fields

ENDINGS: Mapping[str, str] = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
"""Ending of a file -> format; an Optuna storage, a SQLite file too, has to be asked for."""

Table = View | Literal["confusion"]
"""What can be written as a table: a view, or which classes each trial took for which."""

FORMATS = ("csv", "parquet", "jsonl", "sqlite", "optuna")

_INTEGERS = (
    "seed", "params_full", "macs_full", "params_paper", "macs_paper", "peak_memory", "attempt",
    "position", "repeats", "epoch", "planned", "n", "failed", "stopped", "number",
)  # fmt: skip
_NUMBERS = (
    "top1", "val_top1", "seconds", "train_loss", "val_loss", "val_top5", "images_per_s",
    "top1_mean", "top1_sd", "val_top1_mean", "seconds_mean",
)  # fmt: skip

_TYPES: Mapping[str, str] = {
    **dict.fromkeys(_INTEGERS, "int64"),
    **dict.fromkeys(_NUMBERS, "double"),
    "reused": "bool",
}
"""Column of a view -> its type in Arrow; the others are texts."""

COLUMNS: Mapping[View, Sequence[str]] = {
    "trials": (
        "study", "key", "label", "variant", "seed", "role", "state", "reason", "top1", "val_top1",
        "metrics", "params_full", "macs_full", "params_paper", "macs_paper", "seconds",
        "peak_memory", "dataset", "task", "device", "attempt", "reused", "created", "finished",
        "code", "repeats", "position",
    ),
    "epochs": (
        "key", "attempt", "epoch", "train_loss", "val_loss", "val_top1", "val_top5", "seconds",
        "images_per_s", "metrics",
    ),
    "leaderboard": (
        "study", "label", "variant", "planned", "n", "failed", "stopped", "top1_mean", "top1_sd",
        "val_top1_mean", "params_full", "macs_full", "params_paper", "macs_paper", "seconds_mean",
    ),
}  # fmt: skip
"""The columns of each view, so that a file has them also where no row does."""


def export(
    db: str,
    path: Path,
    *,
    studies: Sequence[str] = (),
    format_: str | None = None,
    what: Table | None = None,
    force: bool = False,
) -> None:
    """Write results to a file; it appears when it is complete, or not at all.

    Args:
        db: a file, or a URL of SQLAlchemy.
        path: the file; its folder is made if it is missing.
        studies: names of the studies; all by default.
        format_: one of `FORMATS`; by default what the file's ending says.
        what: which table, trials by default; a `sqlite` copy and an `optuna` storage hold
            everything.
        force: replace a file that exists.

    Raises:
        UsageError: if a study or a format is unknown, or the file exists.
        StoreError: if the database cannot be read, or the file cannot be written.
    """
    _refuse(path, db, force=force)
    format_ = format_ or format_of(path)
    if format_ in ("sqlite", "optuna") and what is not None:
        raise UsageError(f"{path}: format {format_} holds everything; leave out '`what` {what}'")
    chosen = list(dict.fromkeys(studies)) or None
    with read_store(db) as reader, _replacement(path) as aside:
        if format_ == "sqlite":
            reader.copy(aside, chosen)
        elif format_ == "optuna":
            from dasbench.render.files.optuna_storage import write_storage  # imports Optuna

            write_storage(reader, aside, chosen)
        else:
            _write_table(reader, aside, chosen, format_=format_, what=what or "trials")


def format_of(path: Path) -> str:
    """The format that a file's ending names.

    Raises:
        UsageError: if it names none.

    Example:
        >>> format_of(Path("trials.parquet"))
        'parquet'
    """
    if path.suffix.lower() not in ENDINGS:
        endings, formats = ", ".join(ENDINGS), ", ".join(FORMATS)
        known = f"end the file in {endings}, or give `format` {formats}"
        raise UsageError(f"{path}: the ending '{path.suffix}' names no format; {known}")
    return ENDINGS[path.suffix.lower()]


def flat(record: Mapping[str, Any]) -> Record:
    """A view's row without nesting: varied fields and metrics as columns of their own.

    They stand after the JSON that holds all of them.

    Example:
        >>> flat({"label": "alpha=0.1", "variant": {"gate.alpha": 0.1}})
        {'label': 'alpha=0.1', 'variant': '{"gate.alpha": 0.1}', 'variant.gate.alpha': 0.1}
    """
    flattened = {}
    for name, value in record.items():
        flattened[name] = finite_or_none(value)
        if isinstance(value, Mapping):
            flattened[name] = to_json(value)
    for name, value in flat_fields(record.get("variant", {})).items():
        flattened[f"variant.{name}"] = finite_or_none(value)
    for name, value in record.get("metrics", {}).items():
        flattened[f"metrics.{name}"] = finite_or_none(value)
    return flattened


def _refuse(path: Path, db: str, *, force: bool) -> None:
    """Refuse what would destroy something."""
    source = locate(db).path
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise UsageError(f"{path}: this is the database itself; name another file with -o")
    if path.is_dir():
        raise UsageError(f"{path}: it is a directory; name a file in it")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: it is a pipe or a device; name an ordinary file")
    if path.exists() and not force:
        raise UsageError(f"{path}: the file exists; `force` replaces it")


@contextmanager
def _replacement(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place at the end, or vanishes.

    Raises:
        StoreError: if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: its folder cannot be made: {error.strerror}") from error
    try:
        with written_aside(path) as aside:
            try:
                yield aside
            finally:
                _remove_beside(aside)
            _remove_beside(path)  # a log of what is replaced would be taken for the new one's
    except OSError as error:
        raise StoreError(
            f"{path}: the file cannot be written: {error.strerror or error}"
        ) from error


def _remove_beside(path: Path) -> None:
    """Remove the files that SQLite keeps beside a database."""
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _write_table(
    reader: Reader, path: Path, studies: Sequence[str] | None, *, format_: str, what: Table
) -> None:
    if what == "confusion":
        records, columns = cell_records(trial_cells(reader, studies)), CELL_COLUMNS
    else:
        records, columns = reader.view(what, studies), COLUMNS[what]
    if format_ == "jsonl":
        lines = [f"{to_json(record)}\n" for record in records]
        path.write_text("".join(lines), encoding="utf-8", newline="")
        return
    rows = list(map(flat, records))
    if format_ == "parquet":
        _write_parquet(rows, path, columns)
        return
    text = ",".join(columns) + "\n"
    if rows:
        text = csv_text(rows)
    path.write_text(text, encoding="utf-8", newline="")


def _write_parquet(rows: Sequence[Mapping[str, Any]], path: Path, columns: Sequence[str]) -> None:
    import pyarrow as pa  # a third of a second
    from pyarrow import parquet

    arrays = {}
    for name in field_names([dict.fromkeys(columns), *rows]):
        type_ = _TYPES.get(name, "string") if name in columns else None
        arrays[name] = _array([row.get(name) for row in rows], type_)
    parquet.write_table(pa.table(arrays), path)


def _array(values: Sequence[Any], type_: str | None) -> Any:
    """A column of Arrow; values of several types become texts."""
    import pyarrow as pa

    if type_ is not None:
        return pa.array(values, type=pa.type_for_alias(type_))
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(list(map(_text_or_none, values)))


def _text_or_none(value: Any) -> str | None:
    """A value as text; None stays."""
    if value is None:
        return None
    return text_or_json(value)
