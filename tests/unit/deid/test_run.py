from __future__ import annotations

import pydicom
import pytest

from lungai_core.deid import BASIC, Secret, deidentify_series, verify_deidentified

SECRET = Secret(b"a secret for tests only")


@pytest.fixture(scope="module")
def lidc(shared_data, tmp_path_factory):
    source = shared_data / "lidc_idri_0001" / "dicom"
    out = tmp_path_factory.mktemp("run") / "out"
    return source, deidentify_series(source, out, profile=BASIC, secret=SECRET)


@pytest.mark.verifies("SRS-DEID-001", "RC-DEID-005")
def test_a_real_series_is_written_whole_with_its_pixels(lidc):
    source, report = lidc
    originals = {
        report.map_uid(dataset.SOPInstanceUID): dataset.PixelData
        for dataset in (pydicom.dcmread(path) for path in sorted(source.iterdir())[:5])
    }
    (series,) = report.series
    assert series.files == report.audit.files_in == 133
    for uid, pixels in originals.items():
        assert pydicom.dcmread(series.folder / f"{uid}.dcm").PixelData == pixels


@pytest.mark.verifies("SRS-DEID-005", "RC-DEID-006")
def test_the_report_maps_the_uids_that_the_files_carry(lidc):
    source, report = lidc
    original = pydicom.dcmread(min(source.iterdir()), stop_before_pixels=True)
    (series,) = report.series
    copy = pydicom.dcmread(series.folder / f"{report.map_uid(original.SOPInstanceUID)}.dcm", stop_before_pixels=True)
    assert copy.SeriesInstanceUID == series.series_instance_uid == report.map_uid(original.SeriesInstanceUID)
    assert copy.FrameOfReferenceUID == report.map_uid(original.FrameOfReferenceUID)


@pytest.mark.verifies("SRS-DEID-010")
def test_the_output_of_a_run_is_verified(lidc):
    _, report = lidc
    assert verify_deidentified(report.series[0].folder, profile=BASIC, secret=SECRET) == 133
