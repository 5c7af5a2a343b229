"""The seventh layout: with which seeds a variant was looked at before it got more."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the looks that nobody planned; of those before, nothing is known."""
    what = "seeds with results, each time that more were added, JSON"
    with op.batch_alter_table("das_members", recreate="never") as members:
        members.add_column(
            sa.Column("looked_at", sa.Text, nullable=False, server_default="[]", comment=what)
        )
