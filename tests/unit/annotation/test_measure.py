from __future__ import annotations

import pytest

from lungai_core.annotation.measure import (
    GeometryVerdict,
    check_volume,
    growth,
    sphere_diameter_mm,
    sphere_volume_mm3,
)
from lungai_core.errors import MeasurementImpossibleError

TOPICS = ("geometry", "growth")


@pytest.mark.verifies("SRS-ANNO-005", "SRS-ANNO-011")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-ANNO-005")
def test_a_nodule_of_904_mm3_and_12_4_mm_is_nine_per_cent_below_its_sphere():
    check = check_volume(904, mean_diameter_mm=12.4)
    assert round(check.deviation_percent, 1) == -9.4
    assert round(check.equivalent_diameter_mm, 1) == 12.0
    assert check.verdict is GeometryVerdict.PLAUSIBLE


@pytest.mark.verifies("SRS-ANNO-005", "RC-ANNO-002")
def test_a_volume_that_no_body_of_that_length_can_have_is_refused():
    assert check_volume(1040, mean_diameter_mm=12.4, longest_diameter_mm=12.4).ratio > 1
    with pytest.raises(MeasurementImpossibleError, match="LAI-ANNO-003"):
        check_volume(1100, mean_diameter_mm=12.4, longest_diameter_mm=12.4)


@pytest.mark.verifies("SRS-ANNO-005")
@pytest.mark.parametrize("volume", [500, 1400])
def test_a_shape_far_from_a_sphere_is_sent_to_review(volume):
    assert check_volume(volume, mean_diameter_mm=12.4).verdict is GeometryVerdict.REVIEW


@pytest.mark.verifies("SRS-ANNO-005")
def test_sphere_formulas_are_inverse_to_each_other():
    assert sphere_diameter_mm(sphere_volume_mm3(7.3)) == pytest.approx(7.3)


@pytest.mark.verifies("SRS-ANNO-005", "SRS-ANNO-011", "RC-ANNO-002")
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_measurement_that_is_not_positive_is_refused(value):
    with pytest.raises(MeasurementImpossibleError, match="not a positive number"):
        sphere_volume_mm3(value)
    with pytest.raises(MeasurementImpossibleError, match="not a positive number"):
        growth(first_mm3=100, second_mm3=value, days=90)


@pytest.mark.verifies("SRS-ANNO-011")
def test_an_unchanged_nodule_has_no_doubling_time():
    assert growth(first_mm3=100, second_mm3=100, days=90).doubling_time_days is None
