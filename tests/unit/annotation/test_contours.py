from __future__ import annotations

import numpy as np
import pytest

from lungai_core.annotation.contours import (
    Contour,
    contours_mask,
    longest_axial_mm,
    polygon_area,
    polygon_mask,
    slab_volume_mm3,
)
from lungai_core.errors import ConsensusError

SQUARE = ((2, 2), (3, 2), (4, 2), (5, 2), (5, 3), (5, 4), (5, 5), (4, 5), (3, 5), (2, 5), (2, 4), (2, 3))


def _contour(points, inclusion=True, slice_name="s0"):
    return Contour(z_mm=0.0, sop_instance_uid=slice_name, inclusion=inclusion, points_xy=tuple(points))


@pytest.mark.verifies("SRS-ANNO-010")
def test_the_pixels_of_a_contour_are_outside_of_the_nodule():
    mask = polygon_mask(np.array(SQUARE), shape_yx=(8, 8))
    assert np.argwhere(mask).tolist() == [[3, 3], [3, 4], [4, 3], [4, 4]]


@pytest.mark.verifies("SRS-ANNO-010")
def test_edges_that_skip_pixels_exclude_those_they_pass_through():
    diamond = polygon_mask(np.array([(4, 0), (8, 4), (4, 8), (0, 4)]), shape_yx=(9, 9))
    assert diamond.sum() == 25
    assert not diamond[2, 2]


@pytest.mark.verifies("SRS-ANNO-010")
def test_a_contour_over_the_border_is_cut():
    mask = polygon_mask(np.array([(-2, -2), (3, -2), (3, 3), (-2, 3)]), shape_yx=(4, 4))
    assert mask.sum() == 9
    assert mask[:3, :3].all()


@pytest.mark.verifies("SRS-ANNO-010")
def test_a_hole_is_taken_out_and_its_contour_stays():
    outer = [(0, 0), (10, 0), (10, 10), (0, 10)]
    hole = [(3, 3), (7, 3), (7, 7), (3, 7)]
    mask = contours_mask([_contour(outer), _contour(hole, inclusion=False)], shape_zyx=(1, 12, 12), slices={"s0": 0})
    assert mask.sum() == 81 - 9
    assert mask[0, 3, 3]


@pytest.mark.verifies("SRS-ANNO-010")
def test_one_point_is_a_mark_without_a_voxel():
    mask = contours_mask([_contour([(3, 3)])], shape_zyx=(1, 8, 8), slices={"s0": 0})
    assert mask.sum() == 0


@pytest.mark.verifies("SRS-ANNO-010")
def test_a_contour_of_another_series_is_refused():
    with pytest.raises(ConsensusError, match="slice that the series does not have"):
        contours_mask([_contour(SQUARE, slice_name="other")], shape_zyx=(1, 8, 8), slices={"s0": 0})


@pytest.mark.verifies("SRS-ANNO-010")
def test_area_diameter_and_volume_follow_from_the_points():
    outer, hole = (
        _contour([(0, 0), (4, 0), (4, 3), (0, 3)]),
        _contour([(1, 1), (2, 1), (2, 2), (1, 2)], inclusion=False),
    )
    assert polygon_area(np.array(outer.points_xy, dtype=float)) == 12
    assert polygon_area(np.array([[1.0, 1.0]])) == 0
    assert longest_axial_mm([outer, hole], pixel_spacing_mm=0.5) == pytest.approx(2.5)
    assert slab_volume_mm3([outer, hole], pixel_spacing_mm=0.5, slice_spacing_mm=2.0) == pytest.approx(11 * 0.25 * 2)
