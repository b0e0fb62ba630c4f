from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from lungai_core.dicom.parametric_map import build_explanation_maps
from lungai_core.dicom.segmentation import build_segmentation
from lungai_core.dicom.source_images import SourceImages, StudyImages, read_study_images
from lungai_core.dicom.stamps import ObjectStamp, save_object
from lungai_core.dicom.structured_report import ReportReferences, build_refusal_report, build_structured_report
from lungai_core.domain.case_report import CaseStatus, Refusal, ReviewReason, TextureEstimate
from lungai_core.domain.texture import Texture
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_phantom_series

DCIODVFY = shutil.which("dciodvfy")
VALIDATOR = shutil.which("DicomSRValidator")
READER = shutil.which("tid1500reader", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")


@pytest.fixture(scope="module")
def full(stamp, source):
    maps = build_explanation_maps(stamp, source)
    references = ReportReferences(build_segmentation(stamp, source), {"a": maps["a"]})
    return build_structured_report(stamp, source, references=references)


@pytest.fixture(scope="module")
def empty(nothing, source):
    return build_structured_report(nothing, source, references=ReportReferences(None, {}))


@pytest.fixture(scope="module")
def maskless(nothing, source, builders):
    bare = builders["nodule"](source.volume, "a", np.s_[:0], explanation=None, uncertainty=None)
    stamp = ObjectStamp(builders["report"](source.volume, (bare,)), nothing.written_at)
    return build_structured_report(stamp, source, references=ReportReferences(None, {}))


@pytest.fixture(scope="module")
def textured(nothing, source, builders):
    named = {"solid": Texture.SOLID, "mixed": Texture.PART_SOLID, "glass": Texture.GROUND_GLASS}
    nodules = [
        builders["nodule"](
            source.volume,
            name,
            np.s_[:0],
            explanation=None,
            uncertainty=None,
            texture=TextureEstimate(texture=texture, probability=0.9),
        )
        for name, texture in named.items()
    ]
    stamp = ObjectStamp(builders["report"](source.volume, tuple(nodules)), nothing.written_at)
    return build_structured_report(stamp, source, references=ReportReferences(None, {}))


@pytest.fixture(scope="module")
def refused(nothing):
    changes = {
        "status": CaseStatus.REFUSED,
        "input": None,
        "refusal": Refusal(code="LAI-DICOM-021", message="Slices are missing."),
        "review_required": True,
        "review_reasons": (ReviewReason.SERIES_REFUSED,),
    }
    return ObjectStamp(nothing.report.model_copy(update=changes), nothing.written_at)


@pytest.fixture(scope="module")
def refusal(refused, source):
    return build_refusal_report(refused, StudyImages(tuple(source.headers.values())))


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
@pytest.mark.parametrize("name", ["full", "empty", "maskless", "textured", "refusal"])
def test_whatever_the_content_refers_to_stands_in_the_evidence(name, request):
    document = request.getfixturevalue(name)
    listed = {item.value for item in _all(document.CurrentRequestedProcedureEvidenceSequence, 0x00081155)}
    referred = {item.value for item in _all(document.ContentSequence, 0x00081155)}
    assert referred <= listed
    assert bool(referred) == (name != "refusal")
    # What was made without the library's own search has to be a document that its reader takes as one.
    assert len(_items(highdicom.sr.Comprehensive3DSR.from_dataset(document), "121058")) == 1


@pytest.mark.verifies("SRS-DICOM-023")
def test_the_evidence_is_that_which_highdicom_lists(full, stamp, source):
    written = [build_segmentation(stamp, source), build_explanation_maps(stamp, source)["a"]]
    expected, others = highdicom.sr.utils.collect_evidence(
        [*source.headers.values(), *written], full, source.volume.series.study_instance_uid
    )
    assert full.CurrentRequestedProcedureEvidenceSequence == expected
    assert others == []


@pytest.mark.verifies("SRS-DICOM-023")
def test_the_image_library_says_once_what_its_images_have_in_common_and_where_each_lies(stamp, source):
    first, second, third = stamp.report.nodules
    nodules = (first, second.model_copy(update={"slice_number": 3}), third.model_copy(update={"slice_number": 5}))
    thick = copy.deepcopy(source.headers[4])
    thick.SliceThickness = 12.5
    document = build_structured_report(
        replace(stamp, report=stamp.report.model_copy(update={"nodules": nodules})),
        SourceImages({**source.headers, 4: thick}, source.volume),
        references=ReportReferences(None, {}),
    )
    groups = _items(document, "126200")
    thickness = [[float(i.MeasuredValueSequence[0].NumericValue) for i in _items(g, "112225")] for g in groups]
    assert thickness == [[8.0], [12.5]]
    assert [len(_items(group, "110904")) for group in groups] == [1, 1]
    assert [len(_items(group, "121139")) for group in groups] == [1, 1]
    images = [item for group in groups for item in group.ContentSequence if item.ValueType == "IMAGE"]
    for image, z in zip(images, (7, 2, 4), strict=True):
        header = source.headers[z]
        assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == header.SOPInstanceUID
        place = [float(item.MeasuredValueSequence[0].NumericValue) for item in image.ContentSequence]
        assert place == pytest.approx([float(value) for value in header.ImagePositionPatient])


def _all(items, tag):
    return [element for item in items for element in item.iterall() if element.tag == tag]


@pytest.mark.verifies("SRS-INFER-013")
def test_the_texture_of_a_nodule_is_a_qualitative_evaluation_of_its_group(textured, full):
    values = [item.ConceptCodeSequence[0] for item in _items(textured, "112010")]
    assert [value.CodeValue for value in values] == ["SOLID", "PART-SOLID", "112120"]
    assert [value.CodingSchemeDesignator for value in values] == ["99LUNGAI", "99LUNGAI", "DCM"]
    shares = [float(item.MeasuredValueSequence[0].NumericValue) for item in _items(textured, "TEXTURE-SHARE")]
    assert shares == [90.0] * 3
    assert _items(full, "112010") == _items(full, "TEXTURE-SHARE") == []


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
@pytest.mark.parametrize("name", ["full", "empty", "maskless", "textured", "refusal"])
def test_dciodvfy_finds_no_error(name, request, tmp_path):
    path = save_object(request.getfixturevalue(name), tmp_path / "sr.dcm")
    found = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=False)
    assert "Comprehensive3DSR" in found.stderr
    assert "Error" not in found.stderr


@pytest.mark.verifies("SRS-DICOM-023", "SRS-DICOM-025")
@pytest.mark.skipif(VALIDATOR is None, reason="DicomSRValidator (Debian package pixelmed-apps) is not installed")
@pytest.mark.parametrize("name", ["full", "refusal"])
def test_the_template_validator_of_pixelmed_finds_no_error(name, request, tmp_path):
    path = save_object(request.getfixturevalue(name), tmp_path / "sr.dcm")
    limits = "-Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprGrpLimit=0 -Djdk.xml.xpathExprOpLimit=0"
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": limits}
    found = subprocess.run([VALIDATOR, path], capture_output=True, text=True, check=False, env=environment)
    text = found.stdout + found.stderr
    assert "Found Root Template TID_1500" in text
    assert "Error" not in text


@pytest.mark.verifies("SRS-DICOM-023")
@pytest.mark.skipif(READER is None, reason="dcmqi (tid1500reader) is not installed")
def test_dcmqi_reads_the_same_measures_back(full, tmp_path):
    path = save_object(full, tmp_path / "sr.dcm")
    command = [READER, "--inputDICOM", path, "--outputMetadata", tmp_path / "sr.json"]
    subprocess.run(command, capture_output=True, check=True)
    groups = json.loads((tmp_path / "sr.json").read_bytes())["Measurements"]
    assert [group["TrackingIdentifier"] for group in groups] == ["Nodule a", "Nodule b", "Nodule c"]
    volumes = [
        float(item["value"])
        for group in groups
        for item in group["measurementItems"]
        if item["quantity"]["CodeValue"] == "118565006"
    ]
    assert volumes == [1234.5] * 3


@pytest.mark.verifies("SRS-DICOM-025")
def test_a_refused_series_has_a_report_with_the_reason_and_its_images(refusal, source):
    assert [item.TextValue for item in _items(refusal, "CASE-STATUS")] == ["refused"]
    assert [item.TextValue for item in _items(refusal, "REFUSAL")] == ["LAI-DICOM-021: Slices are missing."]
    assert _items(refusal, "SECOND-READING")[0].TextValue == "required: series_refused"
    (study,) = refusal.CurrentRequestedProcedureEvidenceSequence
    named = [item.ReferencedSOPInstanceUID for item in study.ReferencedSeriesSequence[0].ReferencedSOPSequence]
    assert sorted(named) == sorted(source.volume.series.sop_instance_uids)
    assert refusal.StudyInstanceUID == source.volume.series.study_instance_uid


@pytest.mark.verifies("SRS-DICOM-025", "SRS-DICOM-021")
def test_the_reports_of_two_refused_series_are_two_objects_and_of_one_series_are_one(refused, refusal, source):
    other = build_refusal_report(refused, StudyImages(tuple(source.headers.values())[:3]))
    again = build_refusal_report(refused, StudyImages(tuple(source.headers.values())))
    assert other.SOPInstanceUID != refusal.SOPInstanceUID
    assert again.to_json() == refusal.to_json()


@pytest.fixture
def refused_files(tmp_path):
    spec = PhantomSpec(shape_zyx=(4, 32, 32), spacing_zyx_mm=(8.0, 9.0, 9.0), nodules=())
    folder = write_phantom_series(make_phantom(spec), tmp_path / "ct")
    (folder / "notes.txt").write_text("no DICOM")
    whole = (folder / "0002.dcm").read_bytes()
    (folder / "0002.dcm").write_bytes(whole[:200])
    bare = pydicom.dcmread(folder / "0001.dcm")
    for keyword in ("AccessionNumber", "PatientBirthDate", "StudyID", "PixelSpacing", "ImagePositionPatient"):
        delattr(bare, keyword)
    bare.save_as(folder / "0001.dcm")
    return folder


@pytest.mark.verifies("SRS-DICOM-025")
def test_what_is_readable_of_a_refused_series_is_enough_for_its_report(refused, refused_files, tmp_path):
    images = read_study_images(refused_files.iterdir())
    assert len(images.headers) == 3
    report = build_refusal_report(refused, images)
    assert report.AccessionNumber in (None, "")
    save_object(report, tmp_path / "sr.dcm")
    assert pydicom.dcmread(tmp_path / "sr.dcm").SOPInstanceUID == report.SOPInstanceUID


@pytest.mark.verifies("SRS-DICOM-025")
def test_files_of_two_patients_or_of_none_have_no_report(refused_files, tmp_path):
    other = pydicom.dcmread(refused_files / "0003.dcm")
    other.PatientID = "SOMEBODY-ELSE"
    other.save_as(refused_files / "0003.dcm")
    assert read_study_images(refused_files.iterdir()) is None
    assert read_study_images([tmp_path / "absent.dcm"]) is None
