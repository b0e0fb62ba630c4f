"""Trilinear interpolation on grids whose axes are parallel to the native ones: three passes of one axis each.

Rows first, then columns, then slices, on blocks of output rows that stay in the processor's cache. Nothing but the
part of the volume that the new grid touches is read. Blocks do not depend on each other, so the result is the same,
bit by bit, however many threads compute them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.volume import StoredArray
    from lungai_core.preprocess.axes import AxisPlan

__all__ = ["LinearMap", "interpolate"]

# About 48 output rows of a chest CT: the two planes of a block and its scratch fit a second-level cache of 512 KiB.
_BLOCK_VOXELS = 24 << 10


@dataclass(frozen=True, slots=True)
class LinearMap:
    """What becomes of a stored value: ``value * scale + offset``. Linear interpolation allows it at any stage.

    :implements: SRS-PREP-002, SDS-PREP-001
    """

    scale: float
    offset: float


def interpolate(
    stored: StoredArray,
    plans: tuple[AxisPlan, AxisPlan, AxisPlan],
    out: NDArray[np.float32],
    /,
    *,
    value_map: LinearMap,
    threads: int,
) -> None:
    """Write interpolated values into the part of ``out`` that lies inside the native grid.

    :implements: SRS-PREP-001, SDS-PREP-001

    Parameters
    ----------
    stored
        ``(z, y, x)`` native values.
    plans
        The plans of the axes z, y, x.
    out
        ``(z, y, x)`` float32, one voxel a point of the plans. Voxels outside are left as they are.
    value_map
        Applied to each interpolated value.
    threads
        How many blocks are computed at a time.
    """
    plan_z, plan_y, plan_x = plans
    if any(plan.begin == plan.end for plan in plans):
        return
    inside = out[plan_z.inside, plan_y.inside, plan_x.inside]
    box = stored[plan_z.first : plan_z.last + 1, :, plan_x.first : plan_x.last + 1]
    rows = max(1, _BLOCK_VOXELS // box.shape[2])
    blocks = [slice(begin, min(begin + rows, inside.shape[1])) for begin in range(0, inside.shape[1], rows)]

    def compute(block: slice) -> None:
        _block(box, plans, block, value_map, inside[:, block])

    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            compute(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(compute, blocks):
                pass


def _block(
    box: StoredArray,
    plans: tuple[AxisPlan, AxisPlan, AxisPlan],
    block: slice,
    value_map: LinearMap,
    out: NDArray[np.float32],
) -> None:
    plan_z, plan_y, plan_x = plans
    first, last = int(plan_y.lower[block][0]), int(plan_y.upper[block][-1])
    native = box[:, plan_y.first + first : plan_y.first + last + 1]
    rows = _Lerp(plan_y.lower[block] - first, plan_y.upper[block] - first, plan_y.weight[block][:, None], axis=0)
    columns = _Lerp(plan_x.lower, plan_x.upper, plan_x.weight, axis=1)
    sampler = _PlaneSampler(native[0], rows, columns, value_map)
    planes = (np.empty(out.shape[1:], np.float32), np.empty(out.shape[1:], np.float32))
    held = [-1, -1]  # which native slice each of the two planes holds
    steps = zip(plan_z.lower.tolist(), plan_z.upper.tolist(), plan_z.weight, strict=True)
    for target, (low, high, weight) in zip(out, steps, strict=True):
        for z in (low, high):
            if held[z % 2] != z:
                sampler.sample(native[z], planes[z % 2])
                held[z % 2] = z
        base = planes[low % 2]
        if weight == 0:
            target[...] = base
            continue
        np.subtract(planes[high % 2], base, out=target)
        np.multiply(target, weight, out=target)
        np.add(target, base, out=target)


class _Lerp:
    """Interpolates along one axis of a plane, with scratch arrays of its own."""

    __slots__ = ("_axis", "_high", "_lower", "_upper", "_weight")

    def __init__(
        self, lower: NDArray[np.intp], upper: NDArray[np.intp], weight: NDArray[np.float32], *, axis: int
    ) -> None:
        self._lower, self._upper, self._axis = lower, upper, axis
        self._weight = weight
        self._high = np.empty((0, 0), np.float32)

    def prepare(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Make the scratch arrays for a plane of a shape, and return the shape of the result."""
        result = (self._lower.size, shape[1]) if self._axis == 0 else (shape[0], self._lower.size)
        self._high = np.empty(result, np.float32)
        # A full array of weights is multiplied three times as fast as one that is broadcast.
        self._weight = np.ascontiguousarray(np.broadcast_to(self._weight, result))
        return result

    def apply(self, plane: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        high = self._high
        plane.take(self._lower, axis=self._axis, out=out, mode="clip")
        plane.take(self._upper, axis=self._axis, out=high, mode="clip")
        np.subtract(high, out, out=high)
        np.multiply(high, self._weight, out=high)
        np.add(out, high, out=out)


class _PlaneSampler:
    """Interpolates the rows and columns of one slice after the other, and maps the values."""

    __slots__ = ("_columns", "_map", "_narrow", "_native", "_rows", "_stored")

    def __init__(self, native: StoredArray, rows: _Lerp, columns: _Lerp, value_map: LinearMap) -> None:
        height, width = native.shape
        self._stored = np.empty((height, width), native.dtype)
        self._native = np.empty((height, width), np.float32)
        self._narrow = np.empty(rows.prepare((height, width)), np.float32)
        columns.prepare((self._narrow.shape[0], width))
        self._rows, self._columns = rows, columns
        self._map = (np.float32(value_map.scale), np.float32(value_map.offset))

    def sample(self, native: StoredArray, out: NDArray[np.float32]) -> None:
        # Copied, then converted: a copy fetches many lines of memory at once, a conversion waits for one after another.
        self._stored[...] = native
        self._native[...] = self._stored
        self._rows.apply(self._native, self._narrow)
        self._columns.apply(self._narrow, out)
        scale, offset = self._map
        if scale != 1:
            np.multiply(out, scale, out=out)
        np.add(out, offset, out=out)
