"""What a report says of the environments of trials."""

from dataclasses import asdict

from dasbench.views.environments import Environment, count_environments


def test_the_most_frequent_environment_comes_first_and_equal_numbers_go_by_their_words():
    recorded = [{"torch": "2.7"}, {"device": "cpu"}, {"torch": "2.6"}, {"torch": "2.6"}]

    found = count_environments(recorded)

    assert found == [
        (Environment(torch="2.6"), 2),
        (Environment(device="cpu"), 1),
        (Environment(torch="2.7"), 1),
    ]


def test_the_names_of_hosts_are_not_reported():
    found = count_environments([{"torch": "2.6", "host": "a"}, {"torch": "2.6", "host": "b"}])

    assert found == [(Environment(torch="2.6"), 2)]
    assert "host" not in asdict(found[0][0])


def test_what_was_recorded_as_a_number_is_reported_as_its_word():
    found = count_environments([{"threads": 4, "git_dirty": False, "cuda": None}])

    assert found == [(Environment(threads="4", git_dirty="False"), 1)]


def test_a_trial_that_recorded_nothing_of_that_is_left_out():
    assert count_environments([{}, {"host": "a"}, {"cuda": None}]) == []
