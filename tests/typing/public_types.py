"""What a type checker says about the public face; mypy --strict runs over this file, nothing executes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

if TYPE_CHECKING:
    import lungai_core


def geometry_turns_an_index_into_a_position(geometry: lungai_core.Geometry) -> None:
    assert_type(geometry.contains_lps((0.0, 0.0, 0.0)), bool)
    assert_type(geometry.shape_zyx, tuple[int, int, int])
