"""The whole volume on another spacing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.geometry import Geometry, Vector
from lungai_core.domain.volume import HuVolume
from lungai_core.errors import InvalidArgumentError, ResampledTooLargeError
from lungai_core.preprocess.axes import plan_axis
from lungai_core.preprocess.interpolation import ValueMap, interpolate
from lungai_core.preprocess.kernels import Kernel
from lungai_core.preprocess.threads import require_threads

if TYPE_CHECKING:
    from lungai_core.domain.volume import CtVolume

__all__ = ["resample"]

_DEFAULT_MAX_VOXELS = 1 << 30
# A last point that lies past the last voxel centre by rounding alone still counts.
_COUNT_TOLERANCE = 1e-6


def resample(
    volume: CtVolume,
    /,
    *,
    spacing_zyx_mm: Vector,
    threads: int = 1,
    kernel: Kernel = Kernel.NUMPY,
    max_voxels: int = _DEFAULT_MAX_VOXELS,
) -> HuVolume:
    """Resample a volume to a new voxel spacing, by linear interpolation.

    :implements: SRS-PREP-003, SRS-PREP-004, SDS-PREP-001, SDS-PREP-002

    The new grid begins at the centre of the first native voxel and ends at or before the centre of the last one, so
    that it holds ``floor((n - 1) * native / target) + 1`` points an axis and nothing is extrapolated. The network's
    patches do not need this call.

    Parameters
    ----------
    volume
        The CT.
    spacing_zyx_mm
        Target spacing ``(z, y, x)`` in mm; each > 0.
    threads
        How many parts are computed at a time, 1 to 64. The result is the same, bit by bit, for any number.
    kernel
        What computes the values. The result is the same, bit by bit, for each.
    max_voxels
        How many voxels the result may have at most; each takes 4 bytes.

    Returns
    -------
    HuVolume
        ``(z, y, x)`` float32 in HU.

    Raises
    ------
    InvalidArgumentError
        If a spacing is not positive and finite, or ``threads`` is out of range.
    ResampledTooLargeError
        If the result would have more voxels than ``max_voxels``.
    MissingDependencyError
        If the kernel is not installed.
    """
    require_threads(threads)
    _require_spacing(spacing_zyx_mm)
    native = volume.geometry
    steps = [target / own for target, own in zip(spacing_zyx_mm, native.spacing_zyx_mm, strict=True)]
    counts = [
        math.floor((size - 1) / step + _COUNT_TOLERANCE) + 1 for size, step in zip(native.shape_zyx, steps, strict=True)
    ]
    if math.prod(counts) > max_voxels:
        raise ResampledTooLargeError(
            f"The resampled volume would have {math.prod(counts)} voxels.",
            where=f"spacing {spacing_zyx_mm} mm",
            allowed=f"at most {max_voxels} voxels (max_voxels)",
            remedy="Ask for a coarser spacing, raise max_voxels, or take patches (extract_patch).",
        )
    plan_z, plan_y, plan_x = (
        plan_axis(start=0.0, step=step, count=count, size=size)
        for step, count, size in zip(steps, counts, native.shape_zyx, strict=True)
    )
    count_z, count_y, count_x = counts
    values = np.empty((count_z, count_y, count_x), dtype=np.float32)
    to_hu = ValueMap(volume.rescale_slope, volume.rescale_intercept)
    interpolate(volume.stored, (plan_z, plan_y, plan_x), values, value_map=to_hu, threads=threads, kernel=kernel)
    geometry = Geometry((count_z, count_y, count_x), spacing_zyx_mm, native.origin_lps_mm, native.axes_zyx_lps)
    return HuVolume(values_hu=values, geometry=geometry)


def _require_spacing(spacing_zyx_mm: Vector) -> None:
    if not all(math.isfinite(step) and step > 0 for step in spacing_zyx_mm):
        raise InvalidArgumentError(
            "A target spacing is not a positive number.",
            where="spacing_zyx_mm",
            allowed="three finite numbers > 0, in mm",
            remedy="Take the spacing from the model's contract.",
        )
