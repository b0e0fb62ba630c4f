"""Diameter against volume, and growth: closed formulas and the checks a pair of measurements must pass."""

from __future__ import annotations

import math
from enum import StrEnum

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import MeasurementImpossibleError

__all__ = [
    "GeometryCheck",
    "GeometryVerdict",
    "Growth",
    "check_volume",
    "growth",
    "sphere_diameter_mm",
    "sphere_volume_mm3",
]

# 1st to 99th percentile of volume over sphere volume for ellipsoids with axis ratios of 0.6 to 1.1 (simulation,
# stats.md).
_REVIEW_BELOW, _REVIEW_ABOVE = 0.64, 1.25


class GeometryVerdict(StrEnum):
    """What a comparison of volume and diameter says.

    :implements: SRS-ANNO-005, SDS-ANNO-005
    """

    PLAUSIBLE = "plausible"
    REVIEW = "review: shape far from a sphere, or one of the measurements is wrong"


class GeometryCheck(FrozenModel):
    """A volume compared with the sphere of its mean diameter.

    :implements: SRS-ANNO-005, SDS-ANNO-005

    ``deviation_percent`` is negative where the volume is smaller than the sphere; ``equivalent_diameter_mm`` is that of
    the sphere with the given volume.
    """

    sphere_volume_mm3: float
    ratio: float
    deviation_percent: float
    equivalent_diameter_mm: float
    verdict: GeometryVerdict


class Growth(FrozenModel):
    """Change of a volume between two scans.

    :implements: SRS-ANNO-011, SDS-ANNO-011

    ``doubling_time_days`` is negative for a shrinking nodule and ``None`` for an unchanged one.
    """

    percent_change: float
    doubling_time_days: float | None


def sphere_volume_mm3(diameter_mm: float, /) -> float:
    """Give the volume of a sphere.

    :implements: SRS-ANNO-005, SDS-ANNO-005

    Parameters
    ----------
    diameter_mm
        Above 0.
    """
    _require_positive(diameter_mm, "diameter_mm")
    return math.pi / 6 * diameter_mm**3


def sphere_diameter_mm(volume_mm3: float, /) -> float:
    """Give the diameter of the sphere with a volume.

    :implements: SRS-ANNO-005, SDS-ANNO-005

    Parameters
    ----------
    volume_mm3
        Above 0.
    """
    _require_positive(volume_mm3, "volume_mm3")
    return math.cbrt(6 * volume_mm3 / math.pi)


def check_volume(
    volume_mm3: float,
    /,
    *,
    mean_diameter_mm: float,
    longest_diameter_mm: float | None = None,
    voxel_error: float = 0.05,
) -> GeometryCheck:
    """Compare a volume with the diameter of the same nodule.

    :implements: SRS-ANNO-005, SDS-ANNO-005

    Source of the bound: Bieberbach's isodiametric inequality (1915), true for any shape. Limits of review: 0.64 and
    1.25, the 1st and 99th percentile of simulated ellipsoids with axis ratios of 0.6 to 1.1.

    Parameters
    ----------
    volume_mm3
        Above 0.
    mean_diameter_mm
        Mean of long and short axis, above 0.
    longest_diameter_mm
        Longest diameter; the mean diameter is taken where it is absent.
    voxel_error
        Relative error of volume by voxels that the bound allows for, 0 or more.

    Raises
    ------
    MeasurementImpossibleError
        If the volume is larger than any body of that longest diameter.
    """
    sphere = sphere_volume_mm3(mean_diameter_mm)
    equivalent = sphere_diameter_mm(volume_mm3)
    longest = max(mean_diameter_mm, longest_diameter_mm or 0.0)
    largest = sphere_volume_mm3(longest) * (1 + voxel_error)
    ratio = volume_mm3 / sphere
    if longest_diameter_mm is not None and volume_mm3 > largest:
        raise MeasurementImpossibleError(
            f"A volume of {volume_mm3:.0f} mm³ does not fit into a longest diameter of {longest:.1f} mm.",
            where="volume_mm3, longest_diameter_mm",
            allowed=f"at most {largest:.0f} mm³",
            remedy="Measure again: one of the two numbers belongs to another nodule, another unit or another scan.",
        )
    verdict = GeometryVerdict.PLAUSIBLE if _REVIEW_BELOW <= ratio <= _REVIEW_ABOVE else GeometryVerdict.REVIEW
    return GeometryCheck(
        sphere_volume_mm3=sphere,
        ratio=ratio,
        deviation_percent=100 * (ratio - 1),
        equivalent_diameter_mm=equivalent,
        verdict=verdict,
    )


def growth(*, first_mm3: float, second_mm3: float, days: float) -> Growth:
    """Compute percent change and volume doubling time.

    :implements: SRS-ANNO-011, SDS-ANNO-011

    Source: Schwartz M, Cancer 1961;14:1272: VDT = t ln 2 / ln(V2/V1).

    Parameters
    ----------
    first_mm3, second_mm3
        Volumes on the earlier and the later scan, above 0.
    days
        Time between them, above 0.
    """
    for value, name in ((first_mm3, "first_mm3"), (second_mm3, "second_mm3"), (days, "days")):
        _require_positive(value, name)
    ratio = math.log(second_mm3 / first_mm3)
    return Growth(
        percent_change=100 * (second_mm3 - first_mm3) / first_mm3,
        doubling_time_days=days * math.log(2) / ratio if ratio else None,
    )


def _require_positive(value: float, name: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise MeasurementImpossibleError(
            "A measurement is not a positive number.",
            where=name,
            allowed="a finite number above 0 (mm, mm³ or days)",
            remedy="Leave the field out where nothing was measured.",
        )
