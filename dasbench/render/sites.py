"""Where gates can stand in a backbone, as a table and as records."""

from collections.abc import Sequence

from dasbench.backbones.site import Site
from dasbench.render.tables.table import Column, Table
from dasbench.spec.plain import Record

COLUMNS = (
    Column(key="path", title="path", is_text=True),
    Column(key="after", title="after", is_text=True),
    Column(key="stage", title="stage"),
    Column(key="block", title="block"),
    Column(key="channels", title="channels", priority=1),
)


def site_tables(backbone: str, sites: Sequence[Site]) -> list[Table]:
    """Every site of a backbone."""
    rows = []
    for site in sites:
        block = ""
        if site.block is not None:
            block = str(site.block)
        rows.append((site.path, site.after, str(site.stage), block, str(site.channels)))
    return [Table(title=f"Sites of {backbone}", columns=COLUMNS, rows=rows)]


def site_records(sites: Sequence[Site]) -> list[Record]:
    """A record for each site.

    Example:
        >>> site_records([Site("layer4", stage=4, channels=64, after="stage")])
        [{'path': 'layer4', 'after': 'stage', 'stage': 4, 'block': None, 'channels': 64}]
    """
    records: list[Record] = []
    for site in sites:
        record = {"path": site.path, "after": site.after, "stage": site.stage}
        records.append({**record, "block": site.block, "channels": site.channels})
    return records
