from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from lungai_core.dicom.secondary_capture import build_secondary_capture
from lungai_core.dicom.stamps import ObjectStamp, save_object
from lungai_core.domain.mask import decode_mask

DCIODVFY = shutil.which("dciodvfy")
OUTLINE = (41, 224, 255)


@pytest.fixture(scope="module")
def nodule(stamp):
    return stamp.report.nodules[1]


@pytest.fixture(scope="module")
def capture(stamp, source, nodule):
    return build_secondary_capture(stamp, source, nodule=nodule)


def _pixels(capture):
    return np.frombuffer(capture.PixelData, np.uint8)[: capture.Rows * capture.Columns * 3].reshape(
        capture.Rows, capture.Columns, 3
    )


@pytest.mark.verifies("SRS-DICOM-026")
def test_the_outline_surrounds_the_mask_and_leaves_the_nodule_as_it_is(capture, source, nodule):
    shape = source.volume.geometry.shape_zyx
    repeat = capture.Columns // shape[2]
    assert repeat == 13
    z = nodule.mask.box.lower_zyx[0]
    inside = decode_mask(nodule.mask.box, shape_zyx=shape)[z].repeat(repeat, axis=0).repeat(repeat, axis=1)
    pixels = _pixels(capture)
    painted = (pixels == OUTLINE).all(axis=-1)
    assert not (painted & inside).any()
    rows, columns = np.nonzero(inside)
    assert painted[rows.min() - 1, columns.min() : columns.max() + 1].all()
    assert painted[rows.min() : rows.max() + 1, columns.max() + 1].all()
    hu = source.volume.stored[z].astype(np.float64) * source.volume.rescale_slope + source.volume.rescale_intercept
    grey = np.rint(np.clip((hu + 1350) / 1500, 0, 1) * 255).repeat(repeat, axis=0).repeat(repeat, axis=1)
    assert np.abs(pixels[inside].astype(int) - grey[inside][:, np.newaxis]).max() <= 1


@pytest.mark.verifies("SRS-DICOM-026")
def test_the_picture_says_what_it_is_and_which_image_it_shows(capture, source, nodule):
    z = nodule.mask.box.lower_zyx[0]
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == source.volume.series.sop_instance_uids[z]
    assert capture.PixelSpacing == [7.0 / 13, 8.0 / 13]
    assert list(capture.PatientOrientation) == ["L", "P"]
    assert capture.PhotometricInterpretation == "RGB"
    assert "NOT FOR CLINICAL USE" in capture.DerivationDescription
    text = (_pixels(capture)[:80] == (255, 214, 0)).all(axis=-1)
    assert text.sum() > 1000


@pytest.mark.verifies("SRS-DICOM-026")
def test_a_nodule_without_a_mask_is_shown_on_its_own_slice(stamp, source, builders):
    bare = builders["nodule"](source.volume, "a", np.s_[:0])
    other = ObjectStamp(builders["report"](source.volume, (bare,)), stamp.written_at)
    capture = build_secondary_capture(other, source, nodule=bare)
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == bare.sop_instance_uid
    assert not (_pixels(capture) == OUTLINE).all(axis=-1).any()


@pytest.mark.verifies("SRS-DICOM-026", "SRS-DICOM-021")
def test_the_same_result_gives_the_same_picture(stamp, source, nodule, capture, tmp_path):
    first = save_object(capture, tmp_path / "a.dcm")
    second = save_object(build_secondary_capture(stamp, source, nodule=nodule), tmp_path / "b.dcm")
    assert first.read_bytes() == second.read_bytes()
    assert pydicom.dcmread(first).InstanceNumber == 2


@pytest.mark.verifies("SRS-DICOM-026")
@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(capture, tmp_path):
    path = save_object(capture, tmp_path / "sc.dcm")
    found = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=False)
    assert "SCImage" in found.stderr
    assert "Error" not in found.stderr
