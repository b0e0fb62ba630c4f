from __future__ import annotations

import gc
import json
import shutil
from contextlib import nullcontext
from datetime import datetime

import pydicom
import pytest
from jsonschema import Draft202012Validator

from lungai_core.cli.app import main
from lungai_core.cli.walk import CaseFiles, DicomObjects, OnRefusal, WalkStep, walk_case
from lungai_core.errors import NoCtImageError
from lungai_core.inference.providers import Provider, ProviderPolicy, unavailable_reason
from lungai_core.modelpack.pack import bundled_pack, open_pack
from lungai_core.report.result_json import published_result_schema, read_result_json
from support.full_disk import files_end_at

NODULE = [56.21, 86.34, -115.87]


@pytest.fixture
def ct_dir(shared_data):
    return shared_data / "lidc_idri_0001" / "dicom"


@pytest.fixture
def candidates(tmp_path):
    def write(*centers):
        path = tmp_path / "candidates.json"
        listed = [{"candidate_id": str(n + 1), "center_lps_mm": list(center)} for n, center in enumerate(centers)]
        path.write_text(json.dumps({"schema_version": "lungai-candidates/1", "candidates": listed}))
        return path

    return write


def _run(ct_dir, candidates, out, *options):
    return main(["run", str(ct_dir), "--candidates", str(candidates), "--out", str(out), *(options or ["--no-dicom"])])


@pytest.mark.verifies("SRS-CLI-002", "SRS-INFER-009", "SRS-DOM-011")
def test_a_real_series_gives_a_report_that_is_equal_on_the_second_run(ct_dir, candidates, tmp_path):
    file = candidates(NODULE)
    options = ("--written-at", "2026-01-02T03:04:05", "--pdf", "zh")
    codes = [_run(ct_dir, file, tmp_path / name, *options) for name in ("first", "second")]
    assert codes == [0, 0]
    first, second = (read_result_json(tmp_path / name / "result.json") for name in ("first", "second"))
    assert first.model_copy(update={"timings_s": None}) == second.model_copy(update={"timings_s": None})
    assert first.nodules[0].slice_number == 91
    # The bundled network has not seen this patient (fold 2). LUNA16 gives the nodule 23.35 mm.
    assert first.nodules[0].suspicious is True
    assert first.nodules[0].size.network_mm == pytest.approx(23.35, abs=3.0)
    written = json.loads((tmp_path / "first" / "result.json").read_bytes())
    Draft202012Validator(json.loads(published_result_schema())).validate(written)
    objects = sorted(path.name for path in (tmp_path / "first" / "dicom").iterdir())
    assert objects == ["explanation-1.dcm", "report.dcm", "segmentation.dcm"]
    for name in objects:
        contents = {(tmp_path / run / "dicom" / name).read_bytes() for run in ("first", "second")}
        assert len(contents) == 1
    assert len({(tmp_path / run / "report.pdf").read_bytes() for run in ("first", "second")}) == 1
    page = (tmp_path / "first" / "report.html").read_text(encoding="utf-8")
    assert "Not for clinical use" in page
    assert "NOT TRAINED" not in page


@pytest.mark.verifies("SRS-CLI-002")
def test_the_result_can_be_had_on_stdout_and_a_table_on_stderr(ct_dir, candidates, tmp_path, capsys):
    assert _run(ct_dir, candidates(NODULE, [0.0, 0.0, 9000.0]), tmp_path / "a", "--json", "--no-dicom") == 5
    assert json.loads(capsys.readouterr().out)["status"] == "partial"
    assert _run(ct_dir, candidates(NODULE, [0.0, 0.0, 9000.0]), tmp_path / "b") == 5
    shown = capsys.readouterr().err
    assert "LAI-DOM-003" in shown
    assert "Not for clinical use" in shown


@pytest.mark.verifies("SRS-CLI-002", "SRS-INFER-009")
def test_no_candidates_are_a_report_without_a_finding(ct_dir, candidates, tmp_path):
    assert _run(ct_dir, candidates(), tmp_path / "out") == 0
    assert read_result_json(tmp_path / "out" / "result.json").status == "no_candidates"


@pytest.mark.verifies("SRS-CLI-002", "SRS-FILE-001")
def test_a_refused_input_leaves_nothing_unless_a_report_of_it_is_wanted(candidates, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert _run(empty, candidates(NODULE), tmp_path / "out") == 3
    assert not (tmp_path / "out").exists()
    assert _run(empty, candidates(NODULE), tmp_path / "out", "--refusal-report") == 3
    assert read_result_json(tmp_path / "out" / "result.json").refusal.code.startswith("LAI-DICOM-")
    assert not (tmp_path / "out" / "dicom").exists()


@pytest.mark.verifies("SRS-CLI-002", "SRS-DICOM-020")
@pytest.mark.parametrize("frames_an_object", [1, 4])
def test_an_enhanced_ct_has_a_result_and_no_dicom_objects(ct_series, candidates, tmp_path, frames_an_object):
    ct_dir = tmp_path / "ct"
    ct_dir.mkdir()
    for number in range(4 // frames_an_object):
        image = ct_series.enhanced_dataset(frames_an_object)
        image.SOPInstanceUID = f"2.25.{number + 1}"
        for frame in image.PerFrameFunctionalGroupsSequence:
            frame.PlanePositionSequence[0].ImagePositionPatient[2] += 2.5 * number
        ct_series.save(image, ct_dir / f"{number}.dcm")
    assert _run(ct_dir, candidates(), tmp_path / "out", "--dicom") == 0
    assert read_result_json(tmp_path / "out" / "result.json").status == "no_candidates"
    assert not (tmp_path / "out" / "dicom").exists()


@pytest.mark.verifies("SRS-CLI-002", "SRS-DICOM-025")
def test_a_refused_series_leaves_a_structured_report_of_the_refusal(ct_dir, candidates, tmp_path):
    gapped = tmp_path / "gapped"
    gapped.mkdir()
    for number, path in enumerate(sorted(ct_dir.glob("*.dcm"))[:12]):
        if number != 5:
            shutil.copy(path, gapped)
    assert _run(gapped, candidates(NODULE), tmp_path / "out", "--refusal-report") == 3
    refusal = read_result_json(tmp_path / "out" / "result.json").refusal
    report = pydicom.dcmread(tmp_path / "out" / "dicom" / "report.dcm")
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    assert refusal.code in report.to_json()
    assert len(study.ReferencedSeriesSequence[0].ReferencedSOPSequence) == 11
    files = CaseFiles(
        ct_dir=gapped,
        candidates_file=candidates(NODULE),
        out_dir=tmp_path / "masks only",
        written_at=datetime(2026, 1, 2),  # noqa: DTZ001  DICOM times are local
        objects=DicomObjects.SEGMENTATION,
    )
    pack = open_pack(bundled_pack())
    walk_case(files, pack=pack, policy=ProviderPolicy.cpu_only(), on_refusal=OnRefusal.REPORT)
    assert (tmp_path / "masks only" / "result.json").is_file()
    assert not (tmp_path / "masks only" / "dicom").exists()


@pytest.mark.verifies("SRS-CLI-002")
@pytest.mark.parametrize("was_on", [True, False])
@pytest.mark.parametrize("is_refused", [True, False])
def test_the_collector_rests_during_a_case_and_is_left_as_it_was(ct_dir, candidates, tmp_path, was_on, is_refused):
    seen = {}
    ct = tmp_path / "empty" if is_refused else ct_dir
    (tmp_path / "empty").mkdir()
    files = CaseFiles(ct, candidates(), tmp_path / "out")
    if not was_on:
        gc.disable()
    try:
        with pytest.raises(NoCtImageError) if is_refused else nullcontext():
            walk_case(
                files,
                pack=open_pack(bundled_pack()),
                policy=ProviderPolicy.cpu_only(),
                on_step=lambda step: seen.update({step: gc.isenabled()}),
            )
        assert gc.isenabled() is was_on
    finally:
        gc.enable()
    assert seen[WalkStep.READ_SERIES] is False
    assert (WalkStep.WRITE_RESULTS in seen) is not is_refused


@pytest.mark.verifies("SRS-CLI-002", "SRS-INFER-002", "RC-INFER-001")
@pytest.mark.skipif(not unavailable_reason(Provider.CUDA), reason="this machine has a GPU")
def test_a_gpu_that_is_required_and_absent_leaves_nothing(ct_dir, candidates, tmp_path, capsys):
    assert _run(ct_dir, candidates(NODULE), tmp_path / "out", "--require-gpu") == 6
    assert "LAI-INFER-005" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.verifies("SRS-CLI-002", "SRS-PACK-002")
def test_a_damaged_model_leaves_nothing(ct_dir, candidates, tmp_path):
    pack = tmp_path / "pack"
    shutil.copytree(bundled_pack(), pack)
    (pack / "model.onnx").write_bytes(b"other bytes")
    assert _run(ct_dir, candidates(NODULE), tmp_path / "out", "--model", str(pack)) == 4
    assert not (tmp_path / "out").exists()


@pytest.mark.verifies("SRS-CLI-002", "SRS-FILE-001")
def test_a_folder_that_holds_something_is_left_as_it_is(ct_dir, candidates, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert _run(ct_dir, candidates(NODULE), out) == 6
    assert [path.name for path in out.iterdir()] == ["notes.txt"]


@pytest.mark.verifies("SRS-CLI-002", "SRS-FILE-001")
@pytest.mark.parametrize("size_bytes", [1_000, 60_000, 400_000])
def test_a_disk_that_is_full_at_any_of_the_files_leaves_nothing(ct_dir, candidates, tmp_path, capsys, size_bytes):
    file = candidates(NODULE)
    before = sorted(tmp_path.iterdir())
    with files_end_at(size_bytes):
        assert _run(ct_dir, file, tmp_path / "out", "--pdf", "en", "--secondary-capture") == 6
    assert "LAI-RES-002" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
