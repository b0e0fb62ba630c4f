from __future__ import annotations

import pytest

from lungai_core.dicom.limits import LossyCompression, ReadLimits
from lungai_core.dicom.reader import read_ct_series


def _only(index, **values):
    def change(ds):
        if index is None or ds.SOPInstanceUID.endswith(f".{index}"):
            for keyword, value in values.items():
                setattr(ds, keyword, value)

    return change


def _no_frame_of_reference(ds):
    del ds.FrameOfReferenceUID


@pytest.mark.verifies("SRS-DICOM-009")
@pytest.mark.parametrize(
    ("note_id", "change"),
    [
        ("body-part", _only(None, BodyPartExamined="HEAD")),
        ("no-frame-of-reference", _no_frame_of_reference),
        ("several-paddings", _only(2, PixelPaddingValue=-1000)),
        ("several-thicknesses", _only(2, SliceThickness=3)),
        ("several-kernels", _only(2, ConvolutionKernel="B70f")),
        ("gaps-between-slices", _only(None, SliceThickness=1)),
        ("derived", _only(None, ImageType=["DERIVED", "PRIMARY", "AXIAL"])),
        ("lossy-compression", _only(None, LossyImageCompression="01")),
    ],
)
def test_what_is_no_reason_to_refuse_is_noted(tmp_path, ct_series, note_id, change):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=change)
    volume = read_ct_series(tmp_path, limits=ReadLimits(lossy_compression=LossyCompression.ALLOW))
    assert [note.note_id for note in volume.series.notes] == [note_id]


@pytest.mark.verifies("SRS-DICOM-001", "SRS-DICOM-009")
def test_files_that_are_no_dicom_are_noted_with_their_number(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path)
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 200)
    note = read_ct_series(tmp_path).series.notes[0]
    assert (note.note_id, note.text) == ("files-passed-over", "1 file(s) were no DICOM and were passed over.")


@pytest.mark.verifies("SRS-DICOM-009")
def test_a_correct_chest_series_has_no_notes(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=_only(None, PixelPaddingValue=-2000))
    volume = read_ct_series(tmp_path)
    assert volume.series.notes == ()
    assert volume.pixel_padding_value == -2000


@pytest.mark.verifies("SRS-DICOM-009")
def test_a_padding_value_written_unsigned_is_read_with_the_sign_of_the_pixels(tmp_path, ct_series):
    def change(ds):
        ds.add_new("PixelPaddingValue", "US", 63536)

    ct_series.write(ct_series.series_datasets(), tmp_path, change=change)
    volume = read_ct_series(tmp_path)
    assert volume.pixel_padding_value == -2000
    assert [note.note_id for note in volume.series.notes] == ["padding-sign"]
