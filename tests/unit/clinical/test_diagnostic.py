from __future__ import annotations

import pytest

from lungai_core.clinical.diagnostic import TwoByTwo, diagnostic_accuracy
from lungai_core.errors import StudyDataError

TOPICS = ("diagnostic_2x2",)


@pytest.mark.verifies("SRS-CLIN-022")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-022")
def test_a_ratio_over_nothing_is_undefined_and_not_infinite():
    result = diagnostic_accuracy(TwoByTwo(tp=5, fp=0, fn=0, tn=5))
    assert (result.lr_positive, result.lr_negative, result.diagnostic_odds_ratio) == (None, None, None)


@pytest.mark.verifies("SRS-CLIN-022")
def test_a_test_that_never_fires_has_no_positive_predictive_value():
    silent = diagnostic_accuracy(TwoByTwo(tp=0, fp=0, fn=5, tn=5))
    loud = diagnostic_accuracy(TwoByTwo(tp=5, fp=5, fn=0, tn=0))
    assert silent.ppv is None
    assert loud.npv is None


@pytest.mark.verifies("SRS-CLIN-022")
def test_a_table_without_disease_is_refused():
    with pytest.raises(StudyDataError, match="LAI-CLIN-001"):
        diagnostic_accuracy(TwoByTwo(tp=0, fp=5, fn=0, tn=5))
