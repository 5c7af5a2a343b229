"""Contracts that every component keeps, for this project's tests and for those of plug-ins.

Example:
    >>> def test_my_gate():
    ...     check_gate("my_gate")
"""

from dasbench.testing.backbones import check_backbone
from dasbench.testing.datasets import check_dataset
from dasbench.testing.gates import check_gate
from dasbench.testing.metrics import MetricExamples, check_metric
from dasbench.testing.samplers import check_sampler
from dasbench.testing.studies import check_study_file
from dasbench.testing.tasks import check_task

__all__ = [
    "MetricExamples",
    "check_backbone",
    "check_dataset",
    "check_gate",
    "check_metric",
    "check_sampler",
    "check_study_file",
    "check_task",
]
