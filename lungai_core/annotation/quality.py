"""The quality report of a reading project, as JSON and as one HTML file."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.annotation.record import check_geometry
from lungai_core.annotation.workflow import Disagreement, ReadingProject, find_disagreements
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import MeasurementImpossibleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from lungai_core.annotation.masks import Mask
    from lungai_core.annotation.record import NoduleAnnotation

__all__ = [
    "AgreementRow",
    "GeometryRow",
    "QualityReport",
    "quality_html",
    "quality_json",
    "quality_report",
    "rating_table",
]


class AgreementRow(FrozenModel):
    """Agreement of the raters on one variable; the coefficient is computed by the caller.

    :implements: SRS-ANNO-008, SDS-ANNO-008

    ``lower`` and ``upper`` are ``None`` where the coefficient does not exist, and ``note`` says why.
    """

    variable: str
    coefficient: str
    metric: str
    unit: str
    n_units: int
    n_readers: int
    estimate: float | None
    lower: float | None
    upper: float | None
    confidence: float
    note: str = ""


class GeometryRow(FrozenModel):
    """What the comparison of volume and diameter said of one read.

    :implements: SRS-ANNO-008, SDS-ANNO-008
    """

    annotation_id: str
    deviation_percent: float | None
    verdict: str


class QualityReport(FrozenModel):
    """A reading project in numbers.

    :implements: SRS-ANNO-008, SDS-ANNO-008
    """

    schema_version: str = "lungai-annotation-quality/1"
    plan_id: str
    raters: tuple[str, ...]
    senior: str
    n_nodules: int
    n_reads: int
    agreement: tuple[AgreementRow, ...]
    disagreements: tuple[Disagreement, ...]
    arbitrated: tuple[str, ...]
    open_nodules: tuple[str, ...]
    geometry: tuple[GeometryRow, ...]


def rating_table(
    project: ReadingProject, /, *, value: Callable[[NoduleAnnotation], float | None], round_number: int = 1
) -> NDArray[np.float64]:
    """Arrange one variable of the raters' reads for a coefficient of agreement. The senior's decisions do not enter.

    :implements: SRS-ANNO-008, SDS-ANNO-008

    Parameters
    ----------
    project
        The project.
    value
        The variable of a read as a number, ``None`` where it was not stated.
    round_number
        The round.

    Returns
    -------
    numpy.ndarray
        ``(nodules, raters)`` float64, NaN where a rater did not state it.
    """
    nodules = sorted({read.nodule_id for read in project.reads})
    table = np.full((len(nodules), len(project.plan.raters)), np.nan)
    for annotation in project.reads:
        number = value(annotation)
        if annotation.read.round == round_number and number is not None:
            table[nodules.index(annotation.nodule_id), project.plan.raters.index(annotation.read.reader)] = number
    return table


def quality_report(
    project: ReadingProject, /, *, agreement: tuple[AgreementRow, ...], masks: Mapping[str, Mask] | None = None
) -> QualityReport:
    """Put together disagreements, arbitrations, geometry checks and agreement.

    :implements: SRS-ANNO-008, SDS-ANNO-008

    Parameters
    ----------
    project
        A verified project.
    agreement
        Rows computed with the tables of :func:`rating_table`.
    masks
        Mask of each annotation identifier, if masks shall be compared.
    """
    found = find_disagreements(project.reads, plan=project.plan, masks=masks)
    decided = {arbitration.nodule_id for arbitration in project.arbitrations}
    return QualityReport(
        plan_id=project.plan.plan_id,
        raters=project.plan.raters,
        senior=project.plan.senior,
        n_nodules=len({read.nodule_id for read in project.reads}),
        n_reads=len(project.reads),
        agreement=agreement,
        disagreements=found,
        arbitrated=tuple(sorted(decided)),
        open_nodules=tuple(sorted({one.nodule_id for one in found} - decided)),
        geometry=tuple(_geometry(read) for read in project.reads),
    )


def quality_json(report: QualityReport, /) -> str:
    """Render a report as JSON with sorted keys.

    :implements: SRS-ANNO-008, SDS-ANNO-008

    Parameters
    ----------
    report
        The report.
    """
    return json.dumps(report.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def quality_html(report: QualityReport, /) -> str:
    """Render a report as one HTML file without any outside resource.

    :implements: SRS-ANNO-008, SDS-ANNO-008

    Parameters
    ----------
    report
        The report.
    """
    counts = (
        ("Plan", report.plan_id),
        ("Raters", ", ".join(report.raters)),
        ("Senior (arbitrates, no rater)", report.senior),
        ("Nodules", report.n_nodules),
        ("Reads", report.n_reads),
        ("Disagreements", len(report.disagreements)),
        ("Nodules arbitrated", len(report.arbitrated)),
        ("Nodules still open", ", ".join(report.open_nodules) or "none"),
    )
    heads = ("Variable", "Coefficient", "Metric", "Unit", "n", "Readers", "Estimate", "Interval", "Note")
    agreement = [
        (
            row.variable,
            row.coefficient,
            row.metric,
            row.unit,
            row.n_units,
            row.n_readers,
            _number(row.estimate),
            _limits(row),
            row.note,
        )
        for row in report.agreement
    ]
    disagreements = [
        (one.nodule_id, one.round, one.kind.value, ", ".join(one.readers), one.detail) for one in report.disagreements
    ]
    geometry = [(row.annotation_id, _signed(row.deviation_percent), row.verdict) for row in report.geometry]
    body = (
        "<h1>Annotation quality report</h1>"
        + _table(("", ""), counts)
        + "<h2>Agreement of the raters, by variable</h2>"
        + "<p>A claim about agreement needs metric, unit and lower bound; the estimate alone is none.</p>"
        + _table(heads, agreement)
        + "<h2>Disagreements</h2>"
        + _table(("Nodule", "Round", "Trigger", "Readers", "Detail"), disagreements)
        + "<h2>Volume against diameter</h2>"
        + _table(("Annotation", "Deviation from the sphere, %", "Verdict"), geometry)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Annotation quality report</title>'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{border-bottom:1px solid #d5dae0;"
    "padding:.35rem .6rem;text-align:left;vertical-align:top}th{background:#f3f5f7}h1{font-size:1.5rem}"
)


def _geometry(annotation: NoduleAnnotation) -> GeometryRow:
    try:
        check = check_geometry(annotation)
    except MeasurementImpossibleError as error:
        return GeometryRow(
            annotation_id=annotation.annotation_id, deviation_percent=None, verdict=f"{error.code} {error.what}"
        )
    if check is None:
        return GeometryRow(annotation_id=annotation.annotation_id, deviation_percent=None, verdict="not both measured")
    return GeometryRow(
        annotation_id=annotation.annotation_id,
        deviation_percent=check.deviation_percent,
        verdict=check.verdict.value,
    )


def _table(heads: tuple[str, ...], rows: object) -> str:
    lines = [tuple(row) for row in rows] if isinstance(rows, (list, tuple)) else []
    head = "".join(f"<th>{escape(text)}</th>" for text in heads) if any(heads) else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body or '<tr><td>none</td></tr>'}</tbody></table>"


def _number(value: float | None) -> str:
    return "not estimable" if value is None else f"{value:.3f}"


def _limits(row: AgreementRow) -> str:
    if row.lower is None or row.upper is None:
        return "not estimable"
    return f"{row.lower:.3f} to {row.upper:.3f} ({row.confidence:.0%})"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}"
