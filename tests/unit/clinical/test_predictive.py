from __future__ import annotations

import pytest

from lungai_core.clinical.paired import PairedTable
from lungai_core.clinical.predictive import compare_npv, compare_ppv
from lungai_core.errors import NotEstimableError

TOPICS = ("paired_diagnostic",)


@pytest.mark.verifies("SRS-CLIN-022")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-022")
def test_equal_tests_do_not_differ():
    same = PairedTable(both=40, only_first=0, only_second=0, neither=10)
    other = PairedTable(both=5, only_first=0, only_second=0, neither=45)
    assert compare_ppv(same, other).generalised_score.p_value == 1
    assert compare_npv(same, other).values.relative == 1


@pytest.mark.verifies("SRS-CLIN-022")
def test_predictive_values_need_results_of_both_tests():
    silent = PairedTable(both=0, only_first=0, only_second=4, neither=6)
    with pytest.raises(NotEstimableError, match="LAI-CLIN-008"):
        compare_ppv(silent, silent)
