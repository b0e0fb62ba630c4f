from __future__ import annotations

import shutil

import numpy as np
import pytest

from lungai_core.errors import DataSetError
from lungai_core.training.lidc import load_lidc_context, load_lidc_nodules
from lungai_core.training.samples import prepare, training_input


@pytest.mark.verifies("SRS-TRAIN-006")
def test_nodules_are_loaded_with_labels_folds_and_geometry_in_lps(samples):
    assert len(samples) == 16
    first = samples[0]
    assert (first.data_set, first.sample_id, first.patient_id, first.fold) == ("lidc_nodules", "N00", "P00", 0)
    assert (first.labels.diagnosis, first.labels.mean_rating) == (False, None)
    assert np.allclose(first.volume.geometry.spacing_zyx_mm, (1.6, 0.8, 0.8))
    # The NIfTI affine is RAS with (12, -20, 30): in LPS the first two change sign.
    assert np.allclose(first.volume.geometry.origin_lps_mm, (-12.0, 20.0, 30.0))
    assert first.volume.geometry.contains_lps(first.center_lps_mm)


@pytest.mark.verifies("SRS-TRAIN-006")
def test_a_limit_takes_the_first_of_each_fold(nodules_folder):
    few = load_lidc_nodules(nodules_folder, limit_per_fold=1)
    assert [sample.sample_id for sample in few] == ["N00", "N02", "N04", "N06"]


@pytest.mark.verifies("SRS-TRAIN-006")
def test_missing_and_broken_parts_are_refused_by_name(nodules_folder, tmp_path):
    with pytest.raises(DataSetError, match=r"labels\.csv"):
        load_lidc_nodules(tmp_path)
    folder = tmp_path / "copy"
    shutil.copytree(nodules_folder, folder)
    (folder / "image" / "N03.nii.gz").write_bytes(b"not an image")
    with pytest.raises(DataSetError, match=r"N03\.nii\.gz"):
        load_lidc_nodules(folder)
    table = (folder / "labels.csv").read_text()
    (folder / "labels.csv").write_text(table.replace("coordX", "somewhere"))
    with pytest.raises(DataSetError, match="no column coordX"):
        load_lidc_nodules(folder)


def write_context(folder, *, image, names=("a",)):
    folder.mkdir(exist_ok=True)
    mask = np.zeros(image.shape, dtype=bool)
    mask[:, 20:30, 20:30, 20:30] = True
    np.savez(folder / "nodules.npz", image=image, mask=mask, id=np.asarray(names))
    rows = ["id,patient_id,malignancy,equiv_diameter_mm,voi994_fold", "a,P1,4.0,12.4,2.0", "b,P2,3.0,12.4,0.0"]
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.verifies("SRS-TRAIN-006")
def test_context_nodules_are_turned_to_patient_axes_and_hounsfield_units(tmp_path):
    image = np.zeros((2, 51, 51, 51), dtype=np.float16)
    image[:, 10, 20, 40] = 1.0  # y, x, z with z against the patient's
    first, second = load_lidc_context(write_context(tmp_path / "context", image=image, names=("a", "b")))
    assert first.volume.stored[50 - 40, 10, 20] == 400
    assert first.volume.stored.min() == -1000
    assert (first.fold, first.patient_id, first.labels.mean_rating) == (2, "P1", True)
    assert (second.labels.mean_rating, second.labels.diagnosis) == (None, None)
    assert np.allclose(first.center_lps_mm, (24.5, 24.5, 25.5))


@pytest.mark.verifies("SRS-TRAIN-006")
def test_context_with_nan_without_a_row_or_without_a_file_is_refused(tmp_path):
    image = np.zeros((1, 51, 51, 51), dtype=np.float16)
    with pytest.raises(DataSetError, match="no row for z"):
        load_lidc_context(write_context(tmp_path / "c", image=image, names=("z",)))
    image[0, 0, 0, 0] = np.nan
    with pytest.raises(DataSetError, match="not finite"):
        load_lidc_context(write_context(tmp_path / "c", image=image))
    with pytest.raises(DataSetError, match="FileNotFoundError"):
        load_lidc_context(tmp_path / "absent")


@pytest.mark.verifies("SRS-TRAIN-006")
def test_real_nodules_lie_in_the_middle_of_their_patches(shared_data):
    for sample in load_lidc_nodules(shared_data / "lidc_nodules", limit_per_fold=1):
        nodule = prepare(sample, contract=training_input(64))
        assert np.allclose(np.argwhere(nodule.mask).mean(axis=0), 31.5, atol=2.0)
    context = load_lidc_context(shared_data / "lidc_context")
    assert len(context) == 77
    assert np.allclose(np.argwhere(prepare(context[0], contract=training_input(64)).mask).mean(axis=0), 31.5, atol=0.5)
