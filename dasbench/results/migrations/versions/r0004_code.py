"""The fourth layout: code of a trial's components, costs by network, results that were repeated."""

import json

import sqlalchemy as sa
from alembic import op

from dasbench.spec.identity import question_of

revision = "0004"
down_revision = "0003"

_BATCH = 500
"""Trials that are brought up to date at a time."""


_NEW_COLUMNS = (
    ("semantics", sa.Integer, "1", "version of what the fields of a trial mean"),
    ("question", sa.String(16), "", "hash of the spec without its code"),
    ("code", sa.Text, "{}", "hash of each component's code, JSON"),
    ("network", sa.String(16), "", "hash of what its cost depends on, but for code"),
    ("network_code", sa.String(16), "", "hash of the code of the network"),
    ("repeats", sa.Integer, "0", "earlier results, which are with the attempts"),
)
"""Of the trials: name, type, default and what it holds."""


def upgrade() -> None:
    """Add what a trial's key knows of its code; older trials have an older meaning."""
    # what is wide stays last in SQLite, which reads a row in that order
    rebuilt = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("das_trials", recreate="always" if rebuilt else "never") as trials:
        for name, kind, default, comment in _NEW_COLUMNS:
            column = sa.Column(name, kind, nullable=False, server_default=default, comment=comment)
            trials.add_column(column, insert_before="spec" if rebuilt else None)
    with op.batch_alter_table("das_attempts") as attempts:
        what = "what came out, JSON, once the trial was trained again on purpose"
        attempts.add_column(sa.Column("outcome", sa.Text, comment=what))
    op.create_index("ix_das_trials_question", "das_trials", ["question"])
    op.create_index("ix_das_trials_network_network_code", "das_trials", ["network", "network_code"])
    _create_costs()
    _fill_in_questions(op.get_bind())


def _create_costs() -> None:
    op.create_table(
        "das_costs",
        sa.Column("network", sa.String(16), nullable=False),
        sa.Column("network_code", sa.String(16), nullable=False),
        sa.Column(
            "revision",
            sa.Integer,
            nullable=False,
            autoincrement=False,
            comment="of the way of counting",
        ),
        sa.Column("params_full", sa.BigInteger, nullable=False),
        sa.Column("macs_full", sa.BigInteger, nullable=False),
        sa.Column("params_paper", sa.BigInteger, nullable=False),
        sa.Column("macs_paper", sa.BigInteger, nullable=False),
        sa.Column(
            "cost_details",
            sa.Text,
            nullable=False,
            comment="uncounted operators, input size, versions; JSON",
        ),
        sa.Column("counted", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("network", "network_code", "revision", name="pk_das_costs"),
    )


def _fill_in_questions(connection: sa.Connection) -> None:
    trials = sa.table("das_trials", sa.column("key"), sa.column("spec"), sa.column("question"))
    key: sa.BindParameter[str] = sa.bindparam("trial")
    change = sa.update(trials).where(trials.c.key == key).values(question=sa.bindparam("asked"))
    keys = list(connection.scalars(sa.select(trials.c.key)))
    for start in range(0, len(keys), _BATCH):
        some = sa.select(trials.c.key, trials.c.spec).where(
            trials.c.key.in_(keys[start : start + _BATCH])
        )
        asked = [(name, _question(spec)) for name, spec in connection.execute(some)]
        connection.execute(change, [{"trial": name, "asked": question} for name, question in asked])


def _question(spec: str) -> str:
    """The question of a stored trial; none of one that says too little of itself."""
    data = json.loads(spec)
    return question_of(data) if "backbone" in data else ""
