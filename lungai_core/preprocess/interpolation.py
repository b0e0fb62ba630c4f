"""Trilinear interpolation on grids whose axes are parallel to the native ones: three passes of one axis each.

Rows first, then columns, then slices, on blocks of output rows that stay in the processor's cache. Nothing but the
part of the volume that the new grid touches is read. Blocks do not depend on each other, so the result is the same,
bit by bit, however many threads compute them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.volume import StoredArray
    from lungai_core.preprocess.axes import AxisPlan

__all__ = ["interpolate"]

# About 48 output rows of a chest CT: the two planes of a block and its scratch fit a second-level cache of 512 KiB.
_BLOCK_VOXELS = 24 << 10


def interpolate(
    stored: StoredArray,
    plans: tuple[AxisPlan, AxisPlan, AxisPlan],
    out: NDArray[np.float32],
    /,
    *,
    threads: int,
) -> None:
    """Write interpolated stored values into the part of ``out`` that lies inside the native grid.

    Parameters
    ----------
    stored
        ``(z, y, x)`` native values.
    plans
        The plans of the axes z, y, x.
    out
        ``(z, y, x)`` float32, one voxel a point of the plans. Voxels outside are left as they are.
    threads
        How many blocks are computed at a time.
    """
    plan_z, plan_y, plan_x = plans
    if any(plan.begin == plan.end for plan in plans):
        return
    inside = out[plan_z.begin : plan_z.end, plan_y.begin : plan_y.end, plan_x.begin : plan_x.end]
    box = stored[plan_z.first : plan_z.last + 1, :, plan_x.first : plan_x.last + 1]
    rows = max(1, _BLOCK_VOXELS // box.shape[2])
    blocks = [slice(begin, min(begin + rows, inside.shape[1])) for begin in range(0, inside.shape[1], rows)]

    def compute(block: slice) -> None:
        _block(box, plans, block, inside[:, block])

    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            compute(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(compute, blocks):
                pass


def _block(
    box: StoredArray, plans: tuple[AxisPlan, AxisPlan, AxisPlan], block: slice, out: NDArray[np.float32]
) -> None:
    plan_z, plan_y, plan_x = plans
    lower_y, upper_y = plan_y.lower[block], plan_y.upper[block]
    first = int(lower_y[0])
    native = box[:, plan_y.first + first : plan_y.first + int(upper_y[-1]) + 1]
    plane = _PlaneSampler(lower_y - first, upper_y - first, plan_y.weight[block], plan_x, native.shape[1:])
    planes = (np.empty(out.shape[1:], np.float32), np.empty(out.shape[1:], np.float32))
    held = [-1, -1]  # which native slice each of the two planes holds
    for k, (low, high, weight) in enumerate(
        zip(plan_z.lower.tolist(), plan_z.upper.tolist(), plan_z.weight, strict=True)
    ):
        for z in {low, high}:
            if held[z % 2] != z:
                plane.sample(native[z], planes[z % 2])
                held[z % 2] = z
        base, target = planes[low % 2], out[k]
        if low == high or weight == 0:
            target[...] = base
            continue
        np.subtract(planes[high % 2], base, out=target)
        target *= weight
        target += base


class _PlaneSampler:
    """Interpolates the rows and columns of one slice after the other, with one set of scratch arrays."""

    __slots__ = ("_columns", "_high", "_low", "_lower_x", "_lower_y", "_native", "_upper_x", "_upper_y", "_wx", "_wy")

    def __init__(
        self,
        lower_y: NDArray[np.intp],
        upper_y: NDArray[np.intp],
        weight_y: NDArray[np.float32],
        plan_x: AxisPlan,
        native_shape: tuple[int, ...],
    ) -> None:
        self._lower_y, self._upper_y, self._wy = lower_y, upper_y, weight_y[:, None]
        self._lower_x, self._upper_x, self._wx = plan_x.lower, plan_x.upper, plan_x.weight
        rows, width = lower_y.size, native_shape[1]
        self._native = np.empty(native_shape, np.float32)
        self._low = np.empty((rows, width), np.float32)
        self._high = np.empty((rows, width), np.float32)
        self._columns = np.empty((rows, plan_x.lower.size), np.float32)

    def sample(self, native: StoredArray, out: NDArray[np.float32]) -> None:
        self._native[...] = native
        low, high, columns = self._low, self._high, self._columns
        np.take(self._native, self._lower_y, axis=0, out=low, mode="clip")
        np.take(self._native, self._upper_y, axis=0, out=high, mode="clip")
        high -= low
        high *= self._wy
        low += high
        np.take(low, self._lower_x, axis=1, out=out, mode="clip")
        np.take(low, self._upper_x, axis=1, out=columns, mode="clip")
        columns -= out
        columns *= self._wx
        out += columns
