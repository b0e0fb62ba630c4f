from __future__ import annotations

import pytest

from lungai_core.annotation.lung_rads import Finding, LungRadsFinding, Timing, lung_rads_2022
from lungai_core.errors import GradingNotApplicableError

TOPICS = ("lung_rads",)


@pytest.mark.verifies("SRS-ANNO-009")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-ANNO-009")
@pytest.mark.parametrize(
    ("finding", "timing", "diameter", "component", "category"),
    [
        (Finding.SOLID, Timing.NEW, 3.9, None, "2"),
        (Finding.SOLID, Timing.NEW, 8.0, None, "4B"),
        (Finding.SOLID, Timing.GROWING, 8.0, None, "4B"),
        (Finding.SOLID, Timing.SLOWLY_GROWING, 5.0, None, "4B"),
        (Finding.PART_SOLID, Timing.BASELINE, 9.0, 5.9, "3"),
        (Finding.PART_SOLID, Timing.BASELINE, 9.0, 8.0, "4B"),
        (Finding.PART_SOLID, Timing.NEW, 9.0, 3.9, "4A"),
        (Finding.PART_SOLID, Timing.NEW, 9.0, 4.0, "4B"),
        (Finding.PART_SOLID, Timing.GROWING_SOLID_COMPONENT, 5.0, 3.0, "4A"),
        (Finding.PART_SOLID, Timing.SLOWLY_GROWING, 7.0, None, "4B"),
        (Finding.GROUND_GLASS, Timing.BASELINE, 29.9, None, "2"),
        (Finding.GROUND_GLASS, Timing.STABLE, 35.0, None, "2"),
        (Finding.GROUND_GLASS, Timing.NEW, 30.0, None, "3"),
        (Finding.JUXTAPLEURAL, Timing.BASELINE, 10.0, None, "4A"),
        (Finding.AIRWAY_SUBSEGMENTAL, Timing.BASELINE, None, None, "2"),
        (Finding.AIRWAY_PROXIMAL, Timing.BASELINE, None, None, "4A"),
        (Finding.CYST_THICK_WALLED, Timing.GROWING, None, None, "3"),
        (Finding.CYST_MULTILOCULAR, Timing.GROWING, None, None, "4B"),
    ],
)
def test_a_row_of_the_table_gives_its_category(finding, timing, diameter, component, category):
    graded = LungRadsFinding(finding=finding, timing=timing, mean_diameter_mm=diameter, solid_component_mm=component)
    assert lung_rads_2022(graded).value == category


@pytest.mark.verifies("SRS-ANNO-009")
@pytest.mark.parametrize(
    ("finding", "timing", "diameter"),
    [
        (Finding.SOLID, Timing.STABLE, 7.0),
        (Finding.SOLID, Timing.BASELINE, None),
        (Finding.PART_SOLID, Timing.STABLE, 7.0),
        (Finding.PART_SOLID, Timing.BASELINE, 7.0),
        (Finding.GROUND_GLASS, Timing.GROWING, 31.0),
        (Finding.JUXTAPLEURAL, Timing.GROWING, 7.0),
        (Finding.AIRWAY_PROXIMAL, Timing.STABLE, None),
    ],
)
def test_a_finding_without_a_row_or_measurement_is_refused(finding, timing, diameter):
    with pytest.raises(GradingNotApplicableError, match="LAI-ANNO-007"):
        lung_rads_2022(LungRadsFinding(finding=finding, timing=timing, mean_diameter_mm=diameter))
