"""The kernel compiled by numba: the arithmetic of the numpy kernel, operation by operation, in one pass over the data.

No fast-math: the compiler may neither reorder nor fuse, so that the bits are those of the numpy kernel on any
processor. Importing this module costs the import of numba; only :mod:`lungai_core.preprocess.kernels` does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lungai_core.domain.volume import StoredArray
    from lungai_core.preprocess.axes import AxisPlan
    from lungai_core.preprocess.interpolation import Plans, ValueMap

__all__ = ["sample_block"]

_Function = TypeVar("_Function", bound="Callable[..., None]")
_Stored: TypeAlias = "NDArray[np.integer[Any]]"
_Plane: TypeAlias = "NDArray[np.float32]"
_Row: TypeAlias = "NDArray[np.float32]"
_Map: TypeAlias = "tuple[np.float32, np.float32, np.float32, np.float32]"


class _Axis(NamedTuple):
    """One axis of a block: native voxels from ``begin`` on, ``extent`` of them, and output points from ``target`` on.

    ``lower`` and ``upper`` count from ``begin``. They are unsigned, so that numba does not look for indices that count
    from the end.
    """

    begin: int
    extent: int
    target: int
    lower: NDArray[np.uint32]
    upper: NDArray[np.uint32]
    weight: NDArray[np.float32]


def _compiled(function: _Function, /) -> _Function:
    try:
        return cast("_Function", njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # numba found no folder for its cache that it can write: compiled anew in each process
        return cast("_Function", njit(function, nogil=True, error_model="numpy"))


def sample_block(
    stored: StoredArray, plans: Plans, block: slice, value_map: ValueMap, out: NDArray[np.float32]
) -> None:
    """Compute the rows ``block`` of all slices, as :class:`lungai_core.preprocess.kernels.BlockFunction` says.

    :implements: SRS-PREP-007, SDS-PREP-004
    """
    plan_z, plan_y, plan_x = plans
    axes = (_axis(plan_z, slice(None)), _axis(plan_y, block), _axis(plan_x, slice(None)))
    native: _Stored = stored
    if not stored.flags.c_contiguous:
        z, y, x = (slice(axis.begin, axis.begin + axis.extent) for axis in axes)
        native = np.ascontiguousarray(stored[z, y, x])
        native.flags.writeable = False  # as that of a volume: numba compiles anew for what can be written
        axes = (axes[0]._replace(begin=0), axes[1]._replace(begin=0), axes[2]._replace(begin=0))
    scale, offset = np.float32(value_map.scale), np.float32(value_map.offset)
    limits = np.float32(value_map.lower), np.float32(value_map.upper)
    _sample(native, *axes, (scale, offset, *limits), out)


def _axis(plan: AxisPlan, part: slice, /) -> _Axis:
    lower, upper = plan.lower[part], plan.upper[part]
    first = int(lower[0])
    return _Axis(
        begin=plan.first + first,
        extent=int(upper[-1]) - first + 1,
        target=plan.begin + (part.start or 0),
        lower=(lower - first).astype(np.uint32),
        upper=(upper - first).astype(np.uint32),
        weight=plan.weight[part],
    )


@_compiled
def _convert(native: _Stored, out: _Row) -> None:
    for i in range(out.shape[0]):
        out[i] = native[i]


@_compiled
def _blend_rows(low: _Row, high: _Row, weight: np.float32, out: _Row) -> None:
    for i in range(out.shape[0]):
        out[i] = low[i] + (high[i] - low[i]) * weight


@_compiled
def _blend_columns(row: _Row, axis: _Axis, value_map: _Map, out: _Row) -> None:
    scale, offset, _, _ = value_map
    lower, upper, weight = axis.lower, axis.upper, axis.weight
    for i in range(out.shape[0]):
        low = row[lower[i]]
        out[i] = (low + (row[upper[i]] - low) * weight[i]) * scale + offset


@_compiled
def _blend_slices(low: _Row, high: _Row, weight: np.float32, value_map: _Map, out: _Row) -> None:
    _, _, lowest, highest = value_map
    for i in range(out.shape[0]):
        value = low[i] + (high[i] - low[i]) * weight
        out[i] = min(max(value, lowest), highest)


@_compiled
def _sample_plane(native: _Stored, axis_y: _Axis, axis_x: _Axis, value_map: _Map, scratch: _Plane, out: _Plane) -> None:
    # The native rows are converted before they are blended: a plain loop over them fetches many lines of memory at
    # once, a loop with more arithmetic waits for one after another.
    row = scratch[axis_y.extent]
    for y in range(axis_y.extent):
        _convert(native[axis_y.begin + y, axis_x.begin : axis_x.begin + axis_x.extent], scratch[y])
    for y in range(out.shape[0]):
        _blend_rows(scratch[axis_y.lower[y]], scratch[axis_y.upper[y]], axis_y.weight[y], row)
        _blend_columns(row, axis_x, value_map, out[y])


@_compiled
def _sample(
    stored: _Stored, axis_z: _Axis, axis_y: _Axis, axis_x: _Axis, value_map: _Map, out: NDArray[np.float32]
) -> None:
    height, width = axis_y.lower.shape[0], axis_x.lower.shape[0]
    scratch = np.empty((axis_y.extent + 1, axis_x.extent), np.float32)
    planes = np.empty((2, height, width), np.float32)
    held = np.empty(2, np.int64)  # which native slice each of the two planes holds
    held[0] = held[1] = -1
    for k in range(axis_z.lower.shape[0]):
        low, high = axis_z.lower[k], axis_z.upper[k]
        for z in (low, high):
            if held[z & 1] != z:
                held[z & 1] = z
                _sample_plane(stored[axis_z.begin + z], axis_y, axis_x, value_map, scratch, planes[z & 1])
        for y in range(height):
            target = out[axis_z.target + k, axis_y.target + y, axis_x.target : axis_x.target + width]
            _blend_slices(planes[low & 1, y], planes[high & 1, y], axis_z.weight[k], value_map, target)
