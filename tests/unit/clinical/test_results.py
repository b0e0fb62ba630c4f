from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from lungai_core.clinical.results import HypothesisTest, Interval, Unit


@pytest.mark.verifies("SRS-CLIN-016")
def test_a_result_without_its_method_does_not_exist():
    with pytest.raises(ValidationError, match="method"):
        Interval.model_validate({"estimate": 0.5, "lower": 0.4, "upper": 0.6, "confidence": 0.95})


@pytest.mark.verifies("SRS-CLIN-016")
def test_a_result_holds_no_infinity():
    with pytest.raises(ValidationError, match="finite"):
        HypothesisTest(statistic=math.inf, p_value=0.5, method="none")


@pytest.mark.verifies("SRS-CLIN-016")
def test_units_are_named_as_they_are_reported():
    assert [unit.value for unit in Unit] == ["patient", "lesion", "scan", "read"]
