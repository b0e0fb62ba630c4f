from __future__ import annotations

import pytest

from lungai_core.clinical.results import Unit
from lungai_core.clinical.sample_size_plan import SampleSizeQuestion, StudyDesign, plan_sample_size
from lungai_core.errors import DesignIncompleteError

STATED = {
    "test": 0.9,
    "control": 0.85,
    "margin": 0.05,
    "half_width": 0.05,
    "discordant": 0.17,
    "prevalence": 0.5,
    "dropout": 0.0,
    "unit": Unit.PATIENT,
}


@pytest.mark.verifies("SRS-CLIN-008", "RC-CLIN-005")
def test_the_articles_inputs_are_refused_with_what_they_lack():
    question = SampleSizeQuestion(design=StudyDesign.PAIRED_NON_INFERIORITY, test=0.9, control=0.85, margin=0.05)
    with pytest.raises(DesignIncompleteError, match="prevalence, dropout, unit, discordant"):
        plan_sample_size(question)


@pytest.mark.verifies("SRS-CLIN-008", "RC-CLIN-005")
@pytest.mark.parametrize(("unit", "missing"), [(Unit.LESION, "design_effect"), (Unit.READ, "readers")])
def test_lesions_need_a_design_effect_and_reads_their_readers(unit, missing):
    question = SampleSizeQuestion(design=StudyDesign.PAIRED_SUPERIORITY, **{**STATED, "unit": unit})
    with pytest.raises(DesignIncompleteError, match=missing):
        plan_sample_size(question)


@pytest.mark.verifies("SRS-CLIN-008")
@pytest.mark.parametrize(
    ("design", "cases", "enrolled"),
    [
        (StudyDesign.PAIRED_SUPERIORITY, 532, 1064),
        (StudyDesign.UNPAIRED_SUPERIORITY, 1372, 2744),
        (StudyDesign.UNPAIRED_NON_INFERIORITY, 356, 712),
        (StudyDesign.PRECISION, 139, 278),
    ],
)
def test_stated_assumptions_give_the_number_of_the_formula(design, cases, enrolled):
    answer = plan_sample_size(SampleSizeQuestion(design=design, **STATED))
    assert (answer.n_with_condition, answer.n_to_enrol) == (cases, enrolled)
    assert answer.sensitivity


@pytest.mark.verifies("SRS-CLIN-008")
def test_the_sensitivity_table_shows_each_stated_assumption_shifted():
    stated = {**STATED, "unit": Unit.LESION, "design_effect": 1.2, "dropout": 0.1}
    answer = plan_sample_size(SampleSizeQuestion(design=StudyDesign.PAIRED_NON_INFERIORITY, **stated))
    assumptions = [row.assumption for row in answer.sensitivity]
    assert set(assumptions) == {"discordant", "prevalence", "dropout", "design_effect"}
    prevalence = [row.n_to_enrol for row in answer.sensitivity if row.assumption == "prevalence"]
    assert prevalence == sorted(prevalence, reverse=True)
