"""Costs and scores by the names that one asks for them."""

import pytest
from fabricated_selections import ROWS, selection
from fabricated_studies import row

from dasbench.errors import UsageError
from dasbench.views.quantities import quantity, read_objective, with_metric
from dasbench.views.selection import refuse_mixed


class TestQuantities:
    def test_a_latency_that_nobody_measured_is_explained(self):
        with pytest.raises(UsageError, match="dasbench cost STUDY --latency"):
            quantity("latency", selection(ROWS), convention="full")

    def test_a_latency_among_the_metrics_is_found(self):
        rows = [row("a", 0, 1, 1, metrics={"top1": 1.0, "latency_ms": 3.0})]

        assert quantity("latency", selection(rows), convention="full") == "latency_ms"

    @pytest.mark.parametrize("text", ["top1", "top1:up", ":max", "", "top1:"])
    def test_an_objective_without_a_direction_is_refused(self, text):
        with pytest.raises(UsageError, match="METRIC:max or METRIC:min"):
            read_objective(text, selection(ROWS), convention="full")

    def test_an_unknown_metric_is_answered_with_the_nearest(self):
        with pytest.raises(UsageError, match="Did you mean 'top1'"):
            with_metric(selection(ROWS), "top")

    def test_a_loss_is_better_when_low_unless_the_study_says_otherwise(self):
        rows = [row("a", 0, 1, 1, metrics={"top1": 1.0, "val_loss": 3.0})]

        assert not with_metric(selection(rows), "val_loss").maximise
        assert with_metric(selection(rows, objectives=[("val_loss", "max")]), "val_loss").maximise


def test_scores_on_different_data_are_never_ranked_together():
    with pytest.raises(UsageError, match=r"different data.*cifar10; digits"):
        refuse_mixed([row("a", 0, 1, 1, dataset="digits"), row("a", 1, 1, 1, dataset="cifar10")])
