from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.clinical.risk_models import GouldInput, gould_risk

TOPICS = ("risk_model",)


@pytest.mark.verifies("SRS-CLIN-021")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-021")
def test_years_since_quitting_lower_the_risk():
    smoker = GouldInput(age_years=62.0, ever_smoker=True, years_since_quitting=0.0, diameter_mm=10.0)
    former = smoker.model_copy(update={"years_since_quitting": 20.0})
    assert gould_risk(former).probability < gould_risk(smoker).probability


@pytest.mark.verifies("SRS-CLIN-021")
def test_a_diameter_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="diameter_mm"):
        GouldInput(age_years=62.0, ever_smoker=True, years_since_quitting=0.0, diameter_mm=0.0)
