"""A case report as tables: one row a nodule, and the work-list of those that call for a second reading."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from lungai_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lungai_core.domain.case_report import CaseReport, NoduleResult

__all__ = ["write_nodules_csv", "write_worklist_csv"]

_NODULE_COLUMNS = (
    "series_instance_uid",
    "candidate_id",
    "slice_number",
    "center_x_lps_mm",
    "center_y_lps_mm",
    "center_z_lps_mm",
    "malignancy_probability",
    "suspicious",
    "network_diameter_mm",
    "sphere_diameter_mm",
    "long_axis_mm",
    "volume_mm3",
    "mean_hu",
    "texture",
    "texture_probability",
    "entropy_nats",
    "mutual_information_nats",
    "review_required",
    "review_reasons",
    "warnings",
    "failure",
)
_WORKLIST_COLUMNS = ("series_instance_uid", "candidate_id", "slice_number", "sop_instance_uid", "review_reasons")
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


def write_nodules_csv(report: CaseReport, path: Path, /) -> Path:
    """Write one row for each candidate, results first and then those without a result.

    :implements: SRS-REPORT-005, SDS-REPORT-004

    Parameters
    ----------
    report
        The result.
    path
        The file: UTF-8, comma, line feed; empty where there is no value.
    """
    series = "" if report.input is None else report.input.series_instance_uid
    rows = [_nodule_row(nodule, series) for nodule in report.nodules]
    blank = [""] * (len(_NODULE_COLUMNS) - 3)
    rows += [[series, _text(failure.candidate_id), *blank, failure.code] for failure in report.failures]
    return write_whole(path, _csv(_NODULE_COLUMNS, rows))


def write_worklist_csv(report: CaseReport, path: Path, /) -> Path:
    """Write what a second reader has to look at: nodules that call for it, and candidates without a result.

    :implements: SRS-REPORT-005, SDS-REPORT-004

    Parameters
    ----------
    report
        The result. A refused series gives one row without a candidate.
    path
        The file, as for :func:`write_nodules_csv`.
    """
    series = "" if report.input is None else report.input.series_instance_uid
    rows = [
        [series, _text(nodule.candidate_id), str(nodule.slice_number), nodule.sop_instance_uid, _joined(nodule)]
        for nodule in report.nodules
        if nodule.review_required
    ]
    rows += [[series, _text(failure.candidate_id), "", "", "candidate_failed"] for failure in report.failures]
    rows += [["", "", "", "", "series_refused"]] if report.refusal is not None else []
    return write_whole(path, _csv(_WORKLIST_COLUMNS, rows))


def _nodule_row(nodule: NoduleResult, series: str, /) -> list[str]:
    mask, size, uncertainty, texture = nodule.mask, nodule.size, nodule.uncertainty, nodule.texture
    values = (
        *nodule.center_lps_mm,
        nodule.malignancy_probability,
        int(nodule.suspicious),
        size.network_mm,
        size.sphere_mm,
        size.long_axis_mm,
        None if mask is None else mask.volume_mm3,
        None if mask is None else mask.mean_hu,
        None if texture is None else texture.texture.value,
        None if texture is None else texture.probability,
        None if uncertainty is None else uncertainty.entropy_nats,
        None if uncertainty is None else uncertainty.mutual_information_nats,
        int(nodule.review_required),
    )
    numbers = ["" if value is None else str(value) for value in values]
    warnings = " ".join(warning.value for warning in nodule.warnings)
    return [series, _text(nodule.candidate_id), str(nodule.slice_number), *numbers, _joined(nodule), warnings, ""]


def _joined(nodule: NoduleResult, /) -> str:
    return " ".join(reason.value for reason in nodule.review_reasons)


def _text(value: str, /) -> str:
    return f"'{value}" if value.startswith(_FORMULA_MARKS) else value


def _csv(columns: Sequence[str], rows: list[list[str]], /) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()
