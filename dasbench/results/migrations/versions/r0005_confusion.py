"""The fifth layout: which classes of the test part a trial took for which."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the confusion of trials; those that ended before have none."""
    what = "which classes were taken for which"
    with op.batch_alter_table("das_trials", recreate="never") as trials:
        trials.add_column(
            sa.Column("confusion", sa.Text, nullable=False, server_default="", comment=what)
        )
