"""How slices follow each other along their normal: gaps, doubles, overlaps, tilt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SpacingFaults", "find_spacing_faults", "tilt_degrees"]

_SAME_SPACING = 0.05


@dataclass(frozen=True, slots=True)
class SpacingFaults:
    """Indices of slices whose distance to the next one is wrong, by kind, and the usual distance.

    :implements: SRS-DICOM-003, SDS-DICOM-003

    ``missing`` pairs an index with the number of slices that lack behind it. ``uneven`` is only filled where no other
    kind explains why the slices do not lie on a regular grid.
    """

    usual_mm: float
    largest_error_mm: float
    duplicates: tuple[int, ...] = ()
    missing: tuple[tuple[int, int], ...] = ()
    overlapping: tuple[int, ...] = ()
    uneven: tuple[int, ...] = ()


def find_spacing_faults(along_mm: NDArray[np.float64], /, *, tolerance_mm: float) -> SpacingFaults:
    """Compare sorted positions with a regular grid and name what breaks it.

    :implements: SRS-DICOM-003, SDS-DICOM-003

    Parameters
    ----------
    along_mm
        ``(n,)`` positions on the normal, ascending, n at least 2.
    tolerance_mm
        How far a slice may lie from the regular grid through the first and the last slice.
    """
    steps = np.diff(along_mm)
    apart = steps[steps > tolerance_mm]
    if apart.size == 0:
        return SpacingFaults(0.0, 0.0, duplicates=tuple(range(steps.size)))
    usual = float(np.median(apart))
    grid = np.linspace(along_mm[0], along_mm[-1], along_mm.size)
    error = float(np.max(np.abs(along_mm - grid)))
    duplicates = np.flatnonzero(steps <= tolerance_mm)
    if error <= tolerance_mm and duplicates.size == 0:
        return SpacingFaults(usual, error)
    ratios = steps / usual
    multiples = np.rint(ratios)
    missing = np.flatnonzero((multiples > 1) & (np.abs(ratios - multiples) <= _SAME_SPACING * multiples))
    overlapping = np.flatnonzero((ratios < 1 - _SAME_SPACING) & (steps > tolerance_mm))
    uneven = np.flatnonzero(np.abs(steps - usual) > min(tolerance_mm, float(np.max(np.abs(steps - usual))) / 2))
    explained = duplicates.size + missing.size + overlapping.size > 0
    return SpacingFaults(
        usual,
        error,
        duplicates=tuple(duplicates.tolist()),
        missing=tuple((int(i), int(multiples[i]) - 1) for i in missing),
        overlapping=tuple(overlapping.tolist()),
        uneven=() if explained else tuple(uneven.tolist()),
    )


def tilt_degrees(along_mm: NDArray[np.float64], across_mm: NDArray[np.float64], /) -> float:
    """Return the angle between the line through first and last slice and the slice normal, in degrees.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    rise = float(along_mm[-1] - along_mm[0])
    shift = float(np.hypot(*(across_mm[-1] - across_mm[0])))
    return float(np.degrees(np.arctan2(shift, rise)))
