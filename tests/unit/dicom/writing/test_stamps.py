from __future__ import annotations

import copy
import sys
import uuid
import warnings
from dataclasses import replace
from datetime import timedelta

import pytest
from pydicom.uid import UID, ImplicitVRLittleEndian

from lungai_core.dicom.parametric_map import build_explanation_maps
from lungai_core.dicom.segmentation import build_segmentation
from lungai_core.dicom.source_images import SourceImages
from lungai_core.dicom.stamps import derived_uid, load_highdicom, save_object
from lungai_core.dicom.structured_report import ReportReferences, build_structured_report
from lungai_core.errors import InvalidArgumentError, MissingDependencyError


@pytest.mark.verifies("SRS-DICOM-021")
def test_a_uid_is_a_version_8_uuid_of_its_parts():
    uid = derived_uid("a", "b")
    number = uuid.UUID(int=int(uid.removeprefix("2.25.")))
    assert UID(uid).is_valid
    assert (number.version, number.variant) == (8, uuid.RFC_4122)
    assert derived_uid("a", "b") == uid
    assert len({uid, derived_uid("ab"), derived_uid("b", "a"), derived_uid("a", "b", "")}) == 4


@pytest.mark.verifies("SRS-DICOM-021")
def test_uids_follow_result_time_and_role_but_not_timings(stamp):
    timed = stamp.report.model_copy(update={"timings_s": None})
    assert replace(stamp, report=timed).uid("x") == stamp.uid("x")
    other = stamp.report.model_copy(update={"nodules": ()})
    later = replace(stamp, written_at=stamp.written_at + timedelta(seconds=1))
    assert len({stamp.uid("x"), stamp.uid("y"), later.uid("x"), replace(stamp, report=other).uid("x")}) == 4


def _written(stamp, source, folder):
    segmentation = build_segmentation(stamp, source)
    maps = build_explanation_maps(stamp, source)
    report = build_structured_report(stamp, source, references=ReportReferences(segmentation, maps))
    objects = {"seg": segmentation, "sr": report, **maps}
    return {name: save_object(built, folder / f"{name}.dcm").read_bytes() for name, built in objects.items()}


@pytest.mark.verifies("SRS-DICOM-021")
def test_writing_twice_gives_equal_bytes_and_another_time_other_objects(stamp, source, tmp_path):
    first = _written(stamp, source, tmp_path / "first")
    assert _written(stamp, source, tmp_path / "second") == first
    later = replace(stamp, written_at=stamp.written_at + timedelta(days=1))
    assert all(content != first[name] for name, content in _written(later, source, tmp_path / "later").items())


@pytest.mark.verifies("SRS-DICOM-021")
def test_the_scanner_contributed_when_the_images_say_and_highdicom_when_the_object_was_written(stamp, source):
    dated = copy.deepcopy(source.headers[0])
    dated.AcquisitionDateTime = "20190505101112"
    for header, expected in ((dated, "20190505101112"), (source.headers[0], "")):
        images = SourceImages({**source.headers, 0: header}, source.volume)
        document = build_structured_report(stamp, images, references=ReportReferences(None, {}))
        times = {
            item.PurposeOfReferenceCodeSequence[0].CodeMeaning: str(item.get("ContributionDateTime", ""))
            for item in document.ContributingEquipmentSequence
        }
        assert times == {"Acquisition Equipment": expected, "Processing Equipment": "20260102030405"}


@pytest.mark.verifies("SRS-DICOM-021")
def test_no_warning_quotes_a_value_of_the_patient(stamp, source, capsys):
    # highdicom doubts a name of one component, and quotes it.
    header = copy.deepcopy(source.headers[0])
    header.PatientName = "DOE"
    images = SourceImages({**source.headers, 0: header}, source.volume)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        document = build_structured_report(stamp, images, references=ReportReferences(None, {}))
        maps = build_explanation_maps(stamp, images)
    assert document.PatientName == maps["a"].PatientName == "DOE"
    assert [str(warning.message) for warning in caught] == []
    assert "DOE" not in "".join(capsys.readouterr())


@pytest.mark.verifies("SRS-DICOM-021")
def test_an_object_of_another_transfer_syntax_is_not_written(stamp, source, tmp_path):
    segmentation = build_segmentation(stamp, source)
    segmentation.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    with pytest.raises(InvalidArgumentError, match="transfer syntax"):
        save_object(segmentation, tmp_path / "seg.dcm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.verifies("SRS-DICOM-021")
def test_without_highdicom_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[dicom\]"):
        load_highdicom()
