"""A study report as DOCX; the same report gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING

from lungai_core.errors import MissingDependencyError

if TYPE_CHECKING:
    from docx.document import Document

    from lungai_core.clinical.report import StudyReport
    from lungai_core.clinical.report_tables import ReportTable

__all__ = ["report_docx"]

_NO_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - python-docx takes naive times; the document shall not depend on now
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def report_docx(report: StudyReport, /, *, disclaimer: str) -> bytes:
    """Render a report as DOCX.

    :implements: SRS-CLIN-017, SDS-CLIN-017

    Parameters
    ----------
    report
        The report.
    disclaimer
        The sentence under the title.

    Raises
    ------
    MissingDependencyError
        If python-docx is not installed.
    """
    try:
        from docx import Document as new_document  # noqa: N813, PLC0415 - of an extra
        from docx.enum.section import WD_ORIENT  # noqa: PLC0415  # an extra that may be absent
        from docx.shared import Inches, Pt  # noqa: PLC0415  # an extra that may be absent
    except ImportError as error:
        raise MissingDependencyError(
            "DOCX needs python-docx, which is not installed.",
            where="lungai_core.clinical.report_docx",
            allowed="python-docx >= 1.2, < 2",
            remedy='pip install "lungai-core[clinical]"',
        ) from error
    document = new_document()
    properties = document.core_properties
    properties.title, properties.author = report.title, "lungai-core"
    properties.created = properties.modified = _NO_TIME
    # Wide tables need a wide page.
    page = document.sections[0]
    page.orientation = WD_ORIENT.LANDSCAPE
    page.page_width, page.page_height = Inches(11.69), Inches(8.27)
    page.left_margin = page.right_margin = Inches(0.6)
    document.styles["Normal"].font.size = Pt(8.5)
    document.add_heading(report.title, level=0)
    if report.mark:
        document.add_paragraph(f"{report.mark}: not a result on patients", style="Intense Quote")
        page.header.paragraphs[0].text = report.mark
    document.add_paragraph(disclaimer)
    for table in report.tables:
        _add_table(document, table)
    document.add_heading("Plots", level=1)
    for plot in report.plots:
        document.add_picture(io.BytesIO(plot.png), width=Inches(5.2))
        document.add_paragraph(plot.title)
    stream = io.BytesIO()
    document.save(stream)
    return _without_times(stream.getvalue())


def _add_table(document: Document, table: ReportTable) -> None:
    document.add_heading(table.title, level=1)
    grid = document.add_table(rows=1, cols=len(table.heads), style="Light Grid Accent 1")
    for cell, text in zip(grid.rows[0].cells, table.heads, strict=True):
        cell.text = text
    for row in table.rows:
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            cell.text = text


def _without_times(content: bytes) -> bytes:
    """Pack the archive again with one fixed time for all its members."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in sorted(source.namelist()):
            target.writestr(zipfile.ZipInfo(name, _ZIP_TIME), source.read(name), zipfile.ZIP_DEFLATED)
    return result.getvalue()
