"""LUNA16's CSV tables: reference nodules and a detector's marks. Their world coordinates are DICOM LPS in mm."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

from lungai_core.domain.geometry import Vector
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import AnnotationTableError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LunaMark", "LunaNodule", "read_luna_marks", "read_luna_nodules"]

_PLACE = ("seriesuid", "coordX", "coordY", "coordZ")


class LunaNodule(FrozenModel):
    """A row of ``annotations.csv``.

    :implements: SRS-ANNO-003, SDS-ANNO-003

    ``diameter_mm`` is ``None`` where the table says -1, as in the list of excluded findings.
    """

    series_instance_uid: str
    center_lps_mm: Vector
    diameter_mm: float | None


class LunaMark(FrozenModel):
    """A row of a detector's result.

    :implements: SRS-ANNO-003, SDS-ANNO-003
    """

    series_instance_uid: str
    center_lps_mm: Vector
    probability: float


def read_luna_nodules(path: Path, /) -> tuple[LunaNodule, ...]:
    """Read a table of nodules.

    :implements: SRS-ANNO-003, SDS-ANNO-003

    Source of the format: Setio AAA et al., Med Image Anal 2017;42:1-13.

    Parameters
    ----------
    path
        CSV with the columns seriesuid, coordX, coordY, coordZ and diameter_mm; further columns are left alone.

    Raises
    ------
    AnnotationTableError
        If a column is missing or a value is not a finite number.
    """
    return tuple(
        LunaNodule(series_instance_uid=uid, center_lps_mm=center, diameter_mm=value if value > 0 else None)
        for uid, center, value in _rows(path, "diameter_mm")
    )


def read_luna_marks(path: Path, /) -> tuple[LunaMark, ...]:
    """Read a detector's marks.

    :implements: SRS-ANNO-003, SDS-ANNO-003

    Parameters
    ----------
    path
        CSV with the columns seriesuid, coordX, coordY, coordZ and probability.

    Raises
    ------
    AnnotationTableError
        If a column is missing or a value is not a finite number.
    """
    return tuple(
        LunaMark(series_instance_uid=uid, center_lps_mm=center, probability=value)
        for uid, center, value in _rows(path, "probability")
    )


def _rows(path: Path, last: str) -> list[tuple[str, Vector, float]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            missing = sorted({*_PLACE, last} - set(table.fieldnames or ()))
            if missing:
                raise _bad(f"Columns are missing: {', '.join(missing)}.", path)
            return [_row(row, last, path, table.line_num) for row in table]
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(f"The table cannot be read ({type(error).__name__}).", path) from error


def _row(row: dict[str, str | None], last: str, path: Path, line: int) -> tuple[str, Vector, float]:
    try:
        x, y, z, value = (float(row[name] or "nan") for name in (*_PLACE[1:], last))
    except ValueError as error:
        raise _bad(f"Line {line} holds a value that is no number.", path) from error
    if not all(math.isfinite(number) for number in (x, y, z, value)):
        raise _bad(f"Line {line} lacks a number.", path)
    return str(row["seriesuid"]), (x, y, z), value


def _bad(what: str, path: Path) -> AnnotationTableError:
    return AnnotationTableError(
        what,
        where=path.name,
        allowed="CSV with seriesuid, coordX, coordY, coordZ and diameter_mm or probability",
        remedy="Export the table again; coordinates are DICOM LPS in mm.",
    )
