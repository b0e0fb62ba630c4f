from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.domain.case_report import (
    CaseReport,
    CaseStatus,
    Grid,
    ModelIdentity,
    Refusal,
    ReviewReason,
    SoftwareIdentity,
)
from lungai_core.domain.geometry import Geometry

REFUSED = CaseReport(
    status=CaseStatus.REFUSED,
    software=SoftwareIdentity(version="0.1.0"),
    model=ModelIdentity(name="m", version="1.0.0", trained=False, sha256="a" * 64, contract_sha256="b" * 64),
    input=None,
    execution=None,
    nodules=(),
    failures=(),
    refusal=Refusal(code="LAI-DICOM-001", message="No series."),
    review_required=True,
    review_reasons=(ReviewReason.SERIES_REFUSED,),
    timings_s=None,
)


@pytest.mark.verifies("SRS-DOM-011")
def test_a_report_read_back_from_json_equals_the_one_written():
    assert CaseReport.model_validate_json(REFUSED.model_dump_json()) == REFUSED


@pytest.mark.verifies("SRS-DOM-011")
def test_a_report_always_carries_the_notice_against_clinical_use():
    assert "Not for clinical use" in REFUSED.notice
    with pytest.raises(ValidationError):
        CaseReport.model_validate_json(REFUSED.model_dump_json().replace("Not for clinical use", "For clinical use"))


@pytest.mark.verifies("SRS-DOM-011")
def test_a_grid_record_gives_its_geometry_back():
    geometry = Geometry(
        (3, 4, 5), (2.5, 0.7, 0.7), (1.0, -2.0, 3.0), ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))
    )
    assert Grid.from_geometry(geometry).to_geometry() == geometry
