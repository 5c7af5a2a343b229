"""How what loaders read reaches the device: joined, pinned, and copied while a GPU computes."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Arriving:
    """Tensors on their way to a device, or there.

    Args:
        tensors: on the device; on a GPU they hold nothing yet.
        arrived: what a GPU has to wait for before it reads them; None where they are there.
    """

    def __init__(
        self, tensors: Sequence[Tensor], arrived: "torch.cuda.Event | None" = None
    ) -> None:
        self._tensors = tensors
        self._arrived = arrived

    def take(self) -> Sequence[Tensor]:
        """The tensors, for what follows in this thread: not it, but the GPU waits for them."""
        if self._arrived is not None and self._tensors:
            stream = torch.cuda.current_stream(self._tensors[0].device)
            stream.wait_event(self._arrived)
            for tensor in self._tensors:
                tensor.record_stream(stream)  # it is in use until this stream has read it
        return self._tensors


class Transfer:
    """The way to a device, which several threads may use at a time.

    On a GPU it is a stream of its own, beside the one that computes: one `Transfer` serves for all
    epochs, as the memory of every stream is kept apart.

    Args:
        device: where tensors are sent.

    Example:
        >>> chunks = [torch.zeros(2, 3, 4, 4), torch.ones(1, 3, 4, 4)]
        >>> images = Transfer(torch.device("cpu")).send_joined(chunks)
        >>> images.take()[0].shape
        torch.Size([3, 3, 4, 4])
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def send(self, tensors: Sequence[Tensor]) -> Arriving:
        """Start to copy tensors that lie on the CPU."""
        if self._stream is None:
            return Arriving([tensor.to(self.device) for tensor in tensors])
        with torch.cuda.stream(self._stream):  # pinning, too, asks for the stream's device
            sent = [tensor.pin_memory().to(self.device, non_blocking=True) for tensor in tensors]
            return Arriving(sent, self._stream.record_event())

    def send_joined(self, chunks: Sequence[Tensor]) -> Arriving:
        """Join the parts of a batch, and start to copy it."""
        if self._stream is None:
            return self.send([join(chunks)])
        with torch.cuda.stream(self._stream):
            return self.send([join(chunks, pin_memory=True)])


def join(chunks: Sequence[Tensor], *, pin_memory: bool = False) -> Tensor:
    """The parts of a batch as one tensor; maps are joined channels last, as networks read them.

    Args:
        chunks: [B, ...] each.
        pin_memory: whether the tensor lies where a GPU copies it from while it computes.
    """
    if len(chunks) == 1 and not pin_memory:
        return chunks[0]
    first = chunks[0]
    shape = (sum(map(len, chunks)), *first.shape[1:])
    layout = torch.contiguous_format
    if first.ndim == 4:
        layout = torch.channels_last
    batch = torch.empty(shape, dtype=first.dtype, pin_memory=pin_memory, memory_format=layout)
    return torch.cat(list(chunks), out=batch)
