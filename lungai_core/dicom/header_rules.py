"""Rules about single attributes and about attributes that must be the same in all slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.dicom.limits import LossyCompression
from lungai_core.dicom.scan import is_localizer
from lungai_core.dicom.stack import slice_names
from lungai_core.dicom.transfer_syntaxes import LOSSY_SYNTAXES, READABLE_SYNTAXES
from lungai_core.dicom.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from lungai_core.dicom.frames import FrameHeader, PixelFormat
    from lungai_core.dicom.limits import ReadLimits
    from lungai_core.dicom.stack import SliceStack

__all__ = [
    "find_localizer",
    "find_lossy_compression",
    "find_missing_attribute",
    "find_mixed_frame_of_reference",
    "find_mixed_rescale",
    "find_other_modality",
    "find_other_unit",
    "find_pixel_format",
    "find_unknown_transfer_syntax",
    "has_frame_of_reference_per_slice",
    "odd_slices",
]

_BITS = 16
_FEWEST_STORED_BITS = 8


def odd_slices(stack: SliceStack, key: Callable[[FrameHeader], Hashable], /) -> list[int]:
    """Return the slices whose value is not the most frequent one; of equally frequent ones the first counts.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    values = [key(frame) for frame in stack.frames]
    counts: dict[Hashable, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    usual = max(counts, key=lambda value: counts[value])
    return [index for index, value in enumerate(values) if value != usual]


def find_other_modality(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find slices that are not CT.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    return _find(stack, lambda frame: frame.modality != "CT", "A slice's Modality (0008,0060) is not CT.")


def find_localizer(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find projection images.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    return _find(stack, is_localizer, "The series contains a localizer, by Image Type (0008,0008).")


def find_unknown_transfer_syntax(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find pixel data in a form that is not read.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    unknown = _find(stack, lambda f: f.transfer_syntax_uid not in READABLE_SYNTAXES, "")
    if unknown is None:
        return None
    uids = sorted({f.transfer_syntax_uid for f in stack.frames} - set(READABLE_SYNTAXES))
    return Violation(f"The transfer syntax {', '.join(uids)} is not one that is read.", unknown.where)


def find_lossy_compression(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices whose header says that they went through lossy compression.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    if limits.lossy_compression is LossyCompression.ALLOW:
        return None
    return _find(
        stack,
        lambda frame: frame.is_marked_lossy or frame.transfer_syntax_uid in LOSSY_SYNTAXES,
        "The pixel data went through lossy compression, by the transfer syntax or Lossy Image Compression (0028,2110).",
    )


def find_pixel_format(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find pixels that are not 16-bit grey values, or not written alike.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    wrong = _find(
        stack, lambda frame: not _is_readable(frame.pixel_format), "The pixel format is not one that is read."
    )
    if wrong is not None:
        return wrong
    mixed = odd_slices(stack, lambda f: (f.pixel_format.bits_stored, f.pixel_format.is_signed))
    if not mixed:
        return None
    return Violation(
        "Bits Stored (0028,0101) or Pixel Representation (0028,0103) differs between slices.", slice_names(stack, mixed)
    )


def find_missing_attribute(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices without an attribute that places or scales them.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    gaps = {index: names for index, frame in enumerate(stack.frames) if (names := _missing(frame, limits))}
    if not gaps:
        return None
    names = sorted({name for missing in gaps.values() for name in missing})
    return Violation(f"Absent, empty or unreadable: {', '.join(names)}.", slice_names(stack, list(gaps)))


def find_other_unit(stack: SliceStack, limits: ReadLimits, /) -> Violation | None:
    """Find slices whose values are said to be something else than HU.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    accepted = {"", *limits.accepted_rescale_types}
    return _find(
        stack, lambda frame: frame.rescale_type not in accepted, "Rescale Type (0028,1054) is not Hounsfield units."
    )


def find_mixed_rescale(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find slices with another rescale than the rest, or a slope of 0.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    flat = _find(stack, lambda frame: frame.rescale_slope == 0, "Rescale Slope (0028,1053) is 0.")
    if flat is not None:
        return flat
    mixed = odd_slices(stack, lambda frame: (frame.rescale_slope, frame.rescale_intercept))
    if not mixed:
        return None
    return Violation("Rescale Slope (0028,1053) or Intercept (0028,1052) differs.", slice_names(stack, mixed))


def find_mixed_frame_of_reference(stack: SliceStack, _: ReadLimits, /) -> Violation | None:
    """Find slices of another frame of reference.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """
    if has_frame_of_reference_per_slice(stack):
        return None
    mixed = odd_slices(stack, lambda frame: frame.frame_of_reference_uid)
    if not mixed:
        return None
    return Violation("Frame of Reference UID (0020,0052) differs.", slice_names(stack, mixed))


def has_frame_of_reference_per_slice(stack: SliceStack, /) -> bool:
    """Tell whether no two slices share a frame of reference: de-identification replaced it file by file.

    :implements: SRS-DICOM-003, SDS-DICOM-003

    Such an identifier says nothing about any two slices. It is noted and dropped, and the positions speak.
    """
    uids = {frame.frame_of_reference_uid for frame in stack.frames}
    return len(uids) == len(stack.frames) > 1


def _find(stack: SliceStack, is_wrong: Callable[[FrameHeader], bool], what: str) -> Violation | None:
    wrong = [index for index, frame in enumerate(stack.frames) if is_wrong(frame)]
    return Violation(what, slice_names(stack, wrong)) if wrong else None


def _is_readable(pixel: PixelFormat) -> bool:
    stored = pixel.bits_stored
    return (
        pixel.samples == 1
        and pixel.photometric == "MONOCHROME2"
        and pixel.bits_allocated == _BITS
        and stored is not None
        and _FEWEST_STORED_BITS <= stored <= _BITS
        and pixel.high_bit == stored - 1
        and pixel.is_signed is not None
    )


def _missing(frame: FrameHeader, limits: ReadLimits) -> list[str]:
    spacing = frame.pixel_spacing_yx_mm
    needed = {
        "SOP Instance UID (0008,0018)": frame.sop_instance_uid,
        "Study Instance UID (0020,000D)": frame.study_instance_uid,
        "Series Instance UID (0020,000E)": frame.series_instance_uid,
        "Image Position (0020,0032)": frame.position_lps_mm,
        "Image Orientation (0020,0037)": frame.orientation_lps,
        "Pixel Spacing (0028,0030)": spacing is not None and min(spacing) > 0,
        "Rescale Slope (0028,1053)": frame.rescale_slope is not None,
        "Rescale Intercept (0028,1052)": frame.rescale_intercept is not None,
        "Rows (0028,0010)": frame.pixel_format.rows,
        "Columns (0028,0011)": frame.pixel_format.columns,
        "Pixel Data (7FE0,0010)": frame.pixels is not None and frame.pixels.is_integer,
        "Slice Thickness (0018,0050)": limits.min_slices > 1 or (frame.slice_thickness_mm or 0) > 0,
    }
    return [name for name, value in needed.items() if not value]
