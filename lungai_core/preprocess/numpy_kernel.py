"""The kernel of numpy calls: it needs nothing but the base install, and the compiled kernel is measured against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.volume import StoredArray
    from lungai_core.preprocess.interpolation import Plans, ValueMap

__all__ = ["sample_block"]


def sample_block(
    stored: StoredArray, plans: Plans, block: slice, value_map: ValueMap, out: NDArray[np.float32]
) -> None:
    """Compute the rows ``block`` of all slices, as :class:`lungai_core.preprocess.kernels.BlockFunction` says.

    :implements: SRS-PREP-001, SRS-PREP-002, SDS-PREP-001
    """
    plan_z, plan_y, plan_x = plans
    target_planes = out[plan_z.inside, plan_y.inside, plan_x.inside][:, block]
    first, last = int(plan_y.lower[block][0]), int(plan_y.upper[block][-1])
    native = stored[
        plan_z.first : plan_z.last + 1,
        plan_y.first + first : plan_y.first + last + 1,
        plan_x.first : plan_x.last + 1,
    ]
    rows = _Lerp(plan_y.lower[block] - first, plan_y.upper[block] - first, plan_y.weight[block][:, None], axis=0)
    columns = _Lerp(plan_x.lower, plan_x.upper, plan_x.weight, axis=1)
    sampler = _PlaneSampler(native[0], rows, columns, value_map)
    shape = target_planes.shape[1:]
    planes = (np.empty(shape, np.float32), np.empty(shape, np.float32))
    held = [-1, -1]  # which native slice each of the two planes holds
    steps = zip(plan_z.lower.tolist(), plan_z.upper.tolist(), plan_z.weight, strict=True)
    for target, (low, high, weight) in zip(target_planes, steps, strict=True):
        for z in (low, high):
            if held[z % 2] != z:
                sampler.sample(native[z], planes[z % 2])
                held[z % 2] = z
        base = planes[low % 2]
        if weight == 0:
            target[...] = base
        else:
            np.subtract(planes[high % 2], base, out=target)
            np.multiply(target, weight, out=target)
            np.add(target, base, out=target)
        if value_map.clips:
            np.clip(target, value_map.lower, value_map.upper, out=target)


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

    def __init__(self, native: StoredArray, rows: _Lerp, columns: _Lerp, value_map: ValueMap) -> None:
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
