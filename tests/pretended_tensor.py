"""The tensors of a pretended CUDA device, and what becomes of an operator on them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from pretended_driver import Sightings, place_of_call
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

aten = torch.ops.aten

CUDA = torch.device("cuda", 0)
CPU = torch.device("cpu")

View = Literal["autograd", "forward"]
"""What PyTorch's C++ takes the tensors for; Python sees `cuda:0` in either.

- `autograd`: for tensors of the CPU. The backward pass works; `torch.autocast("cuda")` is that of
the CPU.
- `forward`: for tensors of CUDA. Autocast follows CUDA's rules, but the backward pass would ask for
a driver."""

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


class MixedDevicesError(RuntimeError):
    """An operator got tensors of the device and of the CPU."""


class PretendedCuda(Sightings):
    """The device: it computes on the CPU, and records for what the host waits.

    Args:
        view: what C++ takes the tensors for.
    """

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view

    def place(self, values: Tensor) -> "PretendedTensor":
        """Let a tensor of the CPU stand for one of the device."""
        return PretendedTensor(values, self)

    def run(self, operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Compute an operator on the values, and place on the device what belongs there."""
        tensors = list(_tensors((*args, *kwargs.values())))
        foreign = [tensor for tensor in tensors if not isinstance(tensor, PretendedTensor)]
        placed = len(foreign) < len(tensors)
        asked = kwargs.get("device")
        if not placed and not is_cuda(asked) and not kwargs.get("pin_memory"):
            return operator(*args, **kwargs)
        if placed:
            self._refuse_mixture(operator, foreign)
            self._record_waits(operator, args, kwargs)
        if operator in COPIES:
            self._record_copies(operator, args, kwargs)
        options = {name: _on_cpu(value) for name, value in kwargs.items() if name != "pin_memory"}
        out = operator(*map(_on_cpu, args), **options)
        if kwargs.get("pin_memory"):
            self.pin(out)
        if self._belongs_here(asked, placed=placed):
            out = tree_map_only(Tensor, self.place, out)
        return (
            _written_arguments(operator, args, kwargs, out) if operator._schema.is_mutable else out
        )

    def _belongs_here(self, asked: torch.device | None, *, placed: bool) -> bool:
        """Whether an operator's result lies on the device, given the device it was asked for, if any.

        In the view `autograd`, C++ asks for the CPU where it means the device of its arguments.
        """
        if asked is None or (placed and self.view == "autograd"):
            return placed
        return is_cuda(asked)

    def _refuse_mixture(self, operator: Any, foreign: list[Tensor]) -> None:
        """As CUDA does: numbers of the CPU may come without a copy, indices by one, other tensors not."""
        large = [tensor for tensor in foreign if tensor.dim() > 0]
        if not large or operator in COPIES:
            return
        if operator not in INDEXING:
            shapes = [tuple(tensor.shape) for tensor in large]
            where = place_of_call()
            raise MixedDevicesError(
                f"tensors on cuda:0 and on the CPU {shapes} meet in {operator}{where}"
            )
        self.blocking_copies.append("index" + place_of_call())

    def _record_waits(self, operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if operator is aten._local_scalar_dense.default:
            self.wait("item")
        by_values = operator in SIZED_BY_VALUES
        if operator in INDEXING:
            by_values = any(index.dtype is torch.bool for index in _tensors([args[1]]))
        if by_values:
            self.wait(str(operator))

    def _record_copies(self, operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if operator is aten.copy_.default:
            target, source = args[:2]
            to_device = isinstance(target, PretendedTensor)
            goes_on = kwargs.get("non_blocking") or args[2:3] == (True,)
        else:
            source = args[0]
            to_device = self._belongs_here(
                kwargs.get("device"), placed=isinstance(source, PretendedTensor)
            )
            goes_on = kwargs.get("non_blocking")
        from_device = isinstance(source, PretendedTensor)
        if from_device and not to_device:
            self.wait("to cpu")
        if to_device and not from_device:
            kind = self.other_copies if goes_on and self.is_pinned(source) else self.blocking_copies
            kind.append("copy" + place_of_call())


class PretendedTensor(Tensor):
    """A tensor that says that it lies on `cuda:0`.

    Args:
        values: its numbers, on the CPU.
        gpu: the device.
    """

    values: Tensor  # type: ignore[assignment] # torch's `values()` is of sparse tensors alone
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

    def new_tensor(  # type: ignore[override] # of its arguments what dasbench and torch use here
        self, data: Any, *, dtype: torch.dtype | None = None
    ) -> Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype, device=CUDA)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *args: object, **kwargs: object) -> Any:
        raise TypeError("can't convert a tensor of cuda:0 to numpy; use Tensor.cpu() first")

    __array__ = numpy

    def __repr__(self, *, tensor_contents=None):
        return f"PretendedTensor({self.values!r})"

    def __tensor_flatten__(self) -> tuple[list[str], PretendedCuda]:
        return ["values"], self.gpu

    @staticmethod
    def __tensor_unflatten__(
        parts: dict[str, Tensor], gpu: PretendedCuda, size: object, stride: object
    ) -> Tensor:
        return gpu.place(parts["values"])

    def __deepcopy__(self, memo: dict[int, object]) -> Tensor:
        copied: Tensor = self.gpu.place(self.values.detach().clone())
        if isinstance(self, nn.Parameter):
            copied = nn.Parameter(copied, self.requires_grad)
        memo[id(self)] = copied
        return copied.requires_grad_(self.requires_grad)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (
            self.detach().cpu().__reduce_ex__(protocol)
        )  # where it is read, there may be no device

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: object,
        args: Any = (),
        kwargs: dict[str, Any] | None = None,
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
    def __torch_dispatch__(  # type: ignore[override] # torch's own is a function in C
        cls, operator: Any, types: object, args: Any = (), kwargs: Any = None
    ) -> Any:
        given = _tensors((*args, *(kwargs or {}).values()))
        gpu = next(tensor.gpu for tensor in given if isinstance(tensor, PretendedTensor))
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


def _moved(x: Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> Tensor:
    """`Tensor.to` where the tensor, or the one that it shall be like, lies on the device."""
    device, dtype, _, memory_format = torch._C._nn._parse_to(*args, **kwargs)
    like = kwargs.get("other", args[0] if args else None)
    if isinstance(like, PretendedTensor):
        device = CUDA
    with torch._C.DisableTorchFunctionSubclass():
        if not isinstance(x, PretendedTensor):
            return x.to(device, dtype)
        copied = x.to(dtype=dtype or x.dtype, copy=copy, memory_format=memory_format)
    leaves = device is not None and device.type == "cpu"
    return _Fetched.apply(copied) if leaves else copied


def is_cuda(device: torch.device | str | None) -> bool:
    return device is not None and torch.device(device).type == "cuda"


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among an operator's arguments, those in lists included."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _on_cpu(value: Any) -> Any:
    """An argument with the numbers of tensors in their place, and the CPU in that of the device."""
    if isinstance(value, PretendedTensor):
        return value.values
    if isinstance(value, (list, tuple)):
        return type(value)(map(_on_cpu, value))
    return CPU if isinstance(value, torch.device) and value.type == "cuda" else value


def _written_arguments(
    operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any
) -> Any:
    """What an operator returns that writes to its arguments: those, not other tensors with the same values."""
    written = []
    for place, argument in enumerate(operator._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given = (
                args[place]
                if place < len(args) and not argument.kwarg_only
                else kwargs.get(argument.name)
            )
            written.append((argument.alias_info.before_set, given))
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    for number, returned in enumerate(operator._schema.returns):
        for names, given in written:
            if returned.alias_info is not None and returned.alias_info.before_set == names:
                outs[number] = given
    return type(out)(outs) if isinstance(out, (tuple, list)) else outs[0]
