"""The surroundings of a nodule for a person to look at: CT, mask and evidence on one small grid in patient axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lungai_core.domain.candidate import Candidate
from lungai_core.domain.contract import InputContract
from lungai_core.domain.mask import box_voxels
from lungai_core.preprocess.patch import extract_patch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.case_report import ExplanationMap, NoduleMask, NoduleResult
    from lungai_core.domain.geometry import Geometry
    from lungai_core.domain.volume import CtVolume

__all__ = ["CROP_LOWER_HU", "CROP_UPPER_HU", "NoduleCrop", "cut_crop"]

# 64 mm around the nodule in steps of 0.8 mm, 8 bits from -1200 to 600 HU (7 HU a step): ten nodules stay below 8 MB.
_CROP_VOXELS = 80
_CROP_STEP_MM = 0.8
CROP_LOWER_HU = -1200.0
CROP_UPPER_HU = 600.0
_LEVELS = 255
_ROUNDED_UP_FROM = 0.5 + 1e-6

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class NoduleCrop:
    """One nodule's surroundings, axis 0 to superior, axis 1 to posterior, axis 2 to the patient's left.

    :implements: SRS-REPORT-003, SDS-REPORT-003

    Parameters
    ----------
    ct
        ``(80, 80, 80)`` uint8, -1200 to 600 HU.
    mask
        ``(80, 80, 80)`` bool, the reported mask at each voxel's centre.
    heat
        ``(80, 80, 80)`` uint8, the explanation map between its voxel centres; 0 outside of its grid.
    step_mm
        Distance of neighbouring voxels, mm.
    """

    ct: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    heat: NDArray[np.uint8]
    step_mm: float

    def __post_init__(self) -> None:
        for array in (self.ct, self.mask, self.heat):
            array.flags.writeable = False


def cut_crop(volume: CtVolume, nodule: NoduleResult, /) -> NoduleCrop:
    """Cut the crop of a nodule out of the CT.

    :implements: SRS-REPORT-003, SDS-REPORT-003

    Parameters
    ----------
    volume
        The CT series that the result belongs to.
    nodule
        Centre, mask and explanation map are taken from it.
    """
    contract = InputContract(
        size_zyx=(_CROP_VOXELS, _CROP_VOXELS, _CROP_VOXELS),
        spacing_zyx_mm=(_CROP_STEP_MM, _CROP_STEP_MM, _CROP_STEP_MM),
        lower_hu=CROP_LOWER_HU,
        upper_hu=CROP_UPPER_HU,
        fill_hu=CROP_LOWER_HU,
    )
    candidate = Candidate(candidate_id=nodule.candidate_id, center_lps_mm=nodule.center_lps_mm)
    patch = extract_patch(volume, candidate, contract=contract)
    shape = patch.geometry.shape_zyx
    mask = np.zeros(shape, np.bool_) if nodule.mask is None else _mask_on(patch.geometry, nodule.mask, volume.geometry)
    heat = np.zeros(shape, np.uint8) if nodule.explanation is None else _heat_on(patch.geometry, nodule.explanation)
    ct = np.rint(patch.values[0] * _LEVELS).astype(np.uint8)
    return NoduleCrop(
        ct=_to_patient_axes(ct, patch.geometry),
        mask=_to_patient_axes(mask, patch.geometry),
        heat=_to_patient_axes(heat, patch.geometry),
        step_mm=_CROP_STEP_MM,
    )


def _axis_indices(grid: Geometry, other: Geometry, /) -> list[NDArray[np.float64]]:
    # The axes of the two grids are parallel, so that each index of one depends on one index of the other.
    start = other.index_from_lps(grid.lps_from_index((0, 0, 0)))
    step = other.index_from_lps(grid.lps_from_index((1, 1, 1))) - start
    return [start[axis] + step[axis] * np.arange(grid.shape_zyx[axis]) for axis in range(3)]


def _mask_on(grid: Geometry, mask: NoduleMask, ct: Geometry, /) -> NDArray[np.bool_]:
    box = mask.box
    inside = box_voxels(box)
    found = np.zeros(grid.shape_zyx, np.bool_)
    hits: list[NDArray[np.intp]] = []
    places: list[NDArray[np.intp]] = []
    for index, low, size in zip(_axis_indices(grid, ct), box.lower_zyx, box.shape_zyx, strict=True):
        nearest = np.rint(index).astype(np.intp) - low
        place = np.flatnonzero((nearest >= 0) & (nearest < size))
        places.append(place)
        hits.append(nearest[place])
    found[np.ix_(*places)] = inside[np.ix_(*hits)]
    return found


def _heat_on(grid: Geometry, explanation: ExplanationMap, /) -> NDArray[np.uint8]:
    coarse = explanation.grid.to_geometry()
    values = np.asarray(explanation.values, dtype=np.float64).reshape(coarse.shape_zyx)
    z, y, x = map(_linear_weights, _axis_indices(grid, coarse), coarse.shape_zyx)
    # Row by row: a product of this size as one would wake OpenBLAS's threads, which cost more than they save.
    along_z = (z @ values.transpose(1, 0, 2)).transpose(1, 0, 2)
    # Halves are common, and the last bit of a product is the machine's own: both sides of one half go up.
    return (y @ along_z @ x.T + _ROUNDED_UP_FROM).astype(np.uint8)


def _linear_weights(index: NDArray[np.float64], size: int, /) -> NDArray[np.float64]:
    """Return what each of ``size`` voxels (columns) gives to the value at each index (rows) between their centres."""
    distance = np.abs(np.clip(index, 0, size - 1)[:, np.newaxis] - np.arange(size))
    # A voxel reaches half a step around its centre; beyond the outermost the network saw nothing.
    known = np.abs(index - (size - 1) / 2) <= size / 2
    weights: NDArray[np.float64] = np.maximum(1 - distance, 0) * known[:, np.newaxis]
    return weights


def _to_patient_axes(values: NDArray[_Scalar], grid: Geometry, /) -> NDArray[_Scalar]:
    # Which array axis runs along S, P and L, and in which direction; oblique axes go to the nearest.
    axes = np.asarray(grid.axes_zyx_lps)[:, ::-1]
    order = [int(axis) for axis in np.abs(axes).argmax(axis=0)]
    if sorted(order) != [0, 1, 2]:
        order = [0, 1, 2]
    turned = values.transpose(order)
    for target, source in enumerate(order):
        if axes[source, target] < 0:
            turned = np.flip(turned, axis=target)
    return np.ascontiguousarray(turned)
