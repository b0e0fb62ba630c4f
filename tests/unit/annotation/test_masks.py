from __future__ import annotations

import hashlib
import subprocess
import sys

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from lungai_core.annotation.masks import mask_segments, read_mask, read_referenced_mask
from lungai_core.annotation.record import MaskReference
from lungai_core.errors import MaskFileError

SHAPE = (4, 5, 6)


def _values():
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[1:3, 2:4, 1:5] = 1
    values[3, 4, 5] = 1
    return values


@pytest.fixture
def peer(shared_data):
    return shared_data / "lidc_idri_0001" / "peer"


@pytest.mark.verifies("SRS-ANNO-004")
@pytest.mark.parametrize("flip", [1.0, -1.0])
@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz"])
def test_a_mask_lies_where_simpleitk_says(tmp_path, ending, flip):
    image = SimpleITK.GetImageFromArray(_values())
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-30.0, 12.0, 100.0))
    image.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, flip))
    path = tmp_path / f"mask{ending}"
    SimpleITK.WriteImage(image, str(path))
    mask = read_mask(path)
    assert mask.values.sum() == _values().sum()
    ours = mask.geometry.lps_from_index(np.argwhere(mask.values))
    wanted = [image.TransformIndexToPhysicalPoint((int(x), int(y), int(z))) for z, y, x in np.argwhere(_values())]
    assert sorted(map(tuple, np.round(ours, 3))) == sorted(tuple(np.round(point, 3)) for point in wanted)
    assert mask.volume_mm3 == pytest.approx(_values().sum() * 0.7 * 0.8 * 2.5, rel=1e-5)
    assert mask_segments(path) == ()


@pytest.mark.verifies("SRS-ANNO-004")
def test_dicom_seg_and_nrrd_of_one_reader_are_one_mask(peer):
    seg_path = peer / "LIDC-IDRI-0001_dcmqi_seg.dcm"
    assert mask_segments(seg_path) == ("consensus50", "reader0", "reader1", "reader2", "reader3")
    for name in ("consensus50", "reader2"):
        seg, image = read_mask(seg_path, segment=name), read_mask(peer / f"LIDC-IDRI-0001_{name}.nrrd")
        places = [m.geometry.lps_from_index(np.argwhere(m.values)).round(2) for m in (seg, image)]
        assert {tuple(place) for place in places[0]} == {tuple(place) for place in places[1]}


@pytest.mark.verifies("SRS-ANNO-004")
def test_a_segment_has_to_be_named_where_there_are_several(peer):
    with pytest.raises(MaskFileError, match=r"0 segments of the name(.|\n)*reader3"):
        read_mask(peer / "LIDC-IDRI-0001_dcmqi_seg.dcm")


def _slicer(path, data, **more):
    header = {
        "space": "left-posterior-superior",
        "space directions": np.diag([0.7, 0.7, 2.0]),
        "space origin": np.zeros(3),
        "Segment0_ID": "Segment_1",
        "Segment0_Name": "nodule A",
        "Segment0_LabelValue": "1",
        "Segment0_Layer": "0",
        "Segment1_ID": "Segment_2",
        "Segment1_Name": "nodule B",
        "Segment1_LabelValue": "2",
        "Segment1_Layer": "0",
        **more,
    }
    nrrd.write(str(path), data, header)
    return path


@pytest.mark.verifies("SRS-ANNO-004")
def test_a_slicer_segmentation_is_read_by_the_names_of_its_segments(tmp_path):
    data = np.zeros((6, 5, 4), dtype=np.uint8)
    data[1, 1, 1], data[2:4, 2, 2] = 1, 2
    path = _slicer(tmp_path / "a.seg.nrrd", data)
    assert mask_segments(path) == ("nodule A", "nodule B")
    assert np.argwhere(read_mask(path, segment="nodule B").values).tolist() == [[2, 2, 2], [2, 2, 3]]


@pytest.mark.verifies("SRS-ANNO-004")
def test_overlapping_slicer_segments_lie_in_layers(tmp_path):
    data = np.zeros((2, 6, 5, 4), dtype=np.uint8)
    data[0, 1, 1, 1], data[1, 1:3, 1, 1] = 1, 1
    directions = np.vstack((np.full(3, np.nan), np.diag([0.7, 0.7, 2.0])))
    path = _slicer(
        tmp_path / "a.seg.nrrd",
        data,
        **{"space directions": directions, "Segment1_LabelValue": "1", "Segment1_Layer": "1"},
    )
    assert read_mask(path, segment="nodule B").values.sum() == 2


@pytest.mark.verifies("SRS-ANNO-004")
def test_masks_that_cannot_be_used_are_refused(tmp_path):
    labels = tmp_path / "labels.nii"
    nibabel.save(nibabel.Nifti1Image(np.arange(8, dtype=np.uint8).reshape(2, 2, 2), np.eye(4)), labels)
    flat = tmp_path / "flat.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2), dtype=np.uint8), np.eye(4)), flat)
    sheared = tmp_path / "sheared.nii"
    shear = np.eye(4)
    shear[0, 1] = 0.5
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), dtype=np.uint8), shear), sheared)
    nowhere = tmp_path / "nowhere.nrrd"
    nrrd.write(str(nowhere), np.zeros((2, 2, 2), dtype=np.uint8))
    broken = {name: tmp_path / name for name in ("a.nrrd", "a.nii", "a.dcm")}
    for path in broken.values():
        path.write_bytes(b"nothing of the kind")
    for path, what in (
        (labels, "not binary"),
        (flat, "2 axes"),
        (sheared, "not orthogonal"),
        (nowhere, "where it lies"),
        (broken["a.nrrd"], "no NRRD"),
        (broken["a.nii"], "no NIfTI"),
        (broken["a.dcm"], "no NRRD, NIfTI or DICOM SEG"),
        (tmp_path / "none.nrrd", "no such file"),
    ):
        with pytest.raises(MaskFileError, match=what):
            read_mask(path)
    with pytest.raises(MaskFileError, match="no named segments"):
        read_mask(labels, segment="a")


@pytest.mark.verifies("SRS-ANNO-004", "RC-ANNO-003")
def test_a_mask_is_read_only_with_the_hash_of_its_record(tmp_path, peer):
    source = peer / "LIDC-IDRI-0001_reader1.nrrd"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    mask = read_referenced_mask(MaskReference(file=source.name, sha256=digest), folder=peer)
    assert mask.values.sum() == 4613
    with pytest.raises(MaskFileError, match="SHA-256"):
        read_referenced_mask(MaskReference(file=source.name, sha256="0" * 64), folder=peer)
    with pytest.raises(MaskFileError, match="no such file"):
        read_referenced_mask(MaskReference(file="none.nrrd", sha256="0" * 64), folder=tmp_path)


@pytest.mark.verifies("SRS-ANNO-004")
def test_a_missing_reader_names_the_extra_to_install(tmp_path):
    path = tmp_path / "a.nrrd"
    path.write_bytes(b"NRRD0004")
    code = (
        "import sys; sys.modules['nrrd'] = None; from pathlib import Path;"
        f"from lungai_core.annotation.masks import read_mask; read_mask(Path({str(path)!r}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "lungai-core[annotation]"' in run.stderr
