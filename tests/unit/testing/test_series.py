from __future__ import annotations

import json
import os

import numpy as np
import pydicom
import pytest

from lungai_core.domain.candidate import read_candidates
from lungai_core.errors import OutputFolderError
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_candidates, write_phantom_series


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(PhantomSpec(shape_zyx=(6, 32, 40), spacing_zyx_mm=(5.0, 9.0, 8.0)))


@pytest.mark.verifies("SRS-TEST-003")
def test_the_files_hold_the_voxels_and_the_geometry(phantom, tmp_path):
    folder = write_phantom_series(phantom, tmp_path / "ct")
    assert sorted(os.listdir(folder)) == [f"{i:04d}.dcm" for i in range(1, 7)]
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert np.array_equal(np.stack([s.pixel_array for s in slices]), phantom.volume.stored)
    for index, dataset in enumerate(slices):
        position = phantom.volume.geometry.lps_from_index((index, 0, 0))
        assert np.allclose(np.asarray(dataset.ImagePositionPatient, float), position, atol=1e-5)
        assert dataset.PixelSpacing == [9.0, 8.0]
        assert dataset.SOPInstanceUID == phantom.volume.series.sop_instance_uids[index]


@pytest.mark.verifies("SRS-TEST-003", "SRS-TEST-002")
def test_writing_twice_gives_the_same_bytes(phantom, tmp_path):
    first, second = write_phantom_series(phantom, tmp_path / "a"), write_phantom_series(phantom, tmp_path / "b")
    assert [p.read_bytes() for p in sorted(first.iterdir())] == [p.read_bytes() for p in sorted(second.iterdir())]


@pytest.mark.verifies("SRS-TEST-003", "SRS-FILE-001")
def test_a_folder_that_holds_something_is_refused(phantom, tmp_path):
    (tmp_path / "kept").touch()
    with pytest.raises(OutputFolderError):
        write_phantom_series(phantom, tmp_path)
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.verifies("SRS-TEST-003")
def test_the_candidate_file_is_of_the_published_schema(phantom, tmp_path):
    path = write_candidates(phantom, tmp_path / "candidates.json")
    assert read_candidates(path) == phantom.candidates
    assert json.loads(path.read_text())["series_instance_uid"] == phantom.volume.series.series_instance_uid
