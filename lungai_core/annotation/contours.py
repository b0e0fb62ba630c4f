"""Contours in pixel coordinates, as masks and measurements. In LIDC a contour lies outside of its nodule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.errors import ConsensusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Shape

__all__ = ["Contour", "contours_mask", "longest_axial_mm", "polygon_area", "polygon_mask", "slab_volume_mm3"]


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed polygon on one slice.

    :implements: SRS-ANNO-010, SDS-ANNO-010

    Parameters
    ----------
    z_mm
        Position of the slice, as the file gives it.
    sop_instance_uid
        The slice.
    inclusion
        Whether the polygon surrounds nodule, or a hole in it.
    points_xy
        Pixel coordinates (column, row), closed or not; one point is a mark without extent.
    """

    z_mm: float
    sop_instance_uid: str
    inclusion: bool
    points_xy: tuple[tuple[int, int], ...]


def polygon_area(points_xy: NDArray[np.float64], /) -> float:
    """Give the area inside a polygon in the square of the unit of its points.

    :implements: SRS-ANNO-010, SDS-ANNO-010

    Shoelace formula (Meister 1769).

    Parameters
    ----------
    points_xy
        ``(n, 2)``; fewer than three points have no area.
    """
    x, y = points_xy[:, 0], points_xy[:, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def polygon_mask(points_xy: NDArray[np.int64], /, *, shape_yx: tuple[int, int]) -> NDArray[np.bool_]:
    """Give the pixels whose centres lie strictly inside a polygon: the pixels of the contour itself are outside.

    :implements: SRS-ANNO-010, SDS-ANNO-010

    Even-odd rule, as LIDC defines its contours (Armato SG et al., Med Phys 2011;38:915: "the first pixel outside").

    Parameters
    ----------
    points_xy
        ``(n, 2)`` pixel coordinates (column, row).
    shape_yx
        Rows and columns of the image.
    """
    mask = np.zeros(shape_yx, dtype=np.bool_)
    low, high = points_xy.min(axis=0), points_xy.max(axis=0)
    columns, rows = np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1)
    x1, y1 = points_xy[:, 0].astype(np.float64), points_xy[:, 1].astype(np.float64)
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    inside = np.zeros((rows.size, columns.size), dtype=np.bool_)
    on_edge = np.zeros_like(inside)
    for number, y in enumerate(rows):
        crossing = (y1 > y) != (y2 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = x1[crossing] + (y - y1[crossing]) * (x2 - x1)[crossing] / (y2 - y1)[crossing]
        inside[number] = np.count_nonzero(at[:, None] > columns[None, :], axis=0) % 2 == 1
        on_edge[number] = _on_edge(columns, float(y), (x1, y1, x2, y2))
    keep = (slice(max(low[1], 0), high[1] + 1), slice(max(low[0], 0), high[0] + 1))
    cut = inside & ~on_edge
    mask[keep] = cut[max(-low[1], 0) :, max(-low[0], 0) :][: mask[keep].shape[0], : mask[keep].shape[1]]
    return mask


def contours_mask(contours: Sequence[Contour], /, *, shape_zyx: Shape, slices: dict[str, int]) -> NDArray[np.bool_]:
    """Give the mask of a nodule from all its contours.

    :implements: SRS-ANNO-010, SDS-ANNO-010

    The union of what the inclusions surround, less what the exclusions surround; the pixels of every contour belong to
    the other side of it. A contour of one pixel is a mark and adds no voxel.

    Parameters
    ----------
    contours
        Contours of one nodule and reader.
    shape_zyx
        Grid of the series.
    slices
        Index z of each SOP Instance UID.

    Raises
    ------
    ConsensusError
        If a contour lies on a slice that the series does not have.
    """
    mask = np.zeros(shape_zyx, dtype=np.bool_)
    holes = np.zeros(shape_zyx, dtype=np.bool_)
    for contour in contours:
        if contour.sop_instance_uid not in slices:
            raise ConsensusError(
                "A contour lies on a slice that the series does not have.",
                where=f"SOP Instance UID {contour.sop_instance_uid}",
                allowed="slices of the series",
                remedy="Give the series that the annotation file names.",
            )
        plane = polygon_mask(np.asarray(contour.points_xy, dtype=np.int64), shape_yx=(shape_zyx[1], shape_zyx[2]))
        (mask if contour.inclusion else holes)[slices[contour.sop_instance_uid]] |= plane
    return mask & ~holes


def longest_axial_mm(contours: Sequence[Contour], /, *, pixel_spacing_mm: float) -> float:
    """Give the longest distance between two points of one inclusion contour.

    :implements: SRS-ANNO-010, SDS-ANNO-010

    Parameters
    ----------
    contours
        Contours of one nodule and reader.
    pixel_spacing_mm
        In-plane spacing, the same on both axes.
    """
    longest = 0.0
    for contour in contours:
        if contour.inclusion:
            points = np.asarray(contour.points_xy, dtype=np.float64)
            squared = np.sum((points[:, None] - points[None, :]) ** 2, axis=-1)
            longest = max(longest, float(np.sqrt(squared.max())))
    return longest * pixel_spacing_mm


def slab_volume_mm3(contours: Sequence[Contour], /, *, pixel_spacing_mm: float, slice_spacing_mm: float) -> float:
    """Give the volume of slabs: the area of each polygon times the distance of slices, exclusions subtracted.

    :implements: SRS-ANNO-010, SDS-ANNO-010

    Parameters
    ----------
    contours
        Contours of one nodule and reader.
    pixel_spacing_mm, slice_spacing_mm
        Spacings of the series.
    """
    area = sum(
        (1 if contour.inclusion else -1) * polygon_area(np.asarray(contour.points_xy, dtype=np.float64))
        for contour in contours
    )
    return float(area * pixel_spacing_mm**2 * slice_spacing_mm)


def _on_edge(columns: NDArray[np.int64], y: float, edges: tuple[NDArray[np.float64], ...]) -> NDArray[np.bool_]:
    """Tell which pixel centres of a row lie on an edge."""
    x1, y1, x2, y2 = edges
    touched = (np.minimum(y1, y2) <= y) & (y <= np.maximum(y1, y2))
    result = np.zeros(columns.size, dtype=np.bool_)
    for a, b, c, d in zip(x1[touched], y1[touched], x2[touched], y2[touched], strict=True):
        if b == d:
            result |= (columns >= min(a, c)) & (columns <= max(a, c))
        else:
            result |= columns == a + (y - b) * (c - a) / (d - b)
    return result
