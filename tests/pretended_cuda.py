"""A pretended CUDA device: tensors that say `cuda:0`, hold real numbers on the CPU and refuse to mix with its tensors.

It shows where code would fail or wait on a GPU, on a machine without one. It computes what a CPU computes: it says
nothing of a GPU's kernels, of its rounding, of its memory or of its speed.

    with pretended_cuda() as gpu:
        model = nn.Linear(4, 2).to("cuda")
        model(torch.randn(3, 4, device="cuda")).sum().item()
    assert gpu.waits == ["item"]
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest
import torch
from pretended_driver import pretend_driver
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map_only

import dasbench

aten = torch.ops.aten

CUDA = torch.device("cuda", 0)
CPU = torch.device("cpu")

View = Literal["autograd", "forward"]
"""What PyTorch's C++ takes the tensors for; Python sees `cuda:0` in either.

- `autograd`: for tensors of the CPU. The backward pass works; `torch.autocast("cuda")` is that of the CPU.
- `forward`: for tensors of CUDA. Autocast follows CUDA's rules, but the backward pass would ask for a driver.
"""

INDEXING = {
    aten.index.Tensor,
    aten.index_put.default,
    aten.index_put_.default,
    aten._unsafe_index.Tensor,
    aten._unsafe_index_put.default,
    aten._index_put_impl_.default,
}
"""Take indices from the CPU, too: CUDA copies them, and the host waits."""

COPIES = {aten.copy_.default, aten._to_copy.default}
"""Take tensors from anywhere."""

SIZED_BY_VALUES = {
    aten.nonzero.default,
    aten.masked_select.default,
    aten._unique2.default,
    aten.bincount.default,
    aten.repeat_interleave.Tensor,
}
"""Operators that on CUDA wait for the values to know the size of what they return."""

PACKAGE = Path(dasbench.__file__).parent


class MixedDevicesError(RuntimeError):
    """An operator got tensors of the device and of the CPU."""


class PretendedCuda:
    """The device, and what was seen of it: where the host waited and what was copied, as `what at file:line`.

    The place is the innermost line of dasbench, where there is one.

    Args:
        view: what C++ takes the tensors for.

    Attributes:
        waits: host synchronisations: `item`, copies to the CPU, operators whose result has a size that depends on
            values, `synchronize`.
        blocking_copies: to the device, for which the host waits: from memory that is not pinned, or without
            `non_blocking`.
        other_copies: to the device, while the host goes on.
        calls: of streams, events and memory statistics, by name.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.waits: list[str] = []
        self.blocking_copies: list[str] = []
        self.other_copies: list[str] = []
        self.calls: list[str] = []
        self._pinned: dict[int, torch.UntypedStorage] = {}  # held, so that no other storage gets the address

    def forget(self) -> None:
        """Start counting afresh."""
        for seen in (self.waits, self.blocking_copies, self.other_copies, self.calls):
            seen.clear()

    def place(self, values: Tensor) -> "PretendedTensor":
        """Let a tensor of the CPU stand for one of the device."""
        return PretendedTensor(values, self)

    def wait(self, what: str) -> None:
        """Record that the host waits."""
        self.waits.append(what + _place())

    def pin(self, values: Tensor) -> Tensor:
        """Record that the memory of a tensor is pinned."""
        storage = values.untyped_storage()
        self._pinned[storage.data_ptr()] = storage
        return values

    def is_pinned(self, values: Tensor) -> bool:
        """Whether the memory of a tensor was pinned, or that of which it is a view."""
        on_device = isinstance(values, PretendedTensor)
        return not on_device and values.untyped_storage().data_ptr() in self._pinned

    def run(self, operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Compute an operator on the values, and place on the device what belongs there."""
        leaves = tree_leaves((args, kwargs))
        placed = any(isinstance(leaf, PretendedTensor) for leaf in leaves)
        foreign = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not isinstance(leaf, PretendedTensor)]
        asked = kwargs.get("device")
        if not placed and not _is_cuda(asked) and not kwargs.get("pin_memory"):
            return operator(*args, **kwargs)
        if placed:
            self._refuse_mixture(operator, foreign)
            self._record_waits(operator, args, kwargs)
        if operator in COPIES:
            self._record_copies(operator, args, kwargs)
        pinned = {"pin_memory": False} if kwargs.get("pin_memory") else {}
        out = operator(*_values(args), **_values({**kwargs, **pinned}))
        if pinned:
            self.pin(out)
        if self._belongs_here(asked, placed=placed):
            out = tree_map_only(Tensor, self.place, out)
        return _written_arguments(operator, args, kwargs, out) if operator._schema.is_mutable else out

    def _belongs_here(self, asked: torch.device | None, *, placed: bool) -> bool:
        """Whether an operator's result lies on the device, given the device it was asked for, if any.

        In the view `autograd`, C++ asks for the CPU where it means the device of its arguments.
        """
        if asked is None or (placed and self.view == "autograd"):
            return placed
        return _is_cuda(asked)

    def _refuse_mixture(self, operator: Any, foreign: list[Tensor]) -> None:
        """As CUDA does: numbers of the CPU may come without a copy, indices by one, other tensors not."""
        large = [tensor for tensor in foreign if tensor.dim() > 0]
        if not large or operator in COPIES:
            return
        if operator not in INDEXING:
            shapes = [tuple(tensor.shape) for tensor in large]
            where = _place()
            raise MixedDevicesError(f"tensors on cuda:0 and on the CPU {shapes} meet in {operator}{where}")
        self.blocking_copies.append("index" + _place())

    def _record_waits(self, operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        masks = [leaf for leaf in tree_leaves(args[1:]) if isinstance(leaf, Tensor) and leaf.dtype is torch.bool]
        if operator is aten._local_scalar_dense.default:
            self.wait("item")
        elif operator in SIZED_BY_VALUES or (operator in INDEXING and masks):
            self.wait(str(operator))

    def _record_copies(self, operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if operator is aten.copy_.default:
            target, source = args[:2]
            to_device = isinstance(target, PretendedTensor)
            goes_on = kwargs.get("non_blocking") or args[2:3] == (True,)
        else:
            source = args[0]
            to_device = self._belongs_here(kwargs.get("device"), placed=isinstance(source, PretendedTensor))
            goes_on = kwargs.get("non_blocking")
        from_device = isinstance(source, PretendedTensor)
        if from_device and not to_device:
            self.wait("to cpu")
        if to_device and not from_device:
            kind = self.other_copies if goes_on and self.is_pinned(source) else self.blocking_copies
            kind.append("copy" + _place())


class PretendedTensor(Tensor):
    """A tensor that says that it lies on `cuda:0`.

    Args:
        values: its numbers, on the CPU.
        gpu: the device.
    """

    values: Tensor
    gpu: PretendedCuda

    @staticmethod
    def __new__(cls, values: Tensor, gpu: PretendedCuda) -> "PretendedTensor":
        made: PretendedTensor = Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            layout=values.layout,
            device=CUDA if gpu.view == "forward" else CPU,
        )
        made.values = values
        made.gpu = gpu
        return made

    def __init__(self, values: Tensor, gpu: PretendedCuda) -> None:
        super().__init__()

    device = property(lambda _: CUDA)
    is_cuda = property(lambda _: True)
    is_cpu = property(lambda _: False)

    def get_device(self) -> int:
        return 0

    def new_tensor(self, data: Any, *, dtype: torch.dtype | None = None) -> Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype, device=CUDA)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *args: object, **kwargs: object) -> Any:
        raise TypeError("can't convert a tensor of cuda:0 to numpy; use Tensor.cpu() first")

    __array__ = numpy

    def __repr__(self) -> str:
        return f"PretendedTensor({self.values!r})"

    def __tensor_flatten__(self) -> tuple[list[str], PretendedCuda]:
        return ["values"], self.gpu

    @staticmethod
    def __tensor_unflatten__(parts: dict[str, Tensor], gpu: PretendedCuda, size: object, stride: object) -> Tensor:
        return gpu.place(parts["values"])

    def __deepcopy__(self, memo: dict[int, object]) -> Tensor:
        copied: Tensor = self.gpu.place(self.values.detach().clone())
        if isinstance(self, nn.Parameter):
            copied = nn.Parameter(copied, self.requires_grad)
        memo[id(self)] = copied
        return copied.requires_grad_(self.requires_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.detach().cpu().__reduce_ex__(protocol)  # where it is read, there may be no device

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: object, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function is Tensor.cuda:
            return args[0]
        if function is Tensor.cpu:
            return _Fetched.apply(args[0])
        if function is Tensor.to:
            return _moved(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, operator: Any, types: object, args: Any = (), kwargs: Any = None) -> Any:
        gpu = next(leaf.gpu for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, PretendedTensor))
        return gpu.run(operator, args, kwargs or {})


class _Fetched(torch.autograd.Function):
    """A copy on the CPU, whose gradient goes back to the device."""

    @staticmethod
    def forward(ctx: Any, x: PretendedTensor) -> Tensor:
        x.gpu.wait("to cpu")
        ctx.gpu = x.gpu
        return x.values.detach().clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return ctx.gpu.place(gradient)


def _moved(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`Tensor.to` where the tensor, or the one that it shall be like, lies on the device."""
    device, dtype, _, memory_format = torch._C._nn._parse_to(*args, **kwargs)
    like = kwargs.get("other", args[0] if args else None)
    if isinstance(like, PretendedTensor):
        device = CUDA
    with torch._C.DisableTorchFunctionSubclass():
        if not isinstance(x, PretendedTensor):
            return x.to(device, dtype)
        copied = x.to(dtype=dtype or x.dtype, copy="copy" in kwargs, memory_format=memory_format)
    leaves = device is not None and device.type == "cpu"
    return _Fetched.apply(copied) if leaves else copied


class _Everywhere(TorchDispatchMode):
    """Shows the device every operator, those without a tensor included."""

    def __init__(self, gpu: PretendedCuda) -> None:
        super().__init__()
        self._gpu = gpu

    def __torch_dispatch__(self, operator: Any, types: object, args: Any = (), kwargs: Any = None) -> Any:
        return self._gpu.run(operator, args, kwargs or {})


def _is_cuda(device: torch.device | str | None) -> bool:
    return device is not None and torch.device(device).type == "cuda"


def _values(tree: Any) -> Any:
    """Arguments with the numbers of tensors in their place, and the CPU in that of the device."""
    on_cpu = tree_map_only(PretendedTensor, lambda tensor: tensor.values, tree)
    return tree_map_only(torch.device, lambda device: CPU if _is_cuda(device) else device, on_cpu)


def _written_arguments(operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> Any:
    """What an operator returns that writes to its arguments: those, not other tensors with the same values."""
    written = []
    for place, argument in enumerate(operator._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given = args[place] if place < len(args) and not argument.kwarg_only else kwargs.get(argument.name)
            written.append((argument.alias_info.before_set, given))
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    for number, returned in enumerate(operator._schema.returns):
        for names, given in written:
            if returned.alias_info is not None and returned.alias_info.before_set == names:
                outs[number] = given
    return type(out)(outs) if isinstance(out, (tuple, list)) else outs[0]


def _place() -> str:
    """The innermost line of dasbench that is being run, as ` at file:line`."""
    frame = sys._getframe(1)
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(PACKAGE):
            return f" at {file.relative_to(PACKAGE.parent)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@contextmanager
def pretended_cuda(view: View = "autograd", *, memory: int = 80 << 30) -> Iterator[PretendedCuda]:
    """Let this process believe that it has one CUDA device, and restore everything at the end.

    Threads that are started inside see the device, too. cuDNN is off, for there is none, and oneDNN, for a GPU has not
    its kernels: numbers of the CPU that are compared bit for bit are computed without it, too.

    Args:
        view: what C++ takes the device's tensors for.
        memory: bytes that the device has, all of them free.
    """
    gpu = PretendedCuda(view)
    torch._C._ensureCUDADeviceGuardSet()  # where no driver is; it stays, and nothing else asks for it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.backends.cudnn, "enabled", False)
        patch.setattr(torch.backends.mkldnn, "enabled", False)
        pretend_driver(patch, gpu, memory=memory)
        _patch_constructors(patch, gpu)
        _patch_threads(patch, gpu)
        _patch_tracer(patch)
        with _Everywhere(gpu):
            yield gpu


def _patch_constructors(patch: pytest.MonkeyPatch, gpu: PretendedCuda) -> None:
    """Let what C++ makes without asking the dispatcher be made here."""
    make, convert, no_grad, autocast = torch.tensor, torch.as_tensor, torch.no_grad, torch.autocast

    def made(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        return _placed(make(data, **options), device)

    def converted(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        return _placed(data if isinstance(data, PretendedTensor) else convert(data, **options), device, **options)

    def of_cpu(device_type: str, *args: Any, **options: Any) -> torch.autocast:
        del device_type
        return autocast("cpu", *args, **options)

    patch.setattr(torch, "tensor", made)
    patch.setattr(torch, "as_tensor", converted)
    patch.setattr(torch, "inference_mode", no_grad)  # its tensors know no subclass
    if gpu.view == "autograd":
        patch.setattr(torch, "autocast", of_cpu)


def _placed(tensor: Tensor, device: Any, **options: Any) -> Tensor:
    return tensor if device is None else tensor.to(device, **options)


def _patch_threads(patch: pytest.MonkeyPatch, gpu: PretendedCuda) -> None:
    """Let new threads see the device: a dispatch mode is a matter of one thread."""
    run = Thread.run

    def run_beside(thread: Thread) -> None:
        with _Everywhere(gpu):
            run(thread)

    patch.setattr(Thread, "run", run_beside)


def _patch_tracer(patch: pytest.MonkeyPatch) -> None:
    """Let networks be traced, which is done on the CPU: with a dispatch mode the tracer loses sight of views."""
    trace = torch._C._create_graph_by_tracing

    def traced(*args: Any, **options: Any) -> Any:
        with _disable_current_modes():
            return trace(*args, **options)

    patch.setattr(torch._C, "_create_graph_by_tracing", traced)
