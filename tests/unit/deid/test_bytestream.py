from __future__ import annotations

import struct

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from lungai_core.deid.bytestream import EXPLICIT, encode_element, encode_item, index_elements, read_meta
from lungai_core.errors import CorruptDicomError

ITEM_END, SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE00D, 0), struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
OPEN_ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)


def _open_sequence(tag, body, vr=b"SQ"):
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr, 0, 0xFFFFFFFF) + body + SEQUENCE_END


def _insert(corpus, raw, before=(0x0020, 0x000D, b"UI")):
    content = corpus.as_bytes(corpus.new_object("ct", patient="4711ABC"))
    at = content.index(struct.pack("<HH2s", *before), 400)
    return content[:at] + raw + content[at:]


@pytest.mark.verifies("SRS-DEID-004", "SRS-DEID-008")
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_sequences_and_items_of_undefined_length_are_walked(corpus, release, syntax):
    dataset = corpus.new_object("ct", patient="4711ABC")
    dataset.file_meta.TransferSyntaxUID = syntax
    item, inner = Dataset(), Dataset()
    inner.PatientComments, inner.CodeValue = "QXPLANTED", "T-1"
    item.add_new(0x00082228, "SQ", [inner])
    dataset.add_new(0x00082218, "SQ", [item])
    for holder, tag in ((dataset, 0x00082218), (item, 0x00082228)):
        holder[tag].is_undefined_length = True
        holder[tag].value[0].is_undefined_length_sequence_item = True
    out, copy = release(dataset)
    assert b"QXPLANTED" not in out
    assert copy.AnatomicRegionSequence[0].PrimaryAnatomicStructureSequence[0].CodeValue == "T-1"
    assert "PatientComments" not in copy.AnatomicRegionSequence[0].PrimaryAnatomicStructureSequence[0]


@pytest.mark.verifies("SRS-DEID-004")
def test_a_sequence_in_which_nothing_changes_keeps_its_bytes(corpus, release):
    code = b"".join(
        encode_element(tag, vr, value, EXPLICIT)
        for tag, vr, value in (
            (0x00080100, b"SH", b"T-D3000"),
            (0x00080102, b"SH", b"SRT"),
            (0x00080104, b"LO", b"Chest"),
        )
    )
    raw = _open_sequence(0x00180012, OPEN_ITEM + code + ITEM_END)
    out, _ = release(_insert(corpus, raw))
    assert raw in out


@pytest.mark.verifies("SRS-DEID-004", "SRS-DEID-008")
@pytest.mark.parametrize("tag", [0x00180012, 0x00180013, 0x00191010])
def test_unknown_vrs_of_undefined_length_hold_implicit_items(corpus, release, tag):
    body = struct.pack("<HHL", 0x0010, 0x4000, 10) + b"QXPLANTED "
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(body)) + body
    out, _ = release(_insert(corpus, _open_sequence(tag, item, b"UN")))
    assert b"QXPLANTED" not in out


@pytest.mark.verifies("SRS-DEID-008")
def test_a_name_in_a_removed_sequence_is_looked_for_elsewhere(corpus, release):
    dataset = corpus.new_object("ct", patient="4711ABC")
    other = Dataset()
    other.PatientID, other.PatientName = "OTHERID77", "Zhangson^Wei"
    dataset.OtherPatientIDsSequence = [other]
    dataset.Manufacturer = "by Zhangson"
    dataset.ManufacturerModelName = "OTHERID77"
    out, copy = release(dataset)
    assert b"hangson" not in out
    assert b"OTHERID77" not in out
    assert copy.Manufacturer == ""


@pytest.mark.verifies("SRS-DEID-011")
@pytest.mark.parametrize(
    "raw",
    [
        _open_sequence(0x00180012, OPEN_ITEM)[:-8],
        struct.pack("<HH2sHL", 0x0018, 0x0012, b"SQ", 0, 12) + b"not an item!",
        struct.pack("<HH2sHL", 0x0018, 0x0012, b"SQ", 0, 8) + struct.pack("<HHL", 0xFFFE, 0xE000, 500),
        struct.pack("<HH2sHL", 0x0018, 0x0012, b"SQ", 0, 4) + b"four",
        struct.pack("<HH2sHL", 0x0018, 0x0012, b"UT", 0, 0xFFFFFFFF),
        struct.pack("<HH2sH", 0x0018, 0x0050, b"ZZ", 0),
        struct.pack("<HH2sH", 0x0008, 0x0005, b"CS", 0),
        _open_sequence(0x00180012, b"").replace(SEQUENCE_END, OPEN_ITEM * 40),
    ],
)
def test_a_broken_structure_is_refused(corpus, release, raw):
    with pytest.raises(CorruptDicomError):
        release(_insert(corpus, raw))


@pytest.mark.verifies("SRS-DEID-011")
@pytest.mark.parametrize(
    "tail", [b"", b"\xfe\xff\x00\xe0\xff\xff\x00\x00", b"\xfe\xff\x00\xe0\x02\x00\x00\x00ab", b"garbage!"]
)
def test_compressed_pixels_without_an_end_are_refused(corpus, release, tail):
    content = corpus.as_bytes(corpus.new_object("sr", patient="4711ABC"))
    with pytest.raises(CorruptDicomError):
        release(content + struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + tail)


@pytest.mark.verifies("SRS-DEID-011")
def test_a_deflated_data_set_that_is_cut_off_is_refused(corpus, release):
    dataset = corpus.new_object("ct")
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    content = corpus.as_bytes(dataset)
    for spoilt in (content[:-40], content[:-60] + b"\xff" * 60):
        with pytest.raises(CorruptDicomError, match="deflated"):
            release(spoilt)


@pytest.mark.verifies("SRS-DEID-011")
def test_a_file_without_a_transfer_syntax_is_refused(corpus):
    content = corpus.as_bytes(corpus.new_object("ct"))
    with pytest.raises(CorruptDicomError, match="no transfer syntax"):
        read_meta(content[:132] + content[132:].replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI", 1))


@pytest.mark.verifies("SRS-DEID-011")
def test_what_follows_the_pixel_data_and_is_no_element_is_left_out():
    pixels = encode_element(0x7FE00010, b"OW", b"1234", EXPLICIT)
    elements, end = index_elements(pixels + b"JOHN DOE 1970", 0, len(pixels) + 13, EXPLICIT)
    assert [element.tag for element in elements] == [0x7FE00010]
    assert end == len(pixels)
    assert encode_item(b"", EXPLICIT) == struct.pack("<HHL", 0xFFFE, 0xE000, 0)
