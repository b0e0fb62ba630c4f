from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest

from lungai_core.dicom.parametric_map import build_explanation_map
from lungai_core.dicom.segmentation import build_segmentation
from lungai_core.dicom.stamps import ObjectStamp, save_object
from lungai_core.dicom.structured_report import ReportReferences, build_structured_report

DCIODVFY = shutil.which("dciodvfy")
VALIDATOR = shutil.which("DicomSRValidator")


@pytest.fixture(scope="module")
def full(stamp, source):
    maps = {n.candidate_id: build_explanation_map(stamp, source, nodule=n) for n in stamp.report.nodules[:1]}
    references = ReportReferences(build_segmentation(stamp, source), maps)
    return build_structured_report(stamp, source, references=references)


@pytest.fixture(scope="module")
def empty(nothing, source):
    return build_structured_report(nothing, source, references=ReportReferences(None, {}))


@pytest.fixture(scope="module")
def maskless(nothing, source, builders):
    bare = builders["nodule"](source.volume, "a", np.s_[:0], explanation=None, uncertainty=None)
    stamp = ObjectStamp(builders["report"](source.volume, (bare,)), nothing.written_at)
    return build_structured_report(stamp, source, references=ReportReferences(None, {}))


def _items(item, name):
    found = []
    for child in item.get("ContentSequence", ()):
        code = child.get("ConceptNameCodeSequence")
        if code and code[0].CodeValue == name:
            found.append(child)
        found += _items(child, name)
    return found


def _numbers(document):
    measured = {}
    for value in ("111047", "NETWORK-DIAMETER", "SPHERE-DIAMETER", "103339001", "118565006", "112031", "ENTROPY"):
        measured[value] = [float(i.MeasuredValueSequence[0].NumericValue) for i in _items(document, value)]
    return measured


@pytest.mark.verifies("SRS-DICOM-023")
def test_every_measure_of_a_nodule_stands_in_its_group(full, stamp):
    assert len(_items(full, "125007")) == len(stamp.report.nodules)
    measured = _numbers(full)
    assert measured["111047"] == [70.0] * 3
    assert measured["NETWORK-DIAMETER"] == [16.2] * 3
    assert measured["SPHERE-DIAMETER"] == [16.0] * 3
    assert measured["103339001"] == [16.5] * 3
    assert measured["118565006"] == [1234.5] * 3
    assert measured["112031"] == [-20.5, 30.0] * 3
    assert measured["ENTROPY"] == [0.61] * 3


@pytest.mark.verifies("SRS-DICOM-023", "SRS-DICOM-024")
def test_the_report_refers_to_segments_and_explanations_and_tracks_the_nodules(full, stamp, source):
    segmentation = build_segmentation(stamp, source)
    segments = [item.ReferencedSOPSequence[0] for item in _items(full, "121191")]
    assert [segment.ReferencedSegmentNumber for segment in segments] == [1, 2, 3]
    assert {segment.ReferencedSOPInstanceUID for segment in segments} == {segmentation.SOPInstanceUID}
    tracked = [item.UID for item in _items(full, "112040")]
    assert tracked == [segment.TrackingUID for segment in segmentation.SegmentSequence]
    explained = [item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in _items(full, "130401")]
    assert explained == [stamp.uid("explanation instance a")]


@pytest.mark.verifies("SRS-DICOM-023")
def test_the_report_tells_status_failures_second_reading_and_the_model(full, empty):
    assert [item.TextValue for item in _items(full, "CASE-STATUS")] == ["partial"]
    assert [item.TextValue for item in _items(full, "FAILED-CANDIDATE")] == ["9: LAI-DOM-003"]
    assert _items(full, "SECOND-READING")[0].TextValue == "required: model_not_trained, candidate_failed"
    assert "trained=NO" in {item.TextValue for item in _items(full, "111002")}
    assert [item.TextValue for item in _items(empty, "CASE-STATUS")] == ["no_candidates"]
    assert _items(empty, "SECOND-READING")[0].TextValue == "not called for"
    assert full.VerificationFlag == "UNVERIFIED"


@pytest.mark.verifies("SRS-DICOM-023")
def test_a_nodule_without_a_mask_is_measured_on_its_image(maskless):
    assert _numbers(maskless)["118565006"] == []
    assert _numbers(maskless)["111047"] == [70.0]
    assert len(_items(maskless, "121112")) == 1


@pytest.mark.verifies("SRS-DICOM-023")
@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
@pytest.mark.parametrize("name", ["full", "empty", "maskless"])
def test_dciodvfy_finds_no_error(name, request, tmp_path):
    path = save_object(request.getfixturevalue(name), tmp_path / "sr.dcm")
    found = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=False)
    assert "Comprehensive3DSR" in found.stderr
    assert "Error" not in found.stderr


@pytest.mark.verifies("SRS-DICOM-023")
@pytest.mark.skipif(VALIDATOR is None, reason="DicomSRValidator (Debian package pixelmed-apps) is not installed")
def test_the_template_validator_of_pixelmed_finds_no_error(full, tmp_path):
    path = save_object(full, tmp_path / "sr.dcm")
    limits = "-Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprGrpLimit=0 -Djdk.xml.xpathExprOpLimit=0"
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": limits}
    found = subprocess.run([VALIDATOR, path], capture_output=True, text=True, check=False, env=environment)
    text = found.stdout + found.stderr
    assert "Found Root Template TID_1500" in text
    assert "Error" not in text
