"""What a reader study holds beside its scores: marks with locations, and sizes measured in both modalities."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical.froc import Detections, FrocData, TrueNodules, match_detections
from lungai_core.errors import StudyFileError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.clinical.study import ReadTable

__all__ = ["LesionTable", "match_reader_marks", "paired_sizes", "read_lesions_csv"]

_PLACE = ("x_mm", "y_mm", "z_mm")
_MARK_COLUMNS = ("reader", "modality", "case", *_PLACE, "score")
_NODULE_COLUMNS = ("case", *_PLACE, "diameter_mm")


@dataclass(frozen=True, slots=True, eq=False)
class LesionTable:
    """Readers' marks, and the nodules of the reference standard.

    :implements: SRS-CLIN-023, SDS-CLIN-023

    Parameters
    ----------
    readers, modalities
        ``(marks,)`` names.
    marks
        Places (LPS, mm) and scores; the scan of a mark is its case.
    nodules
        The reference standard; the scan of a nodule is its case.
    """

    readers: NDArray[np.str_]
    modalities: NDArray[np.str_]
    marks: Detections
    nodules: TrueNodules


def read_lesions_csv(marks: Path, /, *, nodules: Path) -> LesionTable:
    """Read marks and nodules.

    :implements: SRS-CLIN-023, SDS-CLIN-023

    Parameters
    ----------
    marks
        CSV with the columns reader, modality, case, x_mm, y_mm, z_mm (LPS) and score.
    nodules
        CSV with the columns case, x_mm, y_mm, z_mm (LPS) and diameter_mm.

    Raises
    ------
    StudyFileError
        If a column is missing or a row incomplete; the error names the line.
    """
    made, wanted = _rows(marks, _MARK_COLUMNS), _rows(nodules, _NODULE_COLUMNS)
    return LesionTable(
        readers=np.asarray([row["reader"] for row in made], dtype=np.str_),
        modalities=np.asarray([row["modality"] for row in made], dtype=np.str_),
        marks=Detections(
            scan_ids=tuple(row["case"] for row in made),
            positions_lps_mm=_places(made),
            scores=np.asarray([float(row["score"]) for row in made], dtype=np.float64),
        ),
        nodules=TrueNodules(
            scan_ids=tuple(row["case"] for row in wanted),
            positions_lps_mm=_places(wanted),
            diameters_mm=np.asarray([float(row["diameter_mm"]) for row in wanted], dtype=np.float64),
            excluded=np.zeros(len(wanted), dtype=np.bool_),
        ),
    )


def match_reader_marks(lesions: LesionTable, /, *, table: ReadTable, modality: str) -> FrocData:
    """Decide which marks of one modality hit which nodules; each read of a case is a scan of its own.

    :implements: SRS-CLIN-006, SDS-CLIN-023

    Parameters
    ----------
    lesions
        Marks and nodules.
    table
        The reads: every reader and case, those without marks too.
    modality
        The modality.

    Raises
    ------
    StudyFileError
        If a mark or a nodule is not of the study's reads.
    """
    chosen = table.modalities == modality
    reads = sorted({(str(one), str(two)) for one, two in zip(table.readers[chosen], table.cases[chosen], strict=True)})
    mine = np.flatnonzero(lesions.modalities == modality)
    made = [(str(lesions.readers[index]), lesions.marks.scan_ids[index]) for index in mine]
    if not (set(made) <= set(reads) and set(lesions.nodules.scan_ids) <= set(table.cases.tolist())):
        raise StudyFileError(
            "A mark or a nodule is not of the study's reads.",
            where=f"modality {modality}",
            allowed="readers and cases that have a row in the study file",
            remedy="Name readers, modalities and cases in all files alike, and list every read in the study file.",
        )
    pairs = [
        (number, (reader, case))
        for number, name in enumerate(lesions.nodules.scan_ids)
        for reader, case in reads
        if case == name
    ]
    copies = np.asarray([number for number, _ in pairs], dtype=np.intp)
    return match_detections(
        Detections(
            scan_ids=tuple(_scan(read) for read in made),
            positions_lps_mm=lesions.marks.positions_lps_mm[mine],
            scores=lesions.marks.scores[mine],
        ),
        TrueNodules(
            scan_ids=tuple(_scan(read) for _, read in pairs),
            positions_lps_mm=lesions.nodules.positions_lps_mm[copies],
            diameters_mm=lesions.nodules.diameters_mm[copies],
            excluded=lesions.nodules.excluded[copies],
        ),
        scan_ids=[_scan(read) for read in reads],
    )


def paired_sizes(
    table: ReadTable, /, *, modalities: tuple[str, str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the sizes that the same readers measured in both modalities, one pair a case: the means of its readers.

    :implements: SRS-CLIN-014, SDS-CLIN-023

    Several readers of one case are no independent pairs; their mean is one.

    Parameters
    ----------
    table
        The reads.
    modalities
        Test and control modality.

    Returns
    -------
    tuple
        Two ``(cases,)`` arrays in mm, empty where the study has no sizes.
    """
    if table.sizes_mm is None:
        return np.empty(0), np.empty(0)
    measured: list[dict[tuple[str, str], float]] = []
    for name in modalities:
        chosen = np.flatnonzero((table.modalities == name) & np.isfinite(table.sizes_mm))
        measured.append({(str(table.cases[i]), str(table.readers[i])): float(table.sizes_mm[i]) for i in chosen})
    common = sorted(set(measured[0]) & set(measured[1]))
    cases = sorted({case for case, _ in common})
    first, second = (
        np.asarray([np.mean([sizes[key] for key in common if key[0] == case]) for case in cases], dtype=np.float64)
        for sizes in measured
    )
    return first, second


def _scan(read: tuple[str, str]) -> str:
    return "\t".join(read)


def _places(rows: list[dict[str, str]]) -> NDArray[np.float64]:
    return np.asarray([[float(row[name]) for name in _PLACE] for row in rows], dtype=np.float64).reshape(-1, 3)


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            if not set(columns) <= set(table.fieldnames or ()):
                raise _bad("Columns are missing.", path, columns)
            for row in table:
                if not all(_is_usable(name, row[name]) for name in columns):
                    raise _bad(f"Line {table.line_num} is incomplete, or has a text for a number.", path, columns)
                rows.append({name: row[name] for name in columns})
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(f"The file cannot be read ({type(error).__name__}).", path, columns) from error
    return rows


def _is_usable(name: str, value: str | None) -> bool:
    if name in {"reader", "modality", "case"}:
        return bool((value or "").strip())
    try:
        return math.isfinite(float(value or ""))
    except ValueError:
        return False


def _bad(what: str, path: Path, columns: tuple[str, ...]) -> StudyFileError:
    return StudyFileError(
        what, where=path.name, allowed=f"CSV with {', '.join(columns)}", remedy="Correct the file and read it again."
    )
