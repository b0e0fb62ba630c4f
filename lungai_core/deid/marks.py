"""What the library writes into each file: the marks of de-identification, and new file meta information."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lungai_core.deid.bytestream import EXPLICIT, encode_element, encode_item
from lungai_core.deid.standard import Option, table_edition
from lungai_core.version import __version__

if TYPE_CHECKING:
    from lungai_core.deid.bytestream import Encoding
    from lungai_core.deid.profile import Profile

__all__ = ["BASIC_CODE", "MEANING_OF", "METHOD_CODES", "SOFTWARE", "encode_marks", "new_meta"]

_IMPLEMENTATION_UID = b"2.25.297063471524391816209170436352137823017"
SOFTWARE = f"lungai-core {__version__}"
_IMPLEMENTATION_NAME = SOFTWARE.upper().replace("-CORE ", "_")[:16].encode()
_REMOVED_MARK, _METHOD, _METHOD_CODES, _BURNED_IN, _TEMPORAL = (
    0x00120062,
    0x00120063,
    0x00120064,
    0x00280301,
    0x00280303,
)

BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
METHOD_CODES = {
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}
MEANING_OF = dict([BASIC_CODE, *METHOD_CODES.values(), ("113102", "Clean Recognizable Visual Features Option")])


def encode_marks(
    profile: Profile, encoding: Encoding, /, *, codes: set[str], pixels_cleaned: bool
) -> tuple[tuple[int, bytes], ...]:
    """Encode the marks of a de-identified object, each with its tag, in ascending order.

    :implements: SRS-DEID-001, SDS-DEID-005

    Parameters
    ----------
    profile
        The options in force.
    encoding
        How elements are written.
    codes
        The codes of CID 7050 that apply.
    pixels_cleaned
        Whether regions of the image were blanked.
    """
    items = b"".join(encode_item(_code(code, MEANING_OF[code], encoding), encoding) for code in sorted(codes))
    method = f"{SOFTWARE}\\PS3.15 {table_edition()} {profile.name}\\policy {profile.digest()}"
    marks = {
        _REMOVED_MARK: encode_element(_REMOVED_MARK, b"CS", b"YES", encoding),
        _METHOD: encode_element(_METHOD, b"LO", method.encode(), encoding),
        _METHOD_CODES: encode_element(_METHOD_CODES, b"SQ", items, encoding),
        _TEMPORAL: encode_element(_TEMPORAL, b"CS", _temporal_mark(profile), encoding),
    }
    if pixels_cleaned:
        marks[_BURNED_IN] = encode_element(_BURNED_IN, b"CS", b"NO", encoding)
    return tuple(sorted(marks.items()))


def new_meta(sop_class_uid: str, instance_uid: str, transfer_syntax_uid: str, /) -> bytes:
    """Return an empty preamble and file meta information that names nothing but the object and this library.

    :implements: SRS-DEID-001, SDS-DEID-005

    Parameters
    ----------
    sop_class_uid
        The SOP Class.
    instance_uid
        The new SOP Instance UID.
    transfer_syntax_uid
        The transfer syntax of the input.
    """
    content = b"".join(
        encode_element(tag, vr, value, EXPLICIT)
        for tag, vr, value in (
            (0x00020001, b"OB", b"\0\1"),
            (0x00020002, b"UI", sop_class_uid.encode()),
            (0x00020003, b"UI", instance_uid.encode()),
            (0x00020010, b"UI", transfer_syntax_uid.encode()),
            (0x00020012, b"UI", _IMPLEMENTATION_UID),
            (0x00020013, b"SH", _IMPLEMENTATION_NAME),
        )
    )
    return bytes(128) + b"DICM" + encode_element(0x00020000, b"UL", struct.pack("<L", len(content)), EXPLICIT) + content


def _temporal_mark(profile: Profile) -> bytes:
    if profile.has(Option.RETAIN_FULL_DATES):
        return b"UNMODIFIED"
    return b"MODIFIED" if profile.has(Option.RETAIN_MODIFIED_DATES) else b"REMOVED"


def _code(value: str, meaning: str, encoding: Encoding) -> bytes:
    return (
        encode_element(0x00080100, b"SH", value.encode(), encoding)
        + encode_element(0x00080102, b"SH", b"DCM", encoding)
        + encode_element(0x00080104, b"LO", meaning.encode(), encoding)
    )
