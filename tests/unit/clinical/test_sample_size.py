from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.clinical.sample_size import (
    ErrorRates,
    PairedRates,
    exact_mcnemar_power,
    exact_paired_non_inferiority_power,
    mcnemar_pairs,
    paired_non_inferiority_pairs,
    unpaired_non_inferiority_cases,
    unpaired_superiority_cases,
)
from lungai_core.errors import InvalidArgumentError

TOPICS = ("sample_size",)


@pytest.mark.verifies("SRS-CLIN-008")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


RATES = ErrorRates()


@pytest.mark.verifies("SRS-CLIN-008")
def test_fleiss_pooled_size_of_ninety_against_eighty_five_per_cent():
    assert 2 * unpaired_superiority_cases(test=0.9, control=0.85, rates=RATES).n == 1372


@pytest.mark.verifies("SRS-CLIN-008")
def test_nams_size_has_its_power_and_the_test_its_level_by_enumeration():
    shares = PairedRates(only_test=0.06, only_control=0.06)
    n = paired_non_inferiority_pairs(shares, margin=0.05, rates=RATES).n
    assert exact_paired_non_inferiority_power(n=n, expected=shares, margin=0.05) == pytest.approx(0.807, abs=0.002)
    at_margin = PairedRates(only_test=0.05, only_control=0.10)
    assert exact_paired_non_inferiority_power(n=n, expected=at_margin, margin=0.05) <= 0.025


@pytest.mark.verifies("SRS-CLIN-008")
def test_the_exact_mcnemar_test_keeps_its_level():
    equal = PairedRates(only_test=0.1, only_control=0.1)
    assert exact_mcnemar_power(n=150, expected=equal) <= 0.05
    certain = PairedRates(only_test=0.5, only_control=0.0)
    assert exact_mcnemar_power(n=100, expected=certain) > 0.999


@pytest.mark.verifies("SRS-CLIN-008")
@pytest.mark.parametrize(
    "size",
    [
        lambda: mcnemar_pairs(discordant=0.05, difference=0.1, rates=RATES),
        lambda: paired_non_inferiority_pairs(PairedRates(only_test=0.0, only_control=0.1), margin=0.05, rates=RATES),
        lambda: unpaired_non_inferiority_cases(test=0.8, control=0.9, margin=0.05, rates=RATES),
        lambda: unpaired_superiority_cases(test=0.8, control=0.8, rates=RATES),
    ],
)
def test_an_assumption_without_a_size_is_refused(size):
    with pytest.raises(InvalidArgumentError, match="LAI-USE-001"):
        size()


@pytest.mark.verifies("SRS-CLIN-008")
def test_pairs_that_never_differ_are_no_assumption():
    with pytest.raises(ValidationError, match="discordant shares"):
        PairedRates(only_test=0.0, only_control=0.0)
