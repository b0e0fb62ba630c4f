"""Several readers' masks joined to one: strict majority with a stated tie rule, and STAPLE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.errors import ConsensusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Staple", "TieRule", "intersection", "majority", "staple", "union"]

_CONVERGED = 1e-12


class TieRule(StrEnum):
    """What becomes of a voxel that exactly half of the readers marked.

    :implements: SRS-ANNO-006, SDS-ANNO-006
    """

    INSIDE = "inside: at least half of the readers"
    OUTSIDE = "outside: more than half of the readers"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, eq=False)
class Staple:
    """The result of STAPLE.

    :implements: SRS-ANNO-006, SDS-ANNO-006

    Parameters
    ----------
    probability
        ``(z, y, x)`` float64 probability of the hidden true mask.
    sensitivity, specificity
        One value a reader.
    prior
        Share of marked voxels in the region; the result depends on it, so on the region chosen.
    iterations
        How many were made.
    """

    probability: NDArray[np.float64]
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]
    prior: float
    iterations: int

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Voxels with a probability of 0.5 or more."""
        mask: NDArray[np.bool_] = self.probability >= 0.5  # noqa: PLR2004 - the definition of the mask
        return mask


def majority(masks: Sequence[NDArray[np.bool_]], /, *, ties: TieRule) -> NDArray[np.bool_]:
    """Join masks by majority at 50 %.

    :implements: SRS-ANNO-006, SDS-ANNO-006

    Parameters
    ----------
    masks
        One ``(z, y, x)`` mask a reader, on one grid.
    ties
        The rule for exactly half; there is no default, because four readers tie often.

    Raises
    ------
    ConsensusError
        If there is no mask, the grids differ, or a tie occurs under the rule ``REFUSE``.
    """
    votes = _stack(masks).sum(axis=0)
    tied = votes * 2 == len(masks)
    if ties is TieRule.REFUSE and tied.any():
        raise ConsensusError(
            f"{int(tied.sum())} voxels were marked by exactly half of {len(masks)} readers.",
            where="masks",
            allowed="an odd number of readers, or a tie rule of the plan",
            remedy="Choose TieRule.INSIDE or TieRule.OUTSIDE in the reading plan before the reads.",
        )
    wanted: NDArray[np.bool_] = votes * 2 > len(masks)
    return wanted | tied if ties is TieRule.INSIDE else wanted


def union(masks: Sequence[NDArray[np.bool_]], /) -> NDArray[np.bool_]:
    """Give the voxels that any reader marked.

    :implements: SRS-ANNO-006, SDS-ANNO-006

    Parameters
    ----------
    masks
        As for :func:`majority`.
    """
    return np.asarray(_stack(masks).any(axis=0), dtype=np.bool_)


def intersection(masks: Sequence[NDArray[np.bool_]], /) -> NDArray[np.bool_]:
    """Give the voxels that all readers marked.

    :implements: SRS-ANNO-006, SDS-ANNO-006

    Parameters
    ----------
    masks
        As for :func:`majority`.
    """
    return np.asarray(_stack(masks).all(axis=0), dtype=np.bool_)


def staple(
    masks: Sequence[NDArray[np.bool_]], /, *, prior: float | None = None, max_iterations: int = 10_000
) -> Staple:
    """Estimate the hidden true mask and each reader's performance by expectation maximisation.

    :implements: SRS-ANNO-006, SDS-ANNO-006

    Source: Warfield SK, Zou KH, Wells WM, IEEE Trans Med Imaging 2004;23:903; agrees with SimpleITK's STAPLE filter.

    Parameters
    ----------
    masks
        As for :func:`majority`, cut to a region that the plan names: more background moves the result.
    prior
        Prior probability of a marked voxel; the mean of all decisions if absent.
    max_iterations
        Upper limit; the estimates converge to 1e-12 long before.

    Raises
    ------
    ConsensusError
        If there is no mask, the grids differ, or no voxel or every voxel is marked.
    """
    stack = _stack(masks)
    shape = stack.shape[1:]
    decisions = stack.reshape(len(masks), -1).astype(np.float64)
    share = float(decisions.mean()) if prior is None else prior
    if not 0 < share < 1:
        raise ConsensusError(
            "STAPLE has no prior: no voxel or every voxel of the region is marked.",
            where="masks",
            allowed="masks with marked and unmarked voxels",
            remedy="Cut the masks to a region with a rim of background.",
        )
    # Voxels with the same votes have the same probability: there are few patterns, and EM runs on those.
    patterns, which, counts = np.unique(decisions, axis=1, return_inverse=True, return_counts=True)
    p, q = np.full(len(masks), 0.99999), np.full(len(masks), 0.99999)
    weight = np.zeros(patterns.shape[1])
    iterations = 0
    for iterations in range(1, max_iterations + 1):  # noqa: B007 - the count is part of the result
        inside = share * np.prod(np.where(patterns > 0, p[:, None], 1 - p[:, None]), axis=0)
        outside = (1 - share) * np.prod(np.where(patterns > 0, 1 - q[:, None], q[:, None]), axis=0)
        weight = inside / (inside + outside)
        new_p = (patterns * weight * counts).sum(axis=1) / (weight * counts).sum()
        new_q = ((1 - patterns) * (1 - weight) * counts).sum(axis=1) / ((1 - weight) * counts).sum()
        moved = max(float(np.abs(new_p - p).max()), float(np.abs(new_q - q).max()))
        p, q = new_p, new_q
        if moved < _CONVERGED:
            break
    return Staple(
        probability=weight[np.ravel(which)].reshape(shape),
        sensitivity=tuple(float(value) for value in p),
        specificity=tuple(float(value) for value in q),
        prior=share,
        iterations=iterations,
    )


def _stack(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    if not masks or len({mask.shape for mask in masks}) != 1:
        raise ConsensusError(
            "Masks cannot be joined.",
            where=", ".join(str(mask.shape) for mask in masks) or "no mask",
            allowed="one mask or more, all on one grid",
            remedy="Resample no mask: draw all reads on the same series, or take the grid of the series for all.",
        )
    return np.stack([mask.astype(np.bool_) for mask in masks])
