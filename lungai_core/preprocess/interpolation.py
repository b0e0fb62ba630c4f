"""Trilinear interpolation on grids whose axes are parallel to the native ones: three passes of one axis each.

Rows first, then columns, then slices, on blocks of output rows that stay in the processor's cache. Nothing but the
part of the volume that the new grid touches is read. Blocks do not depend on each other, so the result is the same,
bit by bit, however many threads compute them.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lungai_core.preprocess.kernels import Kernel, block_function

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lungai_core.domain.volume import StoredArray
    from lungai_core.preprocess.axes import AxisPlan

__all__ = ["Plans", "ValueMap", "interpolate"]

Plans: TypeAlias = "tuple[AxisPlan, AxisPlan, AxisPlan]"

# About 48 output rows of a chest CT: the two planes of a block and its scratch fit a second-level cache of 512 KiB.
_BLOCK_VOXELS = 24 << 10


@dataclass(frozen=True, slots=True)
class ValueMap:
    """What becomes of a stored value: ``value * scale + offset``, then clipped from ``lower`` to ``upper``.

    :implements: SRS-PREP-002, SDS-PREP-001

    Linear interpolation allows the multiplication and the addition at any stage; values are clipped last.
    """

    scale: float
    offset: float
    lower: float = -math.inf
    upper: float = math.inf

    @property
    def clips(self) -> bool:
        """Whether there is a limit at all."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)


def interpolate(
    stored: StoredArray,
    plans: Plans,
    out: NDArray[np.float32],
    /,
    *,
    value_map: ValueMap,
    threads: int = 1,
    kernel: Kernel = Kernel.NUMPY,
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
        ``(z, y, x)`` float32, C-contiguous, one voxel a point of the plans. Voxels outside are left as they are.
    value_map
        Applied to each interpolated value.
    threads
        How many blocks are computed at a time.
    kernel
        What computes a block.
    """
    if any(plan.begin == plan.end for plan in plans):
        return
    sample = block_function(kernel)
    _, plan_y, plan_x = plans
    height = plan_y.end - plan_y.begin
    rows = max(1, _BLOCK_VOXELS // (plan_x.last - plan_x.first + 1))
    blocks = [slice(begin, min(begin + rows, height)) for begin in range(0, height, rows)]

    def compute(block: slice) -> None:
        sample(stored, plans, block, value_map, out)

    if threads == 1 or len(blocks) == 1:
        for block in blocks:
            compute(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(compute, blocks):
                pass
