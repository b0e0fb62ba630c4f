from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.clinical.mrmc import VarianceComponents
from lungai_core.clinical.sample_size_mrmc import MrmcAssumptions, MrmcEndpoint, mrmc_cases, mrmc_power
from lungai_core.clinical.sample_size_readers import ReaderDesign, ReaderSizeQuestion, plan_reader_study
from lungai_core.errors import DesignIncompleteError, InvalidArgumentError, NotEstimableError

ASSUMED = {
    "endpoint": MrmcEndpoint.SENSITIVITY,
    "readers": 20,
    "difference": 0.05,
    "expected": 0.85,
    "range_between": 0.1,
    "range_within": 0.05,
    "r1": 0.47,
    "r2": 0.3,
    "r3": 0.3,
    "reader_correlation": 0.8,
    "controls_per_case": 1.0,
    "lesions_per_case": 1.5,
    "icc": 0.3,
}
PILOT = {
    "readers": 5,
    "difference": 0.04,
    "components": VarianceComponents(
        reader=0.0015, treatment_reader=0.0002, error=0.0008, cov1=0.00035, cov2=0.00034, cov3=0.00024
    ),
    "pilot_cases": 114,
    "cases": 300,
}


@pytest.mark.verifies("SRS-CLIN-008", "RC-CLIN-005")
@pytest.mark.parametrize(
    ("design", "stated"), [(ReaderDesign.CASES, ASSUMED), (ReaderDesign.POWER, PILOT)], ids=["cases", "power"]
)
def test_each_assumption_left_out_is_named(design, stated):
    for name in stated:
        rest = {key: value for key, value in stated.items() if key != name}
        with pytest.raises(DesignIncompleteError, match=rf"\b{name}\b"):
            plan_reader_study(ReaderSizeQuestion(design=design, **rest))


@pytest.mark.verifies("SRS-CLIN-008")
def test_the_number_of_cases_is_that_of_the_formula_and_its_table_shifts_each_assumption():
    answer = plan_reader_study(ReaderSizeQuestion(design=ReaderDesign.CASES, **ASSUMED))
    assert answer.cases == mrmc_cases(MrmcAssumptions(**ASSUMED)).total == 140
    rows = {name: [row for row in answer.sensitivity if row.assumption == name] for name in ("readers", "difference")}
    assert [row.value for row in rows["readers"]] == [16, 20, 24]
    assert rows["readers"][1].cases == 140
    assert rows["readers"][0].cases is None or rows["readers"][0].cases > 140 > rows["readers"][2].cases
    assert rows["difference"][2].cases < 140
    assert {row.assumption for row in answer.sensitivity} == set(ASSUMED) - {
        "endpoint",
        "controls_per_case",
        "lesions_per_case",
    }


@pytest.mark.verifies("SRS-CLIN-008")
def test_a_shift_that_no_number_of_cases_survives_is_a_row_of_its_own():
    answer = plan_reader_study(ReaderSizeQuestion(design=ReaderDesign.CASES, **ASSUMED))
    lower = next(row for row in answer.sensitivity if row.assumption == "difference")
    assert lower.cases is None


@pytest.mark.verifies("SRS-CLIN-008")
def test_the_power_is_that_of_the_pilot_and_its_table_shifts_each_component():
    answer = plan_reader_study(ReaderSizeQuestion(design=ReaderDesign.POWER, **PILOT))
    components = PILOT["components"]
    expected = mrmc_power(components, pilot_cases=114, readers=5, cases=300, difference=0.04).power
    assert answer.power == expected
    readers = [row.power for row in answer.sensitivity if row.assumption == "readers"]
    error = [row.power for row in answer.sensitivity if row.assumption == "error"]
    assert readers == sorted(readers)
    assert error == sorted(error, reverse=True)
    assert {"cases", "treatment_reader", "cov1", "cov2", "cov3"} < {row.assumption for row in answer.sensitivity}


@pytest.mark.verifies("SRS-CLIN-008", "RC-CLIN-005")
def test_impossible_assumptions_are_refused_not_computed():
    with pytest.raises(ValidationError, match="r3 must not be above"):
        MrmcAssumptions(**{**ASSUMED, "r3": 0.4})
    with pytest.raises(InvalidArgumentError, match="needs readers and cases"):
        mrmc_power(PILOT["components"], pilot_cases=114, readers=1, cases=300, difference=0.04)
    contradictory = VarianceComponents(reader=0.0, treatment_reader=0.0, error=1e-4, cov1=2e-4, cov2=0.0, cov3=0.0)
    with pytest.raises(NotEstimableError, match="no variance for the test"):
        mrmc_power(contradictory, pilot_cases=114, readers=5, cases=300, difference=0.04)
