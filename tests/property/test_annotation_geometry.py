from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.annotation.consensus import TieRule, intersection, majority, staple, union
from lungai_core.annotation.contours import polygon_area, polygon_mask
from lungai_core.annotation.measure import check_volume, growth, sphere_diameter_mm, sphere_volume_mm3

SOME = settings(max_examples=40, deadline=None)
SIZE = st.floats(0.5, 80)


@pytest.mark.verifies("SRS-ANNO-005")
@SOME
@given(SIZE)
def test_a_sphere_does_not_deviate_from_itself(diameter):
    volume = sphere_volume_mm3(diameter)
    assert sphere_diameter_mm(volume) == pytest.approx(diameter)
    check = check_volume(volume, mean_diameter_mm=diameter, longest_diameter_mm=diameter)
    assert check.deviation_percent == pytest.approx(0, abs=1e-9)


@pytest.mark.verifies("SRS-ANNO-011")
@SOME
@given(SIZE, st.floats(1.01, 50), st.floats(1, 2000))
def test_growing_back_takes_the_negative_doubling_time(first, factor, days):
    there = growth(first_mm3=first, second_mm3=first * factor, days=days)
    back = growth(first_mm3=first * factor, second_mm3=first, days=days)
    assert there.doubling_time_days == pytest.approx(-back.doubling_time_days)


@pytest.mark.verifies("SRS-ANNO-010")
@SOME
@given(st.integers(0, 9), st.integers(0, 9), st.integers(2, 12), st.integers(2, 12))
def test_a_rectangle_holds_the_pixels_strictly_inside(left, top, width, height):
    corners = np.array([(left, top), (left + width, top), (left + width, top + height), (left, top + height)])
    assert polygon_mask(corners, shape_yx=(24, 24)).sum() == (width - 1) * (height - 1)
    assert polygon_area(corners.astype(float)) == width * height


@pytest.mark.verifies("SRS-ANNO-010")
@SOME
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=3, max_size=9), st.integers(0, 5))
def test_moving_a_contour_moves_its_mask(points, step):
    here = polygon_mask(np.array(points), shape_yx=(24, 24))
    there = polygon_mask(np.array(points) + step, shape_yx=(24, 24))
    assert (np.argwhere(here) + step).tolist() == np.argwhere(there).tolist()


@pytest.mark.verifies("SRS-ANNO-006")
@SOME
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_every_consensus_lies_between_intersection_and_union(seed, readers):
    masks = list(np.random.default_rng(seed).random((readers, 3, 4, 5)) < 0.4)
    for mask in (majority(masks, ties=TieRule.INSIDE), majority(masks, ties=TieRule.OUTSIDE)):
        assert not (intersection(masks) & ~mask).any()
        assert not (mask & ~union(masks)).any()
    assert all(0 <= value <= 1 + 1e-12 for value in staple(masks, max_iterations=50).sensitivity)
