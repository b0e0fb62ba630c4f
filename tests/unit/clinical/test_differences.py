from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.differences import (
    DifferenceMethod,
    constrained_rates,
    difference_interval,
    non_inferiority_test,
)
from lungai_core.clinical.proportions import Count

TOPICS = ("unpaired_difference_ci",)


@pytest.mark.verifies("SRS-CLIN-002")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-002")
@pytest.mark.parametrize("method", list(DifferenceMethod))
def test_swapping_the_groups_negates_the_interval(method):
    one, other = Count(successes=56, n=70), Count(successes=48, n=80)
    forth, back = difference_interval(one, other, method=method), difference_interval(other, one, method=method)
    assert forth.lower == pytest.approx(-back.upper, abs=1e-9)
    assert forth.upper == pytest.approx(-back.lower, abs=1e-9)


@pytest.mark.verifies("SRS-CLIN-002")
@pytest.mark.parametrize("method", [DifferenceMethod.MEE, DifferenceMethod.MIETTINEN_NURMINEN])
def test_the_score_interval_inverts_the_non_inferiority_test(method):
    test, control = Count(successes=80, n=100), Count(successes=78, n=100)
    lower = difference_interval(test, control, method=method).lower
    assert non_inferiority_test(test, control, margin=-lower, method=method).p_value == pytest.approx(0.025, abs=1e-6)


@pytest.mark.verifies("SRS-CLIN-002")
def test_constrained_rates_differ_by_the_hypothesis_and_have_the_highest_likelihood():
    x, n = np.array([56.0, 48.0]), np.array([70.0, 80.0])
    one = np.ones(1)
    p1, p2 = constrained_rates((one * x[0] / n[0], one * x[1] / n[1]), (one * n[0], one * n[1]), difference=one * 0.1)
    assert p1[0] - p2[0] == pytest.approx(0.1)

    def likelihood(rate):
        rates = np.array([rate, rate - 0.1])
        return float(np.sum(x * np.log(rates) + (n - x) * np.log1p(-rates)))

    assert likelihood(p1[0]) >= max(likelihood(p1[0] - 1e-3), likelihood(p1[0] + 1e-3))


@pytest.mark.verifies("SRS-CLIN-002")
def test_two_groups_without_a_success_have_a_symmetric_score_interval():
    interval = difference_interval(Count(successes=0, n=10), Count(successes=0, n=10))
    assert interval.upper == pytest.approx(-interval.lower)
    assert interval.estimate == 0


@pytest.mark.verifies("SRS-CLIN-002")
def test_opposite_extremes_reach_one():
    interval = difference_interval(Count(successes=10, n=10), Count(successes=0, n=10))
    assert interval.upper == pytest.approx(1)
    assert 0.6 < interval.lower < 1
