"""A CT series in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import InvalidGeometryError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Geometry

__all__ = ["CtSeries", "CtVolume", "HuVolume", "SeriesNote", "StoredArray"]

StoredArray: TypeAlias = "NDArray[np.int16] | NDArray[np.uint16]"


class SeriesNote(FrozenModel):
    """Something about a series that does not stop it from being read, but that a user should know.

    :implements: SRS-DOM-002, SDS-DOM-002

    ``note_id`` is stable, as ``"body-part"``; ``text`` is one sentence without a patient's value.
    """

    note_id: str
    text: str


class CtSeries(FrozenModel):
    """What identifies a CT series and how it was made; no value that identifies the patient.

    :implements: SRS-DOM-002, SDS-DOM-002

    ``sop_instance_uids`` has one entry a slice: index 0 is array index z = 0. Slices of a multi-frame object repeat its
    UID, and ``frame_numbers`` gives the one-based frame of each; it is empty for single-frame objects.
    ``frame_of_reference_uid`` is empty where the series has none. ``notes`` is what the reader found and did not
    refuse.
    """

    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    sop_class_uid: str
    sop_instance_uids: tuple[str, ...]
    frame_numbers: tuple[int, ...] = ()
    slice_thickness_mm: float | None = None
    convolution_kernel: str | None = None
    manufacturer: str | None = None
    body_part_examined: str | None = None
    notes: tuple[SeriesNote, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CtVolume:
    """A CT volume as stored integers, with what turns them into Hounsfield units and places them in the patient.

    :implements: SRS-DOM-002, SDS-DOM-002

    Parameters
    ----------
    stored
        ``(z, y, x)`` int16 or uint16 stored values; made read-only here.
    rescale_slope, rescale_intercept
        ``HU = stored * rescale_slope + rescale_intercept``, the same for all slices.
    geometry
        The grid; its shape equals that of ``stored``.
    series
        Identity and acquisition of the series.
    pixel_padding_value
        The stored value outside the reconstructed field, if the series names one.
    files
        The file that each slice was read from; empty where the volume was not read from files. It stands in no result.

    Raises
    ------
    InvalidGeometryError
        If the shapes of ``stored`` and ``geometry`` differ, or the files are not one a slice.
    """

    stored: StoredArray
    rescale_slope: float
    rescale_intercept: float
    geometry: Geometry
    series: CtSeries
    pixel_padding_value: int | None = None
    # A path may hold a patient's name, and a volume may be printed.
    files: tuple[Path, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _require_same_shape(self.stored.shape, self.geometry)
        if len(self.files) not in {0, len(self.stored)}:
            raise InvalidGeometryError(
                "The files of a volume are not those of its slices.",
                where=f"{len(self.files)} files, {len(self.stored)} slices",
                allowed="the file of each slice, or none",
                remedy="Cut files and stored values alike.",
            )
        self.stored.flags.writeable = False

    def hounsfield(self) -> NDArray[np.float32]:
        """Return the whole volume in Hounsfield units, as a new array.

        :implements: SRS-DOM-002, SDS-DOM-002

        Returns
        -------
        numpy.ndarray
            ``(z, y, x)`` float32 in HU. It needs twice the memory of ``stored``; patches do not need this call.
        """
        values = self.stored.astype(np.float32)
        values *= np.float32(self.rescale_slope)
        values += np.float32(self.rescale_intercept)
        return values


@dataclass(frozen=True, slots=True, eq=False)
class HuVolume:
    """A volume in Hounsfield units, resampled or computed.

    :implements: SRS-DOM-002, SDS-DOM-002

    Parameters
    ----------
    values_hu
        ``(z, y, x)`` float32 in HU; made read-only here.
    geometry
        The grid; its shape equals that of ``values_hu``.
    """

    values_hu: NDArray[np.float32]
    geometry: Geometry

    def __post_init__(self) -> None:
        _require_same_shape(self.values_hu.shape, self.geometry)
        self.values_hu.flags.writeable = False


def _require_same_shape(shape: tuple[int, ...], geometry: Geometry, /) -> None:
    if shape != geometry.shape_zyx:
        raise InvalidGeometryError(
            "The voxel array and its geometry have different shapes.",
            where=f"array {shape}, geometry {geometry.shape_zyx}",
            allowed="equal shapes (z, y, x)",
            remedy="Build the geometry from the same series as the array.",
        )
