"""The images that a result belongs to, in the order of the volume and checked against its geometry.

DICOM writers pair masks with images by their place in a list. A list in another order gives a valid object whose
nodules lie on other slices; so order and position are checked here, once, for every writer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pydicom

from lungai_core.errors import SourceImagesError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray
    from pydicom import Dataset

    from lungai_core.domain.volume import CtVolume

__all__ = ["SourceImages", "StudyImages", "read_source_images", "read_study_images"]

_POSITION_TOLERANCE_MM = 0.01
_DIRECTION_TOLERANCE = 1e-4
# Patient and study attributes of type 2: an image without them is met in practice, and a result without them is not
# valid. They are taken over as they are, or as empty.
_TYPE_2 = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True, eq=False)
class SourceImages:
    """The headers of a CT series, one for each slice of a volume.

    :implements: SRS-DICOM-020, SDS-DICOM-020

    Parameters
    ----------
    headers
        Data sets without pixel data; element ``z`` belongs to the volume's slice ``z``.
    volume
        The volume that was read from them.

    Raises
    ------
    SourceImagesError
        If a header's UID, size, position or orientation is not that of its slice.
    """

    headers: tuple[Dataset, ...]
    volume: CtVolume

    def __post_init__(self) -> None:
        uids = self.volume.series.sop_instance_uids
        if len(self.headers) != self.volume.geometry.shape_zyx[0] or len(uids) != len(self.headers):
            raise _mismatch(f"There are {len(self.headers)} images for {len(uids)} slices.", "number of images")
        for z, (header, uid) in enumerate(zip(self.headers, uids, strict=True)):
            _require_slice(header, uid, z=z, volume=self.volume)


@dataclass(frozen=True, slots=True, eq=False)
class StudyImages:
    """The readable headers of one study, for a result that says that nothing was measured on them.

    :implements: SRS-DICOM-025, SDS-DICOM-025

    Parameters
    ----------
    headers
        Data sets without pixel data, in the order of their SOP Instance UIDs; at least one.
    """

    headers: tuple[Dataset, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the SOP Instance UIDs, which identifies the set."""
        return hashlib.sha256("\n".join(str(header.SOPInstanceUID) for header in self.headers).encode()).hexdigest()


def read_study_images(files: Iterable[Path], /) -> StudyImages | None:
    """Read what can be read of a series that was refused.

    :implements: SRS-DICOM-025, SDS-DICOM-025

    Parameters
    ----------
    files
        The files of the refused input; what is no DICOM, or cannot be read, is passed over.

    Returns
    -------
    StudyImages or None
        ``None`` where nothing can be read, or where the files belong to several studies or patients: then there is
        none to which a report could be filed.
    """
    found: dict[str, Dataset] = {}
    for path in files:
        header = _header(path)
        if header is not None and header.get("Modality") == "CT" and all(header.get(name) for name in _IDENTITY):
            found.setdefault(str(header.SOPInstanceUID), header)
    owners = {(str(header.get("PatientID", "")), str(header.StudyInstanceUID)) for header in found.values()}
    return StudyImages(tuple(found[uid] for uid in sorted(found))) if len(owners) == 1 else None


def _header(path: Path, /) -> Dataset | None:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
    # A damaged file ends pydicom in many ways, all of which mean here that it is no image to refer to.
    except Exception:  # noqa: BLE001 - see above
        return None
    for keyword in _TYPE_2:
        if keyword not in header:
            setattr(header, keyword, None)
    return header


def read_source_images(files: Iterable[Path], /, *, volume: CtVolume) -> SourceImages:
    """Read the headers of the series that a volume came from.

    :implements: SRS-DICOM-020, SDS-DICOM-020

    Parameters
    ----------
    files
        The series' files in any order; what is not DICOM or of another series is passed over.
    volume
        The volume that :func:`lungai_core.dicom.reader.read_ct_series` read from them.

    Raises
    ------
    SourceImagesError
        If an image of the volume is missing, or its geometry is another; also for multi-frame images.
    """
    if volume.series.frame_numbers:
        raise _mismatch("The series is a multi-frame object.", "Enhanced CT")
    wanted = set(volume.series.sop_instance_uids)
    found: dict[str, Dataset] = {}
    for path in files:
        header = _header(path)
        uid = "" if header is None else str(header.get("SOPInstanceUID", ""))
        if header is not None and uid in wanted:
            found[uid] = header
    missing = len(wanted - found.keys())
    if missing:
        raise _mismatch(f"{missing} images of the volume are not among the files.", "SOP Instance UID (0008,0018)")
    return SourceImages(tuple(found[uid] for uid in volume.series.sop_instance_uids), volume)


def _require_slice(header: Dataset, uid: str, /, *, z: int, volume: CtVolume) -> None:
    geometry = volume.geometry
    place = f"slice {z + 1}"
    if str(header.SOPInstanceUID) != uid:
        raise _mismatch("An image stands at another slice's place.", f"{place}, SOP Instance UID (0008,0018)")
    if (header.Rows, header.Columns) != geometry.shape_zyx[1:]:
        raise _mismatch("An image has another size than its slice.", f"{place}, Rows (0028,0010), Columns (0028,0011)")
    position = np.asarray(header.ImagePositionPatient, dtype=np.float64)
    if not _close(position, geometry.lps_from_index((z, 0, 0)), _POSITION_TOLERANCE_MM):
        raise _mismatch("An image lies elsewhere than its slice.", f"{place}, Image Position (0020,0032)")
    row, column = np.asarray(header.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    axes = (geometry.axes_zyx_lps[2], geometry.axes_zyx_lps[1])
    if not (_close(row, axes[0], _DIRECTION_TOLERANCE) and _close(column, axes[1], _DIRECTION_TOLERANCE)):
        raise _mismatch("An image has another orientation than its slice.", f"{place}, Image Orientation (0020,0037)")


def _close(found: NDArray[np.float64], expected: ArrayLike, tolerance: float, /) -> bool:
    # np.allclose takes twenty times as long, and this runs three times a slice. What is not a number is not close.
    return bool((np.abs(found - np.asarray(expected)) <= tolerance).all())


def _mismatch(what: str, where: str, /) -> SourceImagesError:
    return SourceImagesError(
        what,
        where=where,
        allowed="the classic CT images that the volume was read from, each at the place of its slice",
        remedy="Give the files of the series that the result belongs to.",
    )
