"""The first layout: studies, their members, trials, learning curves, attempts and locks."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _create_studies()
    _create_trials()
    _create_members()
    _create_epochs()
    _create_attempts()
    op.create_table(
        "das_locks",
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("pid_started", sa.Text, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("since", sa.String(40), nullable=False),
        sa.Column("heartbeat", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("study", name="pk_das_locks"),
    )


def _create_studies() -> None:
    op.create_table(
        "das_studies",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False, comment="the study as plain data, JSON"),
        sa.Column(
            "file",
            sa.Text,
            nullable=False,
            comment="where it was read from, empty for one built in Python",
        ),
        sa.Column("created", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_das_studies"),
    )


def _create_trials() -> None:
    op.create_table(
        "das_trials",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column(
            "dataset",
            sa.Text,
            nullable=False,
            comment="data set and size, for refusing to mix what cannot be compared",
        ),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column(
            "state",
            sa.String(16),
            nullable=False,
            comment="pending, running, done, failed or stopped",
        ),
        sa.Column("reason", sa.String(16), comment="class of a failure"),
        sa.Column("metrics", sa.Text, nullable=False, comment="final values by name, JSON"),
        *_cost_columns(),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("peak_memory", sa.BigInteger, nullable=False, comment="bytes"),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("first_study", sa.String(200), comment="the study that trained it"),
        sa.Column("attempt", sa.Integer, nullable=False, comment="how often it was started"),
        *_owner_columns(),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("finished", sa.String(40), nullable=False),
        sa.Column("spec", sa.Text, nullable=False, comment="all that decides the outcome, JSON"),
        sa.Column(
            "environment", sa.Text, nullable=False, comment="what is needed to run it again, JSON"
        ),
        sa.Column("error", sa.Text, nullable=False, comment="message and traceback of a failure"),
        sa.Column(
            "correct",
            sa.Text,
            nullable=False,
            comment="which test examples were right, hexadecimal bits",
        ),
        sa.PrimaryKeyConstraint("key", name="pk_das_trials"),
    )
    op.create_index("ix_das_trials_state", "das_trials", ["state"])


def _cost_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("params_full", sa.BigInteger),
        sa.Column("macs_full", sa.BigInteger),
        sa.Column("params_paper", sa.BigInteger),
        sa.Column("macs_paper", sa.BigInteger),
        sa.Column(
            "cost_details",
            sa.Text,
            comment="uncounted operators, input size, versions of the counters; JSON",
        ),
    ]


def _owner_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            "host",
            sa.Text,
            comment="owner while running: host, boot, process, start of the process, token",
        ),
        sa.Column("boot", sa.Text),
        sa.Column("pid", sa.BigInteger),
        sa.Column("pid_started", sa.Text),
        sa.Column("token", sa.String(64)),
        sa.Column(
            "lease", sa.String(40), comment="until when an owner on another host counts as alive"
        ),
    ]


def _create_members() -> None:
    op.create_table(
        "das_members",
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column(
            "variant", sa.Text, nullable=False, comment="the varied fields and their values, JSON"
        ),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("study", "key", name="pk_das_members"),
        sa.ForeignKeyConstraint(
            ["study"],
            ["das_studies.name"],
            name="fk_das_members_study_das_studies",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["key"], ["das_trials.key"], name="fk_das_members_key_das_trials"),
    )
    op.create_index("ix_das_members_key", "das_members", ["key"])
    op.create_index("ix_das_members_study_position", "das_members", ["study", "position"])


def _create_epochs() -> None:
    op.create_table(
        "das_epochs",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("metrics", sa.Text, nullable=False, comment="value by name, JSON"),
        sa.PrimaryKeyConstraint("key", "attempt", "number", name="pk_das_epochs"),
        sa.ForeignKeyConstraint(["key"], ["das_trials.key"], name="fk_das_epochs_key_das_trials"),
    )


def _create_attempts() -> None:
    op.create_table(
        "das_attempts",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("ended", sa.String(40), nullable=False, comment="empty while it runs"),
        sa.Column(
            "how",
            sa.String(16),
            nullable=False,
            comment="done, failed, stopped, interrupted or lost",
        ),
        sa.Column("reason", sa.String(16), comment="class of a failure"),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", "attempt", name="pk_das_attempts"),
        sa.ForeignKeyConstraint(["key"], ["das_trials.key"], name="fk_das_attempts_key_das_trials"),
    )
