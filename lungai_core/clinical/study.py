"""A reader study as a table of reads, from CSV."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical.mrmc import ReaderStudy, reader_study
from lungai_core.errors import StudyFileError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ReadTable", "as_reader_study", "read_study_csv"]

_COLUMNS = ("reader", "modality", "case", "patient", "truth", "score")
_GROUP = "group_"
_SIZE = "size_mm"


@dataclass(frozen=True, slots=True, eq=False)
class ReadTable:
    """Reads, one a row.

    :implements: SRS-CLIN-023, SDS-CLIN-023

    Parameters
    ----------
    readers, modalities, cases, patients
        ``(reads,)`` names.
    truth
        ``(reads,)`` bool.
    scores
        ``(reads,)`` float64.
    groups
        For each subgroup variable the level of each read.
    sizes_mm
        ``(reads,)`` float64, NaN where nothing was measured; ``None`` for a study without sizes.
    """

    readers: NDArray[np.str_]
    modalities: NDArray[np.str_]
    cases: NDArray[np.str_]
    patients: NDArray[np.str_]
    truth: NDArray[np.bool_]
    scores: NDArray[np.float64]
    groups: dict[str, NDArray[np.str_]]
    sizes_mm: NDArray[np.float64] | None = None


def read_study_csv(path: Path, /) -> ReadTable:
    """Read a reader study.

    :implements: SRS-CLIN-023, SDS-CLIN-023

    Parameters
    ----------
    path
        CSV with the columns reader, modality, case, patient, truth (0 or 1) and score, and a column ``group_…`` for
        each subgroup variable. Names are pseudonyms. A column ``size_mm`` holds what the reader measured, and may be
        empty in a row.

    Raises
    ------
    StudyFileError
        If a column is missing or a row incomplete; the error names the line.
    """
    rows: list[dict[str, str | None]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            names = tuple(table.fieldnames or ())
            missing = sorted(set(_COLUMNS) - set(names))
            if missing:
                raise _bad(f"Columns are missing: {', '.join(missing)}.", path)
            for row in table:
                _check_row(row, path, table.line_num)
                rows.append(row)
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(f"The study cannot be read ({type(error).__name__}).", path) from error
    if not rows:
        raise _bad("The study has no read.", path)

    def column(name: str) -> NDArray[np.str_]:
        return np.asarray([row[name] for row in rows], dtype=np.str_)

    return ReadTable(
        readers=column("reader"),
        modalities=column("modality"),
        cases=column("case"),
        patients=column("patient"),
        truth=column("truth") == "1",
        scores=column("score").astype(np.float64),
        groups={name.removeprefix(_GROUP): column(name) for name in names if name.startswith(_GROUP)},
        sizes_mm=np.asarray([float(row[_SIZE] or "nan") for row in rows]) if _SIZE in names else None,
    )


def as_reader_study(table: ReadTable, /, *, modalities: tuple[str, str]) -> ReaderStudy:
    """Arrange the reads of two modalities, the first before the second.

    :implements: SRS-CLIN-023, SDS-CLIN-023

    Parameters
    ----------
    table
        All reads.
    modalities
        Test and control modality; both must occur.

    Raises
    ------
    StudyFileError
        If one of them does not occur.
    """
    found = set(table.modalities)
    absent = [name for name in modalities if name not in found]
    if absent:
        raise StudyFileError(
            "A modality of the plan does not occur in the study.",
            where=", ".join(absent),
            allowed=", ".join(sorted(str(name) for name in found)),
            remedy="Name the modalities in the plan as in the study file.",
        )
    wanted = np.isin(table.modalities, modalities)
    # Numbers in the names keep the order of the plan, whatever the alphabet says.
    order = np.where(table.modalities[wanted] == modalities[0], 0, 1)
    study = reader_study(
        table.scores[wanted],
        readers=table.readers[wanted],
        modalities=order,
        cases=table.cases[wanted],
        truth=table.truth[wanted],
    )
    return ReaderStudy(scores=study.scores, truth=study.truth, modalities=modalities, readers=study.readers)


def _check_row(row: dict[str, str | None], path: Path, line: int) -> None:
    if None in row or not all((value or "").strip() for name, value in row.items() if name != _SIZE):
        raise _bad(f"Line {line} is incomplete.", path)
    try:
        score = float(row["score"] or "")
    except ValueError as error:
        raise _bad(f"Line {line} has a score that is no number.", path) from error
    if row["truth"] not in {"0", "1"} or not math.isfinite(score):
        raise _bad(f"Line {line} has a truth other than 0 or 1, or no finite score.", path)
    try:
        size = float(row.get(_SIZE) or 1)
    except ValueError as error:
        raise _bad(f"Line {line} has a size that is no number.", path) from error
    if not 0 < size < math.inf:
        raise _bad(f"Line {line} has a size that is not above 0 mm.", path)


def _bad(what: str, path: Path) -> StudyFileError:
    return StudyFileError(
        what,
        where=path.name,
        allowed="CSV with reader, modality, case, patient, truth (0 or 1), score; group_… and size_mm if any",
        remedy="Correct the line; a missing read is left out as a row, never as an empty cell.",
    )
