"""Files of any content: a volume or an error of the tree, nothing else."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from lungai_core.dicom.elements import Encoding, TruncatedError, UnreadableError, walk
from lungai_core.dicom.frames import WANTED_TAGS
from lungai_core.dicom.limits import ReadLimits
from lungai_core.dicom.part10 import read_elements
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import LungaiError

SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLSLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
)
LIMITS = ReadLimits(max_decompressed_bytes=1 << 24)


@pytest.fixture(scope="module")
def originals(ct_series):
    """Three slices in each transfer syntax, and one multi-frame object, as bytes."""
    sets = []
    for uid in SYNTAXES:
        files = []
        for ds in ct_series.series_datasets(3):
            buffer = io.BytesIO()
            ct_series.save(ct_series.compressed(ds, uid), buffer)
            files.append(buffer.getvalue())
        sets.append(files)
    buffer = io.BytesIO()
    ct_series.save(ct_series.enhanced_dataset(4), buffer)
    return [*sets, [buffer.getvalue()]]


def answer(files):
    """Read files, and return the volume or the error of the tree; any other exception fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            Path(folder, f"{number}.dcm").write_bytes(content)
        try:
            return read_ct_series(Path(folder), limits=LIMITS)
        except LungaiError as error:
            return error


@pytest.mark.fuzz("reader of CT series: damaged files")
@pytest.mark.verifies("SRS-DICOM-006", "RC-DICOM-005")
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_truncated_and_bit_flipped_files_give_a_volume_or_a_typed_error(originals, data):
    files = list(data.draw(st.sampled_from(originals)))
    index = data.draw(st.integers(0, len(files) - 1))
    content = bytearray(files[index])
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    files[index] = bytes(content[: data.draw(st.integers(0, len(content)))])
    answered = answer(files)
    assert isinstance(answered, LungaiError) or answered.stored.shape == answered.geometry.shape_zyx


ATTRIBUTES = {
    "ImagePositionPatient": st.lists(st.one_of(st.floats(-1e4, 1e4), st.just(0)), min_size=0, max_size=4),
    "ImageOrientationPatient": st.lists(st.floats(-1, 1), min_size=5, max_size=7),
    "PixelSpacing": st.lists(st.floats(-2, 2), min_size=1, max_size=3),
    "Rows": st.integers(0, 65535),
    "Columns": st.integers(0, 65535),
    "BitsStored": st.integers(0, 65535),
    "BitsAllocated": st.sampled_from([1, 8, 12, 16, 32, 64]),
    "HighBit": st.integers(0, 65535),
    "PixelRepresentation": st.integers(0, 3),
    "SamplesPerPixel": st.integers(0, 4),
    "RescaleSlope": st.floats(-1e6, 1e6),
    "RescaleIntercept": st.floats(-1e6, 1e6),
    "SliceThickness": st.floats(-10, 10),
    "ImageType": st.lists(st.sampled_from(["ORIGINAL", "LOCALIZER", "", "AXIAL"]), max_size=4),
    "PixelPaddingValue": st.integers(0, 32767),
}


def as_written(value):
    """Return decimal numbers as text of at most 16 bytes, other values as they are."""
    if isinstance(value, list):
        return [as_written(part) for part in value]
    return f"{value:.4g}" if isinstance(value, float) else value


@pytest.mark.fuzz("reader of CT series: headers of any values")
@pytest.mark.verifies("SRS-DICOM-006", "RC-DICOM-005")
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_headers_of_any_values_give_a_volume_or_a_typed_error(ct_series, data):
    datasets = ct_series.series_datasets(3)
    changed = datasets[data.draw(st.sampled_from([slice(None), slice(0, 1), slice(2, None)]))]
    for keyword in data.draw(st.lists(st.sampled_from(sorted(ATTRIBUTES)), max_size=3)):
        value = data.draw(ATTRIBUTES[keyword])
        for ds in changed:
            setattr(ds, keyword, as_written(value))
    files = []
    for ds in datasets:
        buffer = io.BytesIO()
        ct_series.save(ds, buffer)
        files.append(buffer.getvalue())
    answered = answer(files)
    if not isinstance(answered, LungaiError):
        assert answered.stored.shape == answered.geometry.shape_zyx
        assert min(answered.geometry.spacing_zyx_mm) > 0


@pytest.mark.fuzz("walk over DICOM elements: any bytes")
@pytest.mark.verifies("SRS-DICOM-006")
@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=300),
    explicit_vr=st.booleans(),
    little_endian=st.booleans(),
)
def test_bytes_of_any_kind_are_walked_or_refused(content, explicit_vr, little_endian):
    encoding = Encoding(explicit_vr=explicit_vr, little_endian=little_endian)
    try:
        found = walk(content, 0, encoding=encoding, wanted=WANTED_TAGS)
    except (TruncatedError, UnreadableError):
        return
    assert all(tag in WANTED_TAGS for tag in found.values)


@pytest.mark.verifies("SRS-DICOM-006")
@pytest.mark.parametrize("index", range(len(SYNTAXES)))
def test_each_wanted_element_equals_what_pydicom_reads(originals, tmp_path, index):
    for number, content in enumerate(originals[index]):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(content)
        ds = dcmread(path, stop_before_pixels=True)
        found = read_elements(path, wanted=WANTED_TAGS, limits=LIMITS).elements
        theirs = {int(element.tag): element for element in ds if int(element.tag) in WANTED_TAGS}
        assert set(found.values) == set(theirs)
        for tag, element in theirs.items():
            if element.VR == "US":
                assert found.unsigned(tag) == element.value
            elif element.VR in {"DS", "IS"}:
                values = element.value if element.VM > 1 else [element.value]
                assert found.numbers(tag, element.VM) == tuple(map(float, values))
            else:
                values = element.value if element.VM > 1 else [element.value]
                assert found.texts(tag) == tuple(map(str, values))
