"""What every DICOM object that this library writes has in common: identity from content, and no clock of its own."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian

from lungai_core.dicom.encoder import encode_dataset
from lungai_core.errors import InvalidArgumentError, MissingDependencyError
from lungai_core.files import write_whole
from lungai_core.version import __version__

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from types import ModuleType

    from pydicom import Dataset

    from lungai_core.domain.case_report import CaseReport

__all__ = ["MANUFACTURER", "ObjectStamp", "derived_uid", "load_highdicom", "save_object", "seal"]

MANUFACTURER = "lungai-core authors"
# The UID of a version 8 UUID (RFC 9562): free bits from our own hash under the root 2.25 of DICOM PS3.5 B.2.
_UUID_ROOT = "2.25."
_VERSION_8 = 8 << 76
_VARIANT = 2 << 62
_PROCESSING_EQUIPMENT = "109102"  # DCM
_KEEP = ~((0xF << 76) | (3 << 62)) & ((1 << 128) - 1)


@dataclass(frozen=True)
class ObjectStamp:
    """Which result an object is written from, and when.

    :implements: SRS-DICOM-021, SDS-DICOM-021

    Parameters
    ----------
    report
        The result.
    written_at
        The time that the objects carry as their creation. It takes part in their UIDs, so that two objects with one
        UID are equal to the byte.
    subject
        What the result is about, where the result itself does not say it: a refused series has no identity in it.
    """

    report: CaseReport
    written_at: datetime
    subject: str = ""

    def uid(self, role: str, /) -> str:
        """Return the UID of one part of the result.

        :implements: SRS-DICOM-021, SDS-DICOM-021

        Parameters
        ----------
        role
            What it identifies, as ``"segmentation instance"``.
        """
        return derived_uid(self._content, self.written_at.isoformat(), self.subject, role)

    # Each object asks for several UIDs, and the text of a large report takes milliseconds.
    @cached_property
    def _content(self) -> str:
        return self.report.model_copy(update={"timings_s": None}).model_dump_json()


def derived_uid(*parts: str) -> str:
    """Return a UID that is a function of its parts.

    :implements: SRS-DICOM-021, SDS-DICOM-021

    Returns
    -------
    str
        ``2.25.`` and the decimal value of a version 8 UUID made of the SHA-256 of the parts.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    number = int.from_bytes(digest[:16], "big") & _KEEP | _VERSION_8 | _VARIANT
    return f"{_UUID_ROOT}{number}"


def load_highdicom() -> ModuleType:
    """Import highdicom, and silence what it and pydicom warn of while objects are built.

    :implements: SRS-DICOM-021, SDS-DICOM-021

    Raises
    ------
    MissingDependencyError
        If the extra ``dicom`` is not installed.
    """
    # Their warnings quote the values that they doubt, as the name of a patient: none may reach a log.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"(highdicom|pydicom)\b")
    try:
        return import_module("highdicom")
    except ImportError as error:
        raise MissingDependencyError(
            "highdicom is not installed.",
            where="the package highdicom",
            remedy='Run: pip install "lungai-core[dicom]"',
        ) from error


def seal(dataset: Dataset, /, *, stamp: ObjectStamp) -> Dataset:
    """Replace what a toolkit took from the clock or from chance: dates, times and dimension UIDs.

    :implements: SRS-DICOM-021, SDS-DICOM-021

    Parameters
    ----------
    dataset
        A new object; it is changed in place.
    stamp
        Gives the time and the UIDs.
    """
    date, time = stamp.written_at.strftime("%Y%m%d"), stamp.written_at.strftime("%H%M%S")
    for keyword, value in (
        ("ContentDate", date),
        ("ContentTime", time),
        ("InstanceCreationDate", date),
        ("InstanceCreationTime", time),
        ("DateOfSecondaryCapture", date),
        ("TimeOfSecondaryCapture", time),
        ("SeriesDate", date),
        ("SeriesTime", time),
    ):
        if keyword in dataset:
            setattr(dataset, keyword, value)
    if "DimensionOrganizationSequence" in dataset:
        uid = stamp.uid(f"dimensions of {dataset.SOPInstanceUID}")
        for item in (*dataset.DimensionOrganizationSequence, *dataset.get("DimensionIndexSequence", ())):
            item.DimensionOrganizationUID = UID(uid)
    # highdicom's own contribution is dated by the clock; that of the scanner by the images.
    for item in dataset.get("ContributingEquipmentSequence", ()):
        if item.PurposeOfReferenceCodeSequence[0].CodeValue == _PROCESSING_EQUIPMENT:
            item.ContributionDateTime = f"{date}{time}"
    return dataset


def save_object(dataset: Dataset, path: Path, /) -> Path:
    """Write an object as a DICOM file, whole or not at all.

    :implements: SRS-DICOM-021, SDS-DICOM-021

    Parameters
    ----------
    dataset
        A sealed object with its file meta information. The same object gives the same bytes.
    path
        The file to write.

    Raises
    ------
    InvalidArgumentError
        If the transfer syntax of its file meta information is another than Explicit VR Little Endian.
    """
    if dataset.file_meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        raise InvalidArgumentError(
            "An object names a transfer syntax that is not written here.",
            where="Transfer Syntax UID (0002,0010)",
            allowed=f"Explicit VR Little Endian ({ExplicitVRLittleEndian})",
            remedy="Build the object with that transfer syntax, or write it with pydicom.",
        )
    dataset.file_meta.ImplementationVersionName = f"LUNGAI_{__version__}"[:16]
    head = pydicom.Dataset()
    head.file_meta = dataset.file_meta
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, head, enforce_file_format=True)
    buffer.write(encode_dataset(dataset))
    return write_whole(path, buffer.getvalue())
