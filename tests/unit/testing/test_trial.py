from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest

from lungai_core.cli.walk import CaseFiles, OnRefusal, walk_with_engine
from lungai_core.domain.case_report import InputKind
from lungai_core.evidence.studies import read_study
from lungai_core.modelpack.pack import bundled_pack, open_pack
from lungai_core.testing.phantom_plan import CaseSituation, phantom_plan
from lungai_core.testing.trial import run_case, run_plan
from lungai_core.testing.trial_record import TrialAbout, cases_json, study_json
from lungai_core.testing.truth import TruthEngine

PLAN = phantom_plan(7, seed=20261127)
SEGMENTATION, REPORT = "dicom/segmentation.dcm", "dicom/report.dcm"
ABOUT = TrialAbout(
    seed=1, started="2026-11-27T05:00:00+00:00", cpu_s=1.5, commit="c" * 40, uncommitted=0, python="CPython",
    os="Linux", cpu="x", environment_sha256="0" * 64, provider="CPU", model_name="m", model_version="1",
    model_trained=False, model_sha256="1" * 64,
)  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    with TruthEngine.open(open_pack(bundled_pack())) as engine:
        yield engine


@pytest.fixture(scope="module")
def walk(engine):
    def walk(_, folder):
        files = CaseFiles(
            folder / "ct", folder / "candidates.json", folder / "out", kind=InputKind.PHANTOM,
            written_at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        return walk_with_engine(files, engine=engine, on_refusal=OnRefusal.REPORT)

    return walk


@pytest.fixture(scope="module")
def complete(engine, walk, tmp_path_factory):
    """The case with two nodules after a sound run, its folder, and what it reported."""
    folder, reports = tmp_path_factory.mktemp("trial"), []

    def keep(case, at):
        reports.append(walk(case, at))
        return reports[-1]

    record = run_case(PLAN[6], folder, engine=engine, walk=keep)
    return record, folder / "out", reports[0]


@pytest.mark.verifies("SRS-TEST-006", "RC-DICOM-020", "RC-DICOM-021", "RC-REPORT-002", "RC-INFER-004", "RC-INFER-007")
def test_a_case_with_two_nodules_passes_every_check(complete):
    record, _, _ = complete
    assert [check for check in record.checks if not check.passed] == []
    names = [check.name for check in record.checks]
    assert names.count("structured report") == 1
    assert {f"n{n} {what}" for n in (1, 2) for what in ("side", "slice", "off the centre (mm)")} <= set(names)
    assert record.passed


@pytest.mark.verifies("SRS-TEST-006", "RC-DOM-001", "RC-DICOM-001", "RC-INFER-003")
@pytest.mark.parametrize("situation", list(CaseSituation)[1:])
def test_each_situation_ends_in_the_state_that_it_calls_for(engine, walk, tmp_path, situation):
    record = run_case(PLAN[0].model_copy(update={"situation": situation}), tmp_path, engine=engine, walk=walk)
    assert [check for check in record.checks if not check.passed] == []
    status = next(check.observed for check in record.checks if check.name == "status")
    assert status == {CaseSituation.NO_CANDIDATES: "no_candidates", CaseSituation.OUTSIDE_VOLUME: "partial"}.get(
        situation, "refused"
    )


def _flip(path):
    ds = pydicom.dcmread(path)
    ds.PixelData = _packed(ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)[:, :, ::-1])
    ds.save_as(path)


def _packed(frames):
    return np.packbits(np.ascontiguousarray(frames).reshape(-1), bitorder="little").tobytes()


def _shift(path):
    ds = pydicom.dcmread(path)
    normal = np.cross(
        *np.reshape(ds.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient, (2, 3))
    )
    for group in ds.PerFrameFunctionalGroupsSequence:
        place = group.PlanePositionSequence[0]
        place.ImagePositionPatient = [round(float(v), 6) for v in place.ImagePositionPatient + 4.0 * normal]
    ds.save_as(path)


def _lose_a_segment(path):
    ds = pydicom.dcmread(path)
    ds.SegmentSequence = ds.SegmentSequence[:1]
    ds.save_as(path)


def _unmark(path):
    path.write_text(path.read_text(encoding="utf-8").replace("GENERATED PHANTOM", "CHEST CT"), encoding="utf-8")


@pytest.mark.verifies("SRS-TEST-006")
@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        (SEGMENTATION, _flip, "n1 off the centre (mm)"),
        (SEGMENTATION, _flip, "n1 voxels wrong by more than 0.25 mm"),
        (SEGMENTATION, _shift, "n1 frames on a wrong slice"),
        (SEGMENTATION, _lose_a_segment, "segments"),
        (REPORT, lambda path: shutil.copy(path.with_name("segmentation.dcm"), path), "structured report"),
        ("report.html", _unmark, "page"),
    ],
)
def test_a_fault_in_a_result_is_named_by_its_check(engine, complete, tmp_path, file, change, named):
    _, out, report = complete

    def faulty(_, folder):
        shutil.copytree(out, folder / "out")
        change(folder / "out" / file)
        return report

    record = run_case(PLAN[6], tmp_path, engine=engine, walk=faulty)
    assert named in [check.name for check in record.checks if not check.passed]


@pytest.mark.verifies("SRS-TEST-006")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda report: {"nodules": report.nodules[:1]}, "candidates"),
        (lambda report: {"nodules": report.nodules[:1]}, "result.json"),
        (
            lambda report: {"nodules": tuple(n.model_copy(update={"slice_number": 1}) for n in report.nodules)},
            "n1 slice",
        ),
        (lambda report: {"review_required": not report.review_required}, "result.json"),
    ],
)
def test_a_fault_in_the_returned_report_is_named_by_its_check(engine, complete, tmp_path, change, named):
    _, out, report = complete

    def faulty(_, folder):
        shutil.copytree(out, folder / "out")
        return report.model_copy(update=change(report))

    record = run_case(PLAN[6], tmp_path, engine=engine, walk=faulty)
    assert named in [check.name for check in record.checks if not check.passed]
    assert not record.passed


@pytest.mark.verifies("SRS-TEST-006", "RC-INFER-003")
def test_a_failed_candidate_that_calls_for_no_second_reading_is_named_by_its_check(engine, walk, tmp_path):
    case = PLAN[0].model_copy(update={"situation": CaseSituation.OUTSIDE_VOLUME})

    def silent(case, folder):
        return walk(case, folder).model_copy(update={"review_required": False})

    record = run_case(case, tmp_path, engine=engine, walk=silent)
    assert "review" in [check.name for check in record.checks if not check.passed]


@pytest.mark.verifies("SRS-TEST-006")
def test_half_way_between_two_slices_either_is_right(engine, walk, tmp_path):
    record = run_case(phantom_plan(200, seed=20261127)[160], tmp_path, engine=engine, walk=walk)
    assert record.passed
    assert "32 400032 or 33 400033" in [check.expected for check in record.checks if check.name == "n1 slice"]


@pytest.mark.verifies("SRS-TEST-006")
def test_a_nodule_larger_than_its_patch_is_judged_within_it_and_has_to_be_warned_of(engine, walk, tmp_path):
    case = phantom_plan(200, seed=20261127)[120]
    grown = tuple(nodule.model_copy(update={"diameter_mm": 36.0}) for nodule in case.spec.nodules)
    large = case.model_copy(update={"spec": case.spec.model_copy(update={"nodules": grown})})
    assert run_case(case, tmp_path / "as planned", engine=engine, walk=walk).passed
    checks = {check.name: check for check in run_case(large, tmp_path / "large", engine=engine, walk=walk).checks}
    assert checks["n1 voxels wrong by more than 0.25 mm"].passed
    assert checks["n1 larger than its patch"].observed == "warned of"


@pytest.mark.verifies("SRS-TEST-007")
def test_the_record_lists_each_case_and_the_study_is_one_that_a_document_set_accepts(engine, walk):
    seen = []
    records = run_plan(PLAN[:2], engine=engine, walk=walk, on_case=seen.append)
    assert seen == list(records)
    content = json.loads(cases_json(records, about=ABOUT))
    assert content["counts"] | {"checks": 0} == {"cases": 2, "passed": 2, "failed": 0, "checks": 0, "checks_failed": 0}
    assert content["cases"][0]["result"] == "pass"
    assert content["cases"][0]["expected"].startswith("status complete; refusal none")
    study = read_study(study_json(records, about=ABOUT).encode(), where="study")
    assert (study.nature, study.artefact) == ("phantom", "bench_report")
    assert "NOT TRAINED" in study.content["title_en"]
    assert {metric["n"] for metric in study.content["metrics"] if metric["name_en"].endswith("all kinds")} <= {1, 2}
