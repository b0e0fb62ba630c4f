from __future__ import annotations

import json

import pytest

from lungai_core.errors import StudyRefusedError
from lungai_core.evidence.bundle import BuildOrder, draft
from lungai_core.evidence.document import Nature
from lungai_core.evidence.fields import Language
from lungai_core.evidence.layout import columns_of, file_name, table_title, title_of
from lungai_core.evidence.material import Inputs
from lungai_core.evidence.render_xlsx import tables_in
from lungai_core.evidence.studies import read_study


def read(study):
    return read_study(json.dumps(study).encode(), where="s.json")


@pytest.mark.verifies("SRS-EVID-008", "SRS-EVID-010", "SRS-EVID-011")
def test_a_whole_study_is_accepted(study):
    assert read(study).nature is Nature.PHANTOM


@pytest.mark.verifies("SRS-EVID-008", "RC-EVID-004")
@pytest.mark.parametrize(
    ("nature", "artefact"),
    [("phantom", "clinical_report"), ("phantom", "standalone_perf"), ("research", "clinical_report"),
     ("patient", "clinical_report"), ("software", "bench_report")],
)  # fmt: skip
def test_results_never_fill_a_document_that_their_cases_do_not_allow(study, nature, artefact):
    with pytest.raises(StudyRefusedError, match="may not fill"):
        read({**study, "nature": nature, "artefact": artefact})


@pytest.mark.verifies("SRS-EVID-010", "RC-EVID-004")
@pytest.mark.parametrize("part", ["name", "version", "licence", "split_sha256", "reference_standard", "readers"])
def test_a_study_without_a_part_of_its_data_card_is_refused(study, part):
    study["data"][part] = ""
    with pytest.raises(StudyRefusedError, match=part):
        read(study)


@pytest.mark.verifies("SRS-EVID-011", "RC-EVID-004")
@pytest.mark.parametrize("part", ["value", "unit", "n", "n_unit", "ci_low", "ci_high", "ci_method"])
def test_a_metric_without_interval_number_or_unit_is_refused(study, part):
    study["metrics"][0][part] = None
    with pytest.raises(StudyRefusedError, match=part):
        read(study)


@pytest.mark.verifies("SRS-EVID-011", "RC-EVID-004")
def test_dropping_one_case_breaks_the_denominator(study):
    study["cases"].pop()
    with pytest.raises(StudyRefusedError, match="denominator is 6 and the list of cases gives 4"):
        read(study)


@pytest.mark.verifies("SRS-EVID-011")
@pytest.mark.parametrize(("unit", "n"), [("case", 3), ("patient", 3), ("lesion", 6)])
def test_each_unit_is_counted_in_its_own_way(study, unit, n):
    study["metrics"][0] |= {"n_unit": unit, "n": n}
    assert read(study).study_id == "phantom_diameter"


@pytest.mark.verifies("SRS-EVID-011")
def test_a_subgroup_is_counted_over_its_own_cases(study):
    study["metrics"][0] |= {"cases": ["c0"], "n": 2}
    assert read(study).artefact == "bench_report"


@pytest.mark.verifies("SRS-EVID-011")
def test_a_value_outside_its_interval_is_refused(study):
    study["metrics"][0]["value"] = 0.9
    with pytest.raises(StudyRefusedError, match="outside its own interval"):
        read(study)


@pytest.mark.verifies("SRS-EVID-010")
@pytest.mark.parametrize(
    "change",
    [
        {"schema": "x/1"},
        {"nature": "dream"},
        {"study_id": "a b"},
        {"match_rule": ""},
        {"started": "2026-11-22T20:00:00"},
        {"started": "yesterday"},
    ],
)
def test_a_record_of_another_form_is_refused(study, change):
    with pytest.raises(StudyRefusedError):
        read({**study, **change})
    with pytest.raises(StudyRefusedError):
        read_study(b"[]", where="s.json")


@pytest.mark.verifies("SRS-EVID-008")
def test_phantom_results_say_so_in_title_column_and_file_name(project, few_regulations, inputs_folder, study):
    folder = inputs_folder("studies/a.json", study)
    made = draft(project, order=BuildOrder(regulations=few_regulations, inputs=Inputs(folder)))
    document = next(each for each in made.documents if each.artefact == "bench_report")
    results = next(table for table in tables_in(document) if table.nature is Nature.PHANTOM)
    assert file_name(document, language=Language.EN, ending="pdf") == "304_Bench_Measurement_Performance_PHANTOM_en.pdf"
    for language, words in ((Language.EN, "PHANTOM CASES, NOT PATIENTS"), (Language.ZH, "体模病例,非患者")):
        assert words in title_of(document, language)
        assert words in table_title(results, language)
        assert any(words in name for name, _ in columns_of(results, language))
    assert {row[1].text.en for row in results.rows} == {"0.4"}


@pytest.mark.verifies("SRS-EVID-015")
def test_times_are_compared_as_times_and_not_as_text(project, few_regulations, inputs_folder, study):
    # The sample's protocol was committed at 09:00 UTC: 10:30 in the zone of +02:00 is half an hour before.
    folder = inputs_folder("studies/a.json", {**study, "started": "2026-01-05T10:30:00+02:00"})
    made = draft(project, order=BuildOrder(regulations=few_regulations, inputs=Inputs(folder)))
    assert [gap.subject for gap in made.material.gaps if gap.kind == "post-hoc"] == ["phantom_diameter"]


@pytest.mark.verifies("SRS-EVID-015")
def test_a_study_is_post_hoc_if_its_protocol_was_changed_after_it_began(project, few_regulations, inputs_folder, study):
    folder = inputs_folder("studies/a.json", {**study, "started": "2025-01-01T00:00:00+00:00"})
    made = draft(project, order=BuildOrder(regulations=few_regulations, inputs=Inputs(folder)))
    assert [gap.subject for gap in made.material.gaps if gap.kind == "post-hoc"] == ["phantom_diameter"]
