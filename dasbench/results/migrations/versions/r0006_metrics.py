"""The sixth layout: units and directions of the metrics of each study."""

import sqlalchemy as sa
from alembic import op

from dasbench.metrics.traits import registered_metrics
from dasbench.results.encoding import dump_traits

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add what is known of a study's metrics; of older studies, what dasbench registers."""
    what = "unit and direction of metrics by name, JSON"
    with op.batch_alter_table("das_studies", recreate="never") as studies:
        studies.add_column(
            sa.Column("metrics", sa.Text, nullable=False, server_default="{}", comment=what)
        )
    table = sa.table("das_studies", sa.column("metrics"))
    op.execute(table.update().values(metrics=dump_traits(registered_metrics())))
