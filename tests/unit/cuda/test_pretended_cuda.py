"""The pretended device itself: it is believed, it is as strict as CUDA, it sees what waits, and it goes away."""

import copy
from io import BytesIO
from threading import Thread

import pytest
import torch
from pretended_cuda import pretended_cuda
from pretended_tensor import CUDA, MixedDevicesError, PretendedTensor
from torch import nn

VIEWS = ("autograd", "forward")

either_view = pytest.mark.parametrize("view", VIEWS)


@pytest.fixture(params=VIEWS)
def gpu(request):
    with pretended_cuda(request.param) as gpu:
        yield gpu


# it is believed


def test_the_driver_answers():
    with pretended_cuda(memory=5 << 30):
        assert torch.cuda.is_available()
        assert torch.cuda.device_count() == 1
        assert torch.cuda.mem_get_info() == (5 << 30, 5 << 30)
        assert torch.cuda.get_device_capability() >= (8, 0)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.zeros(3, device="cuda"),
        lambda: torch.tensor([1.0, 2.0], device="cuda"),
        lambda: torch.as_tensor([1.0, 2.0], device="cuda:0"),
        lambda: torch.arange(3, device=CUDA),
        lambda: torch.ones(3).cuda(),
        lambda: torch.ones(3).to("cuda", non_blocking=True),
        lambda: torch.ones(3).to(torch.zeros(1, device="cuda")),
        lambda: torch.zeros(3, device="cuda").to(torch.float64),
        lambda: torch.zeros(3, device="cuda").new_zeros(2),
        lambda: torch.zeros(3, device="cuda").new_tensor([1, 2]),
        lambda: torch.randn_like(torch.zeros(3, device="cuda"))[1:],
        lambda: nn.Linear(2, 3, device="cuda").weight,
        lambda: copy.deepcopy(nn.Linear(2, 3).to("cuda")).weight,
    ],
)
def test_what_is_asked_of_the_device_lies_there(make):
    made = make()

    assert made.device == CUDA
    assert made.is_cuda
    assert not made.is_cpu


@pytest.mark.usefixtures("gpu")
def test_what_is_not_asked_of_the_device_lies_on_the_cpu():
    tensors = (
        torch.zeros(3),
        torch.tensor(1.0),
        nn.Linear(2, 3).weight,
        torch.zeros(3, device="cuda").cpu(),
    )

    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    assert not any(isinstance(tensor, PretendedTensor) for tensor in tensors)


def test_it_computes_what_the_cpu_computes_and_its_gradients():
    x = torch.randn(4, 3, 8, 8)
    layer = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU())
    twin = copy.deepcopy(layer)
    loss = layer(x).square().mean()
    loss.backward()

    with pretended_cuda():
        twin.to("cuda").to(memory_format=torch.channels_last)
        same = twin(x.to("cuda")).square().mean()
        same.backward()

        assert same.item() == pytest.approx(loss.item(), rel=1e-6)
        for parameter, other in zip(layer.parameters(), twin.parameters(), strict=True):
            assert other.grad.device == CUDA
            torch.testing.assert_close(other.grad.cpu(), parameter.grad, rtol=1e-4, atol=1e-6)


def test_gradients_come_back_from_the_cpu():
    with pretended_cuda():
        x = torch.ones(3, device="cuda", requires_grad=True)
        (x * 2).cpu().sum().backward()

        assert x.grad.tolist() == [2, 2, 2]
        assert x.grad.device == CUDA


def test_in_the_view_forward_autocast_follows_the_rules_of_cuda():
    with pretended_cuda("forward"), torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        x = torch.randn(2, 4, 6, 6, device="cuda")
        convolved = nn.Conv2d(4, 4, 3, device="cuda")(x)
        normed = nn.GroupNorm(2, 4, device="cuda")(convolved)

    assert convolved.dtype is torch.bfloat16
    assert normed.dtype is torch.float32


def test_a_checkpoint_is_read_where_there_is_no_device():
    file = BytesIO()
    with pretended_cuda():
        layer = nn.Linear(2, 3).to("cuda")
        torch.save(layer.state_dict(), file)
        weights = layer.weight.tolist()

    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert state["weight"].device.type == "cpu"
    assert state["weight"].tolist() == weights


@pytest.mark.parametrize("fused", [False, True])
def test_optimisers_step_on_the_device(fused):
    with pretended_cuda():
        layer = nn.Linear(2, 3).to("cuda")
        before = layer.weight.tolist()
        optimizer = torch.optim.AdamW(layer.parameters(), fused=fused)
        layer(torch.ones(4, 2, device="cuda")).sum().backward()
        optimizer.step()

        assert layer.weight.tolist() != before
        assert layer.weight.device == CUDA


@either_view
def test_threads_see_it_too(view):
    found = []
    with pretended_cuda(view):
        thread = Thread(target=lambda: found.append(torch.zeros(3).to("cuda").device))
        thread.start()
        thread.join()

    assert found == [CUDA]


# it is strict


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "mix",
    [
        lambda here, there: here + there,
        lambda here, there: torch.cat([here, there]),
        lambda here, there: there @ here,
        lambda here, there: there.add_(here),
        lambda here, there: torch.where(here > 0, there, there),
    ],
)
def test_tensors_of_two_devices_do_not_meet(mix):
    here, there = torch.ones(3), torch.ones(3, device="cuda")

    with pytest.raises(MixedDevicesError, match=r"cuda:0 and on the CPU \[\(3,\)"):
        mix(here, there)


@pytest.mark.usefixtures("gpu")
def test_numbers_and_indices_of_the_cpu_may_come():
    there = torch.arange(3.0, device="cuda")

    assert (there * torch.tensor(2.0))[torch.tensor([2, 0])].tolist() == [4, 0]


@pytest.mark.usefixtures("gpu")
def test_numpy_does_not_read_it():
    with pytest.raises(TypeError, match=r"Tensor\.cpu"):
        torch.ones(3, device="cuda").numpy()


@pytest.mark.usefixtures("gpu")
def test_its_memory_cannot_be_pinned():
    with pytest.raises(RuntimeError, match="cannot pin"):
        torch.ones(3, device="cuda").pin_memory()


# it sees what one waits for


@pytest.mark.parametrize(
    ("wait", "seen"),
    [
        (lambda x: x.sum().item(), ["item"]),
        (lambda x: float(x.max()), ["item"]),
        (lambda x: bool((x > 1).any()), ["item"]),
        (lambda x: x.cpu(), ["to cpu"]),
        (lambda x: x.to("cpu"), ["to cpu"]),
        (lambda x: x.to("cpu", copy=True), ["to cpu"]),
        (lambda x: x.tolist(), ["to cpu"]),
        (lambda x: torch.empty(3).copy_(x), ["to cpu"]),
        (lambda x: x.nonzero(), ["aten.nonzero.default"]),
        (lambda x: x[x > 1], ["aten.index.Tensor"]),
        (lambda _: torch.cuda.synchronize(), ["synchronize"]),
        (lambda _: torch.cuda.Stream().synchronize(), ["Stream.synchronize"]),
        (lambda x: x.float().sum(), []),
        (lambda x: x.to("cuda"), []),
    ],
)
def test_waits_are_seen(gpu, wait, seen):
    x = torch.arange(3, device="cuda")
    gpu.forget()

    wait(x)

    assert gpu.waits == seen


@pytest.mark.parametrize(
    ("send", "blocking", "other"),
    [
        (lambda x: x.to("cuda"), ["copy"], []),
        (lambda x: x.cuda(), ["copy"], []),
        (lambda x: x.to("cuda", non_blocking=True), ["copy"], []),
        (lambda x: x.pin_memory().to("cuda"), ["copy"], []),
        (lambda x: x.pin_memory().to("cuda", non_blocking=True), [], ["copy"]),
        (lambda x: x.pin_memory()[1:].to("cuda", non_blocking=True), [], ["copy"]),
        (lambda _: torch.empty(3, pin_memory=True).to("cuda", non_blocking=True), [], ["copy"]),
        (lambda x: torch.empty(3, device="cuda").copy_(x), ["copy"], []),
        (
            lambda x: torch.empty(3, device="cuda").copy_(x.pin_memory(), non_blocking=True),
            [],
            ["copy"],
        ),
        (lambda x: torch.ones(3, device="cuda")[x.long()], ["index"], []),
        (lambda _: torch.tensor([1.0, 2.0], device="cuda"), ["copy"], []),
        (lambda _: torch.zeros(3, device="cuda"), [], []),
    ],
)
def test_copies_to_the_device_are_seen(gpu, send, blocking, other):
    send(torch.zeros(3))

    assert gpu.blocking_copies == blocking
    assert gpu.other_copies == other
    assert gpu.waits == []


def test_a_line_of_dasbench_that_waits_is_named(gpu):
    from dasbench.metrics.accuracy import top1

    top1(torch.eye(3, device="cuda"), torch.arange(3, device="cuda"))

    assert gpu.waits
    assert all(" at dasbench/metrics/accuracy.py:" in wait for wait in gpu.waits)


def test_streams_and_events_are_seen(gpu):
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        event = side.record_event()
    torch.cuda.current_stream().wait_event(event)
    torch.zeros(3, device="cuda").record_stream(side)

    assert gpu.calls == ["stream", "record_event", "wait_event", "record_stream"]
    assert gpu.waits == []


# it goes away


@either_view
def test_everything_is_restored_at_the_end(view):
    names = (
        "is_available",
        "device_count",
        "mem_get_info",
        "Stream",
        "synchronize",
        "get_device_name",
    )
    before = [getattr(torch.cuda, name) for name in names]
    others = (
        torch.tensor,
        torch.as_tensor,
        torch.autocast,
        torch.inference_mode,
        torch.Tensor.pin_memory,
        Thread.run,
    )
    flags = (torch.backends.cudnn.enabled, torch.backends.mkldnn.enabled)

    with pytest.raises(MixedDevicesError), pretended_cuda(view):
        torch.ones(3, device="cuda") + torch.ones(3)  # an end by an exception

    assert [getattr(torch.cuda, name) for name in names] == before
    now = (
        torch.tensor,
        torch.as_tensor,
        torch.autocast,
        torch.inference_mode,
        torch.Tensor.pin_memory,
        Thread.run,
    )
    assert now == others
    assert (torch.backends.cudnn.enabled, torch.backends.mkldnn.enabled) == flags


@either_view
def test_training_on_the_cpu_goes_on_afterwards(view):
    with pretended_cuda(view):
        torch.zeros(3, device="cuda")
    layer = nn.Conv2d(3, 4, 3)

    layer(torch.randn(1, 3, 8, 8)).sum().backward()

    assert torch.isfinite(layer.weight.grad).all()
