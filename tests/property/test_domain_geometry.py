from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungai_core.domain.geometry import Geometry

_ANGLE = st.floats(-np.pi, np.pi)
_SPACING = st.floats(0.2, 10.0)
_POSITION = st.floats(-1500.0, 1500.0)
_INDEX = st.floats(-600.0, 600.0)


def _rotation(a, b, c):
    around_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    around_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return around_z @ around_y @ around_x


@st.composite
def geometries(draw):
    axis_x, axis_y, axis_z = _rotation(draw(_ANGLE), draw(_ANGLE), draw(_ANGLE)).T
    return Geometry(
        shape_zyx=(10, 20, 30),
        spacing_zyx_mm=tuple(draw(st.tuples(_SPACING, _SPACING, _SPACING))),
        origin_lps_mm=draw(st.tuples(_POSITION, _POSITION, _POSITION)),
        axes_zyx_lps=tuple(tuple(map(float, axis)) for axis in (axis_z, axis_y, axis_x)),
    )


@pytest.mark.verifies("SRS-DOM-001")
@given(geometries(), st.tuples(_INDEX, _INDEX, _INDEX))
def test_index_to_position_and_back_moves_a_point_less_than_a_micrometre(geometry, index):
    there = geometry.lps_from_index(index)
    back = geometry.lps_from_index(geometry.index_from_lps(there))
    assert np.abs(back - there).max() < 1e-3


@pytest.mark.verifies("SRS-DOM-001")
@given(geometries(), st.tuples(_INDEX, _INDEX, _INDEX), st.tuples(_INDEX, _INDEX, _INDEX))
def test_distances_are_those_of_the_spacing(geometry, first, second):
    distance_mm = np.linalg.norm(geometry.lps_from_index(first) - geometry.lps_from_index(second))
    steps_mm = (np.asarray(first) - np.asarray(second)) * np.asarray(geometry.spacing_zyx_mm)
    assert distance_mm == pytest.approx(np.linalg.norm(steps_mm), abs=1e-6)
