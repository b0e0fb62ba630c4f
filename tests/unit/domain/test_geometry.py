from __future__ import annotations

import math

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.errors import InvalidGeometryError

AXIAL = Geometry(shape_zyx=(4, 5, 6), spacing_zyx_mm=(2.5, 0.7, 0.7), origin_lps_mm=(-10.0, -20.0, 30.0))


@pytest.mark.verifies("SRS-DOM-001")
def test_the_first_voxel_lies_at_the_origin_and_steps_follow_the_axes():
    assert AXIAL.lps_from_index((0, 0, 0)) == pytest.approx((-10, -20, 30))
    assert AXIAL.lps_from_index((1, 0, 0)) == pytest.approx((-10, -20, 32.5))
    assert AXIAL.lps_from_index((0, 1, 0)) == pytest.approx((-10, -19.3, 30))
    assert AXIAL.lps_from_index((0, 0, 1)) == pytest.approx((-9.3, -20, 30))


@pytest.mark.verifies("SRS-DOM-001")
def test_the_affine_agrees_with_the_point_by_point_map():
    index = np.array([1.5, 2.25, 3.0])
    assert (AXIAL.affine_lps_from_zyx @ [*index, 1])[:3] == pytest.approx(AXIAL.lps_from_index(index))


@pytest.mark.verifies("SRS-DOM-003")
def test_voxels_reach_half_a_spacing_around_their_centre():
    assert AXIAL.contains_lps((-10.3, -20.0, 30.0))
    assert not AXIAL.contains_lps((-10.4, -20.0, 30.0))
    assert not AXIAL.contains_lps((-10.0, -20.0, 38.8))


@pytest.mark.verifies("SRS-DOM-001")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"spacing_zyx_mm": (0.0, 1.0, 1.0)}, "spacing is not positive"),
        ({"spacing_zyx_mm": (math.nan, 1.0, 1.0)}, "not a finite number"),
        ({"origin_lps_mm": (math.inf, 0.0, 0.0)}, "not a finite number"),
        ({"shape_zyx": (0, 5, 6)}, "no voxel"),
        ({"axes_zyx_lps": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.1, 0.0))}, "not orthogonal"),
        ({"axes_zyx_lps": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))}, "left-handed"),
    ],
)
def test_a_degenerate_grid_is_refused(change, what):
    grid = {
        "shape_zyx": (4, 5, 6),
        "spacing_zyx_mm": (1.0, 1.0, 1.0),
        "origin_lps_mm": (0.0, 0.0, 0.0),
        "axes_zyx_lps": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    }
    with pytest.raises(InvalidGeometryError, match=what):
        Geometry(**{**grid, **change})
