from __future__ import annotations

import pytest

from lungai_core.clinical.paired import (
    McNemarMethod,
    PairedMethod,
    PairedTable,
    mcnemar_test,
    non_inferiority_then_superiority,
    paired_interval,
    paired_non_inferiority_test,
)
from lungai_core.errors import NotEstimableError

TOPICS = ("paired_difference",)


@pytest.mark.verifies("SRS-CLIN-003")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-003")
@pytest.mark.parametrize("method", list(PairedMethod))
def test_swapping_the_decisions_negates_the_interval(method):
    forth = paired_interval(PairedTable(both=59, only_first=6, only_second=16, neither=80), method=method)
    back = paired_interval(PairedTable(both=59, only_first=16, only_second=6, neither=80), method=method)
    assert forth.lower == pytest.approx(-back.upper, abs=1e-9)


@pytest.mark.verifies("SRS-CLIN-003")
def test_an_empty_table_has_no_interval():
    with pytest.raises(NotEstimableError, match="LAI-CLIN-008"):
        paired_interval(PairedTable(both=0, only_first=0, only_second=0, neither=0))


@pytest.mark.verifies("SRS-CLIN-003")
@pytest.mark.parametrize("method", list(McNemarMethod))
def test_without_a_discordant_pair_nothing_is_shown(method):
    table = PairedTable(both=5, only_first=0, only_second=0, neither=5)
    assert mcnemar_test(table, method=method).p_value == 1
    assert paired_interval(table, method=PairedMethod.NEWCOMBE).estimate == 0


@pytest.mark.verifies("SRS-CLIN-003")
def test_a_table_without_a_margin_has_no_correlation_and_still_an_interval():
    interval = paired_interval(
        PairedTable(both=5, only_first=0, only_second=0, neither=0), method=PairedMethod.NEWCOMBE
    )
    assert interval.lower < 0 < interval.upper


@pytest.mark.verifies("SRS-CLIN-003")
def test_superiority_is_tested_only_behind_the_gate():
    closed = non_inferiority_then_superiority(
        PairedTable(both=50, only_first=5, only_second=15, neither=30), margin=0.05
    )
    opened = non_inferiority_then_superiority(
        PairedTable(both=477, only_first=86, only_second=39, neither=7), margin=0.05
    )
    equal = non_inferiority_then_superiority(
        PairedTable(both=900, only_first=20, only_second=20, neither=60), margin=0.05
    )
    assert (closed.non_inferior, closed.superiority, closed.superior) == (False, None, False)
    assert opened.superior
    assert opened.non_inferiority.statistic == pytest.approx(6.62, abs=0.01)
    assert (equal.non_inferior, equal.superior) == (True, False)


@pytest.mark.verifies("SRS-CLIN-003")
def test_tangos_printed_contact_lens_example_is_met():
    table = PairedTable(both=43, only_first=0, only_second=1, neither=0)
    result = paired_non_inferiority_test(table, margin=0.1)
    assert (round(result.statistic, 2), round(result.p_value, 3)) == (1.71, 0.044)
