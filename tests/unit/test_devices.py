"""A GPU that no longer answers, and memory that a process may take: CUDA's answers are given here."""

import pytest
import torch

from dasbench import devices
from dasbench.devices import CONTEXT, give_back_memory, is_broken, limit_memory

GPU = torch.device("cuda")
GIB = 2**30


@pytest.fixture
def answers(monkeypatch):
    """A process that has used CUDA, whose next kernel raises something, or nothing."""

    def with_error(error):
        def synchronize():
            if error:
                raise error

        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        monkeypatch.setattr(torch, "zeros", lambda *_, **__: torch.ones(1))
        monkeypatch.setattr(torch.cuda, "synchronize", synchronize)

    return with_error


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (None, False),
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (torch.OutOfMemoryError("CUDA out of memory"), False),
    ],
)
def test_a_gpu_that_fails_whatever_is_asked_is_broken(answers, error, broken):
    answers(error)

    assert is_broken() == broken


def test_a_process_that_has_not_used_cuda_is_not_made_to():
    before = torch.cuda.is_initialized()

    assert not is_broken()
    assert torch.cuda.is_initialized() == before


def test_memory_is_given_back_but_not_to_a_broken_gpu(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))

    monkeypatch.setattr(devices, "is_broken", lambda: True)
    give_back_memory(GPU)
    monkeypatch.setattr(devices, "is_broken", lambda: False)
    give_back_memory(GPU)

    assert emptied == [1]


@pytest.fixture
def limits(monkeypatch) -> list[float]:
    """The limits that are set on a GPU of 80 GiB."""
    found = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (GIB, 80 * GIB))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda part, _: found.append(part)
    )
    return found


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1])
def test_a_process_takes_no_more_than_its_share_the_context_included(limits, share):
    limit_memory(GPU, share)

    assert limits[0] * 80 * GIB + CONTEXT == pytest.approx(share * 80 * GIB)


def test_who_has_a_gpu_alone_may_take_all_of_it(limits):
    limit_memory(GPU, 1.0)

    assert limits == [1.0]


def test_a_cpu_is_not_limited(limits):
    limit_memory(torch.device("cpu"), 0.5)

    assert limits == []
