from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from lungai_core.dicom.parametric_map import build_explanation_map
from lungai_core.dicom.stamps import save_object

DCIODVFY = shutil.which("dciodvfy")


@pytest.mark.verifies("SRS-DICOM-024")
def test_the_map_restores_the_activation_at_its_place(stamp, source):
    nodule = stamp.report.nodules[1]
    built = build_explanation_map(stamp, source, nodule=nodule)
    grid = nodule.explanation.grid.to_geometry()
    mapping = built.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    values = np.full(grid.shape_zyx, np.nan)
    for frame, groups in zip(built.pixel_array, built.PerFrameFunctionalGroupsSequence, strict=True):
        position = [float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient]
        z, y, x = grid.index_from_lps(position)
        assert (y, x) == pytest.approx((0, 0), abs=1e-4)
        assert z == pytest.approx(round(z), abs=1e-4)
        values[round(z)] = frame * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept
    expected = np.asarray(nodule.explanation.values).reshape(grid.shape_zyx) / 255 * nodule.explanation.scale
    np.testing.assert_allclose(values, expected, atol=1e-6)
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert (quantity.CodeValue, quantity.CodingSchemeDesignator) == ("130402", "DCM")
    assert built.ContentQualification == "RESEARCH"
    assert built.InstanceNumber == 2


@pytest.mark.verifies("SRS-DICOM-024")
def test_a_nodule_without_a_map_gives_none(stamp, source):
    bare = stamp.report.nodules[0].model_copy(update={"explanation": None})
    assert build_explanation_map(stamp, source, nodule=bare) is None


@pytest.mark.verifies("SRS-DICOM-024")
@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(stamp, source, tmp_path):
    built = build_explanation_map(stamp, source, nodule=stamp.report.nodules[0])
    found = subprocess.run(
        [DCIODVFY, save_object(built, tmp_path / "map.dcm")], capture_output=True, text=True, check=False
    )
    assert "ParametricMap" in found.stderr
    assert "Error" not in found.stderr
