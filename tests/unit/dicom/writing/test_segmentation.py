from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lungai_core.dicom.segmentation import build_segmentation, segmented_nodules
from lungai_core.dicom.stamps import ObjectStamp, save_object
from lungai_core.domain.mask import decode_mask
from lungai_core.testing.phantom import PhantomSpec

FEET_FIRST = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))
DCIODVFY = shutil.which("dciodvfy")
DCMQI = shutil.which("segimage2itkimage", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")


def _voxels(segmentation, source):
    """Rebuild each segment from the frames' own positions, without the list of source images."""
    geometry = source.volume.geometry
    found = {}
    frames = segmentation.pixel_array.reshape(-1, *geometry.shape_zyx[1:])
    for frame, groups in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        z = geometry.index_from_lps([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])[0]
        volume = found.setdefault(number, np.zeros(geometry.shape_zyx, np.bool_))
        volume[round(float(z))] |= frame.astype(bool)
    return found


@pytest.mark.verifies("SRS-DICOM-022", "RC-DICOM-020")
@pytest.mark.parametrize("case", ["apart", "overlapping", "feet first"])
def test_each_segment_holds_the_voxels_of_its_nodule_at_their_place(case, stamp, apart, source, builders):
    if case == "feet first":
        spec = PhantomSpec(**{**dict(builders["spec"]), "axes_zyx_lps": FEET_FIRST})
        source = builders["source"](spec)
    used = apart if case == "apart" else stamp
    segmentation = build_segmentation(used, source)
    found = _voxels(segmentation, source)
    nodules = segmented_nodules(used)
    assert len(found) == len(nodules) == len(segmentation.SegmentSequence)
    for number, nodule in enumerate(nodules, start=1):
        expected = decode_mask(nodule.mask.box, shape_zyx=source.volume.geometry.shape_zyx)
        assert np.array_equal(found[number], expected)
    assert segmentation.SegmentationType == "BINARY"
    touched = sum(nodule.mask.box.shape_zyx[0] for nodule in nodules)
    assert segmentation.NumberOfFrames == touched


@pytest.mark.verifies("SRS-DICOM-022")
def test_no_mask_gives_no_segmentation(nothing, source, builders):
    assert build_segmentation(nothing, source) is None
    bare = builders["nodule"](source.volume, "a", np.s_[:0])
    stamp = ObjectStamp(builders["report"](source.volume, (bare,)), nothing.written_at)
    assert build_segmentation(stamp, source) is None


@pytest.mark.verifies("SRS-DICOM-022")
def test_a_segment_names_its_nodule_its_algorithm_and_that_it_is_not_for_clinical_use(apart, source):
    segmentation = build_segmentation(apart, source)
    first = segmentation.SegmentSequence[0]
    assert first.TrackingID == "Nodule a"
    assert first.TrackingUID == apart.uid("nodule a")
    assert "trained=NO" in first.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert "NOT FOR CLINICAL USE" in segmentation.ContentDescription
    assert segmentation.FrameOfReferenceUID == source.volume.series.frame_of_reference_uid


@pytest.mark.verifies("SRS-DICOM-022")
@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(stamp, source, tmp_path):
    path = save_object(build_segmentation(stamp, source), tmp_path / "seg.dcm")
    found = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=False)
    assert "Segmentation" in found.stderr
    assert "Error" not in found.stderr


@pytest.mark.verifies("SRS-DICOM-022", "RC-DICOM-020")
@pytest.mark.skipif(DCMQI is None, reason="dcmqi (segimage2itkimage) is not installed")
def test_dcmqi_reads_back_the_same_voxels_at_the_same_place(apart, source, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    path = save_object(build_segmentation(apart, source), tmp_path / "seg.dcm")
    out = tmp_path / "nrrd"
    out.mkdir()
    command = [DCMQI, "--inputDICOM", path, "--outputDirectory", out, "--outputType", "nrrd", "--mergeSegments"]
    subprocess.run(command, capture_output=True, check=True)
    image = sitk.ReadImage(str(out / "1.nrrd"))
    labels = sitk.GetArrayFromImage(image)
    for number, nodule in enumerate(segmented_nodules(apart), start=1):
        assert int((labels == number).sum()) == nodule.mask.voxels
        expected = decode_mask(nodule.mask.box, shape_zyx=source.volume.geometry.shape_zyx)
        theirs = [image.TransformIndexToPhysicalPoint([int(i) for i in p[::-1]]) for p in np.argwhere(labels == number)]
        ours = source.volume.geometry.lps_from_index(np.argwhere(expected))
        np.testing.assert_allclose(np.sort(theirs, axis=0), np.sort(ours, axis=0), atol=0.01)
