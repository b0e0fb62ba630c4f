from __future__ import annotations

import pytest

from lungai_core.annotation.grading import (
    Attenuation,
    FleischnerNodule,
    Multiplicity,
    RiskGroup,
    c_lung_rads_2024,
    fleischner_2017,
)
from lungai_core.errors import GradingNotApplicableError

TOPICS = ("fleischner_2017", "c_lung_rads")


@pytest.mark.verifies("SRS-ANNO-009")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


def _solid(**size):
    return FleischnerNodule(attenuation=Attenuation.SOLID, multiplicity=Multiplicity.SINGLE, risk=RiskGroup.LOW, **size)


@pytest.mark.verifies("SRS-ANNO-009")
def test_diameter_and_volume_cut_offs_of_fleischner_do_not_agree():
    assert fleischner_2017(_solid(mean_diameter_mm=5.9)) == "no routine follow-up"
    assert fleischner_2017(_solid(volume_mm3=107.5)) != "no routine follow-up"


@pytest.mark.verifies("SRS-ANNO-009")
@pytest.mark.parametrize("size", [{}, {"mean_diameter_mm": 6.0, "volume_mm3": 113.0}])
def test_fleischner_takes_exactly_one_measurement(size):
    with pytest.raises(GradingNotApplicableError, match="a diameter or a volume"):
        fleischner_2017(_solid(**size))


@pytest.mark.verifies("SRS-ANNO-009")
def test_fleischner_needs_the_risk_of_a_solid_nodule():
    with pytest.raises(GradingNotApplicableError, match="risk group"):
        fleischner_2017(_solid(mean_diameter_mm=6.0).model_copy(update={"risk": None}))


@pytest.mark.verifies("SRS-ANNO-009")
@pytest.mark.parametrize(("component", "category"), [(5.9, 2), (6.0, 3), (10.0, 4)])
def test_c_lung_rads_grades_part_solid_nodules_by_their_component(component, category):
    assert c_lung_rads_2024(Attenuation.PART_SOLID, mean_diameter_mm=12.0, solid_component_mm=component) == category


@pytest.mark.verifies("SRS-ANNO-009")
def test_c_lung_rads_lifts_a_nodule_that_the_model_suspects():
    assert c_lung_rads_2024(Attenuation.SOLID, mean_diameter_mm=7.0, model_probability=0.5) == 4
    assert c_lung_rads_2024(Attenuation.SOLID, mean_diameter_mm=5.0, model_probability=0.9) == 1


@pytest.mark.verifies("SRS-ANNO-009")
def test_c_lung_rads_needs_the_component_of_a_part_solid_nodule():
    with pytest.raises(GradingNotApplicableError, match="solid component"):
        c_lung_rads_2024(Attenuation.PART_SOLID, mean_diameter_mm=9.0)
