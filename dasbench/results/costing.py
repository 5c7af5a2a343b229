"""What networks cost, kept once for each network, its code and the way of counting."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from dasbench.errors import StoreError
from dasbench.records import COST_FIELDS, Cost
from dasbench.results.encoding import cost_columns, stamp
from dasbench.results.schema import costs, trials
from dasbench.spec.cost_key import CostKey


def keep_costs(
    connection: Connection, now: datetime, counted: Mapping[CostKey, Cost], revision: int
) -> list[CostKey]:
    """Keep what networks cost; returns those that an earlier revision had counted too.

    Their trials get the new counts.

    Raises:
        StoreError: if a network has another cost under the same revision.
    """
    known = known_costs(connection)
    refuse_other_costs(known, counted, revision)
    again: list[CostKey] = []
    for network, cost in counted.items():
        revisions = known.get(network, {})
        if revision in revisions:
            continue
        values = {
            **network._asdict(),
            "revision": revision,
            **cost_columns(cost),
            "counted": stamp(now),
        }
        connection.execute(insert(costs).values(values))
        if revisions and revision > max(revisions):
            again.append(network)
            same = (trials.c.network == network.network) & (
                trials.c.network_code == network.network_code
            )
            connection.execute(
                update(trials)
                .where(same & trials.c.params_full.is_not(None))
                .values(cost_columns(cost))
            )
    return again


Counts = tuple[int, ...]
"""The numbers of a cost, in the order of `COST_FIELDS`."""


def known_costs(connection: Connection) -> dict[CostKey, dict[int, Counts]]:
    """The counts of every network by revision."""
    known: dict[CostKey, dict[int, Counts]] = {}
    c = costs.c
    query = select(c.network, c.network_code, c.revision, *c[COST_FIELDS])
    for network, code, revision, *numbers in connection.execute(query):
        known.setdefault(CostKey(network, code), {})[revision] = tuple(numbers)
    return known


def counts_of(cost: Cost) -> Counts:
    """The numbers of a cost."""
    return tuple(cost.counts.values())


def refuse_other_costs(
    known: Mapping[CostKey, Mapping[int, Counts]], counted: Mapping[CostKey, Cost], revision: int
) -> None:
    """Make sure that networks cost what they cost before.

    Raises:
        StoreError: naming both numbers of the first that differ, and how many networks do.
    """
    differing = {}
    for network, cost in counted.items():
        before = known.get(network, {}).get(revision)
        if before not in (None, counts_of(cost)):
            differing[network] = cost
    for network, cost in differing.items():
        pairs = zip(COST_FIELDS, known[network][revision], counts_of(cost), strict=True)
        numbers = ", ".join(
            f"{name} {before:,} before and {now:,} now"
            for name, before, now in pairs
            if before != now
        )
        tools = ", ".join(f"{tool} {version}" for tool, version in cost.versions.items())
        raise StoreError(
            f"{len(differing)} networks of unchanged code are counted otherwise than in the "
            f"database: network {network.network} has {numbers} (counted by {tools}). Results "
            "under two counts cannot be compared: use the versions of the tools that counted "
            "before (`dasbench show KEY` names them), or `db` another database."
        )


def newest_counts(connection: Connection, network: CostKey) -> Counts | None:
    """The newest counts of a network, None if it was never counted."""
    same = (costs.c.network == network.network) & (costs.c.network_code == network.network_code)
    newest = select(func.max(costs.c.revision)).where(same).scalar_subquery()
    counts = select(*costs.c[COST_FIELDS]).where(same, costs.c.revision == newest)
    found = connection.execute(counts).one_or_none()
    if found is None:
        return None
    return tuple(found)
