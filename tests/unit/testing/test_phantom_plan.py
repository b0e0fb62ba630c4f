from __future__ import annotations

import math
from itertools import product

import pytest

from lungai_core.testing.phantom import NoduleKind
from lungai_core.testing.phantom_plan import CaseSituation, GridOrientation, phantom_plan

PLAN = phantom_plan(200, seed=1)


@pytest.mark.verifies("SRS-TEST-005")
def test_the_same_count_and_seed_give_the_same_plan_and_another_seed_another():
    assert phantom_plan(200, seed=1) == PLAN
    assert phantom_plan(200, seed=2)[0].spec != PLAN[0].spec
    assert phantom_plan(20, seed=1) == PLAN[:20]


@pytest.mark.verifies("SRS-TEST-005")
def test_two_hundred_cases_hold_each_pair_of_kind_spacing_and_orientation():
    spacings = {case.spec.spacing_zyx_mm for case in PLAN}
    firsts = [(case.spec.nodules[0].kind, case.spec.spacing_zyx_mm, case.orientation) for case in PLAN]
    assert len(spacings) == 5
    assert {(kind, orientation) for kind, _, orientation in firsts} == set(product(NoduleKind, GridOrientation))
    assert {(kind, spacing) for kind, spacing, _ in firsts} == set(product(NoduleKind, spacings))
    assert {(spacing, orientation) for _, spacing, orientation in firsts} == set(product(spacings, GridOrientation))


@pytest.mark.verifies("SRS-TEST-005")
def test_sizes_noise_sides_and_situations_are_varied():
    nodules = [nodule for case in PLAN for nodule in case.spec.nodules]
    assert all(4 <= nodule.diameter_mm <= 30 for nodule in nodules)
    assert min(nodule.diameter_mm for nodule in nodules) < 5
    assert max(nodule.diameter_mm for nodule in nodules) > 27
    assert min(case.spec.noise_hu for case in PLAN) < 10
    assert max(case.spec.noise_hu for case in PLAN) > 35
    assert sum(nodule.center_lps_mm[0] > 0 for nodule in nodules) in range(80, 150)
    assert {case.situation for case in PLAN} == set(CaseSituation)
    assert sum(case.situation is CaseSituation.COMPLETE for case in PLAN) == 190
    assert len({case.spec.seed for case in PLAN}) == len({case.case_id for case in PLAN}) == 200


@pytest.mark.verifies("SRS-TEST-005")
def test_every_nodule_lies_in_its_grid_apart_from_the_others_and_its_candidate_beside_its_centre():
    for case in PLAN:
        geometry = case.spec.geometry
        for nodule, point in zip(case.spec.nodules, case.candidates_lps_mm, strict=True):
            index = geometry.index_from_lps(nodule.center_lps_mm)
            reach = [nodule.diameter_mm / 2 / spacing for spacing in geometry.spacing_zyx_mm]
            assert all(r < i < n - 1 - r for i, n, r in zip(index, geometry.shape_zyx, reach, strict=True))
            assert 0 < math.dist(nodule.center_lps_mm, point) <= 1.5 * math.sqrt(3) + 0.02
        if len(case.spec.nodules) == 2:
            first, second = case.spec.nodules
            gap_mm = math.dist(first.center_lps_mm, second.center_lps_mm) - (first.diameter_mm + second.diameter_mm) / 2
            assert gap_mm == pytest.approx(10, abs=0.05)


@pytest.mark.verifies("SRS-TEST-005")
def test_a_situation_decides_the_candidate_list():
    case = PLAN[0]
    assert case.situation is CaseSituation.COMPLETE
    lists = {
        situation: case.model_copy(update={"situation": situation}).candidates("1.2.3") for situation in CaseSituation
    }
    assert [len(listed.candidates) for listed in lists.values()] == [1, 0, 2, 1, 1]
    others = {situation for situation, listed in lists.items() if listed.series_instance_uid != "1.2.3"}
    assert others == {CaseSituation.OTHER_SERIES}
