from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from lungai_core import errors
from lungai_core.dicom import reader, transfer_syntaxes
from lungai_core.dicom.limits import LossyCompression, ReadLimits
from lungai_core.dicom.reader import read_ct_series

ALLOW = ReadLimits(lossy_compression=LossyCompression.ALLOW)
LOSSLESS = (RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLossless, JPEGLosslessSV1)


def write_in(ct_series, folder, uid, count=3, **options):
    return ct_series.write(
        [ct_series.compressed(ds, uid, **options) for ds in ct_series.series_datasets(count)], folder
    )


@pytest.mark.verifies("SRS-DICOM-005")
@pytest.mark.parametrize(
    "uid",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, *LOSSLESS],
    ids=lambda uid: uid.name,
)
def test_each_lossless_transfer_syntax_gives_the_stored_values(tmp_path, ct_series, uid):
    write_in(ct_series, tmp_path, uid)
    assert uid in transfer_syntaxes.READABLE_SYNTAXES
    volume = read_ct_series(tmp_path)
    assert np.array_equal(volume.stored, ct_series.stored_values(3))
    assert volume.stored.dtype == np.int16


@pytest.mark.verifies("SRS-DICOM-005")
def test_a_jpeg_2000_stream_that_is_reversible_is_read_under_the_general_syntax(tmp_path, ct_series):
    datasets = [ct_series.compressed(ds, JPEG2000Lossless) for ds in ct_series.series_datasets(3)]
    for ds in datasets:
        ds.file_meta.TransferSyntaxUID = JPEG2000
    ct_series.write(datasets, tmp_path)
    assert np.array_equal(read_ct_series(tmp_path).stored, ct_series.stored_values(3))


@pytest.mark.verifies("SRS-DICOM-004", "RC-DICOM-002")
def test_an_irreversible_stream_is_refused_though_its_header_does_not_say_so(tmp_path, ct_series):
    write_in(ct_series, tmp_path, JPEG2000, j2k_cr=[2])
    with pytest.raises(errors.LossyCompressionError, match="coded with loss"):
        read_ct_series(tmp_path)
    lossy = read_ct_series(tmp_path, limits=ALLOW).stored.astype(int)
    assert 0 < np.abs(lossy - ct_series.stored_values(3)).max() < 500


@pytest.mark.verifies("SRS-DICOM-004", "RC-DICOM-002")
def test_near_lossless_jpeg_ls_is_refused_unless_allowed(tmp_path, ct_series):
    write_in(ct_series, tmp_path, JPEGLSNearLossless, jls_error=3)
    with pytest.raises(errors.LossyCompressionError, match="LAI-DICOM-010"):
        read_ct_series(tmp_path)
    volume = read_ct_series(tmp_path, limits=ALLOW)
    assert 0 < np.abs(volume.stored.astype(int) - ct_series.stored_values(3)).max() <= 3
    assert "lossy-compression" in [note.note_id for note in volume.series.notes]


@pytest.mark.verifies("SRS-DICOM-005")
def test_a_transfer_syntax_that_is_not_read_is_named(tmp_path, ct_series):
    datasets = [ct_series.compressed(ds, JPEGLSLossless) for ds in ct_series.series_datasets(3)]
    for ds in datasets:
        ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ct_series.write(datasets, tmp_path)
    with pytest.raises(errors.UnsupportedTransferSyntaxError, match=JPEGBaseline8Bit):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize("uid", LOSSLESS, ids=lambda uid: uid.name)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_a_compressed_stream_cut_short_is_refused(tmp_path, ct_series, uid, share):
    datasets = [ct_series.compressed(ds, uid) for ds in ct_series.series_datasets(3)]
    frame = next(generate_frames(datasets[1].PixelData, number_of_frames=1))
    datasets[1].PixelData = encapsulate([frame[: int(len(frame) * share) // 2 * 2]])
    datasets[1]["PixelData"].is_undefined_length = True
    ct_series.write(datasets, tmp_path)
    with pytest.raises(errors.BrokenPixelDataError):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize("uid", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_a_stream_of_another_size_than_its_header_is_refused(tmp_path, ct_series, uid):
    datasets = [ct_series.compressed(ds, uid) for ds in ct_series.series_datasets(3)]
    for ds in datasets:
        ds.Rows = 35
    ct_series.write(datasets, tmp_path)
    with pytest.raises(errors.BrokenPixelDataError):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize("length", [0, 2, 34 * 40 * 2 - 2, 34 * 40 * 2 + 2])
def test_uncompressed_pixels_of_another_length_than_the_header_says_are_refused(tmp_path, ct_series, length):
    datasets = ct_series.series_datasets(3)
    datasets[1].PixelData = b"\1" * length
    ct_series.write(datasets, tmp_path)
    with pytest.raises(errors.BrokenPixelDataError, match="Pixel Data"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
@pytest.mark.parametrize("uid", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian], ids=lambda uid: uid.name)
def test_a_file_cut_short_is_refused(tmp_path, ct_series, uid):
    paths = write_in(ct_series, tmp_path, uid)
    paths[1].write_bytes(paths[1].read_bytes()[:-20])
    with pytest.raises((errors.BrokenPixelDataError, errors.DamagedFileError)):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-003")
def test_twelve_bit_pixels_with_data_in_the_unused_bits_are_refused(tmp_path, ct_series):
    datasets = ct_series.series_datasets(3)
    for ds in datasets:
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 0
        ds.PixelData = (np.frombuffer(ds.PixelData, "<i2") + 1024).astype("<u2").tobytes()
    ct_series.write(datasets, tmp_path / "good")
    volume = read_ct_series(tmp_path / "good")
    assert volume.stored.dtype == np.uint16
    assert np.array_equal(volume.stored, ct_series.stored_values(3) + 1024)
    datasets[2].PixelData = datasets[2].PixelData[:-2] + b"\xff\xff"
    ct_series.write(datasets, tmp_path / "bad")
    with pytest.raises(errors.PixelFormatError, match="Bits above Bits Stored"):
        read_ct_series(tmp_path / "bad")


@pytest.mark.verifies("SRS-DICOM-005")
def test_a_compressed_multi_frame_object_is_read_frame_by_frame(tmp_path, ct_series):
    ct_series.save(ct_series.compressed(ct_series.enhanced_dataset(4), RLELossless), tmp_path / "enhanced.dcm")
    assert np.array_equal(read_ct_series(tmp_path).stored, ct_series.stored_values(4))


@pytest.mark.verifies("SRS-DICOM-005")
def test_frames_in_several_fragments_are_joined_by_their_offset_table(tmp_path, ct_series):
    ds = ct_series.compressed(ct_series.enhanced_dataset(4), JPEGLSLossless)
    frames = list(generate_frames(ds.PixelData, number_of_frames=4))
    ds.PixelData = encapsulate(frames, fragments_per_frame=3)
    ds["PixelData"].is_undefined_length = True
    ct_series.save(ds, tmp_path / "enhanced.dcm")
    assert np.array_equal(read_ct_series(tmp_path).stored, ct_series.stored_values(4))
    ds.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=False)
    ct_series.save(ds, tmp_path / "enhanced.dcm")
    with pytest.raises(errors.BrokenPixelDataError, match="offset table"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-003")
def test_a_multi_frame_object_without_a_description_of_each_frame_is_refused(tmp_path, ct_series):
    ds = ct_series.enhanced_dataset(4)
    ds.NumberOfFrames = 5
    ct_series.save(ds, tmp_path / "enhanced.dcm")
    with pytest.raises(errors.DamagedFileError, match="Number of Frames"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005")
def test_a_missing_decoder_is_named_with_the_command_that_installs_it(tmp_path, ct_series, monkeypatch):
    write_in(ct_series, tmp_path, RLELossless)
    syntax = transfer_syntaxes.Syntax("RLE Lossless", "no-such-plugin", "pylibjpeg-rle")
    monkeypatch.setitem(transfer_syntaxes.READABLE_SYNTAXES, str(RLELossless), syntax)
    with pytest.raises(errors.MissingDependencyError, match=r"lungai-core\[dicom\]"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-002")
@pytest.mark.parametrize("uid", [ExplicitVRLittleEndian, JPEGLSLossless], ids=lambda uid: uid.name)
def test_the_volume_is_the_same_for_any_number_of_threads(tmp_path, ct_series, uid):
    write_in(ct_series, tmp_path, uid, count=6)
    one, four = read_ct_series(tmp_path), read_ct_series(tmp_path, threads=4)
    assert one.stored.tobytes() == four.stored.tobytes()


@pytest.mark.verifies("SRS-DICOM-005")
def test_the_first_broken_slice_is_named_with_threads_too(tmp_path, ct_series):
    datasets = ct_series.series_datasets(6)
    for index in (2, 4):
        datasets[index].PixelData = b"\0\0"
    paths = ct_series.write(datasets, tmp_path)
    with pytest.raises(errors.BrokenPixelDataError) as refusal:
        read_ct_series(tmp_path, threads=4)
    assert refusal.value.where == f"{paths[2].name} frame 1"


@pytest.mark.verifies("SRS-DICOM-010")
def test_reading_allocates_at_most_a_fifth_more_than_the_stored_values(tmp_path, ct_series):
    values = ct_series.stored_values(40, rows=256, columns=256)
    ct_series.write([ct_series.slice_dataset(v, index=i) for i, v in enumerate(values)], tmp_path)
    read_ct_series(tmp_path)  # imports and caches apart
    tracemalloc.start()
    volume = read_ct_series(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(volume.stored, values)
    assert peak < 1.2 * volume.stored.nbytes


@pytest.mark.verifies("SRS-DICOM-005")
def test_what_pydicom_reads_equals_what_is_read_here(tmp_path, ct_series):
    paths = write_in(ct_series, tmp_path, JPEG2000Lossless)
    by_position = sorted((dcmread(path) for path in paths), key=lambda ds: float(ds.ImagePositionPatient[2]))
    assert np.array_equal(read_ct_series(tmp_path).stored, np.stack([ds.pixel_array for ds in by_position]))


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
def test_a_coded_precision_below_bits_stored_is_refused(tmp_path, ct_series):
    datasets = ct_series.series_datasets(3)
    for ds in datasets:
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 0
        ds.PixelData = (np.frombuffer(ds.PixelData, "<i2") + 1024).astype("<u2").tobytes()
        ct_series.compressed(ds, JPEGLSLossless)
        ds.BitsStored, ds.HighBit = 16, 15
    ct_series.write(datasets, tmp_path)
    with pytest.raises(errors.BrokenPixelDataError, match="precision"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005", "RC-DICOM-002")
def test_pixels_that_are_said_to_be_compressed_and_are_not_are_refused(tmp_path, ct_series):
    datasets = ct_series.series_datasets(3)
    for ds in datasets:
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless
        ds["PixelData"].VR = "OB"
    for index, ds in enumerate(datasets):
        ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, "1.2.3"
        buffer = DicomBytesIO()
        write_file_meta_info(buffer, ds.file_meta, enforce_standard=False)
        with (tmp_path / f"{index}.dcm").open("wb") as stream:
            stream.write(b"\0" * 128 + b"DICM" + buffer.getvalue())
            body = DicomBytesIO()
            body.is_little_endian, body.is_implicit_VR = True, False
            write_dataset(body, ds)
            stream.write(body.getvalue())
    with pytest.raises(errors.BrokenPixelDataError, match="not encapsulated"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-005", "SRS-DICOM-006")
def test_a_file_that_vanishes_between_header_and_pixels_is_named(tmp_path, ct_series, monkeypatch):
    paths = ct_series.write(ct_series.series_datasets(3), tmp_path)
    check = reader.check_rules

    def check_and_remove(stack, limits):
        paths[1].unlink()
        return check(stack, limits)

    monkeypatch.setattr(reader, "check_rules", check_and_remove)
    with pytest.raises(errors.BrokenPixelDataError, match="No such file"):
        read_ct_series(tmp_path)
