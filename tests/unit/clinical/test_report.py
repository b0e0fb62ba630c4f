from __future__ import annotations

import json

import numpy as np
import pytest

from lungai_core.clinical.analysis import analyse_study
from lungai_core.clinical.plan import AnalysisKind, DataOrigin
from lungai_core.clinical.report import build_report, report_html, report_json, write_report
from lungai_core.clinical.study import ReadTable, read_study_csv
from lungai_core.clinical.study_lesions import read_lesions_csv
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
    assert endpoints.heads[-2:] == ("Requirement", "Reference case")
    assert all(row[-2].startswith("UN-009, SRS-CLIN-") for row in endpoints.rows)
    assert endpoints.rows[0][-1].startswith("mrmc_or/")
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


@pytest.fixture(scope="module")
def whole(made, tmp_path_factory):
    """A report of a study with sizes and marks."""
    folder = tmp_path_factory.mktemp("whole")
    table = read_study_csv(made.add_sizes(made.write_reads(folder / "reads.csv")))
    marks, nodules = made.write_lesions(folder)
    lesions, file = read_lesions_csv(marks, nodules=nodules), made.locked()
    analysis = analyse_study(table, file=file, library_version="1.2.3", lesions=lesions)
    return build_report(analysis, table=table, file=file, lesions=lesions)


@pytest.mark.verifies("SRS-CLIN-017")
def test_marks_and_paired_sizes_bring_their_tables_and_plots(whole):
    assert [plot.name for plot in whole.plots] == ["roc", "froc", "calibration", "bland_altman", "forest"]
    titles = [table.title for table in whole.tables]
    assert any("FROC" in title for title in titles)
    assert any(title.startswith("Sizes, test minus control") for title in titles)


@pytest.mark.verifies("SRS-CLIN-017")
def test_each_row_of_results_names_a_requirement_and_a_reference_case_that_exists(whole, reference):
    results = [table for table in whole.tables if table.title not in {"Plan", "How it was computed"}]
    assert len(results) == 8
    for table in results:
        assert table.heads[-2:] == ("Requirement", "Reference case")
        for *_, requirement, named in table.rows:
            assert "SRS-CLIN-" in requirement
            for one in named.split(", "):
                topic, _, case = one.partition("/")
                known = {item["id"] for item in reference.load(topic)} if case else {""}
                assert one == "counted in the study file" or case in known
    assert len(json.loads(report_json(whole))["tables"]) == len(whole.tables)


@pytest.mark.verifies("SRS-CLIN-017")
def test_sizes_too_few_to_compare_are_reported_as_not_estimable(made, table):
    few = ReadTable(
        **{name: getattr(table, name) for name in ReadTable.__slots__ if name != "sizes_mm"},
        sizes_mm=np.where(table.cases == "c001", 8.0, np.nan),
    )
    report = _report(made, few)
    assert "not estimable: 1 cases" in report_html(report)
    assert "bland_altman" not in [plot.name for plot in report.plots]
