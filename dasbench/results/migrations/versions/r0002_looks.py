"""The second layout: what a trial is for in its study, and the looks of a study at its scores."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the role of a member, and the table of looks."""
    with op.batch_alter_table("das_members") as members:
        role = sa.Column(
            "role",
            sa.String(16),
            nullable=False,
            server_default="",
            comment="search, confirm or empty",
        )
        members.add_column(role)
    op.create_table(
        "das_looks",
        sa.Column("study", sa.String(200), nullable=False),
        sa.Column("plan", sa.String(200), nullable=False, comment="the planned looks, JSON"),
        sa.Column("number", sa.Integer, nullable=False, comment="from 1"),
        sa.Column(
            "level", sa.Double, nullable=False, comment="share of the error rate that it spent"
        ),
        sa.Column(
            "states",
            sa.Text,
            nullable=False,
            comment="label of each variant and where it stood, JSON",
        ),
        sa.Column(
            "exploratory",
            sa.Boolean,
            nullable=False,
            comment="an earlier look followed another plan",
        ),
        sa.Column("taken", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("study", "plan", "number", name="pk_das_looks"),
        sa.ForeignKeyConstraint(
            ["study"],
            ["das_studies.name"],
            name="fk_das_looks_study_das_studies",
            ondelete="CASCADE",
        ),
    )
