"""Rules about how much there is to read, before anything is allocated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.dicom.violation import Violation

if TYPE_CHECKING:
    from lungai_core.dicom.limits import ReadLimits
    from lungai_core.dicom.stack import SliceStack

__all__ = ["find_too_few_slices", "find_too_many_bytes", "find_too_many_slices", "find_too_many_voxels"]

_BYTES_A_VOXEL = 2


def find_too_many_slices(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find a series of more slices than the limit.

    :implements: SRS-DICOM-007, SDS-DICOM-003
    """
    count = len(stack.frames)
    return Violation(f"The series has {count} slices.", "the series") if count > limits.max_slices else None


def find_too_few_slices(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find a series of fewer slices than the limit.

    :implements: SRS-DICOM-007, SDS-DICOM-003
    """
    count = len(stack.frames)
    return Violation(f"The series has {count} slice(s).", "the series") if count < limits.min_slices else None


def find_too_many_bytes(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find files that are larger together than the limit.

    :implements: SRS-DICOM-007, SDS-DICOM-003
    """
    total = sum({frame.path: frame.file_bytes for frame in stack.frames}.values())
    return Violation(f"The files take {total} bytes.", "the series") if total > limits.max_file_bytes else None


def find_too_many_voxels(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find a volume that would take more memory than the limit.

    :implements: SRS-DICOM-007, SDS-DICOM-003
    """
    total = sum(_BYTES_A_VOXEL * (f.pixel_format.rows or 0) * (f.pixel_format.columns or 0) for f in stack.frames)
    return Violation(f"The voxels take {total} bytes.", "the series") if total > limits.max_decompressed_bytes else None
