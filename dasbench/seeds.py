"""Random numbers that depend on what they are for, never on what was drawn before them.

Every random decision of a trial (initial weights of a layer, order of an epoch, the crop of one
image) has its own stream, named by its purpose. So a run that resumes at epoch 7, one with four
loader workers and one with a different gate all see the same data, and all variants of a seed start
from the same backbone.
"""

from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2^63) that is a function of its parts alone.

    Args:
        parts: what the stream is for, for example a trial's seed and a layer's name.

    Example:
        >>> derive_seed(0, "backbone") == derive_seed(0, "backbone") != derive_seed(1, "backbone")
        True
    """
    return int.from_bytes(sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def uniform(seed: int, indices: NDArray[np.int64], *, draws: int = 1) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), one row for each index.

    A row depends on `seed` and its own index alone.

    Args:
        seed: a seed from `derive_seed`.
        indices: which samples, shape [N], any order.
        draws: how many numbers each sample gets.

    Shape:
        [N, draws]

    Source:
        SplitMix64 (Steele, Lea and Flood, 2014), used as a counter-based hash.

    Example:
        >>> a = uniform(7, np.array([0, 1, 2]))
        >>> b = uniform(7, np.array([2, 0]))
        >>> bool(a[2, 0] == b[0, 0] and a[0, 0] == b[1, 0])
        True
    """
    with np.errstate(over="ignore"):
        rows = indices.astype(np.uint64)[:, None]
        counter = rows * np.uint64(draws) + np.arange(draws, dtype=np.uint64)
        x = _mix(np.uint64(seed) + (counter + np.uint64(1)) * _GOLDEN)
    numbers: NDArray[np.float64] = (x >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers


def _mix(x: Any) -> Any:
    """SplitMix64's finaliser."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def permutation(seed: int, length: int) -> NDArray[np.int64]:
    """A random order of `range(length)` that is the same on every machine and version.

    Example:
        >>> sorted(permutation(3, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    return np.argsort(uniform(seed, np.arange(length))[:, 0], kind="stable")
