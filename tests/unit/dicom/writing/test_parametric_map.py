from __future__ import annotations

import copy
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from lungai_core.dicom import parametric_map
from lungai_core.dicom.parametric_map import build_explanation_maps
from lungai_core.dicom.source_images import SourceImages
from lungai_core.dicom.stamps import save_object
from lungai_core.domain.case_report import Grid
from lungai_core.domain.geometry import Geometry

DCIODVFY = shutil.which("dciodvfy")


@pytest.mark.verifies("SRS-DICOM-024")
def test_the_map_restores_the_activation_at_its_place(stamp, source):
    nodule = stamp.report.nodules[1]
    built = build_explanation_maps(stamp, source)[nodule.candidate_id]
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
def test_a_nodule_without_an_explanation_has_no_map(stamp, source):
    first, *others = stamp.report.nodules
    nodules = (first.model_copy(update={"explanation": None}), *others)
    partly = replace(stamp, report=stamp.report.model_copy(update={"nodules": nodules}))
    maps = build_explanation_maps(partly, source)
    assert {name: built.InstanceNumber for name, built in maps.items()} == {"b": 2, "c": 3}


def _explained(stamp, source, name, *, slice_number, origin, scale, axes=None):
    volume = source.volume
    grid = Geometry((3, 4, 5), (8.0, 7.5, 8.0), origin, axes or volume.geometry.axes_zyx_lps)
    values = np.random.default_rng(slice_number).integers(0, 256, 60).tolist()
    explanation = stamp.report.nodules[0].explanation.model_copy(
        update={"grid": Grid.from_geometry(grid), "scale": scale, "values": tuple(values)}
    )
    return stamp.report.nodules[0].model_copy(
        update={"candidate_id": name, "slice_number": slice_number, "explanation": explanation, "mask": None}
    )


OBLIQUE = ((0.6, 0.0, 0.8), (0.0, 1.0, 0.0), (0.8, 0.0, -0.6))
SAGITTAL = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))


@pytest.mark.verifies("SRS-DICOM-024", "SRS-DICOM-021")
@pytest.mark.parametrize("axes", [None, SAGITTAL, OBLIQUE], ids=["axial", "sagittal", "oblique"])
def test_each_map_of_a_case_has_the_bytes_that_highdicom_gives_it_alone(stamp, source, axes, tmp_path):
    places = [("a", 3, (1.25, -7.5, 300.0), 0.7), ("b", 9, (-50.1234567, 31.0, -12.5), 1.9), ("c", 16, (0, 0, 0), 12)]
    nodules = [
        _explained(stamp, source, name, slice_number=z, origin=origin, scale=scale, axes=axes)
        for name, z, origin, scale in places
    ]
    case = replace(stamp, report=stamp.report.model_copy(update={"nodules": tuple(nodules)}))
    together = build_explanation_maps(case, source)
    for number, nodule in enumerate(nodules, start=1):
        nearest = source.headers[nodule.slice_number - 1]
        grid = nodule.explanation.grid.to_geometry()
        explained = parametric_map._Explained(number, nodule, nodule.explanation, grid, nearest)
        alone = parametric_map._by_highdicom(explained, filed_with=nearest, stamp=case)
        expected = save_object(alone, tmp_path / "alone.dcm").read_bytes()
        assert save_object(together[nodule.candidate_id], tmp_path / "together.dcm").read_bytes() == expected


@pytest.mark.verifies("SRS-DICOM-024")
def test_the_maps_of_a_case_are_filed_with_its_first_image_and_refer_to_the_nearest(stamp, source):
    headers = copy.deepcopy(dict(source.headers))
    for z, header in headers.items():
        header.PatientAge = f"{50 + z:03}Y"
    nodules = [
        _explained(stamp, source, name, slice_number=z, origin=(0.0, 0.0, 0.0), scale=1.0)
        for name, z in (("a", 3), ("b", 9))
    ]
    case = replace(stamp, report=stamp.report.model_copy(update={"nodules": tuple(nodules)}))
    maps = build_explanation_maps(case, SourceImages(headers, source.volume))
    assert [built.PatientAge for built in maps.values()] == ["050Y", "050Y"]
    nearest = [headers[2].SOPInstanceUID, headers[8].SOPInstanceUID]
    assert [built.SourceImageSequence[0].ReferencedSOPInstanceUID for built in maps.values()] == nearest
    listed = [built.ReferencedSeriesSequence[0].ReferencedInstanceSequence for built in maps.values()]
    assert [instances[0].ReferencedSOPInstanceUID for instances in listed] == nearest


@pytest.mark.verifies("SRS-DICOM-024")
def test_maps_on_grids_of_two_kinds_are_each_built_on_their_own(stamp, source):
    nodules = (
        _explained(stamp, source, "a", slice_number=3, origin=(0.0, 0.0, 0.0), scale=1.0),
        _explained(stamp, source, "b", slice_number=4, origin=(0.0, 0.0, 0.0), scale=1.0, axes=SAGITTAL),
    )
    case = replace(stamp, report=stamp.report.model_copy(update={"nodules": nodules}))
    turns = [
        built.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
        for built in build_explanation_maps(case, source).values()
    ]
    assert turns == [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]]


@pytest.mark.verifies("SRS-DICOM-024")
@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(stamp, source, tmp_path):
    built = build_explanation_maps(stamp, source)["b"]
    found = subprocess.run(
        [DCIODVFY, save_object(built, tmp_path / "map.dcm")], capture_output=True, text=True, check=False
    )
    assert "ParametricMap" in found.stderr
    assert "Error" not in found.stderr
