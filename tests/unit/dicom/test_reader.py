from __future__ import annotations

import numpy as np
import pydicom
import pytest

from lungai_core.dicom.limits import ReadLimits
from lungai_core.dicom.reader import read_ct_series
from lungai_core.errors import InvalidArgumentError, NoCtImageError, SeriesNotFoundError, SeveralSeriesError


@pytest.mark.verifies("SRS-DICOM-001")
def test_a_volume_knows_the_file_of_each_slice_and_does_not_print_it(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path / "Doe^Jane")
    volume = read_ct_series(tmp_path)
    assert tuple(pydicom.dcmread(path).SOPInstanceUID for path in volume.files) == volume.series.sop_instance_uids
    assert "Doe" not in repr(volume)


@pytest.mark.verifies("SRS-DICOM-002")
def test_slices_are_sorted_along_their_normal_whatever_the_file_names(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(), tmp_path)
    volume = read_ct_series(tmp_path)
    assert np.array_equal(volume.stored, ct_series.stored_values(6))
    assert volume.geometry.spacing_zyx_mm == (2.5, 0.7, 0.6)
    assert volume.geometry.origin_lps_mm == (-50.0, -60.0, 0.0)
    assert volume.series.sop_instance_uids[2] == "1.2.826.0.1.3680043.10.3.3"
    assert (volume.rescale_slope, volume.rescale_intercept) == (1.0, -24.0)
    assert not volume.stored.flags.writeable


@pytest.mark.verifies("SRS-DICOM-001")
def test_a_list_of_files_gives_the_same_volume_as_their_folder(tmp_path, ct_series):
    paths = ct_series.write(ct_series.series_datasets(), tmp_path)
    assert np.array_equal(read_ct_series(paths).stored, read_ct_series(tmp_path).stored)


@pytest.mark.verifies("SRS-DICOM-001")
def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(NoCtImageError, match="No CT image"):
        read_ct_series(tmp_path)


@pytest.mark.verifies("SRS-DICOM-001")
def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(NoCtImageError, match="no such file"):
        read_ct_series(tmp_path / "nowhere")


@pytest.mark.verifies("SRS-DICOM-001", "RC-DICOM-004")
def test_two_series_are_refused_until_one_is_named(tmp_path, ct_series):
    def other(ds):
        ds.SeriesInstanceUID = "1.2.3.4"

    ct_series.write(ct_series.series_datasets(), tmp_path / "a")
    ct_series.write(ct_series.series_datasets(3), tmp_path / "b", change=other)
    with pytest.raises(SeveralSeriesError, match=r"1\.2\.3\.4 \(3 slices\)"):
        read_ct_series(tmp_path)
    assert read_ct_series(tmp_path, series_instance_uid="1.2.3.4").geometry.shape_zyx[0] == 3
    with pytest.raises(SeriesNotFoundError):
        read_ct_series(tmp_path, series_instance_uid="9.9")


@pytest.mark.verifies("SRS-DICOM-001")
@pytest.mark.parametrize("threads", [0, 65])
def test_a_number_of_threads_out_of_range_is_refused(tmp_path, threads):
    with pytest.raises(InvalidArgumentError):
        read_ct_series(tmp_path, threads=threads)


@pytest.mark.verifies("SRS-DICOM-002")
def test_a_multi_frame_object_equals_the_classic_series(tmp_path, ct_series):
    ct_series.save(ct_series.enhanced_dataset(4), tmp_path / "enhanced.dcm")
    volume = read_ct_series(tmp_path)
    assert np.array_equal(volume.stored, ct_series.stored_values(4))
    assert volume.series.frame_numbers == (4, 3, 2, 1)
    assert volume.series.convolution_kernel == "B50f"
    assert volume.geometry.spacing_zyx_mm == (2.5, 0.7, 0.6)


@pytest.mark.verifies("SRS-DICOM-002")
def test_a_single_slice_is_read_only_where_the_limits_admit_it(tmp_path, ct_series):
    ct_series.write(ct_series.series_datasets(1), tmp_path)
    volume = read_ct_series(tmp_path, limits=ReadLimits(min_slices=1))
    assert volume.geometry.spacing_zyx_mm[0] == 2.5
