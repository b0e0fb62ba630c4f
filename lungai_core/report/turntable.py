"""A nodule's crop seen from all around: pictures for a reader without WebGL, without JavaScript or on paper."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.report.crops import CROP_LOWER_HU, CROP_UPPER_HU

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.report.crops import NoduleCrop

__all__ = ["TURN_FRAMES", "render_turntable"]

TURN_FRAMES = 36
# One byte a voxel, so that the maximum along a ray finds the brightest voxel together with what is known about it:
# five bits of brightness above, then one of the mask and two of heat. Heat behind brighter tissue is hidden by it.
_GREY_LEVELS = 31
_GREY_SHIFT = 3
_MASK_BIT = 4
_HEAT_STEP = 64
_DARK_HU, _BRIGHT_HU = -950.0, 250.0
# Far from the nodule tissue is dimmed, so that the chest wall does not outshine it; so is what lies behind, so that the
# sense of turning can be seen.
_NEAR_MM, _EDGE_BRIGHTNESS = 11.0, 0.3
_BACK_LOSS_LEVELS = 7


def render_turntable(crop: NoduleCrop, /) -> NDArray[np.uint8]:
    """Render maximum-intensity projections of a crop on the way around the patient's long axis.

    :implements: SRS-REPORT-006, SDS-REPORT-005

    Parameters
    ----------
    crop
        The nodule's surroundings.

    Returns
    -------
    NDArray
        ``(36, 80, 80)`` uint8. Frame ``i`` is seen from ``10 i`` degrees: 0 from the front with the patient's left on
        the right, 90 from the patient's left. Rows run from superior to inferior. Of each byte the upper five bits are
        brightness, bit 2 tells the mask and the lower two the heat (in quarters of its largest value) of the brightest
        voxel on the ray.
    """
    voxels = crop.ct.shape[0]
    packed = np.zeros((voxels * voxels + 1, voxels), np.uint8)
    packed[:-1] = _pack(crop).reshape(voxels, voxels * voxels).T
    frames = np.empty((TURN_FRAMES, voxels, voxels), np.uint8)
    loss = _loss(voxels)
    seen = np.empty((voxels * voxels, voxels), np.uint8)
    by_depth = seen.reshape(voxels, voxels * voxels)
    for frame, rays in zip(frames, _rays(voxels), strict=True):
        # Every place lies inside, so that clipping changes nothing; it spares NumPy a copy.
        np.take(packed, rays, axis=0, out=seen, mode="clip")
        np.maximum(by_depth, loss, out=by_depth)
        np.subtract(by_depth, loss, out=by_depth)
        frame[:] = by_depth.max(axis=0).reshape(voxels, voxels).T[::-1]
    return frames


def _pack(crop: NoduleCrop, /) -> NDArray[np.uint8]:
    hu = CROP_LOWER_HU + np.arange(256) / 255 * (CROP_UPPER_HU - CROP_LOWER_HU)
    brightness = np.clip((hu - _DARK_HU) / (_BRIGHT_HU - _DARK_HU), 0, 1).astype(np.float32) * _GREY_LEVELS
    grey = brightness[crop.ct] * _nearness(crop.ct.shape[0], crop.step_mm)
    packed: NDArray[np.uint8] = np.rint(grey).astype(np.uint8) << _GREY_SHIFT
    packed |= crop.mask.astype(np.uint8) * _MASK_BIT
    packed |= crop.heat // _HEAT_STEP
    return packed


@lru_cache(maxsize=1)
def _nearness(voxels: int, step_mm: float, /) -> NDArray[np.float32]:
    axis = (np.arange(voxels) - (voxels - 1) / 2) * step_mm
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    edge = axis[-1]
    fade: NDArray[np.float32] = np.interp(distance, (_NEAR_MM, edge), (1.0, _EDGE_BRIGHTNESS)).astype(np.float32)
    fade[distance > edge] = 0
    return fade


@lru_cache(maxsize=1)
def _loss(voxels: int, /) -> NDArray[np.uint8]:
    depth = np.arange(voxels) / (voxels - 1)
    levels = np.rint(depth * _BACK_LOSS_LEVELS).astype(np.uint8) << _GREY_SHIFT
    return np.repeat(levels[:, np.newaxis], voxels * voxels, axis=1)


@lru_cache(maxsize=1)
def _rays(voxels: int, /) -> NDArray[np.intp]:
    """Return for each frame, depth and column the place ``y * voxels + x`` in the volume; the last place is outside."""
    centre = (voxels - 1) / 2
    depth, column = np.meshgrid(np.arange(voxels) - centre, np.arange(voxels) - centre, indexing="ij")
    angles = np.arange(TURN_FRAMES)[:, None, None] * (2 * np.pi / TURN_FRAMES)
    x = np.rint(centre + np.cos(angles) * column - np.sin(angles) * depth).astype(np.intp)
    y = np.rint(centre + np.sin(angles) * column + np.cos(angles) * depth).astype(np.intp)
    inside = (x >= 0) & (x < voxels) & (y >= 0) & (y < voxels)
    return np.where(inside, y * voxels + x, voxels * voxels).reshape(TURN_FRAMES, -1)
