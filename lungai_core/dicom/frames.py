"""One slice of a CT as its header describes it, from a classic object or from a frame of a multi-frame one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.dicom.elements import ElementSet, PixelLocation

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.dicom.part10 import FileElements

__all__ = ["CT_IMAGE", "CT_SOP_CLASSES", "WANTED_TAGS", "FrameHeader", "frames_of", "is_image"]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_CT = "1.2.840.10008.5.1.4.1.1.2.2"
CT_SOP_CLASSES = {
    CT_IMAGE: "CT Image Storage",
    ENHANCED_CT: "Enhanced CT Image Storage",
    LEGACY_CONVERTED_CT: "Legacy Converted Enhanced CT Image Storage",
}

_IMAGE_TYPE, _SOP_CLASS, _SOP_INSTANCE, _MODALITY = 0x00080008, 0x00080016, 0x00080018, 0x00080060
_MANUFACTURER, _FRAME_TYPE = 0x00080070, 0x00089007
_BODY_PART, _THICKNESS, _TILT, _KERNEL = 0x00180015, 0x00180050, 0x00181120, 0x00181210
_CT_DETAILS, _CT_RECONSTRUCTION, _CT_FRAME_TYPE = 0x00189304, 0x00189314, 0x00189329
_STUDY, _SERIES, _FRAME_OF_REFERENCE = 0x0020000D, 0x0020000E, 0x00200052
_POSITION, _ORIENTATION, _PLANE_POSITION, _PLANE_ORIENTATION = 0x00200032, 0x00200037, 0x00209113, 0x00209116
_SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS = 0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011
_PIXEL_SPACING, _ALLOCATED, _STORED, _HIGH_BIT, _SIGNED = 0x00280030, 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PADDING, _INTERCEPT, _SLOPE, _RESCALE_TYPE = 0x00280120, 0x00281052, 0x00281053, 0x00281054
_LOSSY, _PIXEL_MEASURES, _PIXEL_VALUES = 0x00282110, 0x00289110, 0x00289145
_SHARED_GROUPS, _FRAME_GROUPS = 0x52009229, 0x52009230

WANTED_TAGS = frozenset(
    {_IMAGE_TYPE, _SOP_CLASS, _SOP_INSTANCE, _MODALITY, _MANUFACTURER, _FRAME_TYPE, _BODY_PART, _THICKNESS, _TILT}
    | {_KERNEL, _CT_DETAILS, _CT_RECONSTRUCTION, _CT_FRAME_TYPE, _STUDY, _SERIES, _FRAME_OF_REFERENCE, _POSITION}
    | {_ORIENTATION, _PLANE_POSITION, _PLANE_ORIENTATION, _SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS}
    | {_PIXEL_SPACING, _ALLOCATED, _STORED, _HIGH_BIT, _SIGNED, _PADDING, _INTERCEPT, _SLOPE, _RESCALE_TYPE, _LOSSY}
    | {_PIXEL_MEASURES, _PIXEL_VALUES, _SHARED_GROUPS, _FRAME_GROUPS}
)
_EMPTY = ElementSet(little_endian=True)


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How one pixel is written. An attribute that is absent or unreadable is None or ``""``.

    :implements: SRS-DICOM-002, SDS-DICOM-001
    """

    rows: int | None
    columns: int | None
    samples: int | None
    photometric: str
    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    is_signed: bool | None


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """One slice: where its pixels are, what they mean, where it lies. What is absent is None, ``""`` or ``()``.

    :implements: SRS-DICOM-002, SDS-DICOM-001
    """

    path: Path
    file_bytes: int
    frame_number: int
    frames_in_file: int
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    modality: str
    image_type: tuple[str, ...]
    manufacturer: str
    body_part: str
    kernel: str
    slice_thickness_mm: float | None
    gantry_tilt_deg: float | None
    pixel_format: PixelFormat
    pixel_spacing_yx_mm: tuple[float, ...] | None
    orientation_lps: tuple[float, ...] | None
    position_lps_mm: tuple[float, ...] | None
    rescale_slope: float | None
    rescale_intercept: float | None
    rescale_type: str
    padding: int | None
    is_padding_vr_wrong: bool
    is_marked_lossy: bool
    pixels: PixelLocation | None


def is_image(file: FileElements, /) -> bool:
    """Tell whether a file's object is one of the CT image classes.

    :implements: SRS-DICOM-002, SDS-DICOM-001
    """
    return file.elements.text(_SOP_CLASS) in CT_SOP_CLASSES


def frames_of(file: FileElements, /) -> tuple[FrameHeader, ...]:
    """Return the slices of one file: one for a classic CT image, one a frame for a multi-frame object.

    :implements: SRS-DICOM-002, SDS-DICOM-001
    """
    root = file.elements
    if root.text(_SOP_CLASS) == CT_IMAGE:
        return (_frame(file, (root,), number=1, count=1),)
    shared = root.item(_SHARED_GROUPS) or _EMPTY
    groups = root.sequences.get(_FRAME_GROUPS, ())
    return tuple(
        _frame(file, _places(root, shared, group), number=number, count=len(groups))
        for number, group in enumerate(groups, start=1)
    )


def declared_frames(file: FileElements, /) -> int | None:
    """Return Number of Frames (0028,0008) as the file states it, 1 for a classic image, None if unreadable.

    :implements: SRS-DICOM-002, SDS-DICOM-001
    """
    root = file.elements
    if root.text(_SOP_CLASS) == CT_IMAGE:
        return 1
    number = root.number(_FRAMES)
    return int(number) if number is not None and number.is_integer() else None


def _places(root: ElementSet, shared: ElementSet, own: ElementSet) -> tuple[ElementSet, ...]:
    """Return the item sets in which an attribute of a frame may stand, its own functional groups first."""
    macros = (_CT_FRAME_TYPE, _PLANE_POSITION, _PLANE_ORIENTATION, _PIXEL_MEASURES, _PIXEL_VALUES)
    details = (_CT_DETAILS, _CT_RECONSTRUCTION)
    items = (group.item(tag) for group in (own, shared) for tag in (*macros, *details))
    return (*(item for item in items if item is not None), root)


def _frame(file: FileElements, places: tuple[ElementSet, ...], *, number: int, count: int) -> FrameHeader:
    root = file.elements

    def holder(tag: int) -> ElementSet:
        return next((place for place in places if tag in place.values), _EMPTY)

    pixel_format = _pixel_format(root)
    padding = root.signed(_PADDING) if pixel_format.is_signed else root.unsigned(_PADDING)
    return FrameHeader(
        path=file.path,
        file_bytes=file.size_bytes,
        frame_number=number,
        frames_in_file=count,
        transfer_syntax_uid=file.transfer_syntax_uid,
        sop_class_uid=root.text(_SOP_CLASS),
        sop_instance_uid=root.text(_SOP_INSTANCE),
        series_instance_uid=root.text(_SERIES),
        study_instance_uid=root.text(_STUDY),
        frame_of_reference_uid=root.text(_FRAME_OF_REFERENCE),
        modality=root.text(_MODALITY),
        image_type=(holder(_FRAME_TYPE).texts(_FRAME_TYPE) or root.texts(_IMAGE_TYPE)),
        manufacturer=root.text(_MANUFACTURER),
        body_part=root.text(_BODY_PART),
        kernel="\\".join(holder(_KERNEL).texts(_KERNEL)),
        slice_thickness_mm=holder(_THICKNESS).number(_THICKNESS),
        gantry_tilt_deg=holder(_TILT).number(_TILT),
        pixel_format=pixel_format,
        pixel_spacing_yx_mm=holder(_PIXEL_SPACING).numbers(_PIXEL_SPACING, 2),
        orientation_lps=holder(_ORIENTATION).numbers(_ORIENTATION, 6),
        position_lps_mm=holder(_POSITION).numbers(_POSITION, 3),
        rescale_slope=holder(_SLOPE).number(_SLOPE),
        rescale_intercept=holder(_INTERCEPT).number(_INTERCEPT),
        rescale_type=holder(_RESCALE_TYPE).text(_RESCALE_TYPE),
        padding=padding,
        is_padding_vr_wrong=pixel_format.is_signed is True and _PADDING in root.unsigned_vr,
        is_marked_lossy=root.text(_LOSSY) == "01",
        pixels=root.pixels,
    )


def _pixel_format(root: ElementSet) -> PixelFormat:
    signed = root.unsigned(_SIGNED)
    return PixelFormat(
        rows=root.unsigned(_ROWS),
        columns=root.unsigned(_COLUMNS),
        samples=root.unsigned(_SAMPLES),
        photometric=root.text(_PHOTOMETRIC),
        bits_allocated=root.unsigned(_ALLOCATED),
        bits_stored=root.unsigned(_STORED),
        high_bit=root.unsigned(_HIGH_BIT),
        is_signed={0: False, 1: True}.get(signed) if signed is not None else None,
    )
