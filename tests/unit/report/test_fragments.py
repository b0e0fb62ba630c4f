from __future__ import annotations

import re

import pytest

from lungai_core.domain.case_report import InputKind
from lungai_core.report.fragments import (
    failure_section,
    header_section,
    model_section,
    nodule_section,
    nodule_table,
    provenance_section,
    summary_section,
)

STILLS = ("data:a", "data:b", "data:c")


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-002")
def test_the_page_says_that_it_is_not_for_clinical_use_and_what_the_images_are(make, volume):
    plain = header_section(make["report"](volume, nodules=()))
    phantom = header_section(make["report"](volume, nodules=(), kind=InputKind.PHANTOM))
    assert "NOT FOR CLINICAL USE" in plain
    assert "不得用于临床" in plain
    assert "PHANTOM" not in plain
    assert "GENERATED PHANTOM" in phantom


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-002")
def test_an_untrained_model_is_named_before_any_result(make, volume):
    untrained = summary_section(make["report"](volume, nodules=(), trained=False))
    assert untrained.index("NOT TRAINED") < untrained.index("Status")
    assert "NOT TRAINED" not in summary_section(make["report"](volume, nodules=()))


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-003")
def test_reasons_failures_refusals_and_empty_cases_are_told(report, refused, make, volume):
    assert "The uncertainty reaches the model&#x27;s limit." in summary_section(report)
    assert "LAI-DOM-003 Outside &amp; away &lt;b&gt;." in failure_section(report)
    assert "LAI-DICOM-001 A slice &lt;is&gt; missing." in summary_section(refused)
    empty = make["report"](volume, nodules=())
    assert "not a negative finding" in summary_section(empty)
    assert failure_section(empty) == nodule_table(empty, thumbnails=[]) == ""


@pytest.mark.verifies("SRS-REPORT-003")
def test_the_table_has_a_row_a_nodule_with_values_to_sort_by(report):
    table = nodule_table(report, thumbnails=["data:a", "data:b"])
    assert table.count("<tr data-nodule=") == 2
    assert re.findall(r'data-value="(0\.\d)"', table) == ["0.7", "0.1"]


@pytest.mark.verifies("SRS-REPORT-003", "SRS-REPORT-004")
def test_a_nodule_shows_its_measures_and_its_doubts(report):
    full, bare = (
        nodule_section(nodule, number=number, sprite="data:s", stills=STILLS)
        for number, nodule in enumerate(report.nodules)
    )
    for part in ("70.0%", "16.2 mm", "2,144.7 mm³", "40 ± 2 HU", "0.610 ± 0.010 nat", "40.0%", "suspicious"):
        assert part in full
    assert "The mask reaches the border" in full
    assert ' id="nodule-1" hidden' in bare
    assert "nat" not in bare.split("Measures")[1]


@pytest.mark.verifies("SRS-REPORT-004")
def test_the_card_and_the_origin_of_the_result_are_shown(card, report, refused):
    assert all(limit.zh in model_section(card) for limit in card.limits)
    text = provenance_section(report)
    for part in ("a" * 64, "c" * 64, "90 × 90 × 60", "CUDAExecutionProvider: no card", "body part", "0.60"):
        assert part in text
    assert "c" * 64 not in provenance_section(refused)
