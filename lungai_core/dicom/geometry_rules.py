"""Rules about how the slices lie in the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lungai_core.dicom.header_rules import odd_slices
from lungai_core.dicom.spacing import SpacingFaults, find_spacing_faults, tilt_degrees
from lungai_core.dicom.stack import slice_names
from lungai_core.dicom.violation import Violation

if TYPE_CHECKING:
    from lungai_core.dicom.limits import ReadLimits
    from lungai_core.dicom.stack import SliceStack

__all__ = [
    "find_duplicates",
    "find_missing",
    "find_mixed_grid",
    "find_mixed_orientation",
    "find_overlaps",
    "find_tilt",
    "find_uneven_spacing",
]


def find_mixed_grid(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find slices of another matrix, pixel spacing, study or object class.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    parts = {
        "Rows (0028,0010) or Columns (0028,0011)": odd_slices(
            stack, lambda f: (f.pixel_format.rows, f.pixel_format.columns)
        ),
        "Pixel Spacing (0028,0030)": odd_slices(stack, lambda f: f.pixel_spacing_yx_mm),
        "Study Instance UID (0020,000D)": odd_slices(stack, lambda f: f.study_instance_uid),
        "SOP Class UID (0008,0016)": odd_slices(stack, lambda f: f.sop_class_uid),
    }
    differing = {name: indices for name, indices in parts.items() if indices}
    if not differing:
        return None
    indices = sorted({index for found in differing.values() for index in found})
    return Violation(f"{', '.join(differing)} differs between slices.", slice_names(stack, indices))


def find_mixed_orientation(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices in another plane, and axes that are no orthogonal unit vectors.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    known = [(index, frame.orientation_lps) for index, frame in enumerate(stack.frames) if frame.orientation_lps]
    if not known:
        return None
    axes = np.asarray([orientation for _, orientation in known]).reshape(-1, 2, 3)
    frames = axes @ axes.transpose(0, 2, 1)
    bent = np.any(np.abs(frames - np.eye(2)) > limits.orientation_tolerance, axis=(1, 2))
    if bent.any():
        indices = [index for (index, _), is_bent in zip(known, bent, strict=True) if is_bent]
        return Violation(
            "Image Orientation (0020,0037) is not two orthogonal unit vectors.", slice_names(stack, indices)
        )
    usual = np.median(axes, axis=0)
    turned = np.any(np.abs(axes - usual) > limits.orientation_tolerance, axis=(1, 2))
    if not turned.any():
        return None
    indices = [index for (index, _), is_turned in zip(known, turned, strict=True) if is_turned]
    return Violation("Image Orientation (0020,0037) differs between slices.", slice_names(stack, indices))


def find_tilt(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find a gantry tilt in the tag, or in positions that do not lie on the slice normal.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    tilted = [i for i, f in enumerate(stack.frames) if abs(f.gantry_tilt_deg or 0.0) > limits.tilt_tolerance_deg]
    if tilted:
        return Violation("Gantry/Detector Tilt (0018,1120) is not 0.", slice_names(stack, tilted))
    if stack.along_mm is None or stack.across_mm is None:
        return None
    away = np.hypot(*(stack.across_mm - stack.across_mm[0]).T)
    shifted = np.flatnonzero(away > limits.position_tolerance_mm).tolist()
    if not shifted:
        return None
    angle = tilt_degrees(stack.along_mm, stack.across_mm)
    return Violation(
        f"The slices are shifted by up to {float(away.max()):.3f} mm across their normal"
        f" ({angle:.2f} degrees from first to last), though no tilt is stated.",
        f"Image Position (0020,0032), {slice_names(stack, shifted)}",
    )


def find_duplicates(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices at one position.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    faults = _faults(stack, limits)
    indices = sorted({i for first in faults.duplicates for i in (first, first + 1)})
    return Violation("Slices lie at the same position.", slice_names(stack, indices)) if indices else None


def find_missing(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find gaps of whole slices.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    faults = _faults(stack, limits)
    if not faults.missing:
        return None
    count = sum(lacking for _, lacking in faults.missing)
    gaps = ", ".join(f"{lacking} between slices {i + 1} and {i + 2}" for i, lacking in faults.missing[:8])
    return Violation(
        f"{count} slice(s) missing; the usual distance is {faults.usual_mm:g} mm.",
        f"{gaps}; " + slice_names(stack, [i for i, _ in faults.missing]),
    )


def find_overlaps(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices that stand between the slices of a regular grid.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    faults = _faults(stack, limits)
    indices = sorted({i for first in faults.overlapping for i in (first, first + 1)})
    if not indices:
        return None
    return Violation(f"Slices are nearer to each other than {faults.usual_mm:g} mm.", slice_names(stack, indices))


def find_uneven_spacing(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices off a regular grid for no other reason.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    faults = _faults(stack, limits)
    if not faults.uneven:
        return None
    return Violation(
        f"The slices lie up to {faults.largest_error_mm:.3f} mm off a regular grid.",
        slice_names(stack, list(faults.uneven)),
    )


def _faults(stack: SliceStack, limits: ReadLimits) -> SpacingFaults:
    if stack.along_mm is None:
        return SpacingFaults(0.0, 0.0)
    return find_spacing_faults(stack.along_mm, tolerance_mm=limits.position_tolerance_mm)
