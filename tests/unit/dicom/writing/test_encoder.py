from __future__ import annotations

import io

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian

from lungai_core.dicom.encoder import encode_dataset

CHARACTER_SETS = [
    "ISO_IR 6",
    "ISO_IR 100",
    "ISO_IR 13",
    "ISO_IR 192",
    "GB18030",
    ["", "ISO 2022 IR 87"],
    "ISO 2022 IR 87",
]
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\^="), max_size=16)
# What every set above can say, and what only some can; pydicom warns of the latter and writes a question mark.
TEXT = st.one_of(ASCII, st.sampled_from(["", "肺结节", "Größe", "ﾘﾝﾊﾟ", "~tilde", "結節 a"]))
NUMBER = st.integers(-(10**9), 10**9)


def _by_pydicom(dataset):
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_dataset(stream, dataset)
    return stream.getvalue()


@st.composite
def _data_sets(draw, depth=2):
    dataset = pydicom.Dataset()
    if draw(st.booleans()):
        dataset.SpecificCharacterSet = draw(st.sampled_from(CHARACTER_SETS))
    elements = {
        "SOPInstanceUID": st.sampled_from(["1.2.3", "1.2.34"]),
        "CodeValue": TEXT,
        "CodeMeaning": TEXT,
        "SeriesDescription": TEXT,
        "ContributionDescription": TEXT,
        "TextValue": TEXT,
        "PersonName": TEXT,
        "ImageComments": TEXT,
        "OtherPatientNames": st.lists(TEXT.filter(bool), min_size=2, max_size=3),
        "SeriesNumber": st.none(),
        "SoftwareVersions": st.lists(TEXT.filter(bool), min_size=2, max_size=3),
        "Modality": st.sampled_from(["CT", "SEG", "", None]),
        "ImageType": st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", "AXIAL"]), max_size=3),
        "ContentDate": st.sampled_from(["20260101", ""]),
        "ContentTime": st.sampled_from(["010203", "010203.5"]),
        "NumericValue": st.floats(-1e6, 1e6).map(lambda x: f"{x:.6g}"),
        "InstanceNumber": NUMBER,
        "ImagePositionPatient": st.lists(st.floats(-999, 999).map(lambda x: f"{x:.6g}"), min_size=3, max_size=3),
        "Rows": st.integers(0, 0xFFFF),
        "DimensionIndexValues": st.lists(st.integers(0, 0xFFFFFFFF), max_size=3),
        "FloatingPointValue": st.floats(allow_nan=False),
        "DimensionIndexPointer": st.just(0x00200032),
        "PixelRepresentation": st.sampled_from([0, 1]),
        "RealWorldValueFirstValueMapped": st.integers(0, 0x7FFF),
        "EncapsulatedDocument": st.binary(max_size=9),
    }
    for keyword in draw(st.lists(st.sampled_from(sorted(elements)), unique=True, max_size=8)):
        setattr(dataset, keyword, draw(elements[keyword]))
    if draw(st.booleans()):
        dataset.private_block(0x0011, "LUNGAI", create=True).add_new(0x10, draw(st.sampled_from(["LO", "UN"])), b"xy")
    if depth:
        for keyword in draw(st.lists(st.sampled_from(["ContentSequence", "ConceptNameCodeSequence"]), unique=True)):
            setattr(dataset, keyword, draw(st.lists(_data_sets(depth=depth - 1), max_size=3)))
    return dataset


@pytest.mark.verifies("SRS-DICOM-021")
@pytest.mark.filterwarnings("ignore")
@given(_data_sets())
def test_the_bytes_are_those_of_pydicom(dataset):
    expected = _by_pydicom(dataset)
    assert encode_dataset(dataset) == expected


@pytest.mark.verifies("SRS-DICOM-021")
@pytest.mark.filterwarnings("ignore")
def test_what_is_too_long_for_its_vr_and_retired_group_lengths_are_treated_as_by_pydicom():
    dataset = pydicom.Dataset()
    dataset.add_new(0x00080000, "UL", 4)
    dataset.InstitutionName = "x" * 70_000
    assert encode_dataset(dataset) == _by_pydicom(dataset)
    assert encode_dataset(dataset)[:6] == b"\x08\0\x80\0UN"


@pytest.mark.verifies("SRS-DICOM-021")
def test_sequences_and_items_that_were_read_without_a_length_are_written_with_one():
    # (0040,A043) and its item have no length; the item holds Code Value "肺", padded by three spaces.
    item = b"\x08\0\0\1SH\6\0" + "肺".encode() + b"   "
    sequence = b"\x40\0\x43\xa0SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\0\xe0" + b"\xff" * 4 + item
    sequence += b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    character_set = b"\x08\0\5\0CS\x0a\0ISO_IR 192"
    read = pydicom.dcmread(io.BytesIO(_head() + character_set + sequence))
    encoded = encode_dataset(read)
    assert encoded == character_set + (
        b"\x40\0\x43\xa0SQ\0\0\x14\0\0\0" + b"\xfe\xff\0\xe0\x0c\0\0\0" + b"\x08\0\0\1SH\4\0" + "肺".encode() + b" "
    )
    assert pydicom.dcmread(io.BytesIO(_head() + encoded)).ConceptNameCodeSequence[0].CodeValue == "肺"


def _head():
    empty = pydicom.Dataset()
    empty.file_meta = pydicom.dataset.FileMetaDataset()
    empty.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    empty.file_meta.MediaStorageSOPClassUID = empty.file_meta.MediaStorageSOPInstanceUID = "1.2"
    stream = io.BytesIO()
    empty.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.verifies("SRS-DICOM-021")
def test_the_vr_of_pixels_and_of_what_depends_on_their_sign_is_found():
    dataset = pydicom.Dataset()
    dataset.BitsAllocated, dataset.PixelRepresentation, dataset.PixelData = 16, 1, b"\0\1"
    item = pydicom.Dataset()
    item.RealWorldValueFirstValueMapped = -5
    dataset.RealWorldValueMappingSequence = [item]
    encoded = encode_dataset(dataset)
    assert encoded == _by_pydicom(dataset)
    stream = io.BytesIO(encoded)
    again = pydicom.filereader.read_dataset(stream, is_implicit_VR=False, is_little_endian=True)
    assert again["PixelData"].VR == "OW"
    assert again.RealWorldValueMappingSequence[0]["RealWorldValueFirstValueMapped"].VR == "SS"
    assert again.RealWorldValueMappingSequence[0].RealWorldValueFirstValueMapped == -5
