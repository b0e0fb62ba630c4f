from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.clinical.claims import ClaimDesign, RateClaim, check_claim
from lungai_core.clinical.differences import difference_interval
from lungai_core.clinical.proportions import Count

ARTICLE = RateClaim(
    first_percent=92.4, second_percent=84.7, difference_percent=7.7, lower_percent=4.2, upper_percent=11.3, n=1100
)


@pytest.fixture(scope="module")
def report():
    return check_claim(ARTICLE)


@pytest.mark.verifies("SRS-CLIN-009")
def test_the_articles_difference_cannot_come_from_its_number_of_cases(report):
    assert report.verdict == (
        "The printed digits need 542 to 700 pairs or 607 to 622 cases in each group. They cannot come from n = 1100."
    )
    assert [finding.at_claimed_n for finding in report.findings] == [0] * 9


@pytest.mark.verifies("SRS-CLIN-009")
def test_the_numbers_of_tables_are_those_of_an_independent_enumeration(report):
    counts = [finding.tables for finding in report.findings if finding.design is not ClaimDesign.ANY_SPLIT]
    assert counts == [4, 6, 4, 68, 87, 72]


@pytest.mark.verifies("SRS-CLIN-009")
def test_the_widest_paired_interval_at_the_claimed_number_is_named(report):
    paired = [finding for finding in report.findings if finding.design is ClaimDesign.PAIRED]
    assert all(finding.half_widths_at_claimed_n[1] == pytest.approx(2.8, abs=0.01) for finding in paired)
    assert all(-0.13 < finding.phi_range[0] < finding.phi_range[1] < 0.16 for finding in paired)


@pytest.mark.verifies("SRS-CLIN-009")
def test_a_true_claim_is_found_at_its_own_number():
    interval = difference_interval(Count(successes=92, n=110), Count(successes=80, n=110))
    claim = RateClaim(
        first_percent=round(9200 / 110, 1),
        second_percent=round(8000 / 110, 1),
        difference_percent=round(1200 / 110, 1),
        lower_percent=round(100 * interval.lower, 1),
        upper_percent=round(100 * interval.upper, 1),
        n=220,
    )
    report = check_claim(claim, search_up_to=150)
    assert "can come from n = 220" in report.verdict
    found = next(one for one in report.findings if one.design is ClaimDesign.UNPAIRED and "Miettinen" in one.method)
    assert found.at_claimed_n == 1


@pytest.mark.verifies("SRS-CLIN-009")
def test_an_impossible_claim_is_said_to_be_impossible():
    claim = RateClaim(
        first_percent=90.0, second_percent=80.0, difference_percent=10.0, lower_percent=9.9, upper_percent=40.0
    )
    report = check_claim(claim, search_up_to=200)
    assert report.verdict.startswith("No table of either design with up to 200")
    assert report.findings[0].half_widths_at_claimed_n is None


@pytest.mark.verifies("SRS-CLIN-009")
def test_a_difference_outside_its_limits_is_refused():
    with pytest.raises(ValidationError, match="between its limits"):
        RateClaim(
            first_percent=90.0, second_percent=80.0, difference_percent=10.0, lower_percent=11.0, upper_percent=12.0
        )
