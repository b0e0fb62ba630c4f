"""How alike two masks are. Empty masks have a defined outcome: no case ever disappears from a mean."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data
from lungai_core.clinical._distributions import distance_to, erode
from lungai_core.clinical._surfels import CORNER_BITS, surfel_areas
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Vector

__all__ = [
    "MaskOutcome",
    "SegmentationResult",
    "SegmentationSummary",
    "SurfaceAreas",
    "SurfaceVoxels",
    "compare_masks",
    "summarise",
]


class MaskOutcome(StrEnum):
    """What became of a lesion's mask.

    :implements: SRS-CLIN-012, SDS-CLIN-012
    """

    COMPARED = "compared"
    MISSED = "missed: the prediction is empty"
    FALSE_POSITIVE = "false positive: the reference is empty"
    BOTH_EMPTY = "undefined: both masks are empty"


class SurfaceVoxels(FrozenModel):
    """Surface distances in mm between voxels that touch the outside by a face (the usual voxel definition).

    :implements: SRS-CLIN-012, SDS-CLIN-012

    ``hd95_max_of_directed`` is the larger of the two directed 95th percentiles, ``hd95_pooled`` the percentile of both
    directions together; the two differ, and papers use both.
    """

    hd: float
    hd95_max_of_directed: float
    hd95_pooled: float
    assd_pooled: float
    asd_mean_of_directed: float
    nsd: float
    n_surface: tuple[int, int]


class SurfaceAreas(FrozenModel):
    """Surface distances in mm weighted by the area of surface elements.

    :implements: SRS-CLIN-012, SDS-CLIN-012
    """

    hd95: float
    asd_reference_to_prediction: float
    asd_prediction_to_reference: float
    nsd: float


class SegmentationResult(FrozenModel):
    """Two masks compared; distances are ``None`` where one of them is empty.

    :implements: SRS-CLIN-012, SDS-CLIN-012

    Dice and IoU are 0 where one mask is empty and ``None`` where both are.
    """

    outcome: MaskOutcome
    dice: float | None
    iou: float | None
    volume_difference_mm3: float
    tolerance_mm: float
    voxels: SurfaceVoxels | None
    areas: SurfaceAreas | None


class SegmentationSummary(FrozenModel):
    """Means over cases, with the count of every outcome.

    :implements: SRS-CLIN-012, SDS-CLIN-012

    ``mean_dice`` counts a missed or false mask as 0. ``mean_hd95_mm`` is over compared cases alone and says of how
    many.
    """

    n: int
    compared: int
    missed: int
    false_positive: int
    both_empty: int
    mean_dice: float | None
    mean_hd95_mm: float | None


def compare_masks(
    reference: NDArray[np.bool_], predicted: NDArray[np.bool_], /, *, spacing_zyx_mm: Vector, tolerance_mm: float = 1.0
) -> SegmentationResult:
    """Compare a predicted mask with a reference mask on one grid.

    :implements: SRS-CLIN-012, SDS-CLIN-012

    Source: Dice LR, Ecology 1945;26:297; Maier-Hein L et al., Nat Methods 2024;21:195 (choice of metrics, empty masks);
    Nikolov S et al., arXiv:1809.04430 (area-weighted surface distances and normalised surface Dice).

    Parameters
    ----------
    reference, predicted
        ``(z, y, x)`` bool, one shape.
    spacing_zyx_mm
        Voxel spacing.
    tolerance_mm
        Distance up to which surfaces count as equal in the normalised surface Dice.
    """
    if reference.shape != predicted.shape or reference.ndim != 3:
        raise bad_data(
            "Two masks have different grids.", where=f"{reference.shape}, {predicted.shape}", allowed="one (z, y, x)"
        )
    one, other = reference.astype(np.bool_), predicted.astype(np.bool_)
    n_one, n_other = int(one.sum()), int(other.sum())
    common = int((one & other).sum())
    total = n_one + n_other
    outcome = _outcome(n_one, n_other)
    compared = outcome is MaskOutcome.COMPARED
    cropped = _crop(one, other) if compared else None
    return SegmentationResult(
        outcome=outcome,
        dice=2 * common / total if total else None,
        iou=common / (total - common) if total else None,
        volume_difference_mm3=float((n_other - n_one) * np.prod(spacing_zyx_mm)),
        tolerance_mm=tolerance_mm,
        voxels=_voxel_distances(*cropped, spacing_zyx_mm, tolerance_mm) if cropped else None,
        areas=_area_distances(*cropped, spacing_zyx_mm, tolerance_mm) if cropped else None,
    )


def summarise(results: Sequence[SegmentationResult], /) -> SegmentationSummary:
    """Average over cases without losing one.

    :implements: SRS-CLIN-012, SDS-CLIN-012

    Parameters
    ----------
    results
        One result a case.
    """
    dice = [result.dice for result in results if result.dice is not None]
    hd95 = [result.voxels.hd95_max_of_directed for result in results if result.voxels is not None]

    def count(outcome: MaskOutcome) -> int:
        return sum(result.outcome is outcome for result in results)

    return SegmentationSummary(
        n=len(results),
        compared=count(MaskOutcome.COMPARED),
        missed=count(MaskOutcome.MISSED),
        false_positive=count(MaskOutcome.FALSE_POSITIVE),
        both_empty=count(MaskOutcome.BOTH_EMPTY),
        mean_dice=float(np.mean(dice)) if dice else None,
        mean_hd95_mm=float(np.mean(hd95)) if hd95 else None,
    )


def _outcome(n_reference: int, n_predicted: int) -> MaskOutcome:
    if n_reference and n_predicted:
        return MaskOutcome.COMPARED
    if n_reference:
        return MaskOutcome.MISSED
    return MaskOutcome.FALSE_POSITIVE if n_predicted else MaskOutcome.BOTH_EMPTY


def _crop(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut both masks to their common box with a rim of one voxel, which changes no distance."""
    either = one | other
    box = []
    for axis in range(3):
        used = np.flatnonzero(either.any(axis=tuple(a for a in range(3) if a != axis)))
        box.append(slice(int(used[0]), int(used[-1]) + 1))
    return np.pad(one[tuple(box)], 1), np.pad(other[tuple(box)], 1)


def _voxel_distances(
    one: NDArray[np.bool_], other: NDArray[np.bool_], spacing: Vector, tolerance: float
) -> SurfaceVoxels:
    surface_one, surface_other = one & ~erode(one), other & ~erode(other)
    forth = distance_to(surface_other, spacing_mm=spacing)[surface_one]
    back = distance_to(surface_one, spacing_mm=spacing)[surface_other]
    both = np.concatenate((forth, back))
    return SurfaceVoxels(
        hd=float(both.max()),
        hd95_max_of_directed=float(max(np.percentile(forth, 95), np.percentile(back, 95))),
        hd95_pooled=float(np.percentile(both, 95)),
        assd_pooled=float(both.mean()),
        asd_mean_of_directed=float((forth.mean() + back.mean()) / 2),
        nsd=float(np.mean(both <= tolerance)),
        n_surface=(forth.size, back.size),
    )


def _area_distances(
    one: NDArray[np.bool_], other: NDArray[np.bool_], spacing: Vector, tolerance: float
) -> SurfaceAreas:
    areas = surfel_areas((float(spacing[0]), float(spacing[1]), float(spacing[2])))
    codes_one, codes_other = _codes(one), _codes(other)
    border_one, border_other = (codes_one % 255) != 0, (codes_other % 255) != 0
    forth = distance_to(border_other, spacing_mm=spacing)[border_one]
    back = distance_to(border_one, spacing_mm=spacing)[border_other]
    weight_forth, weight_back = areas[codes_one[border_one]], areas[codes_other[border_other]]
    close = weight_forth[forth <= tolerance].sum() + weight_back[back <= tolerance].sum()
    return SurfaceAreas(
        hd95=max(_weighted_percentile(forth, weight_forth), _weighted_percentile(back, weight_back)),
        asd_reference_to_prediction=float(np.average(forth, weights=weight_forth)),
        asd_prediction_to_reference=float(np.average(back, weights=weight_back)),
        nsd=float(close / (weight_forth.sum() + weight_back.sum())),
    )


def _codes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    codes = np.zeros(tuple(size - 1 for size in mask.shape), dtype=np.int64)
    for (z, y, x), bit in CORNER_BITS.items():
        codes += bit * mask[z : z + codes.shape[0], y : y + codes.shape[1], x : x + codes.shape[2]]
    return codes


def _weighted_percentile(distances: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(distances, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    place = int(np.searchsorted(share, 0.95))
    return float(distances[order][min(place, distances.size - 1)])
