"""The report of a reader study: one value, rendered as JSON, HTML and DOCX."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical.calibration import reliability_bins
from lungai_core.clinical.froc import froc_curve
from lungai_core.clinical.plan import DataOrigin, PlanFile
from lungai_core.clinical.plots import (
    Plot,
    plot_bland_altman,
    plot_calibration,
    plot_forest,
    plot_froc,
    plot_roc,
)
from lungai_core.clinical.report_tables import ReportTable, report_tables
from lungai_core.clinical.roc import roc_curve, roc_data
from lungai_core.clinical.study_lesions import LesionTable, match_reader_marks, paired_sizes
from lungai_core.files import new_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.clinical.analysis import StudyAnalysis
    from lungai_core.clinical.study import ReadTable

__all__ = ["StudyReport", "build_report", "report_html", "report_json", "write_report"]

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


def build_report(
    analysis: StudyAnalysis, /, *, table: ReadTable, file: PlanFile, lesions: LesionTable | None = None
) -> StudyReport:
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
    lesions
        Marks and nodules that the analysis was made with, for the FROC plot.
    """
    plan = analysis.plan
    mark = _MARKS[plan.data_origin]
    return StudyReport(
        title=plan.title,
        mark=mark,
        tables=report_tables(analysis, file=file),
        plots=_plots(analysis, table, lesions, mark),
        analysis=analysis,
    )


def report_json(report: StudyReport, /) -> str:
    """Render a report as JSON: all values, and the tables with the requirement and reference case of each.

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
        "tables": [asdict(table) for table in report.tables],
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


def _plots(analysis: StudyAnalysis, table: ReadTable, lesions: LesionTable | None, mark: str) -> tuple[Plot, ...]:
    plan = analysis.plan
    names = (plan.test_modality, plan.control_modality)
    curves = []
    for name in names:
        chosen = table.modalities == name
        data = roc_data(table.scores[chosen], truth=table.truth[chosen])
        curves.append((f"{name} (all readers pooled)", roc_curve(data)))
    plots = [plot_roc(curves, mark=mark)]
    if lesions is not None:
        found = [(name, froc_curve(match_reader_marks(lesions, table=table, modality=name))) for name in names]
        plots.append(plot_froc([(f"{name} (all readers pooled)", curve) for name, curve in found], mark=mark))
    test = table.modalities == plan.test_modality
    scores = table.scores[test]
    if scores.min() >= 0 and scores.max() <= 1:
        plots.append(plot_calibration(reliability_bins(scores, truth=np.asarray(table.truth[test])), mark=mark))
    if analysis.sizes is not None:
        first, second = paired_sizes(table, modalities=names)
        plots.append(plot_bland_altman(first, second, agreement=analysis.sizes, unit="mm", mark=mark))
    if analysis.subgroups:
        plots.append(plot_forest(analysis.subgroups, quantity="Sensitivity, test modality", mark=mark))
    return tuple(plots)


def _html_table(table: ReportTable) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in table.heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<h2>{escape(table.title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
