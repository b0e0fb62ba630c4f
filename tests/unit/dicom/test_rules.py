from __future__ import annotations

from functools import partial

import pytest

from lungai_core import errors
from lungai_core.dicom.limits import ReadLimits
from lungai_core.dicom.reader import check_ct_series, read_ct_series
from lungai_core.dicom.rules import SERIES_RULES, Verdict


def at(index, **values):
    """Return a change of attributes of slice ``index`` (counted from 0 along z), or of all slices for None."""

    def change(ds):
        if index is None or ds.SOPInstanceUID == f"1.2.826.0.1.3680043.10.3.{index + 1}":
            for keyword, value in values.items():
                if value is None:
                    delattr(ds, keyword)
                else:
                    setattr(ds, keyword, value)

    return change


def moved(index, z):
    return at(index, ImagePositionPatient=[-50.0, -60.0, z])


def sheared(ds):
    x, y, z = ds.ImagePositionPatient
    ds.ImagePositionPatient = [x, float(y) + 0.2 * float(z), z]


REFUSALS = {
    "another modality": (at(2, Modality="MR"), errors.NotCtError, "slice 3 "),
    "a localizer": (at(4, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), errors.LocalizerError, "slice 5 "),
    "marked lossy": (at(0, LossyImageCompression="01"), errors.LossyCompressionError, "slice 1 "),
    "inverted grey values": (at(1, PhotometricInterpretation="MONOCHROME1"), errors.PixelFormatError, "slice 2 "),
    "colour": (at(1, SamplesPerPixel=3), errors.PixelFormatError, "slice 2 "),
    "eight bits": (at(1, BitsAllocated=8), errors.PixelFormatError, "slice 2 "),
    "another high bit": (at(1, HighBit=11), errors.PixelFormatError, "slice 2 "),
    "another sign": (at(3, PixelRepresentation=0), errors.PixelFormatError, "slice 4 "),
    "no position": (at(1, ImagePositionPatient=None), errors.MissingAttributeError, "of 6"),
    "no orientation": (at(None, ImageOrientationPatient=None), errors.MissingAttributeError, "of 6"),
    "no slope": (at(5, RescaleSlope=None), errors.MissingAttributeError, "slice 6 "),
    "no pixels": (at(2, PixelData=None), errors.MissingAttributeError, "slice 3 "),
    "no spacing": (at(0, PixelSpacing=None), errors.MissingAttributeError, "slice 1 "),
    "a negative spacing": (at(0, PixelSpacing=[0.7, -0.6]), errors.MissingAttributeError, "slice 1 "),
    "no identity": (at(0, SOPInstanceUID=None), errors.MissingAttributeError, "slice 1 "),
    "another unit": (at(None, RescaleType="US"), errors.NotHounsfieldError, "slice 1 "),
    "another intercept": (at(3, RescaleIntercept=-1024), errors.MixedRescaleError, "slice 4 "),
    "a slope of zero": (at(None, RescaleSlope=0), errors.MixedRescaleError, "slice 1 "),
    "another frame of reference": (at(3, FrameOfReferenceUID="1.2.9"), errors.MixedFrameOfReferenceError, "slice 4 "),
    "another pixel spacing": (at(2, PixelSpacing=[0.7, 0.61]), errors.MixedGridError, "slice 3 "),
    "another study": (at(2, StudyInstanceUID="1.2.8"), errors.MixedGridError, "slice 3 "),
    "another plane": (at(2, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), errors.MixedOrientationError, "slice 3 "),
    "axes that are not orthogonal": (
        at(None, ImageOrientationPatient=[1, 0, 0, 0.1, 1, 0]),
        errors.MixedOrientationError,
        "slice 1 ",
    ),
    "no axes": (at(None, ImageOrientationPatient=[0, 0, 0, 0, 0, 0]), errors.MixedOrientationError, "slice 1 "),
    "a tilt in the tag": (at(None, GantryDetectorTilt=12.5), errors.GantryTiltError, "slice 1 "),
    "a tilt in the positions": (sheared, errors.GantryTiltError, "slice 2 "),
    "a slice twice": (moved(3, 5.0), errors.DuplicateSliceError, "slice 3 "),
    "a slice nearer": (moved(3, 6.0), errors.OverlappingSliceError, "slice 3 "),
    "a slice slightly off": (moved(3, 7.52), errors.UnevenSpacingError, "slice 3 "),
}


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001", "RC-DICOM-002", "RC-DICOM-003", "RC-DICOM-004")
@pytest.mark.parametrize(("change", "error", "where"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_series_that_breaks_a_rule_is_refused_with_its_slices_and_a_remedy(tmp_path, ct_series, change, error, where):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=change)
    with pytest.raises(error) as refusal:
        read_ct_series(tmp_path)
    assert where in refusal.value.where
    assert refusal.value.remedy
    assert refusal.value.allowed
    assert "Secret" not in str(refusal.value)


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001")
def test_a_gap_between_slices_is_refused_with_its_slice_numbers(tmp_path, ct_series):
    datasets = ct_series.series_datasets(9)
    del datasets[4:6]
    ct_series.write(datasets, tmp_path)
    with pytest.raises(
        errors.MissingSliceError, match=r"2 slice\(s\) missing; the usual distance is 2.5 mm"
    ) as refusal:
        read_ct_series(tmp_path)
    assert refusal.value.where.startswith("2 between slices 4 and 5")


@pytest.mark.verifies("SRS-DICOM-003")
def test_frames_of_reference_that_differ_in_every_slice_are_dropped_with_a_note(tmp_path, ct_series):
    def change(ds):
        ds.FrameOfReferenceUID = f"1.2.9.{ds.SOPInstanceUID.rsplit('.', 1)[1]}"

    ct_series.write(ct_series.series_datasets(), tmp_path, change=change)
    series = read_ct_series(tmp_path).series
    assert series.frame_of_reference_uid == ""
    assert [note.note_id for note in series.notes] == ["frame-of-reference-per-slice"]


@pytest.mark.verifies("SRS-DICOM-003")
def test_a_rescale_type_is_accepted_where_the_limits_name_it(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=at(None, RescaleType="US"))
    limits = ReadLimits(accepted_rescale_types=("HU", "US"))
    assert read_ct_series(tmp_path, limits=limits).geometry.shape_zyx[0] == 6


@pytest.mark.verifies("SRS-DICOM-008")
def test_a_check_reports_every_rule_and_not_only_the_first_one_broken(tmp_path, ct_series):
    def change(ds):
        at(3, ImagePositionPatient=[-50.0, -60.0, 5.0])(ds)
        at(1, RescaleIntercept=0)(ds)

    ct_series.write(ct_series.series_datasets(), tmp_path, change=change)
    check = check_ct_series(tmp_path)
    refused = {result.rule.error for result in check.results if result.verdict is Verdict.REFUSED}
    assert len(check.results) == len(SERIES_RULES)
    assert refused == {errors.MixedRescaleError, errors.DuplicateSliceError, errors.MissingSliceError}
    assert check.volume is None


@pytest.mark.verifies("SRS-DICOM-008")
def test_rules_that_need_positions_are_not_checked_without_them(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=at(0, ImagePositionPatient=None))
    verdicts = {r.rule.error: r.verdict for r in check_ct_series(tmp_path).results}
    assert verdicts[errors.MissingSliceError] is Verdict.NOT_CHECKED
    assert verdicts[errors.MissingAttributeError] is Verdict.REFUSED


@pytest.mark.verifies("SRS-DICOM-008")
def test_a_check_of_a_correct_series_holds_its_volume(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path)
    (tmp_path / "readme.txt").write_text("not DICOM")
    check = check_ct_series(tmp_path)
    assert {result.verdict for result in check.results} == {Verdict.PASSED}
    assert (check.slice_count, check.skipped_not_dicom, check.skipped_not_ct) == (6, 1, 0)
    assert check.volume is not None
    assert check.pixel_error is None


@pytest.mark.verifies("SRS-DICOM-008")
def test_a_check_tells_what_is_wrong_with_the_pixels(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=at(2, PixelData=b"\0\0"))
    check = check_ct_series(tmp_path)
    assert isinstance(check.pixel_error, errors.BrokenPixelDataError)
    assert check.volume is None


@pytest.mark.verifies("SRS-DICOM-007", "RC-DICOM-005")
@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (partial(ReadLimits, max_slices=5), errors.TooManySlicesError),
        (partial(ReadLimits, max_files=5), errors.TooManySlicesError),
        (partial(ReadLimits, max_file_bytes=18_000), errors.SeriesTooLargeError),
        (partial(ReadLimits, max_decompressed_bytes=6 * 34 * 40 * 2 - 1), errors.DecompressedTooLargeError),
        (partial(ReadLimits, min_slices=7), errors.TooFewSlicesError),
    ],
)
def test_a_series_beyond_a_limit_is_refused(tmp_path, ct_series, limits, error):
    ct_series.write(ct_series.series_datasets(), tmp_path)
    with pytest.raises(error):
        read_ct_series(tmp_path, limits=limits())


@pytest.mark.verifies("SRS-DICOM-007", "RC-DICOM-005")
def test_a_header_that_announces_a_giant_image_allocates_nothing(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path, change=at(None, Rows=65535, Columns=65535))
    with pytest.raises(errors.DecompressedTooLargeError):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-008")
def test_each_rule_has_a_code_of_its_own():
    codes = [rule.error.code for rule in SERIES_RULES]
    assert len(set(codes)) == len(codes)
