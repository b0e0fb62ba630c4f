"""Where the points of one axis of a new grid fall between the voxels of the native one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AxisPlan", "plan_axis"]

_HALF_VOXEL = 0.5
# Continuous indices are rounded to a millionth of a voxel, so that a point on a voxel's border falls on the same side
# of it however its position was computed. The error, at most 5e-7 voxel, is below that of float32 weights.
_INDEX_DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class AxisPlan:
    """Linear interpolation along one axis.

    :implements: SRS-PREP-001, SDS-PREP-002

    The points ``begin`` to ``end`` (excluded) of the new axis lie inside the native grid. For each of them, ``lower``
    and ``upper`` are its native neighbours counted from ``first``; ``weight`` (float32) is the share of the upper one.
    ``first`` to ``last`` (included) are the native voxels that are needed at all.
    """

    count: int
    begin: int
    end: int
    first: int
    last: int
    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    weight: NDArray[np.float32]

    @property
    def inside(self) -> slice:
        """The points that lie inside the native grid."""
        return slice(self.begin, self.end)


def plan_axis(*, start: float, step: float, count: int, size: int) -> AxisPlan:
    """Plan the interpolation of ``count`` points along an axis of ``size`` voxels.

    :implements: SRS-PREP-001, SDS-PREP-002

    A voxel reaches half a voxel around its centre, the border towards higher indices excluded; between the last centre
    and the border its value is constant. This is the convention of ITK.

    Parameters
    ----------
    start
        Continuous native index of the first point.
    step
        Distance of neighbouring points in native voxels, greater than 0.
    count
        Number of points.
    size
        Number of native voxels.
    """
    index = np.round(start + step * np.arange(count, dtype=np.float64), _INDEX_DIGITS)
    inside = np.flatnonzero((index >= -_HALF_VOXEL) & (index < size - _HALF_VOXEL))
    if inside.size == 0:
        none = np.zeros(0, dtype=np.intp)
        return AxisPlan(count, 0, 0, 0, -1, none, none, np.zeros(0, dtype=np.float32))
    begin, end = int(inside[0]), int(inside[-1]) + 1
    clamped = np.clip(index[begin:end], 0, size - 1)
    lower = np.floor(clamped).astype(np.intp)
    upper = np.minimum(lower + 1, size - 1)
    first = int(lower[0])
    return AxisPlan(
        count,
        begin,
        end,
        first,
        int(upper[-1]),
        lower - first,
        upper - first,
        (clamped - lower).astype(np.float32),
    )
