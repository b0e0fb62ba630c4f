"""Real series beside the checkout: read with the values that other people's tools agree on, or refused with a code."""

from __future__ import annotations

import hashlib
import json
import tarfile

import numpy as np
import pytest
import SimpleITK

from lungai_core.dicom.limits import LossyCompression, ReadLimits
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import LungaiError

LOSSLESS_SLICES = [
    f"{kind}/CT{n}_{kind if kind != 'REF' else 'UNC'}"
    for kind in ("REF", "RLE", "JPLL", "JLSL", "J2KR")
    for n in (1, 2)
]
LOSSY_SLICES = [f"{kind}/CT{n}_{kind}" for kind in ("J2KI", "JLSN") for n in (1, 2)]
REFUSED = {
    "ct_oddities/gantrytilting": "LAI-DICOM-019",
    "ct_oddities/sliceincrement": "LAI-DICOM-021",
    "fda_phantom/dicom_original_broken_psot": "LAI-DICOM-025",
    "enhanced_ct/eCT_Supplemental.dcm": "LAI-DICOM-014",
    "enhanced_ct/dcmqi_24x38x3/image": "LAI-DICOM-014",
    "enhanced_ct/dcmqi_24x38x3/multiframe": "LAI-DICOM-014",
    "enhanced_ct/dcmqi_24x38x3/seg": "LAI-DICOM-001",
    "seg_sr": "LAI-DICOM-002",
    "seg_sr/ct_image.dcm": "LAI-DICOM-024",
    "lidc_idri_0001/peer": "LAI-DICOM-001",
    "wg04_compression": "LAI-DICOM-002",
    "wg04_compression/REF/CT1_UNC": "LAI-DICOM-024",
    **{f"wg04_compression/{name}": "LAI-DICOM-024" for name in LOSSY_SLICES},
}
ONE_SLICE = ReadLimits(min_slices=1)
ANY_UNIT = ReadLimits(accepted_rescale_types=("HU", "US"))


def hu_sha256(stored, slope, intercept):
    hu = np.rint(stored.astype(np.float64) * slope + intercept).astype("<i4")
    return hashlib.sha256(hu.tobytes()).hexdigest()


def volume_sha256(volume):
    return hu_sha256(volume.stored, volume.rescale_slope, volume.rescale_intercept)


def peer_sha256(shared_data, key):
    reads = json.loads((shared_data / "peer_reads.json").read_text())
    return next(read["simpleitk"][0]["sha256_int32_zyx"] for name, read in reads.items() if name.startswith(key))


def simpleitk_image(folder):
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


@pytest.mark.verifies("SRS-DICOM-002")
@pytest.mark.parametrize("folder", ["lidc_idri_0001/dicom", "fda_phantom/dicom_repaired", "seg_sr/ct-3slice"])
def test_a_whole_series_has_the_values_and_the_grid_that_simpleitk_reads(shared_data, folder):
    volume = read_ct_series(shared_data / folder)
    image = simpleitk_image(shared_data / folder)
    assert np.array_equal(volume.hounsfield(), SimpleITK.GetArrayFromImage(image))
    corners = [(0, 0, 0), (volume.geometry.shape_zyx[0] - 1, 0, 511), (0, 511, 0)]
    theirs = [image.TransformIndexToPhysicalPoint(corner[::-1]) for corner in corners]
    assert np.abs(volume.geometry.lps_from_index(corners) - theirs).max() < 0.01


@pytest.mark.verifies("SRS-DICOM-002", "SRS-DICOM-009")
def test_the_lidc_series_has_the_hash_that_three_tools_agree_on(shared_data):
    volume = read_ct_series(shared_data / "lidc_idri_0001" / "dicom", threads=2)
    z = np.round(volume.geometry.origin_lps_mm[2] + 2.5 * np.arange(133), 3)
    part = volume.stored[(z >= -132.5) & (z <= -95.0)]
    assert hu_sha256(part, 1.0, -1024.0) == peer_sha256(shared_data, "lidc_dicom_partial")
    assert volume.pixel_padding_value == -2000
    assert [note.note_id for note in volume.series.notes] == ["padding-sign"]


@pytest.mark.verifies("SRS-DICOM-002")
def test_the_c3n_series_has_the_hash_that_three_tools_agree_on(shared_data, tmp_path):
    with tarfile.open(shared_data / "ct_c3n00247" / "C3N-00247_LUNG_3.0_B70f.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    volume = read_ct_series(tmp_path)
    assert volume.geometry.shape_zyx == (99, 512, 512)
    assert volume.geometry.spacing_zyx_mm == (3.0, 0.564453125, 0.564453125)
    assert volume_sha256(volume) == peer_sha256(shared_data, "dlwpt_lung3mm")


@pytest.mark.verifies("SRS-DICOM-005")
@pytest.mark.parametrize("name", [*LOSSLESS_SLICES, *LOSSY_SLICES])
def test_each_compression_gives_the_values_that_three_decoders_agree_on(shared_data, name):
    matrix = json.loads((shared_data / "decode_matrix.json").read_text())
    expected = next(entry["pydicom"] for entry in matrix if entry["file"] == f"wg04_ct/{name}")
    limits = ReadLimits(min_slices=1, lossy_compression=LossyCompression.ALLOW)
    volume = read_ct_series(shared_data / "wg04_compression" / name, limits=limits)
    assert hashlib.sha256(volume.stored.astype("<i4").tobytes()).hexdigest()[:16] == expected


@pytest.mark.verifies("SRS-DICOM-004", "RC-DICOM-002")
@pytest.mark.parametrize("name", LOSSY_SLICES)
def test_lossy_slices_are_refused(shared_data, name):
    with pytest.raises(LungaiError, match="LAI-DICOM-010"):
        read_ct_series(shared_data / "wg04_compression" / name, limits=ONE_SLICE)


@pytest.mark.verifies("SRS-DICOM-003", "RC-DICOM-001", "RC-DICOM-002", "RC-DICOM-003", "RC-DICOM-004")
@pytest.mark.parametrize(("place", "code"), REFUSED.items())
def test_each_odd_file_set_is_refused_with_its_code(shared_data, place, code):
    with pytest.raises(LungaiError) as refusal:
        read_ct_series(shared_data / place)
    assert refusal.value.code == code


@pytest.mark.verifies("SRS-DICOM-005")
@pytest.mark.parametrize(
    ("folder", "key"),
    [("gantrytilting", "dicom2nifti_failing/gantrytilting"), ("sliceincrement", "dicom2nifti_failing/sliceincrement")],
)
def test_the_values_of_refused_series_equal_the_peers_where_the_tolerance_lets_them_through(shared_data, folder, key):
    limits = ReadLimits(position_tolerance_mm=4.8)
    volume = read_ct_series(shared_data / "ct_oddities" / folder, limits=limits)
    assert volume_sha256(volume) == peer_sha256(shared_data, key)


@pytest.mark.verifies("SRS-DICOM-002")
def test_the_multi_frame_object_equals_the_classic_series_it_was_made_from(shared_data):
    folder = shared_data / "enhanced_ct" / "dcmqi_24x38x3"
    classic = read_ct_series(folder / "image", limits=ANY_UNIT)
    multi_frame = read_ct_series(folder / "multiframe", limits=ANY_UNIT)
    assert np.array_equal(classic.stored, multi_frame.stored)
    assert classic.geometry == multi_frame.geometry


@pytest.mark.verifies("SRS-DICOM-005")
def test_the_frames_of_an_enhanced_object_have_the_values_that_pydicom_and_dcmtk_agree_on(shared_data):
    matrix = json.loads((shared_data / "decode_matrix.json").read_text())
    entry = next(entry for entry in matrix if entry["file"].endswith("eCT_Supplemental.dcm"))
    assert entry["pydicom"] == entry["dcmtk"]
    volume = read_ct_series(shared_data / "enhanced_ct" / "eCT_Supplemental.dcm", limits=ANY_UNIT)
    in_file_order = volume.stored[np.argsort(volume.series.frame_numbers)]
    assert hashlib.sha256(in_file_order.astype("<i4").tobytes()).hexdigest()[:16] == entry["pydicom"]
