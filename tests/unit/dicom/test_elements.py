from __future__ import annotations

import struct

import pytest

from lungai_core.dicom.elements import Encoding, TruncatedError, UnreadableError, walk

EXPLICIT = Encoding(explicit_vr=True, little_endian=True)
IMPLICIT = Encoding(explicit_vr=False, little_endian=True)
MODALITY, POSITION, PLANE_POSITION = 0x00080060, 0x00200032, 0x00209113
WANTED = frozenset({MODALITY, POSITION, PLANE_POSITION, 0x00280010})
UNDEFINED = 0xFFFFFFFF


def short(tag, vr, value):
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def long(tag, vr, value, length=None):
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value) if length is None else length) + value


def item(value, length=None):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) if length is None else length) + value


ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
PIXELS = long(0x7FE00010, b"OW", b"\1\2\3\4")


@pytest.mark.verifies("SRS-DICOM-006")
def test_wanted_elements_are_kept_and_others_stepped_over():
    data = short(0x00080005, b"CS", b"ISO_IR 100") + short(MODALITY, b"CS", b"CT") + PIXELS
    found = walk(data, 0, encoding=EXPLICIT, wanted=WANTED)
    assert found.text(MODALITY) == "CT"
    assert set(found.values) == {MODALITY}
    assert (found.pixels.offset, found.pixels.length, found.pixels.is_integer) == (len(data) - 4, 4, True)


@pytest.mark.verifies("SRS-DICOM-006")
def test_pixels_of_floating_point_are_told_from_integers():
    data = long(0x7FE00008, b"OF", b"\0" * 4)
    assert not walk(data, 0, encoding=EXPLICIT, wanted=WANTED).pixels.is_integer


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize("undefined_item", [False, True])
@pytest.mark.parametrize("undefined_sequence", [False, True])
def test_sequences_of_defined_and_undefined_length_are_read(undefined_item, undefined_sequence):
    content = short(POSITION, b"DS", b"1\\2\\3 ")
    body = item(content + ITEM_END, UNDEFINED) if undefined_item else item(content)
    if undefined_sequence:
        sequence = long(PLANE_POSITION, b"SQ", body + SEQUENCE_END, UNDEFINED)
    else:
        sequence = long(PLANE_POSITION, b"SQ", body)
    found = walk(sequence + PIXELS, 0, encoding=EXPLICIT, wanted=WANTED)
    assert found.item(PLANE_POSITION).numbers(POSITION, 3) == (1.0, 2.0, 3.0)
    assert found.pixels is not None


@pytest.mark.verifies("SRS-DICOM-006")
def test_an_unwanted_sequence_of_undefined_length_is_stepped_over_with_its_nested_items():
    inner = long(
        0x00081115, b"SQ", item(short(0x00080060, b"CS", b"MR") + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED
    )
    outer = long(0x00081140, b"SQ", item(inner + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED)
    found = walk(outer + short(0x00280010, b"US", b"\x10\0") + PIXELS, 0, encoding=EXPLICIT, wanted=WANTED)
    assert found.unsigned(0x00280010) == 16
    assert MODALITY not in found.values


@pytest.mark.verifies("SRS-DICOM-006")
def test_an_unknown_sequence_is_written_in_implicit_vr():
    content = struct.pack("<HHI", 0x0009, 0x0001, 2) + b"ab"
    unknown = long(0x00091001, b"UN", item(content + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED)
    assert walk(unknown + PIXELS, 0, encoding=EXPLICIT, wanted=WANTED).pixels is not None


@pytest.mark.verifies("SRS-DICOM-006")
def test_an_icon_with_compressed_pixels_is_stepped_over():
    icon = long(0x7FE00010, b"OB", item(b"") + item(b"abcd") + SEQUENCE_END, UNDEFINED)
    sequence = long(0x00880200, b"SQ", item(icon + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED)
    found = walk(sequence + short(0x00280010, b"US", b"\x10\0"), 0, encoding=EXPLICIT, wanted=WANTED)
    assert found.unsigned(0x00280010) == 16
    assert found.pixels is None


@pytest.mark.verifies("SRS-DICOM-006", "RC-DICOM-005")
def test_nesting_beyond_the_bound_is_unreadable():
    data = b"".join(long(0x00081115, b"SQ", item(b"", UNDEFINED), UNDEFINED) for _ in range(40))
    with pytest.raises(UnreadableError):
        walk(data, 0, encoding=EXPLICIT, wanted=WANTED)


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize(
    "data",
    [
        b"\x08\0\x60\0CS",
        short(MODALITY, b"CS", b"CT")[:-1],
        long(0x00081115, b"SQ", b"")[:10],
        long(PLANE_POSITION, b"SQ", item(b"ab")[:9], 10),
        long(PLANE_POSITION, b"SQ", item(b"", 50), 8),
        long(PLANE_POSITION, b"SQ", item(short(POSITION, b"DS", b"1 ")), UNDEFINED),
        long(PLANE_POSITION, b"SQ", item(short(POSITION, b"DS", b"1 "), UNDEFINED), UNDEFINED),
        long(0x00880200, b"SQ", item(long(0x7FE00010, b"OB", item(b"", 99), UNDEFINED)), UNDEFINED),
    ],
)
def test_a_buffer_that_ends_inside_an_element_is_truncated(data):
    with pytest.raises(TruncatedError):
        walk(data, 0, encoding=EXPLICIT, wanted=WANTED)


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize(
    "data",
    [
        short(MODALITY, b"??", b"CT"),
        long(PLANE_POSITION, b"SQ", short(MODALITY, b"CS", b"CT")),
        long(0x00880200, b"SQ", item(long(0x7FE00010, b"OB", short(MODALITY, b"CS", b"CT"), UNDEFINED)), UNDEFINED),
    ],
)
def test_an_impossible_element_is_unreadable(data):
    with pytest.raises(UnreadableError):
        walk(data, 0, encoding=EXPLICIT, wanted=WANTED)


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize("value", [b"", b"1\\2", b"a\\b\\c", b"1\\2\\nan", b"1e999\\2\\3", b"1\\\\3"])
def test_numbers_that_are_absent_or_not_finite_are_none(value):
    data = struct.pack("<HHI", 0x0020, 0x0032, len(value)) + value
    assert walk(data, 0, encoding=IMPLICIT, wanted=WANTED).numbers(POSITION, 3) is None


@pytest.mark.verifies("SRS-DICOM-006")
def test_integers_of_another_length_are_none():
    found = walk(short(0x00280010, b"US", b"\1\0\0\0"), 0, encoding=EXPLICIT, wanted=WANTED)
    assert found.unsigned(0x00280010) is None
    assert found.signed(0x00280010) is None
    assert found.item(PLANE_POSITION) is None
