"""What holds for global context; its values are compared with others' in test_parity.py."""

import torch

from dasbench.gates.gc import GlobalContext


def test_it_starts_as_the_identity() -> None:
    x = torch.randn(2, 32, 5, 3)

    torch.testing.assert_close(GlobalContext(32)(x), x, rtol=0, atol=0)


def test_scaling_starts_at_one_half() -> None:
    x = torch.randn(2, 32, 5, 3)

    torch.testing.assert_close(GlobalContext(32, fusion="scale")(x), x / 2, rtol=0, atol=0)


def test_the_context_is_that_of_the_position_with_most_attention() -> None:
    gate = GlobalContext(2, reduction=1)
    gate.attention.weight.data = torch.tensor([0.0, 1e4]).view(1, 2, 1, 1)
    gate.transform[3].weight.data = torch.eye(2).view(2, 2, 1, 1)
    x = torch.tensor([[5.0, -7.0, 2.0], [0.0, 3.0, 1.0]]).view(1, 2, 1, 3)  # channel 1 chooses the second position

    change = gate.transform(torch.tensor([-7.0, 3.0]).view(1, 2, 1, 1))

    torch.testing.assert_close(gate(x), x + change)
