"""The third layout: views, which every upgrade makes anew from `results/views.py`."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Alter no table: an older database gets its views as this layout follows the second."""
