"""CC: attention along the row and the column of every position, against plain loops."""

import pytest
import torch
from torch import Tensor, nn

from dasbench.gates.cc import CcGate


def scramble(module: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for tensor in module.state_dict().values():
        tensor.copy_(torch.randn_like(tensor) * 0.7)
    return module


def pixelwise(conv: nn.Conv2d, image: Tensor) -> Tensor:
    return torch.einsum("oc,chw->ohw", conv.weight[:, :, 0, 0], image) + conv.bias.view(-1, 1, 1)


def slow_pass(gate: CcGate, image: Tensor) -> Tensor:
    """One pass over one image [C, H, W]: for every position, the list of those it attends to."""
    query, key, value = (pixelwise(conv, image) for conv in (gate.query, gate.key, gate.value))
    out = image.clone()
    for i in range(image.shape[1]):
        for j in range(image.shape[2]):
            seen = [(a, j) for a in range(image.shape[1]) if a != i] + [
                (i, b) for b in range(image.shape[2])
            ]
            energies = torch.stack([query[:, i, j] @ key[:, a, b] for a, b in seen])
            for weight, (a, b) in zip(energies.softmax(0), seen, strict=True):
                out[:, i, j] += gate.gamma[0] * weight * value[:, a, b]
    return out


@pytest.mark.parametrize("passes", [1, 2, 3])
@pytest.mark.parametrize("size", [(3, 4), (5, 2), (1, 3), (3, 1), (1, 1)])
def test_the_gate_is_the_slow_computation(size: tuple[int, int], passes: int) -> None:
    gate = scramble(CcGate(4, reduction=2, passes=passes).double())
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    expected = x
    for _ in range(passes):
        expected = torch.stack([slow_pass(gate, image) for image in expected])

    torch.testing.assert_close(gate(x), expected)
    assert not torch.allclose(gate(x), torch.stack([slow_pass(gate, image) for image in expected]))


def test_weights_sum_to_1_and_no_position_counts_twice() -> None:
    gate = scramble(CcGate(4, reduction=2))

    weights = gate.weights(torch.randn(2, 4, 3, 5))

    torch.testing.assert_close(weights.sum(3), torch.ones(2, 3, 5))
    itself_in_column = torch.stack([weights[:, i, :, i] for i in range(3)])
    itself_in_row = torch.stack([weights[:, :, j, 3 + j] for j in range(5)])
    assert bool((itself_in_column == 0).all())
    assert bool((itself_in_row > 0).all())


def test_a_new_gate_changes_nothing_and_a_trained_one_does() -> None:
    gate = CcGate(4)
    x = torch.randn(2, 4, 3, 5)

    assert gate(x).equal(x)
    nn.init.ones_(gate.gamma)
    assert not torch.allclose(gate(x), x, atol=1e-2)


@pytest.mark.parametrize(("passes", "reached"), [(1, 3 + 4 - 1), (2, 3 * 4)])
def test_one_pass_sees_a_cross_and_two_see_everything(passes: int, reached: int) -> None:
    gate = scramble(CcGate(4, reduction=1, passes=passes))
    x = torch.randn(1, 4, 3, 4, requires_grad=True)
    gate(x)[0, :, 1, 2].sum().backward()
    assert x.grad is not None

    assert int((x.grad.abs().sum((0, 1)) > 0).sum()) == reached


def test_whole_rows_and_columns_may_be_exchanged_but_not_single_pixels() -> None:
    gate = scramble(CcGate(4, reduction=2))
    x = torch.randn(1, 4, 3, 5)
    rows, columns = [2, 0, 1], [4, 2, 0, 1, 3]

    torch.testing.assert_close(gate(x[:, :, rows][..., columns]), gate(x)[:, :, rows][..., columns])
    shifted = x.flatten(2).roll(1, 2).view_as(x)
    assert not torch.allclose(gate(shifted), gate(x).flatten(2).roll(1, 2).view_as(x), atol=1e-2)


def test_memory_grows_with_the_cross_not_with_the_square_of_the_map() -> None:
    gate = scramble(CcGate(4, passes=1))
    x = torch.randn(2, 4, 24, 16, requires_grad=True)
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        gate(x)

    assert max(kept) == 2 * 24 * 16 * (24 + 16)


@pytest.mark.parametrize(("channels", "reduction", "width"), [(64, 8, 8), (8, 8, 1), (4, 8, 1)])
def test_queries_and_keys_are_narrow(channels: int, reduction: int, width: int) -> None:
    gate = CcGate(channels, reduction=reduction)

    assert gate.query.out_channels == gate.key.out_channels == width
    assert gate.value.out_channels == channels
