from __future__ import annotations

import pytest

from lungai_core.clinical.mrmc import VarianceComponents
from lungai_core.clinical.sample_size_mrmc import MrmcAssumptions, MrmcEndpoint, mrmc_cases, mrmc_power
from lungai_core.errors import NotEstimableError

PLAN = MrmcAssumptions(
    endpoint=MrmcEndpoint.SENSITIVITY,
    readers=20,
    difference=0.05,
    expected=0.85,
    range_between=0.1,
    range_within=0.05,
    r1=0.47,
    icc=0.3,
    lesions_per_case=1.5,
)


@pytest.mark.verifies("SRS-CLIN-008")
def test_twenty_readers_need_140_cases_and_ten_are_not_enough():
    assert mrmc_cases(PLAN).total == 140
    with pytest.raises(NotEstimableError, match="so few readers"):
        mrmc_cases(PLAN.model_copy(update={"readers": 5}))


@pytest.mark.verifies("SRS-CLIN-008")
def test_power_grows_with_cases_and_readers():
    components = VarianceComponents(
        reader=0.0015, treatment_reader=0.0002, error=0.0008, cov1=0.00035, cov2=0.00034, cov3=0.00024
    )

    def power(readers, cases):
        return mrmc_power(components, pilot_cases=114, readers=readers, cases=cases, difference=0.04).power

    assert power(5, 100) < power(5, 300) < power(10, 300) < 1
    assert mrmc_power(components, pilot_cases=114, readers=5, cases=200, difference=1e-6).power == pytest.approx(
        0.05, abs=1e-3
    )
