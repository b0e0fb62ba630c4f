"""Inverting a monotone test to an interval, for one table or for millions at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["bisect_decreasing"]

_STEPS = 60


def bisect_decreasing(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    /,
    *,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Find elementwise where a non-increasing function crosses zero, to 2**-60 of the bracket.

    Where the function is positive all over the bracket the upper end is returned, where it is negative the lower end.
    """
    low, high = lower.astype(np.float64), upper.astype(np.float64)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        positive = function(middle) > 0
        low = np.where(positive, middle, low)
        high = np.where(positive, high, middle)
    return (low + high) / 2
