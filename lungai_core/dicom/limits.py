"""What the reader accepts at most, and what it tolerates. The only place where these numbers live."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lungai_core.domain.model import FrozenModel

__all__ = ["LossyCompression", "ReadLimits"]

_Positive = Annotated[int, Field(ge=1)]
_GIB = 1 << 30


class LossyCompression(StrEnum):
    """What happens to a series whose voxels went through lossy compression.

    :implements: SRS-DICOM-004, SDS-DICOM-005
    """

    REFUSE = "refuse"
    ALLOW = "allow"


class ReadLimits(FrozenModel):
    """Limits and tolerances of reading a CT series.

    :implements: SRS-DICOM-007, SDS-DICOM-001

    ``position_tolerance_mm`` bounds how far a slice may lie from the regular grid, along the normal and across it.
    ``orientation_tolerance`` bounds the difference of direction cosines. ``min_slices = 1`` admits a single slice,
    whose SliceThickness then stands for the spacing.
    """

    min_slices: _Positive = 2
    max_slices: _Positive = 4096
    max_files: _Positive = 20_000
    max_header_bytes: _Positive = 64 << 20
    max_file_bytes: _Positive = 8 * _GIB
    max_decompressed_bytes: _Positive = 8 * _GIB
    position_tolerance_mm: Annotated[float, Field(gt=0)] = 0.01
    orientation_tolerance: Annotated[float, Field(gt=0)] = 1e-4
    tilt_tolerance_deg: Annotated[float, Field(gt=0)] = 0.1
    accepted_rescale_types: tuple[str, ...] = ("HU",)
    lossy_compression: LossyCompression = LossyCompression.REFUSE
