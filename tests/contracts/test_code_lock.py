"""`code.lock` is that of the tree, and no component computes something else without a new revision."""

import pytest
from code_lock import MEANING, current_hashes, next_lock, unexplained
from golden_values import Golden, golden_values, moved, read_golden

from dasbench.code.lock import Locked, lock_text, read_lock
from dasbench.spec.trial import SEMANTICS


def test_the_lock_is_that_of_the_tree():
    locked = {name: entry.code for name, entry in read_lock().items()}

    assert locked == current_hashes(), (
        "a file that decides results was changed: run `make code-lock`"
    )


def test_the_golden_values_belong_to_the_meaning_of_today():
    assert read_golden()[MEANING] == {"version": SEMANTICS}


@pytest.mark.slow
def test_every_component_computes_what_it_did():
    now = golden_values()
    before = read_golden()
    del before[MEANING]

    assert moved(before, now) == {}
    assert before.keys() == now.keys()


GATE = Golden("dasbench.gates.se", 1e-5, {"logits": 2.0})


def test_a_value_that_moves_is_named_with_both_numbers():
    assert moved({"gate se": {"logits": 2.00001}}, {"gate se": GATE}) == {}
    assert moved({"gate se": {"logits": 2.1}}, {"gate se": GATE}) == {
        "gate se": "logits 2.1 -> 2.0"
    }
    assert moved({"gate se": {}}, {"gate se": GATE}) == {"gate se": "logits None -> 2.0"}


def test_a_new_component_is_no_move():
    assert moved({}, {"gate se": GATE}) == {}


def test_a_move_is_explained_by_a_new_revision_of_a_file_behind_it():
    differing = {"gate se": "logits 2.1 -> 2.0"}

    assert unexplained(differing, {"gate se": GATE}, ["gates/reduction.py"]) == {}
    assert unexplained(differing, {"gate se": GATE}, ["gates/cbam.py"]) == differing
    assert unexplained(differing, {"gate se": GATE}, []) == differing


def test_only_bumped_files_get_a_new_revision():
    locked = {"gates/a.py": Locked("1", 0), "gates/b.py": Locked("2", 4)}

    following = next_lock(
        locked, {"gates/a.py": "1", "gates/b.py": "3", "gates/c.py": "5"}, ["gates/b.py"]
    )

    assert following == {"gates/a.py": ("1", 0), "gates/b.py": ("3", 5), "gates/c.py": ("5", 0)}
    assert lock_text(following).splitlines()[1:] == [
        "gates/a.py 1 0",
        "gates/b.py 3 5",
        "gates/c.py 5 0",
    ]
