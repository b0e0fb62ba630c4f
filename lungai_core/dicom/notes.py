"""What a series shows that is no reason to refuse it, but that a user should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.dicom.header_rules import has_frame_of_reference_per_slice, odd_slices
from lungai_core.dicom.transfer_syntaxes import LOSSY_SYNTAXES
from lungai_core.domain.volume import SeriesNote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lungai_core.dicom.scan import Scan
    from lungai_core.dicom.stack import SliceStack

__all__ = ["NOTES", "scan_notes", "series_notes"]

_CHEST = ("CHEST", "THORAX", "LUNG", "CHST", "CAP", "WHOLEBODY")
_GAP_FACTOR = 1.5


def series_notes(stack: SliceStack, /) -> tuple[SeriesNote, ...]:
    """Return the notes on a series whose slices are in order, in a fixed order.

    :implements: SRS-DICOM-009, SDS-DICOM-003
    """
    return tuple(SeriesNote(note_id=key, text=text) for key, (text, applies) in NOTES.items() if applies(stack))


def scan_notes(scan: Scan, /) -> tuple[SeriesNote, ...]:
    """Return the note on files that are no DICOM: one of them may be a slice whose first bytes were lost.

    :implements: SRS-DICOM-009, SDS-DICOM-003
    """
    if scan.not_dicom == 0:
        return ()
    return (
        SeriesNote(note_id="files-passed-over", text=f"{scan.not_dicom} file(s) were no DICOM and were passed over."),
    )


def _is_other_body_part(stack: SliceStack) -> bool:
    parts = {frame.body_part.upper().replace(" ", "") for frame in stack.frames} - {""}
    return any(not any(known in part for known in _CHEST) for part in parts)


def _has_no_frame_of_reference(stack: SliceStack) -> bool:
    return not stack.frames[0].frame_of_reference_uid


def _has_padding_of_wrong_sign(stack: SliceStack) -> bool:
    return any(frame.is_padding_vr_wrong and (frame.padding or 0) < 0 for frame in stack.frames)


def _has_several_paddings(stack: SliceStack) -> bool:
    return bool(odd_slices(stack, lambda frame: frame.padding))


def _is_lossy(stack: SliceStack) -> bool:
    return any(frame.is_marked_lossy or frame.transfer_syntax_uid in LOSSY_SYNTAXES for frame in stack.frames)


def _has_several_thicknesses(stack: SliceStack) -> bool:
    return bool(odd_slices(stack, lambda frame: frame.slice_thickness_mm))


def _has_several_kernels(stack: SliceStack) -> bool:
    return bool(odd_slices(stack, lambda frame: frame.kernel))


def _has_gaps_between_slices(stack: SliceStack) -> bool:
    thickness = stack.frames[0].slice_thickness_mm
    if not thickness or stack.along_mm is None or len(stack.frames) < 2:
        return False
    return float(stack.along_mm[1] - stack.along_mm[0]) > _GAP_FACTOR * thickness


def _is_derived(stack: SliceStack) -> bool:
    return any(frame.image_type[:1] == ("DERIVED",) for frame in stack.frames)


NOTES: Mapping[str, tuple[str, Callable[[SliceStack], bool]]] = {
    "body-part": ("Body Part Examined (0018,0015) names no part of the chest.", _is_other_body_part),
    "no-frame-of-reference": (
        "Frame of Reference UID (0020,0052) is absent: results cannot be bound to another series.",
        _has_no_frame_of_reference,
    ),
    "frame-of-reference-per-slice": (
        "Each slice has another Frame of Reference UID (0020,0052), as de-identification leaves it; it is dropped.",
        has_frame_of_reference_per_slice,
    ),
    "padding-sign": (
        "Pixel Padding Value (0028,0120) is written unsigned though the pixels are signed; it has been read as signed.",
        _has_padding_of_wrong_sign,
    ),
    "several-paddings": ("Pixel Padding Value (0028,0120) differs between slices.", _has_several_paddings),
    "lossy-compression": ("The voxels went through lossy compression, which was allowed.", _is_lossy),
    "several-thicknesses": ("Slice Thickness (0018,0050) differs between slices.", _has_several_thicknesses),
    "several-kernels": ("Convolution Kernel (0018,1210) differs between slices.", _has_several_kernels),
    "gaps-between-slices": (
        "The slices are more than 1.5 times their thickness apart: tissue between them was not imaged.",
        _has_gaps_between_slices,
    ),
    "derived": ("Image Type (0008,0008) says DERIVED: the values were computed from other images.", _is_derived),
}
