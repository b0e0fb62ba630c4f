"""Areas of surface elements between voxel centres, for surface metrics weighted by area.

A cube of eight voxel centres holds a piece of surface wherever its corners are not all alike. The piece runs through
the midpoints of the edges whose ends differ. Two things are a choice: whether diagonal corners of one face are joined,
and from which vertex a polygon that is not flat is cut into triangles. The choices below are those of the
marching-cubes table that Nikolov S et al., arXiv:1809.04430 (DeepMind surface-distance, Apache-2.0) use, so that the
numbers can be compared.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

__all__ = ["CORNER_BITS", "surfel_areas"]

_Point = tuple[float, float, float]
_Corner = tuple[int, int, int]

_CORNERS: tuple[_Corner, ...] = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))
CORNER_BITS = {corner: 128 >> number for number, corner in enumerate(_CORNERS)}

# For each of the 256 codes: 1 if diagonal corners are joined, then the first vertex of each polygon's triangles.
_CHOICES = (  # noqa: SIM905 - as a list of strings it would fill 256 lines
    "0 00 00 00 00 00 000 00 00 000 00 00 00 00 01 00 00 00 000 00 000 01 0000 00 000 000 000 01 000 00 001 02 00 "
    "000 00 00 000 000 000 01 000 0000 01 00 000 000 00 02 00 00 01 00 000 02 010 01 000 000 02 00 000 100 100 00 "
    "00 000 000 000 00 00 000 01 000 0000 000 000 01 00 00 02 00 00 000 02 01 00 010 01 000 000 000 100 02 00 100 "
    "00 000 0000 000 000 000 000 000 100 0000 00000 001 1000 010 1000 100 100 02 00 00 01 01 00 100 00 020 1000 "
    "100 100 100 100 000 00 00 000 000 000 000 000 0000 000 00 000 00 01 01 00 00 02 000 000 0000 000 0000 001 "
    "00000 1000 000 000 000 100 010 100 1000 100 00 000 00 02 000 000 000 100 01 010 00 01 02 100 00 00 02 00 00 "
    "01 020 100 1000 100 01 100 00 00 100 000 100 00 00 000 000 000 00 02 000 100 01 010 02 100 00 01 00 00 02 00 "
    "020 100 00 01 1000 100 01 100 100 000 00 00 100 00 02 020 00 100 01 100 100 000 00 1000 01 100 00 100 00 00 "
    "00 01 00 00 00 00 100 00 00 100 00 00 00 00 00 0 "
).split()


@lru_cache(maxsize=16)
def surfel_areas(spacing_zyx_mm: tuple[float, float, float], /) -> np.ndarray:
    """Give the surface area in mm² of each of the 256 neighbourhood codes."""
    spacing = np.asarray(spacing_zyx_mm)
    areas = np.zeros(256)
    for code, choice in enumerate(_CHOICES):
        polygons = _polygons(code, joined=choice[0] == "1")
        areas[code] = sum(
            _area(polygon, int(first), spacing) for polygon, first in zip(polygons, choice[1:], strict=True)
        )
    areas.flags.writeable = False
    return areas


def _area(polygon: list[_Point], first: int, spacing: np.ndarray) -> float:
    vertices = np.roll(np.asarray(polygon) * spacing, -first, axis=0)
    edges = vertices[1:] - vertices[0]
    return float(np.linalg.norm(np.cross(edges[:-1], edges[1:]), axis=1).sum() / 2)


def _polygons(code: int, *, joined: bool) -> list[list[_Point]]:
    neighbours: dict[_Point, list[_Point]] = {}
    for one, other in _segments(code, joined=joined):
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    polygons = []
    left = sorted(neighbours)
    while left:
        polygon = [left[0], min(neighbours[left[0]])]
        while (following := next(point for point in neighbours[polygon[-1]] if point != polygon[-2])) != polygon[0]:
            polygon.append(following)
        polygons.append(polygon)
        left = [point for point in left if point not in polygon]
    return polygons


def _segments(code: int, *, joined: bool) -> list[tuple[_Point, _Point]]:
    """Give the line segments in which the surface cuts the six faces."""
    segments = []
    for axis, side in product(range(3), range(2)):
        face = [_on_face(axis, side, step) for step in ((0, 0), (0, 1), (1, 1), (1, 0))]
        inside = [bool(code & CORNER_BITS[corner]) for corner in face]
        middles = [_middle(face[k], face[(k + 1) % 4]) for k in range(4)]
        crossed = [k for k in range(4) if inside[k] != inside[(k + 1) % 4]]
        if len(crossed) == 2:  # a line goes in and out
            segments.append((middles[crossed[0]], middles[crossed[1]]))
        elif crossed:
            segments.extend((middles[k - 1], middles[k]) for k in range(4) if inside[k] != joined)
    return segments


def _on_face(axis: int, side: int, step: tuple[int, int]) -> _Corner:
    corner = list(step)
    corner.insert(axis, side)
    return corner[0], corner[1], corner[2]


def _middle(one: _Corner, other: _Corner) -> _Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2, (one[2] + other[2]) / 2
