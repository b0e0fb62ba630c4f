from __future__ import annotations

import csv

import pytest

from lungai_core.domain.case_report import TextureEstimate
from lungai_core.domain.texture import Texture
from lungai_core.report.tables import write_nodules_csv, write_worklist_csv


def _read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.verifies("SRS-REPORT-005")
def test_the_table_has_a_row_for_every_candidate_with_its_numbers(report, tmp_path):
    full, bare, failed = _read(write_nodules_csv(report, tmp_path / "nodules.csv"))
    assert (full["candidate_id"], full["malignancy_probability"], full["volume_mm3"]) == ("1", "0.7", "2144.7")
    assert (full["center_x_lps_mm"], full["center_z_lps_mm"]) == ("2.0", "5.0")
    assert (full["review_required"], full["review_reasons"]) == ("1", "uncertainty_above_limit")
    assert full["warnings"] == "mask_touches_patch_border"
    assert (bare["volume_mm3"], bare["entropy_nats"], bare["network_diameter_mm"]) == ("", "", "")
    assert (failed["candidate_id"], failed["failure"], failed["malignancy_probability"]) == ("3", "LAI-DOM-003", "")


@pytest.mark.verifies("SRS-INFER-013")
def test_the_texture_stands_in_the_table_where_the_model_tells_it(make, volume, tmp_path):
    told = make["nodule"](volume, texture=TextureEstimate(texture=Texture.GROUND_GLASS, probability=0.75))
    report = make["report"](volume, nodules=(told, make["nodule"](volume, "2")))
    first, second, *_ = _read(write_nodules_csv(report, tmp_path / "nodules.csv"))
    assert (first["texture"], first["texture_probability"]) == ("ground-glass", "0.75")
    assert (second["texture"], second["texture_probability"]) == ("", "")


@pytest.mark.verifies("SRS-REPORT-005")
def test_the_work_list_holds_what_needs_a_second_reading_and_nothing_else(report, refused, tmp_path):
    listed = _read(write_worklist_csv(report, tmp_path / "a.csv"))
    assert [(row["candidate_id"], row["review_reasons"]) for row in listed] == [
        ("1", "uncertainty_above_limit"),
        ("3", "candidate_failed"),
    ]
    assert listed[0]["sop_instance_uid"] == "1.2.3.4.29"
    assert [row["review_reasons"] for row in _read(write_worklist_csv(refused, tmp_path / "b.csv"))] == [
        "series_refused"
    ]


@pytest.mark.verifies("SRS-REPORT-005", "RC-REPORT-003")
def test_a_name_that_a_spreadsheet_would_run_is_quoted(make, volume, tmp_path):
    report = make["report"](volume, nodules=(make["nodule"](volume, "-1"),))
    (row,) = _read(write_nodules_csv(report, tmp_path / "nodules.csv"))
    assert row["candidate_id"] == "'-1"
