"""The tables of a document as XLSX: one sheet a table, the same bytes from the same document."""

from __future__ import annotations

import importlib
import io
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lungai_core.errors import MissingDependencyError
from lungai_core.evidence.document import NOTICE, Table
from lungai_core.evidence.layout import Mark, columns_of, rows_of, table_title, title_of

if TYPE_CHECKING:
    from lungai_core.evidence.document import Document
    from lungai_core.evidence.fields import Language
    from lungai_core.evidence.layout import Edition

__all__ = ["tables_in", "xlsx_bytes"]

_FILLS = {Mark.MISSING: "#FBE3E0", Mark.OPEN: "#FFF3C4", Mark.BAD: "#FBE3E0"}
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\']")
_SHEET_NAME_SIGNS = 28
_WIDTH_SIGNS = 150


def tables_in(document: Document, /) -> tuple[Table, ...]:
    """Return the tables of a document that have rows, in order.

    :implements: SRS-EVID-019, SDS-EVID-014

    Parameters
    ----------
    document
        Of a set.
    """
    return tuple(
        block for section in document.sections for block in section.blocks if isinstance(block, Table) and block.rows
    )


def xlsx_bytes(document: Document, /, *, language: Language, edition: Edition) -> bytes:
    """Return the tables of a document as XLSX with frozen heads and filters.

    :implements: SRS-EVID-019, SRS-EVID-021, SDS-EVID-014

    Parameters
    ----------
    document, language, edition
        What, in which words, and of which version.

    Raises
    ------
    MissingDependencyError
        If ``XlsxWriter`` is not installed.
    """
    try:
        library: Any = importlib.import_module("xlsxwriter")
    except ImportError as error:
        raise MissingDependencyError(
            "The XLSX renderer is not installed.",
            where="XlsxWriter",
            remedy='Run `pip install "lungai-core[evidence]"`.',
        ) from error
    out = io.BytesIO()
    # Texts that begin with an equals sign or look like links stay texts: a cell never becomes a formula.
    settings = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = library.Workbook(out, settings)
    stamp = datetime.fromisoformat(edition.time).replace(tzinfo=None)
    book.set_properties({"title": title_of(document, language), "author": edition.component, "created": stamp})
    formats = {
        mark: book.add_format(
            {"text_wrap": True, "valign": "top", "font_size": 9, **({"bg_color": fill} if fill else {})}
        )
        for mark, fill in {Mark.PLAIN: "", **_FILLS}.items()
    }
    head = book.add_format(
        {"bold": True, "bg_color": "#1F3A5F", "font_color": "#FFFFFF", "text_wrap": True, "valign": "top"}
    )
    cover = book.add_worksheet("Notice")
    cover.set_column(0, 0, 110)
    for line, text in enumerate((title_of(document, language), edition.line, edition.time, NOTICE.en, NOTICE.zh)):
        cover.write_string(line, 0, text, formats[Mark.PLAIN])
    for number, table in enumerate(tables_in(document), start=1):
        name = _NOT_IN_SHEET_NAMES.sub(" ", f"{number} {table_title(table, language)}")[:_SHEET_NAME_SIGNS].strip()
        _fill(book.add_worksheet(name), table, language, formats, head)
    book.close()
    return out.getvalue()


def _fill(sheet: Any, table: Table, language: Language, formats: dict[str, Any], head: Any) -> None:  # noqa: ANN401  XlsxWriter ships no types
    columns = columns_of(table, language)
    for position, (name, share) in enumerate(columns):
        sheet.set_column(position, position, max(8, round(share * _WIDTH_SIGNS)))
        sheet.write_string(0, position, name, head)
    for line, row in enumerate(rows_of(table, language), start=1):
        for position, (text, mark) in enumerate(row):
            sheet.write_string(line, position, text, formats[mark])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(table.rows), len(columns) - 1)
