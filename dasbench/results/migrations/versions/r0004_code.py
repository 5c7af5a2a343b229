"""The fourth layout: code of a trial's components, costs by network, results that were repeated."""

import json

import sqlalchemy as sa
from alembic import op

from dasbench.spec.identity import question_of

revision = "0004"
down_revision = "0003"

_BATCH = 500
"""Trials that are brought up to date at a time."""


def upgrade() -> None:
    """Add what a trial's key knows of its code; older trials have an older meaning."""
    rebuilt = (
        op.get_bind().dialect.name == "sqlite"
    )  # what is wide stays last: there, a row is read in that order
    with op.batch_alter_table("das_trials", recreate="always" if rebuilt else "never") as trials:
        for column in (
            sa.Column(
                "semantics",
                sa.Integer,
                nullable=False,
                server_default="1",
                comment="version of what the fields of a trial mean",
            ),
            sa.Column(
                "question",
                sa.String(16),
                nullable=False,
                server_default="",
                comment="hash of the spec without its code",
            ),
            sa.Column(
                "code",
                sa.Text,
                nullable=False,
                server_default="{}",
                comment="hash of each component's code, JSON",
            ),
            sa.Column(
                "network",
                sa.String(16),
                nullable=False,
                server_default="",
                comment="hash of what its cost depends on, but for code",
            ),
            sa.Column(
                "network_code",
                sa.String(16),
                nullable=False,
                server_default="",
                comment="hash of the code of the network",
            ),
            sa.Column(
                "repeats",
                sa.Integer,
                nullable=False,
                server_default="0",
                comment="earlier results, which are with the attempts",
            ),
        ):
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
