"""Items as CSV and as a workbook; workbooks and CSV as items."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lungai_core.errors import ExchangeError
from lungai_core.trace.exchange.markdown import make_item
from lungai_core.trace.exchange.optional import optional_package
from lungai_core.trace.matrix import CSV_COLUMNS, csv_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.items import Item
    from lungai_core.trace.matrix import Matrix

__all__ = ["items_csv", "items_from_csv", "items_from_xlsx", "matrix_xlsx"]

_COLUMNS = ("id", "title", "text", "text_zh", "rationale", "parents", "method", "status", "implemented_by", "fields")
_NAMES = {  # what other tools call these columns
    "id": ("id", "item id", "requirement id", "req id", "uid", "identifier"),
    "title": ("title", "name", "heading", "summary"),
    "text": ("text", "description", "statement", "requirement", "requirement text"),
    "parents": ("parents", "parent", "links", "traces to", "derived from", "parent id"),
}
_SEPARATORS = str.maketrans({";": ",", "\n": ","})
_WIDTHS = {"text": 60, "text_zh": 50, "tests": 60, "code": 40, "title": 30, "reason": 40}


def items_csv(items: Iterable[Item], /) -> str:
    """Return items as CSV, which :func:`items_from_csv` reads back without loss.

    :implements: SRS-TRACE-016, SDS-TRACE-018
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for item in items:
        fields = json.dumps(dict(item.fields), ensure_ascii=False) if item.fields else ""
        implemented_by = ", ".join(item.implemented_by)
        writer.writerow(
            (item.item_id, item.title, item.text, item.text_zh, item.rationale, ", ".join(item.parents),
             item.method, item.status, implemented_by, fields)
        )  # fmt: skip
    return text.getvalue()


def items_from_csv(text: str, config: TraceConfig, /) -> tuple[Item, ...]:
    """Read items from CSV with a header.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    text
        Columns ID and text are needed; title, parents and others are taken where they are. Columns that have no
        meaning here become fields.
    config
        Decides the kinds.
    """
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    return _items(rows, config)


def items_from_xlsx(path: Path, config: TraceConfig, /) -> tuple[Item, ...]:
    """Read items from the first sheet of a workbook whose first row is the header.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    path
        An ``.xlsx`` file.
    config
        Decides the kinds.
    """
    load_workbook = optional_package("openpyxl").load_workbook
    # From memory: a workbook read in pieces keeps its file open for as long as it lives.
    sheet = load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True).worksheets[0]
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    return _items(rows, config)


def matrix_xlsx(matrix: Matrix, path: Path, /) -> Path:
    """Write the trace matrix as a workbook with filters; the same matrix gives the same bytes.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    matrix
        What to write: one sheet of items, one of tests, one of findings.
    path
        The file to write.
    """
    xlsxwriter = optional_package("xlsxwriter")
    path.parent.mkdir(parents=True, exist_ok=True)
    tests = [
        (each.node_id, ", ".join(each.verifies), str(each.outcome), len(each.attempts), each.message)
        for each in matrix.results
    ]
    findings = [
        (each.rule.code, str(each.place), each.subject, each.message, each.rule.remedy) for each in matrix.findings
    ]
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC), "author": "lungai-core"})
        head = book.add_format({"bold": True, "bg_color": "#12202E", "font_color": "#FFFFFF", "valign": "vcenter"})
        body = book.add_format({"text_wrap": True, "valign": "top"})
        for name, columns, rows in (
            ("Items", CSV_COLUMNS, list(csv_rows(matrix))),
            ("Tests", ("test", "verifies", "outcome", "attempts", "message"), tests),
            ("Findings", ("code", "place", "subject", "message", "remedy"), findings),
        ):
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, len(rows), len(columns) - 1)
            for number, column in enumerate(columns):
                sheet.write_string(0, number, column, head)
                sheet.set_column(number, number, _WIDTHS.get(column, 18), body)
            for line, row in enumerate(rows, start=1):
                for number, cell in enumerate(row):
                    sheet.write(line, number, cell)
    return path


def _items(rows: Sequence[Sequence[str]], config: TraceConfig, /) -> tuple[Item, ...]:
    if not rows:
        raise _refusal("The table is empty.")
    header = [name.strip().lower() for name in rows[0]]
    place = {key: _column(header, names) for key, names in _NAMES.items()}
    if place["id"] is None or place["text"] is None:
        raise _refusal("The table has no column for the ID or the text.")
    known = {number for number in place.values() if number is not None}
    found = []
    for row in rows[1:]:
        cells = [*row, *[""] * (len(header) - len(row))]
        item_id = cells[place["id"]].strip()
        if not item_id:
            continue
        more = {header[number]: cell for number, cell in enumerate(cells) if number not in known and header[number]}
        packed = more.pop("fields", "")
        more |= json.loads(packed) if packed else {}
        parents = cells[place["parents"]] if place["parents"] is not None else ""
        title = cells[place["title"]] if place["title"] is not None else ""
        links = [part.strip() for part in parents.translate(_SEPARATORS).split(",") if part.strip()]
        found.append(make_item(config, item_id, title=title, text=cells[place["text"]], parents=links, more=more))
    return tuple(found)


def _column(header: list[str], names: tuple[str, ...], /) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _refusal(what: str, /) -> ExchangeError:
    return ExchangeError(
        what,
        allowed="a header with a column named "
        + " or ".join(_NAMES["id"])
        + ", and one of "
        + " or ".join(_NAMES["text"]),
        remedy="Name the columns in the first row, and try again.",
    )
