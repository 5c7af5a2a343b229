"""Views with stable names for whoever asks the database directly, such as `v_trials`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Double,
    RowMapping,
    Select,
    Text,
    column,
    literal_column,
    select,
    table,
)

from dasbench.results.encoding import load_metrics
from dasbench.results.schema import members
from dasbench.spec.plain import Record

View = Literal["trials", "epochs", "leaderboard"]
"""What can be asked for as a view; in the database each is called `v_...`."""

VIEWS = ("v_trials", "v_epochs", "v_leaderboard")
"""The views, each after those that it reads from."""

_TRIALS = """
SELECT m.study, t.key, m.label, m.variant, m.seed, m.role, t.state, t.reason,
  {top1} AS top1, {val_top1} AS val_top1, t.metrics,
  t.params_full, t.macs_full, t.params_paper, t.macs_paper, t.seconds, t.peak_memory,
  t.dataset, t.task, t.device, t.attempt,
  (t.state <> 'pending' AND t.first_study IS NOT NULL AND t.first_study <> m.study) AS reused,
  t.created, t.finished, t.code, t.repeats, m.position
FROM das_members m JOIN das_trials t ON t.key = m.key
"""

# of several starts the latest that reached an epoch counts, as far as the last start has come; none
# before a repeat
_EPOCHS = """
SELECT t.key, t.attempt, t.number AS epoch,
  {train_loss} AS train_loss, {val_loss} AS val_loss,
  {val_top1} AS val_top1, {val_top5} AS val_top5,
  {seconds} AS seconds, {images_per_s} AS images_per_s, t.metrics
FROM das_epochs t
WHERE NOT EXISTS (
    SELECT 1 FROM das_epochs later
    WHERE later.key = t.key AND later.attempt > t.attempt AND later.number = t.number
  ) AND t.number <= (
    SELECT last.number FROM das_epochs last
    WHERE last.key = t.key ORDER BY last.attempt DESC, last.number DESC LIMIT 1
  ) AND NOT EXISTS (
    SELECT 1 FROM das_attempts a
    WHERE a.key = t.key AND a.attempt >= t.attempt AND a.outcome IS NOT NULL
  )
"""

# a search's winner that was trained again is scored by its fresh seeds alone
_LEADERBOARD = """
SELECT study, label, variant, planned, n, failed, stopped,
  top1_mean, {root} AS top1_sd, val_top1_mean,
  params_full, macs_full, params_paper, macs_paper, seconds_mean
FROM (
  SELECT study, MIN(label) AS label, variant, COUNT(*) AS planned,
    SUM(CASE WHEN state = 'done' AND NOT diverged THEN 1 ELSE 0 END) AS n,
    SUM(CASE WHEN state = 'failed' OR state = 'done' AND diverged THEN 1 ELSE 0 END) AS failed,
    SUM(CASE WHEN state = 'stopped' THEN 1 ELSE 0 END) AS stopped,
    AVG(score) AS top1_mean,
    SUM((score - mean) * (score - mean)) / NULLIF(COUNT(score) - 1, 0) AS variance,
    AVG(CASE WHEN state = 'done' THEN val_top1 END) AS val_top1_mean,
    MAX(params_full) AS params_full, MAX(macs_full) AS macs_full,
    MAX(params_paper) AS params_paper, MAX(macs_paper) AS macs_paper,
    AVG(CASE WHEN state = 'done' THEN seconds END) AS seconds_mean
  FROM (
    SELECT t.*, {diverged} AS diverged,
      CASE WHEN state = 'done' THEN top1 END AS score,
      AVG(CASE WHEN state = 'done' THEN top1 END) OVER (PARTITION BY study, variant) AS mean
    FROM (
      SELECT v.*, MAX(CASE WHEN role = 'confirm' AND state = 'done' THEN 1 ELSE 0 END)
        OVER (PARTITION BY study, variant) AS confirmed
      FROM v_trials v
    ) t
    WHERE confirmed = 0 OR role = 'confirm'
  ) scored
  GROUP BY study, variant
) gathered
"""

# SQLite has a square root only where it was compiled with one: Newton's steps from a number that is
# no smaller
_ROOT = """CASE WHEN variance > 0 THEN (
    WITH RECURSIVE newton(x, step) AS (
      SELECT (1 + variance) / 2, 0
      UNION ALL SELECT (x + variance / x) / 2, step + 1 FROM newton WHERE step < 40
    ) SELECT x FROM newton WHERE step = 40
  ) ELSE variance END"""


def drop_views(connection: Connection) -> None:
    """Remove the views, so that the tables below them can be altered."""
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def create_views(connection: Connection) -> None:
    """Make the views of today's tables."""
    for name, query in definitions(connection.dialect.name).items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {query.strip()}")


def read_view(connection: Connection, view: View, studies: Sequence[str]) -> Iterator[Record]:
    """What a view says of studies: trials in the study's order, variants from the best top-1 on.

    Example:
        >>> from sqlalchemy import create_engine
        >>> from dasbench.results.schema import metadata
        >>> with create_engine("sqlite://").connect() as connection:
        ...     metadata.create_all(connection)
        ...     create_views(connection)
        ...     list(read_view(connection, "leaderboard", ["norms"]))
        []
    """
    query: Select[Any] = select(literal_column("*")).select_from(table(f"v_{view}"))
    study = column("study", Text)
    if view == "epochs":
        keys = select(members.c.key).where(members.c.study.in_(studies))
        queries = [query.where(column("key").in_(keys)).order_by(column("key"), column("epoch"))]
    elif view == "trials":
        queries = [query.where(study == name).order_by(column("position")) for name in studies]
    else:
        order = (column("top1_mean", Double).desc().nulls_last(), column("label", Text))
        queries = [query.where(study == name).order_by(*order) for name in studies]
    for each in queries:
        for row in connection.execute(each).mappings():
            yield _with_json_decoded(row)


def _with_json_decoded(row: RowMapping) -> Record:
    """A view's row with its JSON as values."""
    record = dict(row)
    if "variant" in record:
        record["variant"] = json.loads(record["variant"])
    if "metrics" in record:
        record["metrics"] = load_metrics(record["metrics"])
    if "code" in record:
        record["code"] = json.loads(record["code"])
    if "reused" in record:
        record["reused"] = bool(record["reused"])
    return record


def definitions(dialect: str) -> Mapping[str, str]:
    """The query behind each view.

    A metric that is not finite, which the JSON holds as a text, is NULL in the columns.

    Args:
        dialect: `sqlite` or `postgresql`.

    Example:
        >>> list(definitions("sqlite"))
        ['v_trials', 'v_epochs', 'v_leaderboard']
    """
    names = ("top1", "val_top1", "train_loss", "val_loss", "val_top5", "seconds", "images_per_s")
    numbers = {name: _number(name, dialect) for name in names}
    if dialect == "postgresql":
        diverged, root = (
            "COALESCE(json_typeof(CAST(t.metrics AS json) -> 'top1') = 'string', FALSE)",
            "SQRT(variance)",
        )
    else:
        diverged, root = "COALESCE(json_type(t.metrics, '$.top1') = 'text', 0)", _ROOT
    queries = zip(VIEWS, (_TRIALS, _EPOCHS, _LEADERBOARD), strict=True)
    return {name: query.format(**numbers, diverged=diverged, root=root) for name, query in queries}


def _number(metric: str, dialect: str) -> str:
    """The value of a metric as a number, NULL where there is none or it is not finite."""
    if dialect == "postgresql":
        value = f"CAST(t.metrics AS json) -> '{metric}'"
        number = f"CAST(CAST(t.metrics AS json) ->> '{metric}' AS double precision)"
        return f"CASE json_typeof({value}) WHEN 'number' THEN {number} END"
    path = f"t.metrics, '$.{metric}'"
    return f"CASE WHEN json_type({path}) IN ('real', 'integer') THEN json_extract({path}) END"
