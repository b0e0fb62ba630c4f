"""What breaks a rule of the input contract."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Violation"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One sentence, and the slices and tags it is about. Never a value of a patient.

    :implements: SRS-DICOM-003, SDS-DICOM-003
    """

    what: str
    where: str
