from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from lungai_core.clinical.plan import AnalysisKind, lock_plan, plan_sha256, read_plan, require_locked, write_plan
from lungai_core.errors import PlanIntegrityError, PlanStateError, StudyFileError


@pytest.mark.verifies("SRS-CLIN-015")
def test_a_locked_plan_is_read_again_with_its_lock(made, tmp_path):
    path = write_plan(made.locked(), tmp_path / "plan.json")
    assert read_plan(path) == made.locked()
    assert require_locked(read_plan(path)).locked_by == "A. Statistician"


@pytest.mark.verifies("SRS-CLIN-015", "RC-CLIN-002")
def test_a_plan_that_is_not_locked_is_refused(made):
    with pytest.raises(PlanStateError, match="not locked"):
        require_locked(made.plan())


@pytest.mark.verifies("SRS-CLIN-015", "RC-CLIN-002")
def test_a_plan_changed_after_its_lock_is_found(made, tmp_path):
    path = write_plan(made.locked(), tmp_path / "plan.json")
    document = json.loads(path.read_text())
    document["plan"]["alpha_two_sided"] = 0.1
    path.write_text(json.dumps(document))
    with pytest.raises(PlanIntegrityError, match="LAI-CLIN-006"):
        require_locked(read_plan(path))


@pytest.mark.verifies("SRS-CLIN-015", "RC-CLIN-002")
def test_a_plan_is_locked_once(made):
    with pytest.raises(PlanStateError, match="locked already"):
        lock_plan(made.locked(), at=made.WHEN, by="somebody else")


@pytest.mark.verifies("SRS-CLIN-015")
def test_the_hash_depends_on_the_content_alone(made):
    assert plan_sha256(made.plan().plan) == plan_sha256(made.plan().plan)
    assert plan_sha256(made.plan().plan) != plan_sha256(made.plan(seed=2).plan)


@pytest.mark.verifies("SRS-CLIN-015")
def test_a_plan_that_contradicts_itself_is_refused(made):
    with pytest.raises(ValidationError, match="need a threshold"):
        made.endpoint(AnalysisKind.SENSITIVITY, threshold=None)
    with pytest.raises(ValidationError, match="different names"):
        made.plan(endpoints=(made.endpoint(), made.endpoint()))
    with pytest.raises(ValidationError, match="must differ"):
        made.plan(control_modality="aided")


@pytest.mark.verifies("SRS-CLIN-015")
def test_a_file_that_is_no_plan_is_refused_with_its_fields(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"schema_version": "lungai-analysis-plan/1"}')
    with pytest.raises(StudyFileError, match="plan"):
        read_plan(path)
    with pytest.raises(StudyFileError, match="LAI-CLIN-009"):
        read_plan(tmp_path / "none.json")
