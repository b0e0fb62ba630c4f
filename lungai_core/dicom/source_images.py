"""The images that a result belongs to, by the slices of the volume and checked against its geometry.

DICOM writers pair masks with images by their place in a list. A list in another order gives a valid object whose
nodules lie on other slices; so identity and position are checked here, once, for every writer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pydicom

from lungai_core.dicom.frames import CT_IMAGE
from lungai_core.errors import SourceImagesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray
    from pydicom import Dataset

    from lungai_core.domain.case_report import CaseReport
    from lungai_core.domain.volume import CtSeries, CtVolume

__all__ = ["SourceImages", "StudyImages", "is_classic", "read_source_images", "read_study_images"]

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
    """The headers of the slices that a result speaks of.

    :implements: SRS-DICOM-020, SDS-DICOM-020

    Parameters
    ----------
    headers
        Data sets without pixel data by the volume's slice ``z``. The first slice is among them: patient and study of a
        result are taken over from it.
    volume
        The volume that was read from them.

    Raises
    ------
    SourceImagesError
        If a header's UID, size, position or orientation is not that of its slice, or the first slice has none.
    """

    headers: Mapping[int, Dataset]
    volume: CtVolume

    def __post_init__(self) -> None:
        uids = self.volume.series.sop_instance_uids
        outside = sum(z not in range(len(uids)) for z in self.headers)
        if outside or 0 not in self.headers:
            what = f"{outside} images are paired with no slice." if outside else "The first slice has no image."
            raise _mismatch(what, f"slices 1 to {len(uids)}")
        for z, header in self.headers.items():
            _require_slice(header, uids[z], z=z, volume=self.volume)

    def require_result(self, report: CaseReport, /) -> None:
        """Refuse a result that is not one for this series: its objects would be filed with another patient.

        :implements: SRS-DICOM-020, SDS-DICOM-020

        Parameters
        ----------
        report
            The result that an object is to be built from.

        Raises
        ------
        SourceImagesError
            If it is one for another series, or for none.
        """
        _require_series(self.volume, report)

    def header(self, z: int, /) -> Dataset:
        """Return the header of a slice.

        :implements: SRS-DICOM-020, SDS-DICOM-020

        Parameters
        ----------
        z
            Index of the slice, from 0.

        Raises
        ------
        SourceImagesError
            If it is not among the headers.
        """
        if z not in self.headers:
            raise _mismatch("The image of a slice that the result speaks of is missing.", f"slice {z + 1}")
        return self.headers[z]


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


def read_source_images(volume: CtVolume, /, *, report: CaseReport) -> SourceImages:
    """Read the headers of the slices that a result speaks of: the first one, and those of its nodules and masks.

    :implements: SRS-DICOM-020, SDS-DICOM-020

    Parameters
    ----------
    volume
        What :func:`lungai_core.dicom.reader.read_ct_series` read; its files still lie where they were.
    report
        The result for that volume.

    Raises
    ------
    SourceImagesError
        If the result is one for another series, the volume was not read from files of classic CT images, or the file
        of a slice cannot be read or holds another image now.
    """
    if not is_classic(volume.series):
        raise _mismatch("The series is a multi-frame object.", "SOP Class UID (0008,0016)")
    _require_series(volume, report)
    if not volume.files:
        raise _mismatch("The volume was not read from files.", "CtVolume.files")
    slices = sorted(_slices_of(report))
    if slices[-1] >= len(volume.files):
        raise _mismatch("The result speaks of slices that the volume has not.", f"slice {slices[-1] + 1}")
    headers: dict[int, Dataset] = {}
    for z in slices:
        header = _header(volume.files[z])
        if header is None:
            raise _mismatch("The file of an image cannot be read any more.", f"slice {z + 1}")
        _complete(header, volume)
        headers[z] = header
    return SourceImages(headers, volume)


def is_classic(series: CtSeries, /) -> bool:
    """Tell whether a series has one image a slice, to which a result can refer: Enhanced CT has frames.

    :implements: SRS-DICOM-020, SDS-DICOM-020
    """
    return series.sop_class_uid == CT_IMAGE


def _complete(header: Dataset, volume: CtVolume, /) -> None:
    # Both may be empty or absent in an image that is read; highdicom asks for a number where they stand, and for a
    # thickness in any case. Slices that say nothing of theirs are taken to touch.
    if header.get("SpacingBetweenSlices") is None:
        header.pop("SpacingBetweenSlices", None)
    if header.get("SliceThickness") is None:
        header.SliceThickness = volume.geometry.spacing_zyx_mm[0]


def _slices_of(report: CaseReport, /) -> set[int]:
    slices = {0}
    for nodule in report.nodules:
        slices.add(nodule.slice_number - 1)
        if nodule.mask is not None:
            lowest = nodule.mask.box.lower_zyx[0]
            slices.update(range(lowest, lowest + nodule.mask.box.shape_zyx[0]))
    return slices


def _require_series(volume: CtVolume, report: CaseReport, /) -> None:
    if report.input is None or report.input.series_instance_uid != volume.series.series_instance_uid:
        raise _mismatch("The result belongs to another series than the images.", "Series Instance UID (0020,000E)")


def _require_slice(header: Dataset, uid: str, /, *, z: int, volume: CtVolume) -> None:
    geometry = volume.geometry
    place = f"slice {z + 1}"
    if str(header.get("SOPInstanceUID")) != uid:
        raise _mismatch("An image stands at another slice's place.", f"{place}, SOP Instance UID (0008,0018)")
    if (header.get("Rows"), header.get("Columns")) != geometry.shape_zyx[1:]:
        raise _mismatch("An image has another size than its slice.", f"{place}, Rows (0028,0010), Columns (0028,0011)")
    position = _numbers(header, "ImagePositionPatient", 3)
    if not _close(position, geometry.lps_from_index((z, 0, 0)), _POSITION_TOLERANCE_MM):
        raise _mismatch("An image lies elsewhere than its slice.", f"{place}, Image Position (0020,0032)")
    row, column = _numbers(header, "ImageOrientationPatient", 6).reshape(2, 3)
    axes = (geometry.axes_zyx_lps[2], geometry.axes_zyx_lps[1])
    if not (_close(row, axes[0], _DIRECTION_TOLERANCE) and _close(column, axes[1], _DIRECTION_TOLERANCE)):
        raise _mismatch("An image has another orientation than its slice.", f"{place}, Image Orientation (0020,0037)")


def _numbers(header: Dataset, keyword: str, count: int, /) -> NDArray[np.float64]:
    # What is absent, or of another length, is close to nothing.
    found = np.ravel(np.asarray(header.get(keyword), dtype=np.float64))
    return found if found.size == count else np.full(count, np.nan)


def _close(found: NDArray[np.float64], expected: ArrayLike, tolerance: float, /) -> bool:
    # np.allclose takes twenty times as long, and this runs three times a slice. What is not a number is not close.
    return bool((np.abs(found - np.asarray(expected)) <= tolerance).all())


def _mismatch(what: str, where: str, /) -> SourceImagesError:
    return SourceImagesError(
        what,
        where=where,
        allowed="the classic CT images that the volume was read from, each at the place of its slice",
        remedy="Read the series again, and leave its files in place until its objects are written.",
    )
