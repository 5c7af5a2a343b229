"""Which seeds were added to variants whose results somebody could have looked at before."""

import pytest

from dasbench.records import Row
from dasbench.results.planning import Member
from dasbench.results.unplanned import with_earlier_looks


def listed(name, seeds, *, pending=(), looked_at=(), role="", state="done"):
    """What a study listed of a variant; its trials of some seeds never ended."""
    return [
        Row(
            study="s", key=f"{name}{seed}", variant={"gate": name}, label=name, seed=seed, role=role,
            state="pending" if seed in pending else state, looked_at=looked_at,
        )
        for seed in seeds
    ]  # fmt: skip


def planned(name, seeds):
    return [Member(key=f"{name}{seed}", spec={}, label=name, seed=seed) for seed in seeds]


def looks(members, rows):
    """The looks at each variant."""
    found: dict[str, list[list[int]]] = {}
    for member in with_earlier_looks(members, rows):
        found.setdefault(member.label, member.looked_at)
        assert found[member.label] == member.looked_at
    return found


def both(seeds, **more):
    return [*listed("a", seeds, **more), *listed("b", seeds, **more)]


MORE = [*planned("a", range(5)), *planned("b", range(5))]
THREE = (0, 1, 2)


def test_seeds_that_come_after_results_come_after_a_look():
    assert looks(MORE, both(THREE)) == {"a": (THREE,), "b": (THREE,)}


def test_failed_trials_were_seen_too():
    assert looks(MORE, both(THREE, state="failed")) == {"a": (THREE,), "b": (THREE,)}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        both(range(5)),
        both(range(5), pending=(2, 3, 4)),
        both([0]),
        both(THREE, pending=(1, 2)),
        both(THREE, role="search"),
        both([7, 8, 9]),
        [*listed("a", THREE), *listed("b", THREE, pending=(1, 2))],
    ],
    ids=[
        "nothing was there",
        "no seed is new",
        "an interrupted run goes on",
        "one seed cannot be tested",
        "only one seed had ended",
        "a search proposes its seeds itself",
        "no earlier seed is left",
        "the other variant had only one",
    ],
)  # fmt: skip
def test_these_are_no_looks(rows):
    assert looks(MORE, rows) == {"a": (), "b": ()}


def test_seeds_that_some_variant_lacks_were_not_there_to_compare():
    rows = [*listed("a", THREE), *listed("b", THREE, pending=(2,))]

    assert looks(MORE, rows) == {"a": ((0, 1),), "b": ((0, 1),)}


def test_a_variant_that_is_new_was_not_looked_at():
    assert looks([*MORE, *planned("c", range(5))], both(THREE)) == {
        "a": (THREE,),
        "b": (THREE,),
        "c": (),
    }


def test_more_variants_alone_are_no_look():
    members = [*planned("a", THREE), *planned("b", THREE), *planned("c", THREE)]

    assert looks(members, both(THREE)) == {"a": (), "b": (), "c": ()}


def test_looks_add_up():
    rows = both(range(5), looked_at=[[0, 1, 2]])
    more = [*planned("a", range(9)), *planned("b", range(9))]

    assert looks(more, rows)["a"] == (THREE, tuple(range(5)))
    assert looks(MORE, rows)["a"] == (THREE,)
