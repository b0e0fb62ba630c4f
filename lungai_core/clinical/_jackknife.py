"""The jackknife covariance of figures of merit, shared by both multi-reader models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["jackknife_covariance"]


def jackknife_covariance(left_out: NDArray[np.float64], /) -> NDArray[np.float64]:
    """Turn ``(cases, modalities, readers)`` figures into ``(i, j, i', j')`` covariances."""
    n = left_out.shape[0]
    centred = (left_out - left_out.mean(axis=0)).reshape(n, -1)
    covariance: NDArray[np.float64] = (n - 1) / n * (centred.T @ centred)
    return covariance.reshape(left_out.shape[1:] * 2)
