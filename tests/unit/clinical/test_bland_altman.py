from __future__ import annotations

import pytest

from lungai_core.clinical.bland_altman import bland_altman
from lungai_core.errors import NotEstimableError

TOPICS = ("bland_altman",)


@pytest.mark.verifies("SRS-CLIN-014")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-014")
def test_two_pairs_or_constant_differences_have_no_limits():
    with pytest.raises(NotEstimableError, match="2 pairs"):
        bland_altman([1, 2], [1, 3])
    with pytest.raises(NotEstimableError, match="3 pairs"):
        bland_altman([1, 2, 3], [2, 3, 4])


@pytest.mark.verifies("SRS-CLIN-014")
def test_exact_limits_are_wider_on_the_outer_side():
    result = bland_altman([1.0, 2.0, 3.5, 4.0, 5.5], [1.2, 1.9, 3.0, 4.4, 5.0])
    exact, near = result.upper_limit_exact, result.upper_limit
    assert exact.upper - exact.estimate > exact.estimate - exact.lower
    assert exact.estimate == near.estimate
