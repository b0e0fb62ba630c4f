"""The input contract: each rule that a CT series must keep, as it is checked, reported and printed in the manual."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lungai_core.dicom import geometry_rules, header_rules, size_rules
from lungai_core.errors import (
    DecompressedTooLargeError,
    DuplicateSliceError,
    GantryTiltError,
    InputRejectedError,
    LocalizerError,
    LossyCompressionError,
    MissingAttributeError,
    MissingSliceError,
    MixedFrameOfReferenceError,
    MixedGridError,
    MixedOrientationError,
    MixedRescaleError,
    NotCtError,
    NotHounsfieldError,
    OverlappingSliceError,
    PixelFormatError,
    SeriesTooLargeError,
    TooFewSlicesError,
    TooManySlicesError,
    UnevenSpacingError,
    UnsupportedTransferSyntaxError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lungai_core.dicom.limits import ReadLimits
    from lungai_core.dicom.stack import SliceStack
    from lungai_core.dicom.violation import Violation

__all__ = ["SERIES_RULES", "RuleResult", "SeriesRule", "Verdict", "check_rules"]


class Verdict(StrEnum):
    """What a check found.

    :implements: SRS-DICOM-008, SDS-DICOM-003
    """

    PASSED = "passed"
    NOTED = "noted"
    REFUSED = "refused"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class SeriesRule:
    """One line of the input contract.

    :implements: SRS-DICOM-008, SDS-DICOM-003

    Parameters
    ----------
    error
        What is raised when the rule is broken; its code names the rule.
    title
        The rule in a few words.
    allowed
        What is accepted, with the names of limits in braces.
    remedy
        What to do about a series that breaks the rule.
    find
        Returns what breaks the rule, or None.
    """

    error: type[InputRejectedError]
    title: str
    allowed: str
    remedy: str
    find: Callable[[SliceStack, ReadLimits], Violation | None]

    def allowed_text(self, limits: ReadLimits, /) -> str:
        """Return what is accepted, with the numbers of the limits.

        :implements: SRS-DICOM-008, SDS-DICOM-003
        """
        numbers = limits.model_dump(mode="json")
        return self.allowed.format(
            **{name: ", ".join(value) if isinstance(value, list) else value for name, value in numbers.items()}
        )


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule found in one series; ``error`` is set where the verdict is refused.

    :implements: SRS-DICOM-008, SDS-DICOM-003
    """

    rule: SeriesRule
    verdict: Verdict
    error: InputRejectedError | None = None


SERIES_RULES: tuple[SeriesRule, ...] = (
    SeriesRule(
        TooManySlicesError,
        "Number of slices",
        "at most {max_slices} slices",
        "Give one series, or raise ReadLimits.max_slices if that many are meant.",
        size_rules.find_too_many_slices,
    ),
    SeriesRule(
        SeriesTooLargeError,
        "Size of the files",
        "at most {max_file_bytes} bytes in all files of the series",
        "Give one series, or raise ReadLimits.max_file_bytes.",
        size_rules.find_too_many_bytes,
    ),
    SeriesRule(
        DecompressedTooLargeError,
        "Size in memory",
        "at most {max_decompressed_bytes} bytes of voxels",
        "Check Rows (0028,0010) and Columns (0028,0011), or raise ReadLimits.max_decompressed_bytes.",
        size_rules.find_too_many_voxels,
    ),
    SeriesRule(
        TooFewSlicesError,
        "A volume",
        "at least {min_slices} slices",
        "Give the whole series; a single slice has no measurable spacing.",
        size_rules.find_too_few_slices,
    ),
    SeriesRule(
        NotCtError,
        "Modality",
        "Modality (0008,0060) = CT in every slice",
        "Choose a CT series.",
        header_rules.find_other_modality,
    ),
    SeriesRule(
        LocalizerError,
        "No localizer among the slices",
        "Image Type (0008,0008) without LOCALIZER",
        "Take the localizer out of the series, or export the volume series alone.",
        header_rules.find_localizer,
    ),
    SeriesRule(
        UnsupportedTransferSyntaxError,
        "Transfer syntax",
        "uncompressed (implicit, explicit, big endian, deflated), RLE, JPEG lossless, JPEG-LS, JPEG 2000",
        "Convert the series to Explicit VR Little Endian without lossy steps.",
        header_rules.find_unknown_transfer_syntax,
    ),
    SeriesRule(
        LossyCompressionError,
        "No lossy compression",
        "no Lossy Image Compression (0028,2110) = 01 and no lossy codestream, unless allowed; now: {lossy_compression}",
        "Use the original images; or allow it (LossyCompression.ALLOW, --allow-lossy) and keep that in the record.",
        header_rules.find_lossy_compression,
    ),
    SeriesRule(
        PixelFormatError,
        "Pixel format",
        "one sample a pixel, MONOCHROME2, 16 bits allocated, High Bit = Bits Stored - 1, the same in all slices",
        "Export the original CT images, not screen copies or colour images.",
        header_rules.find_pixel_format,
    ),
    SeriesRule(
        MissingAttributeError,
        "Attributes that place and scale the image",
        "SOP Instance, Series and Study Instance UID, Image Position (0020,0032), Image Orientation (0020,0037), Pixel"
        " Spacing (0028,0030) > 0, Rescale Slope (0028,1053) and Intercept (0028,1052), and pixel data, in every slice",
        "Export the series again from the archive; do not fill in values by hand.",
        header_rules.find_missing_attribute,
    ),
    SeriesRule(
        NotHounsfieldError,
        "Hounsfield units",
        "Rescale Type (0028,1054) absent, or one of {accepted_rescale_types}",
        "Use the original CT reconstruction. Where the values are known to be HU, name the type in"
        " ReadLimits.accepted_rescale_types.",
        header_rules.find_other_unit,
    ),
    SeriesRule(
        MixedRescaleError,
        "One rescale",
        "the same Rescale Slope (not 0) and Intercept in all slices",
        "Split the series, or export it again.",
        header_rules.find_mixed_rescale,
    ),
    SeriesRule(
        MixedFrameOfReferenceError,
        "One frame of reference",
        "the same Frame of Reference UID (0020,0052) in all slices, or a different one in each of them",
        "Split the series by acquisition.",
        header_rules.find_mixed_frame_of_reference,
    ),
    SeriesRule(
        MixedGridError,
        "One grid",
        "the same Rows, Columns, Pixel Spacing, Study UID and SOP Class in all slices; pixels need not be square",
        "Split the series by reconstruction.",
        geometry_rules.find_mixed_grid,
    ),
    SeriesRule(
        MixedOrientationError,
        "One orientation",
        "the same Image Orientation (0020,0037) in all slices within {orientation_tolerance}: orthogonal unit vectors",
        "Split the series by plane.",
        geometry_rules.find_mixed_orientation,
    ),
    SeriesRule(
        GantryTiltError,
        "No gantry tilt",
        "Gantry/Detector Tilt (0018,1120) within {tilt_tolerance_deg} degrees of 0, and positions that lie on the slice"
        " normal within {position_tolerance_mm} mm",
        "Use a series without tilt, or one that was resampled to an orthogonal grid.",
        geometry_rules.find_tilt,
    ),
    SeriesRule(
        DuplicateSliceError,
        "No slice twice",
        "one slice at each position",
        "Remove the copies; where phases or reconstructions are mixed, split the series.",
        geometry_rules.find_duplicates,
    ),
    SeriesRule(
        MissingSliceError,
        "No slice missing",
        "neighbours one spacing apart",
        "Export the series again, with all slices.",
        geometry_rules.find_missing,
    ),
    SeriesRule(
        OverlappingSliceError,
        "No second acquisition in between",
        "neighbours one spacing apart",
        "Split the series by acquisition.",
        geometry_rules.find_overlaps,
    ),
    SeriesRule(
        UnevenSpacingError,
        "Even spacing",
        "slices on a regular grid within {position_tolerance_mm} mm",
        "Use a reconstruction with constant spacing; a larger tolerance (ReadLimits.position_tolerance_mm) moves voxels"
        " by as much.",
        geometry_rules.find_uneven_spacing,
    ),
)


def check_rules(stack: SliceStack, limits: ReadLimits, /) -> tuple[RuleResult, ...]:
    """Apply every rule to the headers of a series. Rules that need a place are not checked where there is none.

    :implements: SRS-DICOM-003, SDS-DICOM-003

    Parameters
    ----------
    stack
        The slices, ordered by ``stack.order_slices``.
    limits
        Limits and tolerances.
    """
    return tuple(_check(rule, stack, limits) for rule in SERIES_RULES)


def _check(rule: SeriesRule, stack: SliceStack, limits: ReadLimits) -> RuleResult:
    if rule.error in _NEEDS_POSITIONS and (stack.along_mm is None or len(stack.frames) < 2):
        return RuleResult(rule, Verdict.NOT_CHECKED)
    violation = rule.find(stack, limits)
    if violation is None:
        return RuleResult(rule, Verdict.PASSED)
    error = rule.error(violation.what, where=violation.where, allowed=rule.allowed_text(limits), remedy=rule.remedy)
    return RuleResult(rule, Verdict.REFUSED, error)


_NEEDS_POSITIONS = frozenset(
    {GantryTiltError, DuplicateSliceError, MissingSliceError, OverlappingSliceError, UnevenSpacingError}
)
