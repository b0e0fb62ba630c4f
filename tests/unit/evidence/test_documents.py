from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from importlib.resources import files

import pytest

from lungai_core.errors import EvidenceInputError, OpenPlaceholdersError, SignatureError
from lungai_core.evidence.bundle import BuildOrder, SignedFile, draft
from lungai_core.evidence.document import NOTICE, fields_of
from lungai_core.evidence.fields import NOT_MEASURED, FieldState, Language
from lungai_core.evidence.layout import Edition, columns_of, file_name, table_title
from lungai_core.evidence.material import Inputs
from lungai_core.evidence.outline import RowState
from lungai_core.evidence.project import read_project
from lungai_core.evidence.regulations import load_regulations
from lungai_core.evidence.render_pdf import typst_markup
from lungai_core.evidence.render_xlsx import tables_in
from lungai_core.evidence.sample import commit_all, run_sample
from lungai_core.evidence.seal import key_pair, seal, statement
from lungai_core.trace.record import Outcome


@pytest.fixture(scope="module")
def whole(project):
    """All 80 documents of the sample project, not rendered."""
    return draft(project, order=BuildOrder())


def by_artefact(made, artefact):
    return next(document for document in made.documents if document.artefact == artefact)


def texts(document):
    return [field.text.en for field in fields_of(document)]


def gaps(made, kind):
    return sorted({gap.subject for gap in made.material.gaps if gap.kind == kind})


def change_record(folder, change):
    path = folder / "build/trace/record.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.verifies("SRS-EVID-017", "RC-EVID-003")
def test_every_heading_of_every_table_is_answered_exactly_once(whole):
    regulations = load_regulations()
    asked = [row.row_id for outline in regulations.outlines for row in outline.rows]
    assert len(asked) == len(set(asked))
    assert list(whole.answers) == asked
    for answer in whole.answers.values():
        assert answer.value.text.en
        assert (answer.state is RowState.PLACEHOLDER) == answer.value.text.en.startswith("[TBC-")
        assert (answer.state is RowState.NOT_MEASURED) == (answer.value.text == NOT_MEASURED)


@pytest.mark.verifies("SRS-EVID-017", "RC-EVID-003")
def test_every_heading_stands_in_the_document_that_answers_it(whole):
    shown = {
        (document.artefact, row[0].en)
        for document in whole.documents
        for section in document.sections
        if section.title.en == "What is asked for here"
        for table in section.blocks
        for row in table.rows
    }
    assert shown == {(answer.row.artefact, answer.row.row_id) for answer in whole.answers.values()}


@pytest.mark.verifies("SRS-EVID-017", "SRS-EVID-030")
def test_the_tables_have_the_sizes_that_the_research_counted(whole):
    sizes = {outline.outline_id: len(outline.rows) for outline in load_regulations().outlines}
    assert (sizes["iec62304"], sizes["iec81001-5-1"], sizes["nmpa-capabilities"]) == (99, 57, 22)
    assert (sizes["gmlp"], sizes["fda-estar"], sizes["fda-se"], len(whole.documents)) == (10, 22, 32, 80)
    clauses = {row.row_id for outline in load_regulations().outlines for row in outline.rows}
    assert not {"62304-7.1.5", "62304-7.3.2"} & clauses
    class_a = {"5.7.2", "5.7.3", "5.7.4", "5.7.5", "5.8.1", "5.8.2", "5.8.7", "5.8.8", "6.2.3"}
    rows = {row.row_id: row for outline in load_regulations().outlines for row in outline.rows}
    assert all("A" in rows[f"62304-{clause}"].classes for clause in class_a)
    assert [sum(letter in row.classes for row in rows.values() if row.classes) for letter in "ABC"] == [58, 93, 99]


@pytest.mark.verifies("SRS-EVID-003")
def test_a_build_without_coverage_says_not_measured_and_one_gap_less_comes_with_it(project, inputs_folder):
    regulations = load_regulations()
    only = replace(
        regulations, artefacts=tuple(each for each in regulations.artefacts if each.artefact_id == "coverage")
    )
    without = draft(project, order=BuildOrder(regulations=only))
    report = {"meta": {"version": "7.17", "timestamp": "2026-11-22T20:00:00"}, "files": {},
              "totals": {"percent_covered": 91.5, "num_statements": 10, "covered_lines": 9, "num_branches": 2,
                         "covered_branches": 2, "excluded_lines": 0}}  # fmt: skip
    given = draft(project, order=BuildOrder(regulations=only, inputs=Inputs(inputs_folder("coverage.json", report))))
    assert texts(by_artefact(without, "coverage")).count("NOT MEASURED") == 6
    assert "NOT MEASURED" not in texts(by_artefact(given, "coverage"))
    assert "91.5" in texts(by_artefact(given, "coverage"))
    assert len(gaps(without, "not-measured")) == len(gaps(given, "not-measured")) + 1


@pytest.mark.verifies("SRS-EVID-004", "SRS-EVID-005")
def test_a_skipped_test_counts_as_skipped_and_its_requirement_is_not_verified(project_copy, few_regulations):
    def skip(content):
        result = next(each for each in content["results"] if "nothing_is_refused" in each["node_id"])
        result["outcome"] = "skipped"
        content["counts"]["passed"] -= 1
        content["counts"]["skipped"] += 1

    made = draft(
        read_project(project_copy, record=change_record(project_copy, skip)),
        order=BuildOrder(regulations=few_regulations),
    )
    assert {"SRS-002", "RC-001"} <= set(gaps(made, "not-verified"))
    summary = by_artefact(made, "test_reports")
    counts = next(
        table
        for section in summary.sections
        for table in section.blocks
        if table.title.en.startswith("Test cases by outcome")
    )
    printed = {row[0].en: row[1].text.en for row in counts.rows}
    assert [printed[name] for name in ("passed", "skipped", "failed", "xfailed", "deselected", "error")] == list(
        "310000"
    )
    assert len(counts.rows) == len(Outcome) + 1


@pytest.mark.verifies("SRS-EVID-004", "RC-EVID-001")
def test_a_record_whose_counts_do_not_add_up_is_refused(project_copy, few_regulations):
    def lie(content):
        content["counts"]["passed"] += 1

    with pytest.raises(EvidenceInputError, match="passed"):
        draft(
            read_project(project_copy, record=change_record(project_copy, lie)),
            order=BuildOrder(regulations=few_regulations),
        )


@pytest.mark.verifies("SRS-EVID-005", "RC-EVID-001")
def test_one_changed_byte_of_source_after_the_run_makes_every_verdict_stale(project_copy, few_regulations):
    source = project_copy / "sample/measure.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    record = project_copy / "build/trace/record.json"
    made = draft(read_project(project_copy, record=record), order=BuildOrder(regulations=few_regulations))
    matrix = texts(by_artefact(made, "trace_matrix"))
    assert "STALE" in matrix
    assert "VERIFIED" not in matrix
    assert gaps(made, "not-verified") == ["HAZ-001", "RC-001", "SRS-001", "SRS-002", "UN-001"]


@pytest.mark.verifies("SRS-EVID-009", "SRS-EVID-030")
def test_another_edition_changes_headings_and_nothing_else(project, tmp_path):
    folder = shutil.copytree(files("lungai_core.evidence") / "profiles", tmp_path / "profiles")
    path = folder / "outlines.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace("2006+A1:2015 (consolidated 1.1)", "2026"), encoding="utf-8"
    )
    regulations = load_regulations(folder)
    only = replace(regulations, artefacts=tuple(each for each in regulations.artefacts if each.artefact_id == "srs"))
    old = replace(load_regulations(), artefacts=only.artefacts)
    first, second = (draft(project, order=BuildOrder(regulations=each)) for each in (old, only))

    def words(made):
        edition = Edition("s", "1", "c", "2026-01-05T09:00:00+00:00")
        markup = typst_markup(made.documents[0], language=Language.EN, edition=edition, font="F")
        return markup.replace("2006+A1:2015 (consolidated 1.1)", "2026")

    assert words(first) == words(second)
    assert "life cycle processes (2026)" in words(second)


@pytest.mark.verifies("SRS-EVID-009")
def test_headings_of_draft_guidance_say_draft(whole):
    drafts = [outline for outline in load_regulations().outlines if outline.status == "draft"]
    assert [outline.outline_id for outline in drafts] == ["fda-ai"]
    assert "DRAFT" in drafts[0].heading.en
    assert "草案" in drafts[0].heading.zh
    assert "draft guidance" in by_artefact(whole, "monitoring_plan").draft_of.en or drafts[0].edition == "2025-01-07"


@pytest.mark.verifies("SRS-EVID-012")
@pytest.mark.parametrize("language", list(Language))
def test_the_notice_stands_first_in_every_document_in_both_languages(whole, language):
    edition = Edition("s", "1", "c", "2026-01-05T09:00:00+00:00")
    for document in whole.documents:
        markup = typst_markup(document, language=language, edition=edition, font="F")
        first_heading = markup.index("#heading(")
        assert max(markup.index(NOTICE.en), markup.index(NOTICE.zh)) < first_heading


@pytest.mark.verifies("SRS-EVID-013", "RC-EVID-001")
def test_the_tester_is_a_placeholder_unless_attested_and_an_author_is_flagged(project, few_regulations, inputs_folder):
    made = draft(project, order=BuildOrder(regulations=few_regulations))
    keys = set(made.material.register.rows)
    assert {"test_reports.tester", "test_reports.independence"} <= keys
    address = hashlib.sha256(b"author@example.invalid").hexdigest()
    for digest, flagged in ((address, ["tester"]), ("0" * 64, [])):
        folder = inputs_folder("attestation.json", {"tester": "T. Ester", "email_sha256": digest})
        made = draft(project, order=BuildOrder(regulations=few_regulations, inputs=Inputs(folder)))
        assert "T. Ester" in texts(by_artefact(made, "test_reports"))
        assert gaps(made, "independence") == flagged


@pytest.mark.verifies("SRS-EVID-014", "SRS-EVID-028")
def test_all_class_c_rows_apply_until_the_manufacturer_declares_a_class(project, keys, few_regulations):
    def not_applicable(order):
        answers = draft(project, order=order).answers.values()
        return sum(
            answer.state is RowState.NOT_APPLICABLE for answer in answers if answer.outline.outline_id == "iec62304"
        )

    assert not_applicable(BuildOrder(regulations=few_regulations)) == 0
    content = b'[fields]\n"safety_class.class" = "A"\n'
    signed = SignedFile(content, envelope(content, keys[0]), keys[1], "manufacturer.toml")
    assert not_applicable(BuildOrder(regulations=few_regulations, manufacturer=signed)) == 99 - 58


@pytest.mark.verifies("SRS-EVID-014")
def test_use_class_level_and_risk_estimates_are_left_to_the_manufacturer(whole):
    keys = set(whole.material.register.rows)
    assert {"rmf.HAZ-001", "common.device", "se_table.SE-07", "doc_level.SW-A"} <= keys
    filled = {answer.row.artefact for answer in whole.answers.values() if answer.state is RowState.FILLED}
    assert not {"intended_use", "clinical_report", "doc_level", "safety_class", "ifu", "se_table"} & filled


def envelope(content, private_key):
    digest = hashlib.sha256(content).hexdigest()
    said = statement({"manufacturer.toml": digest}, predicate_type="urn:x", predicate={})
    return seal(said, private_key=private_key)


@pytest.mark.verifies("SRS-EVID-018", "RC-EVID-001")
def test_a_manufacturer_file_counts_only_with_the_signature_of_the_trusted_key(project, few_regulations, keys):
    content = b'[fields]\n"common.device" = "Z"\n'
    good = SignedFile(content, envelope(content, keys[0]), keys[1], "manufacturer.toml")
    made = draft(project, order=BuildOrder(regulations=few_regulations, manufacturer=good))
    assert "Z" in texts(by_artefact(made, "srs"))
    with pytest.raises(SignatureError, match="LAI-EVID-005"):
        draft(project, order=BuildOrder(manufacturer=replace(good, public_key=key_pair()[1])))
    with pytest.raises(EvidenceInputError, match="not the one that was signed"):
        draft(project, order=BuildOrder(manufacturer=replace(good, content=content + b"\n")))


@pytest.mark.verifies("SRS-EVID-018")
def test_a_release_with_open_placeholders_is_refused(project, few_regulations):
    with pytest.raises(OpenPlaceholdersError, match="LAI-EVID-004"):
        draft(project, order=BuildOrder(regulations=few_regulations, release=True))


@pytest.mark.verifies("SRS-EVID-015", "SRS-EVID-005")
def test_a_protocol_that_was_changed_after_the_run_is_post_hoc(project_copy, few_regulations):
    protocol = project_copy / "requirements/protocols.md"
    protocol.write_text(protocol.read_text(encoding="utf-8").replace("0.1 mm", "0.2 mm"), encoding="utf-8")
    commit_all(project_copy, "Widen the criterion", when="2036-01-05T09:00:00+00:00")
    record = project_copy / "build/trace/record.json"
    made = draft(read_project(project_copy, record=record), order=BuildOrder(regulations=few_regulations))
    assert gaps(made, "post-hoc") == ["VP-001"]
    assert "POST-HOC" in texts(by_artefact(made, "test_plan"))
    assert "SRS-001" in gaps(made, "not-verified")


@pytest.mark.verifies("SRS-EVID-015", "SRS-EVID-027")
@pytest.mark.parametrize(
    ("change", "kind", "subjects"),
    [
        ({}, "version", []),
        ({"commit": "f" * 40}, "version", ["Release record: commit", "release"]),
        ({"version": "1.2.4"}, "version", ["Release record: version"]),
        ({"time": "2026-01-06T00:00:00+00:00"}, "post-hoc", ["VP-001"]),
    ],
)
def test_a_release_that_differs_from_what_was_tested_is_a_gap(project, inputs_folder, change, kind, subjects):
    release = {"version": "1.2.3", "commit": project.run.commit, "time": "2036-01-01T00:00:00+00:00", **change}
    made = draft(project, order=BuildOrder(inputs=Inputs(inputs_folder("release.json", release))))
    found = [subject for subject in gaps(made, kind) if subject != "Package installed in the run"]
    assert found == subjects


@pytest.mark.verifies("SRS-EVID-016")
def test_support_of_every_component_is_a_placeholder_or_has_a_source(project, project_copy):
    made = draft(project, order=BuildOrder())
    keys = set(made.material.register.rows)
    parts = [part.name for part in made.material.parts]
    assert parts
    assert {f"sbom.{name}.{key}" for name in parts for key in ("support_level", "end_of_support")} <= keys
    soup = project_copy / "design/soup.toml"
    known = (
        '\nsupport_level = "maintained"\nend_of_support = "2030-01-01"\nsupport_source = "https://x, read 2026-11-22"\n'
    )
    soup.write_text(soup.read_text(encoding="utf-8") + known, encoding="utf-8")
    record = project_copy / "build/trace/record.json"
    made = draft(read_project(project_copy, record=record), order=BuildOrder())
    assert not {"sbom.pytest.support_level", "sbom.pytest.end_of_support"} & set(made.material.register.rows)
    assert "2030-01-01 (https://x, read 2026-11-22)" in texts(by_artefact(made, "sbom"))


@pytest.mark.verifies("SRS-EVID-033")
def test_every_row_of_a_test_report_has_its_seven_fields(whole):
    report = by_artefact(whole, "unit_report")
    run = next(
        table
        for section in report.sections
        for table in section.blocks
        if getattr(table, "title", None) and table.title.en == "The recorded run"
    )
    names = {row[0].en for row in run.rows}
    assert {
        "Version of the software tested (commit)",
        "Hardware and software configuration",
        "Test tools",
        "Date tested (start, UTC)",
        "Identity of the tester",
    } <= names
    cases = report.sections[2].blocks[1]
    assert [column.en for column in cases.columns][:5] == ["Test case", "Verifies", "Expected", "Observed", "Anomaly"]
    assert len(cases.rows) == 3
    assert {row[3].text.en for row in cases.rows} == {"passed"}
    assert "a volume of nothing is refused" in {row[2].text.en for row in cases.rows}


@pytest.mark.verifies("SRS-EVID-033")
def test_levels_and_the_source_unit_to_test_pair_are_shown(whole):
    assert len(by_artefact(whole, "sys_report").sections[2].blocks[1].rows) == 1
    units = next(
        section
        for section in by_artefact(whole, "trace_matrix").sections
        if section.title.en == "Source code and tests"
    )
    row = units.blocks[0].rows[0]
    assert row[0].text.en == "sample.measure.diameter_mm"
    assert "test_measure.py::test_a_volume_of_nothing_is_refused" in row[2].text.en


@pytest.mark.verifies("SRS-EVID-031")
def test_the_architecture_is_drawn_from_the_layers_contract(whole):
    drawing = by_artefact(whole, "sad").sections[1].blocks[1]
    assert [layer.names for layer in drawing.layers] == [("report",), ("measure",), ("values", "errors")]
    assert [layer.uses_below for layer in drawing.layers] == [True, False, True]


@pytest.mark.verifies("SRS-EVID-002", "SRS-EVID-022")
def test_every_measured_value_has_a_pointer_and_every_value_a_known_source(whole):
    sources = whole.material.book.sources
    for document in whole.documents:
        for field in fields_of(document):
            if field.state is FieldState.MEASURED and not field.missing:
                assert field.pointer
            for source in field.sources:
                assert source in sources or re.fullmatch(r"TBC-[a-z_]+-\d{3,}", source)


@pytest.mark.verifies("SRS-EVID-033", "SRS-EVID-003")
def test_records_of_other_tools_fill_their_documents(project, inputs_folder):
    checks = [{"tool": "ruff", "version": "0.17", "command": "ruff check", "time": "t", "exit_code": 0, "findings": 0}]
    inputs_folder("static.json", {"tool": "lungai evidence measure", "time": "t", "checks": checks})
    inputs_folder(
        "fuzz.json",
        {"tool": "f 1", "target": "reader", "settings": "seed 1", "inputs": 10, "refused": 10, "failures": 0},
    )
    inputs_folder("model.json", {"name": "m", "sha256": "ab", "software_version": "9.9.9"})
    advisories = {"tool": "scan 1", "database": "d", "database_date": "2026-11-01", "time": "t", "components": 3,
                  "count": 1,
                  "findings": [{"component": "x", "version": "1", "id": "CVE-2026-0001", "kev": False}]}  # fmt: skip
    folder = inputs_folder("advisories.json", advisories)
    made = draft(project, order=BuildOrder(inputs=Inputs(folder)))
    assert "ruff check" in texts(by_artefact(made, "static_analysis"))
    assert "10" in texts(by_artefact(made, "cyber_test"))
    assert "CVE-2026-0001" in texts(by_artefact(made, "vuln"))
    assert "ab" in texts(by_artefact(made, "model_card"))
    assert "Model made for version" in gaps(made, "version")
    assert made.answers["CY-11.12"].state is RowState.FILLED
    with pytest.raises(EvidenceInputError, match=r"fuzz\.json"):
        draft(project, order=BuildOrder(inputs=Inputs(inputs_folder("fuzz.json", "{"))))


@pytest.mark.verifies("SRS-EVID-005", "SRS-EVID-033")
def test_a_failing_test_is_a_deviation_with_its_message(project_copy, few_regulations):
    source = project_copy / "sample/measure.py"
    source.write_text(source.read_text(encoding="utf-8").replace("6 *", "7 *"), encoding="utf-8")
    commit_all(project_copy, "Break the formula", when="2026-01-06T09:00:00+00:00")
    made = draft(
        read_project(project_copy, record=run_sample(project_copy)), order=BuildOrder(regulations=few_regulations)
    )
    summary = texts(by_artefact(made, "test_reports"))
    assert summary.count("failed") == 2
    assert any("assert" in text for text in summary)
    assert "FAILED" in texts(by_artefact(made, "trace_matrix"))


PHANTOMS = {
    "schema": "lungai-phantom-cases/1", "nature": "phantom", "tool": "lungai-core 1.2.3", "time": "2026-11-27T05:00:00",
    "started": "2026-11-27T05:00:00", "commit": "c" * 40, "uncommitted": 0, "python": "CPython 3.11", "os": "Linux",
    "cpu": "x", "environment_sha256": "0" * 64, "provider": "CPU", "model_name": "m", "model_version": "1",
    "model_trained": False, "model_sha256": "1" * 64, "seed": 7, "cpu_s": 1.5,
    "counts": {"cases": 2, "passed": 1, "failed": 1, "checks": 20, "checks_failed": 1},
    "cases": [
        {"case": f"P00{n}", "nodules": "solid 8.0 mm", "grid": "2.5 mm slices", "situation": "complete",
         "expected": "status complete; n1 side left", "observed": f"status complete; n1 side {side}", "result": result,
         "anomaly": anomaly}
        for n, side, result, anomaly in ((1, "left", "pass", "none"), (2, "right", "FAIL", "n1 side: right"))
    ],
}  # fmt: skip


@pytest.mark.verifies("SRS-EVID-037", "SRS-EVID-008", "RC-EVID-004")
def test_phantom_cases_stand_in_the_bench_report_and_their_counts_in_the_integration_report(project, inputs_folder):
    full = load_regulations()
    kept = tuple(each for each in full.artefacts if each.artefact_id in {"bench_report", "int_report"})
    folder = inputs_folder("PHANTOM_cases.json", PHANTOMS)
    order = BuildOrder(regulations=replace(full, artefacts=kept), inputs=Inputs(folder))
    made = draft(project, order=order)
    bench, integration = by_artefact(made, "bench_report"), by_artefact(made, "int_report")
    assert file_name(bench, language=Language.EN, ending="pdf") == "304_Bench_Measurement_Performance_PHANTOM_en.pdf"
    assert file_name(integration, language=Language.EN, ending="pdf") == "083_Integration_Test_Report_en.pdf"
    cases = next(table for table in tables_in(bench) if table.title.en == "Phantom cases")
    assert [cell.text.en for cell in cases.rows[1]] == [PHANTOMS["cases"][1][key] for key in (
        "case", "nodules", "grid", "situation", "expected", "observed", "result", "anomaly")]  # fmt: skip
    assert "PHANTOM CASES, NOT PATIENTS" in table_title(cases, Language.EN)
    assert "体模病例,非患者" in columns_of(cases, Language.ZH)[-2][0]
    about = {row[0].en: row[1] for table in tables_in(bench) for row in table.rows if len(row) == 2}
    seven = ("Version of the software tested", "Hash of the environment", "Date tested (start, UTC)")
    assert [about[name].text.en for name in seven] == ["lungai-core 1.2.3", "0" * 64, "2026-11-27T05:00:00"]
    assert about["Identity of the tester"].state is FieldState.MANUFACTURER
    counts = next(table for table in tables_in(integration) if table.title.en == "Counts")
    assert [row[1].text.en for row in counts.rows] == ["2", "1", "1", "20", "1"]
    assert made.material.book.sources[counts.rows[0][1].sources[0]].path == "evidence/inputs/PHANTOM_cases.json"


@pytest.mark.verifies("SRS-EVID-037", "SRS-EVID-003")
def test_without_phantom_cases_their_counts_are_not_measured(whole):
    counts = next(table for table in tables_in(by_artefact(whole, "int_report")) if table.title.en == "Counts")
    assert {row[1].text for row in counts.rows} == {NOT_MEASURED}


@pytest.mark.verifies("SRS-EVID-040")
def test_fuzz_counts_and_findings_of_the_secrets_scanner_are_printed(project, inputs_folder):
    full = load_regulations()
    kept = tuple(each for each in full.artefacts if each.artefact_id == "cyber_test")
    campaign = {"target": "reader", "test": "t.py::test_a", "inputs": 150, "failures": 0}
    record = {"tool": "hypothesis", "time": "", "settings": "s", "inputs": 150, "failures": 0, "campaigns": [campaign]}
    inputs_folder("fuzz.json", record)
    check = {"tool": "detect-secrets", "version": "1.5.0", "command": "c", "time": "t", "exit_code": 0, "findings": 0}
    folder = inputs_folder("static.json", {"tool": "x", "time": "t", "checks": [check]})
    order = BuildOrder(regulations=replace(full, artefacts=kept), inputs=Inputs(folder))
    tables = {table.title.en: table for table in tables_in(by_artefact(draft(project, order=order), "cyber_test"))}
    shown = [cell.text.en for cell in tables["Malformed and random input"].rows[0]]
    assert shown == ["reader", "t.py::test_a", "150", "0"]
    assert [row[0].text.en for row in tables["Static analysis"].rows] == ["detect-secrets"]
    assert "NOT MEASURED" not in {row[1].text.en for row in tables["Fuzzing"].rows[3:]}
