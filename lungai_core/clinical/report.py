"""The report of a reader study: one value, rendered as JSON, HTML and DOCX."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical.calibration import reliability_bins
from lungai_core.clinical.plan import DataOrigin, PlanFile
from lungai_core.clinical.plots import Plot, plot_calibration, plot_forest, plot_roc
from lungai_core.clinical.roc import roc_curve, roc_data
from lungai_core.files import new_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.clinical.analysis import EndpointResult, StudyAnalysis
    from lungai_core.clinical.results import Interval
    from lungai_core.clinical.study import ReadTable

__all__ = ["ReportTable", "StudyReport", "build_report", "report_html", "report_json", "write_report"]

_MARKS = {
    DataOrigin.CLINICAL: "",
    DataOrigin.SYNTHETIC: "SYNTHETIC DATA",
    DataOrigin.PHANTOM: "PHANTOM DATA",
}
_DISCLAIMER = (
    "Computed by lungai-core under a locked analysis plan. The report states what was computed; it makes no claim of "
    "safety, efficacy, clearance or compliance."
)


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table of a report.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    title, heads, rows
        Text.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class StudyReport:
    """A report before it is rendered.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    title
        Of the plan.
    mark
        "SYNTHETIC DATA" or "PHANTOM DATA"; empty for clinical data.
    tables, plots
        In the order of the report.
    analysis
        What it was made from.
    """

    title: str
    mark: str
    tables: tuple[ReportTable, ...]
    plots: tuple[Plot, ...]
    analysis: StudyAnalysis


def build_report(analysis: StudyAnalysis, /, *, table: ReadTable, file: PlanFile) -> StudyReport:
    """Make tables and plots of an analysis.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Tables follow the order of STARD-AI (Sounderajah V et al., Nat Med 2025) where the data hold an item: participants,
    estimates with precision, subgroups, and how it was computed.

    Parameters
    ----------
    analysis
        From :func:`lungai_core.clinical.analysis.analyse_study`.
    table
        The reads.
    file
        The locked plan.
    """
    plan = analysis.plan
    mark = _MARKS[plan.data_origin]
    tables = [_plan_table(file), _flow(analysis), _estimates(analysis), _modalities(analysis)]
    if analysis.alternatives:
        tables.append(_alternatives(analysis))
    if analysis.mrmc is not None:
        tables.append(_components(analysis))
    if analysis.subgroups:
        tables.append(_subgroups(analysis))
    tables.append(_provenance(analysis))
    return StudyReport(
        title=plan.title, mark=mark, tables=tuple(tables), plots=_plots(analysis, table, mark), analysis=analysis
    )


def report_json(report: StudyReport, /) -> str:
    """Render a report as JSON: all values, not the rounded text of the tables.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    report
        The report.
    """
    document = {
        "schema_version": "lungai-study-report/1",
        "title": report.title,
        "mark": report.mark,
        "disclaimer": _DISCLAIMER,
        "analysis": report.analysis.model_dump(mode="json"),
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def report_html(report: StudyReport, /) -> str:
    """Render a report as one HTML file without any outside resource.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    report
        The report.
    """
    banner = f'<p class="mark">{escape(report.mark)}: not a result on patients</p>' if report.mark else ""
    tables = "".join(_html_table(table) for table in report.tables)
    plots = "".join(
        f'<figure><img alt="{escape(plot.title)}" src="data:image/png;base64,{b64encode(plot.png).decode()}">'
        f"<figcaption>{escape(plot.title)}</figcaption></figure>"
        for plot in report.plots
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(report.title)}</h1>{banner}<p>{escape(_DISCLAIMER)}</p>"
        f"{tables}<h2>Plots</h2>{plots}</body></html>\n"
    )


def write_report(report: StudyReport, folder: Path, /) -> Path:
    """Write report.json, report.html, report.docx and the plots into a new folder.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    report
        The report.
    folder
        A folder that does not exist yet, or an empty one.

    Raises
    ------
    OutputFolderError
        If the folder holds something already.
    MissingDependencyError
        If python-docx is not installed.
    """
    from lungai_core.clinical.report_docx import report_docx  # noqa: PLC0415 - needs python-docx

    document = report_docx(report, disclaimer=_DISCLAIMER)
    with new_folder(folder) as target:
        write_whole(target / "report.json", report_json(report))
        write_whole(target / "report.html", report_html(report))
        write_whole(target / "report.docx", document)
        for plot in report.plots:
            write_whole(target / f"{plot.name}.png", plot.png)
            write_whole(target / f"{plot.name}.svg", plot.svg)
    return folder


_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%;margin:.4rem 0 1.6rem;font-size:14px}th,td{border-bottom:1px solid "
    "#d5dae0;padding:.35rem .6rem;text-align:left;vertical-align:top}th{background:#f3f5f7}h1{font-size:1.5rem}"
    "h2{font-size:1.15rem}.mark{background:#fff4d6;border:2px solid #c28a00;padding:.6rem 1rem;font-weight:600}"
    "figure{display:inline-block;margin:0 1rem 1rem 0;max-width:34rem}img{max-width:100%}"
)


def _plan_table(file: PlanFile) -> ReportTable:
    plan, lock = file.plan, file.lock
    rows = [
        ("Plan", plan.plan_id),
        ("SHA-256 of the plan", "" if lock is None else lock.plan_sha256),
        ("Locked", "" if lock is None else f"{lock.locked_at.isoformat()} by {lock.locked_by}"),
        ("Data", plan.data_origin.value),
        ("Test modality", plan.test_modality),
        ("Control modality", plan.control_modality),
        ("Two-sided alpha", f"{plan.alpha_two_sided:g}"),
    ]
    return ReportTable("Plan", ("Item", "Value"), tuple(rows))


def _flow(analysis: StudyAnalysis) -> ReportTable:
    counts = analysis.results[0].counts
    rows = (
        ("Patients", str(counts.patients)),
        ("Cases with the condition", str(counts.cases_diseased)),
        ("Cases without the condition", str(counts.cases_non_diseased)),
        ("Readers", str(counts.readers)),
        ("Reads in both modalities", str(counts.reads)),
    )
    return ReportTable("Participants and reads", ("Item", "n"), rows)


def _estimates(analysis: StudyAnalysis) -> ReportTable:
    heads = ("Endpoint", "Role", "Unit", "Difference", "p", "Decision", "Method", "Requirement", "Reference case")
    rows = tuple(
        (
            result.endpoint.description,
            result.endpoint.role.value,
            result.unit.value,
            _interval(result.difference),
            _p_value(result.test.p_value),
            _decision(result),
            result.difference.method,
            ", ".join(result.endpoint.requirement_ids) or "none named",
            ", ".join(result.reference_cases),
        )
        for result in analysis.results
    )
    return ReportTable("Endpoints: test minus control", heads, rows)


def _modalities(analysis: StudyAnalysis) -> ReportTable:
    rows = tuple(
        (result.endpoint.description, one.modality, _interval(one.interval), one.interval.method)
        for result in analysis.results
        for one in result.modalities
    )
    return ReportTable("Each modality", ("Endpoint", "Modality", "Estimate", "Method"), rows)


def _alternatives(analysis: StudyAnalysis) -> ReportTable:
    rows = tuple((name, _interval(interval), _p_value(p)) for name, interval, p in analysis.alternatives)
    return ReportTable("AUC difference by every method, for comparison", ("Method", "Difference", "p"), rows)


def _components(analysis: StudyAnalysis) -> ReportTable:
    components = analysis.mrmc.components.model_dump() if analysis.mrmc is not None else {}
    rows = tuple((name, f"{value:.6g}") for name, value in components.items())
    return ReportTable("Variance components (Obuchowski-Rockette)", ("Component", "Value"), rows)


def _subgroups(analysis: StudyAnalysis) -> ReportTable:
    rows = tuple(
        (
            row.variable,
            row.level,
            str(row.n_units),
            str(row.n_patients),
            row.note if row.interval is None else _interval(row.interval),
        )
        for row in analysis.subgroups
    )
    heads = ("Variable", "Level", "Reads", "Patients", "Sensitivity, test modality")
    return ReportTable("Subgroups (not adjusted for their number)", heads, rows)


def _provenance(analysis: StudyAnalysis) -> ReportTable:
    provenance = analysis.results[0].provenance
    rows = [("Seed", str(provenance.seed))]
    rows += [(f"Version of {name}", text) for name, text in provenance.versions]
    return ReportTable("How it was computed", ("Item", "Value"), tuple(rows))


def _plots(analysis: StudyAnalysis, table: ReadTable, mark: str) -> tuple[Plot, ...]:
    plan = analysis.plan
    curves = []
    for name in (plan.test_modality, plan.control_modality):
        chosen = table.modalities == name
        data = roc_data(table.scores[chosen], truth=table.truth[chosen])
        curves.append((f"{name} (all readers pooled)", roc_curve(data)))
    plots = [plot_roc(curves, mark=mark)]
    test = table.modalities == plan.test_modality
    scores = table.scores[test]
    if scores.min() >= 0 and scores.max() <= 1:
        plots.append(plot_calibration(reliability_bins(scores, truth=np.asarray(table.truth[test])), mark=mark))
    if analysis.subgroups:
        plots.append(plot_forest(analysis.subgroups, quantity="Sensitivity, test modality", mark=mark))
    return tuple(plots)


def _decision(result: EndpointResult) -> str:
    if result.non_inferior is None:
        return "superior" if result.superior else "superiority not shown"
    if not result.non_inferior:
        return f"non-inferiority at {result.endpoint.margin:g} not shown"
    return f"non-inferior at {result.endpoint.margin:g}" + (", superior" if result.superior else "")


def _interval(interval: Interval) -> str:
    return f"{interval.estimate:.3f} ({interval.confidence:.0%} CI {interval.lower:.3f} to {interval.upper:.3f})"


def _p_value(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004 - how p-values are printed


def _html_table(table: ReportTable) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in table.heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<h2>{escape(table.title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
