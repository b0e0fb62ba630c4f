"""From the network's mask on a patch to a nodule on the CT's own voxels, and its measures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.case_report import NoduleMask
from lungai_core.domain.mask import encode_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Geometry, Vector
    from lungai_core.domain.volume import CtVolume

__all__ = ["NoduleVoxels", "connected_part", "long_axis_mm", "measure_mask", "place_on_ct", "sphere_diameter_mm"]

# How far from the candidate's centre its mask may begin: two voxels of a usual patch grid along a diagonal, so that a
# neighbouring vessel or nodule is not taken for the candidate.
_SEED_REACH_MM = 4.0
_HALF_VOXEL = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class NoduleVoxels:
    """A nodule on the grid of the CT series.

    :implements: SRS-INFER-005, SDS-INFER-004

    Parameters
    ----------
    inside
        ``(z, y, x)`` bool, the part of the CT grid that the patch covers; made read-only here.
    lower_zyx
        The first voxel of that part in the CT volume.
    touches_border
        Whether the nodule reaches the outermost voxels of the part, so that it may go on beyond the patch.
    """

    inside: NDArray[np.bool_]
    lower_zyx: tuple[int, int, int]
    touches_border: bool

    def __post_init__(self) -> None:
        self.inside.flags.writeable = False


def place_on_ct(
    mask_logit: NDArray[np.float32],
    /,
    *,
    patch: Geometry,
    volume: Geometry,
    center_lps_mm: Vector,
    threshold_logit: float,
) -> NoduleVoxels:
    """Give the nodule's voxels on the CT grid: the network's mask, interpolated there and cut to one connected part.

    :implements: SRS-INFER-005, SDS-INFER-004

    The logit is interpolated linearly at the centre of each CT voxel that lies in the patch, and compared with the
    threshold. Of the voxels above it, the face-connected part nearest to the candidate is kept if it begins within
    4 mm of the candidate's centre; otherwise the mask is empty.

    Parameters
    ----------
    mask_logit
        ``(z, y, x)`` float32 on the patch grid.
    patch, volume
        The two grids; their axes are parallel.
    center_lps_mm
        The candidate's centre, LPS in mm.
    threshold_logit
        Voxels with a logit of at least this are inside.
    """
    origin = patch.index_from_lps(volume.lps_from_index((0, 0, 0)))
    step = patch.index_from_lps(volume.lps_from_index((1, 1, 1))) - origin
    lower: list[int] = []
    values: NDArray[np.float32] = mask_logit
    for axis in range(3):
        index = origin[axis] + step[axis] * np.arange(volume.shape_zyx[axis])
        covered = np.flatnonzero((index >= -_HALF_VOXEL) & (index <= patch.shape_zyx[axis] - _HALF_VOXEL))
        lower.append(int(covered[0]))
        values = _interpolate(values, index[covered], axis=axis)
    corner = (lower[0], lower[1], lower[2])
    seed = _nearest(values >= threshold_logit, volume=volume, lower_zyx=corner, center_lps_mm=center_lps_mm)
    inside = (
        np.zeros(values.shape, np.bool_) if seed is None else connected_part(values >= threshold_logit, seed_zyx=seed)
    )
    border = inside.copy()
    border[1:-1, 1:-1, 1:-1] = False
    return NoduleVoxels(inside=inside, lower_zyx=corner, touches_border=bool(border.any()))


def _interpolate(values: NDArray[np.float32], index: NDArray[np.float64], *, axis: int) -> NDArray[np.float32]:
    last = values.shape[axis] - 1
    clipped = np.clip(index, 0, last)
    below = np.minimum(clipped.astype(np.intp), max(last - 1, 0))
    weight = (clipped - below).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
    first = values.take(below, axis=axis)
    second = values.take(np.minimum(below + 1, last), axis=axis)
    blended: NDArray[np.float32] = first * (1 - weight) + second * weight
    return blended


def _nearest(
    inside: NDArray[np.bool_], *, volume: Geometry, lower_zyx: tuple[int, int, int], center_lps_mm: Vector
) -> tuple[int, int, int] | None:
    found = np.argwhere(inside)
    if not len(found):
        return None
    center = volume.index_from_lps(center_lps_mm) - np.asarray(lower_zyx)
    distances_mm = np.linalg.norm((found - center) * np.asarray(volume.spacing_zyx_mm), axis=1)
    # A candidate between two thick slices has no voxel centre near it; half a voxel's diagonal is always allowed.
    reach_mm = _SEED_REACH_MM + math.hypot(*volume.spacing_zyx_mm) / 2
    nearest = int(np.argmin(distances_mm))
    if distances_mm[nearest] > reach_mm:
        return None
    z, y, x = (int(i) for i in found[nearest])
    return z, y, x


def connected_part(mask: NDArray[np.bool_], /, *, seed_zyx: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return the face-connected part of a mask that holds a seed.

    :implements: SRS-INFER-005, SDS-INFER-004

    Whole runs along one axis are filled at a time, axis after axis, until nothing changes.

    Parameters
    ----------
    mask
        ``(z, y, x)`` bool.
    seed_zyx
        A voxel of the mask.

    Returns
    -------
    numpy.ndarray
        ``(z, y, x)`` bool.
    """
    part = np.zeros_like(mask)
    part[seed_zyx] = mask[seed_zyx]
    before = 0
    while (now := int(part.sum())) != before:
        before = now
        for axis in range(3):
            part = np.moveaxis(_fill_runs(np.moveaxis(mask, axis, -1), np.moveaxis(part, axis, -1)), -1, axis)
    return np.ascontiguousarray(part)


def _fill_runs(mask: NDArray[np.bool_], part: NDArray[np.bool_]) -> NDArray[np.bool_]:
    starts = mask.copy()
    starts[..., 1:] &= ~mask[..., :-1]
    runs = np.cumsum(starts).reshape(mask.shape)
    hit = np.zeros(int(runs[-1, -1, -1]) + 1, dtype=np.bool_)
    hit[runs[part]] = True
    filled: NDArray[np.bool_] = mask & hit[runs]
    return filled


def measure_mask(nodule: NoduleVoxels, /, *, volume: CtVolume) -> NoduleMask | None:
    """Count a nodule's voxels and measure volume and density on the CT's stored values.

    :implements: SRS-INFER-005, SDS-INFER-004

    Returns
    -------
    NoduleMask or None
        ``None`` where the nodule has no voxel. Volume in mm³, density in HU over the nodule's voxels.
    """
    box = encode_mask(nodule.inside)
    if box is None:
        return None
    window = tuple(slice(a, a + n) for a, n in zip(nodule.lower_zyx, nodule.inside.shape, strict=True))
    values_hu = volume.stored[window][nodule.inside] * volume.rescale_slope + volume.rescale_intercept
    z, y, x = (low + part for low, part in zip(nodule.lower_zyx, box.lower_zyx, strict=True))
    return NoduleMask(
        box=box.model_copy(update={"lower_zyx": (z, y, x)}),
        voxels=box.voxel_count,
        volume_mm3=round(box.voxel_count * math.prod(volume.geometry.spacing_zyx_mm), 3),
        mean_hu=round(float(values_hu.mean()), 2),
        sd_hu=round(float(values_hu.std()), 2),
    )


def sphere_diameter_mm(volume_mm3: float, /) -> float:
    """Return the diameter in mm of the sphere of a volume in mm³.

    :implements: SRS-INFER-005, SDS-INFER-004
    """
    return math.cbrt(6 * volume_mm3 / math.pi)


def long_axis_mm(nodule: NoduleVoxels, /, *, spacing_zyx_mm: Vector) -> float:
    """Return the longest in-slice extent in mm: the largest centre distance in one slice plus one in-plane voxel edge.

    :implements: SRS-INFER-005, SDS-INFER-004

    Parameters
    ----------
    spacing_zyx_mm
        Voxel spacing of the CT grid, mm.
    """
    edge_yx_mm = np.asarray(spacing_zyx_mm[1:])
    longest = 0.0
    for plane in nodule.inside[nodule.inside.any(axis=(1, 2))]:
        rows = np.flatnonzero(plane.any(axis=1))
        columns = np.flatnonzero(plane.any(axis=0))
        if math.hypot(np.ptp(rows) * edge_yx_mm[0], np.ptp(columns) * edge_yx_mm[1]) <= longest:
            continue
        # The two ends of each row are enough: the farthest pair is always made of row ends.
        first = plane[rows].argmax(axis=1)
        last = plane.shape[1] - 1 - plane[rows, ::-1].argmax(axis=1)
        ends = np.concatenate([np.stack((rows, first), 1), np.stack((rows, last), 1)]) * edge_yx_mm
        squares = [np.subtract.outer(along, along) ** 2 for along in ends.T]
        longest = max(longest, math.sqrt(float((squares[0] + squares[1]).max())))
    return longest + float(edge_yx_mm.mean()) if nodule.inside.any() else 0.0
