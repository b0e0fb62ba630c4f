"""Tables that several documents read out of a record in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lungai_core.evidence.document import Nature, Table, facts
from lungai_core.evidence.fields import Text, quoted
from lungai_core.evidence.sources import resolve

if TYPE_CHECKING:
    from lungai_core.evidence.document import Cell
    from lungai_core.evidence.sources import JsonRecord

__all__ = ["checks_table", "record_facts", "record_rows", "record_table"]

_CHECK_COLUMNS = (
    ("tool", Text("Tool", "工具"), 2),
    ("version", Text("Version", "版本"), 2),
    ("command", Text("Settings (command)", "设置(命令)"), 7),
    ("time", Text("Time", "时间"), 4),
    ("exit_code", Text("Exit code", "退出码"), 1),
    ("findings", Text("Findings", "发现数"), 1),
)


def record_rows(record: JsonRecord, pointer: str, names: tuple[str, ...], /) -> tuple[tuple[Cell, ...], ...]:
    """Return one row for each entry of a list in a record, with the named values of each.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    record
        May be absent: then there is no row.
    pointer
        Where the list stands.
    names
        Keys of an entry. The values are names and messages of something else, and claim nothing themselves.
    """
    entries = resolve(record.content, pointer)
    return tuple(
        tuple(quoted(record.field(f"{pointer}/{number}/{name}")) for name in names)
        for number in range(len(entries) if isinstance(entries, list) else 0)
    )


def record_table(
    title: Text, record: JsonRecord, pointer: str, /, *columns: tuple[str, Text, int], nature: Nature = Nature.SOFTWARE
) -> Table:
    """Return a list of a record as a table.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    title
        Stands above it.
    record, pointer
        As for :func:`record_rows`.
    columns
        Key, name and relative width of each.
    nature
        What kind of cases the values were measured on.
    """
    names, texts, weights = zip(*columns, strict=True)
    return Table(title, texts, record_rows(record, pointer, names), weights=weights, nature=nature)


def record_facts(
    title: Text, record: JsonRecord, /, *names: tuple[str, Text], nature: Nature = Nature.SOFTWARE
) -> Table:
    """Return values of a record by name; NOT MEASURED where the record does not hold one.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    title
        Stands above it.
    record
        May be absent.
    names
        Pointer and name of each value.
    nature
        What kind of cases the values were measured on.
    """
    return replace(facts(title, *((text, record.field(pointer)) for pointer, text in names)), nature=nature)


def checks_table(static: JsonRecord, /) -> Table:
    """Return what the static tools found.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    static
        The record ``static.json``.
    """
    return record_table(Text("Static analysis", "静态分析"), static, "/checks", *_CHECK_COLUMNS)
