"""Where an image grid lies in the patient.

World coordinates are DICOM LPS (x to the patient's left, y to posterior, z to superior) in millimetres. Arrays have the
axis order ``(z, y, x)``; an index points at a voxel's centre.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lungai_core.errors import InvalidGeometryError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Geometry", "Shape", "Vector"]

Vector: TypeAlias = tuple[float, float, float]
Shape: TypeAlias = tuple[int, int, int]

_ORTHONORMAL_TOLERANCE = 1e-4
_HALF_VOXEL = 0.5


@dataclass(frozen=True, slots=True)
class Geometry:
    """A regular grid of voxels in patient space.

    :implements: SRS-DOM-001, SDS-DOM-001

    Parameters
    ----------
    shape_zyx
        Number of voxels on each array axis; each at least 1.
    spacing_zyx_mm
        Distance between neighbouring voxel centres on each array axis, in mm; each greater than 0.
    origin_lps_mm
        Centre of voxel ``(0, 0, 0)``, LPS in mm.
    axes_zyx_lps
        Unit vectors in LPS along the array axes z, y, x. They are orthonormal within 1e-4 and right-handed, so that
        the z axis equals x cross y: the slice normal of DICOM.

    Raises
    ------
    InvalidGeometryError
        If a number is not finite, a spacing or size is not positive, or the axes are not a right-handed
        orthonormal frame.
    """

    shape_zyx: Shape
    spacing_zyx_mm: Vector
    origin_lps_mm: Vector
    axes_zyx_lps: tuple[Vector, Vector, Vector] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))

    def __post_init__(self) -> None:
        numbers = (*self.spacing_zyx_mm, *self.origin_lps_mm, *(c for axis in self.axes_zyx_lps for c in axis))
        if not all(math.isfinite(number) for number in numbers):
            raise _invalid("A coordinate is not a finite number.", "spacing, origin or axes")
        if min(self.spacing_zyx_mm) <= 0:
            raise _invalid("A voxel spacing is not positive.", "spacing_zyx_mm")
        if min(self.shape_zyx) < 1:
            raise _invalid("An axis of the grid has no voxel.", "shape_zyx")
        axis_z, axis_y, axis_x = self._axes()
        frame = np.stack((axis_x, axis_y, axis_z))
        if not np.allclose(frame @ frame.T, np.eye(3), atol=_ORTHONORMAL_TOLERANCE):
            raise _invalid("The axes are not orthogonal unit vectors.", "axes_zyx_lps")
        if np.dot(np.cross(axis_x, axis_y), axis_z) < 0:
            raise _invalid("The axes form a left-handed frame: the image would be mirrored.", "axes_zyx_lps")

    def _axes(self) -> NDArray[np.float64]:
        return np.asarray(self.axes_zyx_lps, dtype=np.float64)

    @property
    def affine_lps_from_zyx(self) -> NDArray[np.float64]:
        """The 4 x 4 matrix that takes a homogeneous index ``(z, y, x, 1)`` to LPS in mm."""
        affine = np.eye(4)
        affine[:3, :3] = self._axes().T * np.asarray(self.spacing_zyx_mm)
        affine[:3, 3] = self.origin_lps_mm
        return affine

    def lps_from_index(self, index_zyx: ArrayLike, /) -> NDArray[np.float64]:
        """Return the LPS position in mm of each continuous index.

        :implements: SRS-DOM-001, SDS-DOM-001

        Parameters
        ----------
        index_zyx
            ``(..., 3)`` continuous voxel indices.

        Returns
        -------
        numpy.ndarray
            ``(..., 3)`` float64 positions ``(x, y, z)`` in LPS mm.
        """
        steps_mm = np.asarray(index_zyx, dtype=np.float64) * np.asarray(self.spacing_zyx_mm)
        positions: NDArray[np.float64] = steps_mm @ self._axes() + np.asarray(self.origin_lps_mm)
        return positions

    def index_from_lps(self, position_lps_mm: ArrayLike, /) -> NDArray[np.float64]:
        """Return the continuous index of each LPS position.

        :implements: SRS-DOM-001, SDS-DOM-001

        Parameters
        ----------
        position_lps_mm
            ``(..., 3)`` positions ``(x, y, z)`` in LPS mm.

        Returns
        -------
        numpy.ndarray
            ``(..., 3)`` float64 continuous indices ``(z, y, x)``.
        """
        offsets_mm = np.asarray(position_lps_mm, dtype=np.float64) - np.asarray(self.origin_lps_mm)
        # The inverse, not the transpose: axes read from DICOM are orthonormal only to the digits written there.
        index: NDArray[np.float64] = offsets_mm @ np.linalg.inv(self._axes()) / np.asarray(self.spacing_zyx_mm)
        return index

    def contains_lps(self, position_lps_mm: Vector, /) -> bool:
        """Tell whether a position lies in a voxel of the grid (voxels reach half a spacing around their centre).

        :implements: SRS-DOM-003, SDS-DOM-003

        Parameters
        ----------
        position_lps_mm
            ``(x, y, z)`` in LPS mm.
        """
        index = self.index_from_lps(position_lps_mm)
        return bool(np.all(index >= -_HALF_VOXEL) and np.all(index <= np.asarray(self.shape_zyx) - _HALF_VOXEL))


def _invalid(what: str, where: str) -> InvalidGeometryError:
    return InvalidGeometryError(
        what,
        where=where,
        allowed="finite numbers; spacing > 0 mm; at least one voxel an axis; a right-handed orthonormal frame",
        remedy="Check ImageOrientationPatient, ImagePositionPatient and PixelSpacing of the series.",
    )
