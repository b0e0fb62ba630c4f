from __future__ import annotations

import json

import numpy as np
import pytest

from lungai_core.clinical.analysis import analyse_study
from lungai_core.clinical.plan import AnalysisKind, DataOrigin
from lungai_core.clinical.report import build_report, report_html, report_json, write_report
from lungai_core.clinical.study import ReadTable, read_study_csv
from lungai_core.errors import OutputFolderError


@pytest.fixture(scope="module")
def table(made, tmp_path_factory):
    return read_study_csv(made.write_reads(tmp_path_factory.mktemp("study") / "reads.csv"))


def _report(made, table, **changes):
    file = made.locked(**changes)
    return build_report(analyse_study(table, file=file, library_version="1.2.3"), table=table, file=file)


@pytest.mark.verifies("SRS-CLIN-017")
def test_every_number_names_its_requirement_and_reference_case(made, table):
    report = _report(made, table)
    endpoints = next(one for one in report.tables if one.title.startswith("Endpoints"))
    columns = {head: number for number, head in enumerate(endpoints.heads)}
    assert all(row[columns["Requirement"]] == "UN-009" for row in endpoints.rows)
    assert endpoints.rows[0][columns["Reference case"]].startswith("mrmc_or/")
    assert [plot.name for plot in report.plots] == ["roc", "calibration", "forest"]


@pytest.mark.verifies("SRS-CLIN-017")
def test_synthetic_and_phantom_data_are_marked_and_clinical_data_are_not(made, table):
    for origin, mark in ((DataOrigin.SYNTHETIC, "SYNTHETIC DATA"), (DataOrigin.PHANTOM, "PHANTOM DATA")):
        html = report_html(_report(made, table, data_origin=origin))
        assert f"{mark}: not a result on patients" in html
    clinical = _report(made, table, data_origin=DataOrigin.CLINICAL)
    assert "not a result on patients" not in report_html(clinical)


@pytest.mark.verifies("SRS-CLIN-017")
def test_the_html_needs_nothing_from_outside_and_the_json_has_the_plan_hash(made, table):
    report = _report(made, table)
    html = report_html(report)
    assert "http://" not in html
    assert "https://" not in html
    document = json.loads(report_json(report))
    assert document["analysis"]["results"][0]["provenance"]["plan_sha256"] == made.locked().lock.plan_sha256
    assert "makes no claim of safety" in document["disclaimer"]


@pytest.mark.verifies("SRS-CLIN-017")
def test_decisions_are_put_in_words(made, table):
    kinds = (made.endpoint(margin=0.05), made.endpoint(AnalysisKind.AUC_U_STATISTIC))
    better = report_html(_report(made, table, endpoints=kinds))
    assert "non-inferior at 0.05, superior" in better
    worse = report_html(_report(made, table, endpoints=kinds, test_modality="unaided", control_modality="aided"))
    assert "non-inferiority at 0.05 not shown" in worse
    assert "superiority not shown" in worse


@pytest.mark.verifies("SRS-CLIN-017")
def test_scores_that_are_no_probabilities_have_no_calibration_plot(made, table):
    logits = ReadTable(
        readers=table.readers,
        modalities=table.modalities,
        cases=table.cases,
        patients=table.patients,
        truth=table.truth,
        scores=np.log(table.scores / (1 - table.scores)),
        groups=table.groups,
    )
    report = _report(made, logits, subgroups=(), endpoints=(made.endpoint(),))
    assert [plot.name for plot in report.plots] == ["roc"]


@pytest.mark.verifies("SRS-CLIN-017")
def test_the_folder_holds_every_form_and_is_never_overwritten(made, table, tmp_path):
    report = _report(made, table)
    write_report(report, tmp_path / "report")
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"report.json", "report.html", "report.docx", "roc.png", "roc.svg", "forest.png"} <= names
    with pytest.raises(OutputFolderError, match="LAI-RES-002"):
        write_report(report, tmp_path / "report")
