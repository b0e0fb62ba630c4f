"""The validation record of the tool itself: what was changed on purpose, and what named it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.document import Section, Table, facts
from lungai_core.evidence.fields import Text, quoted

if TYPE_CHECKING:
    from lungai_core.evidence.document import Cell
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material

__all__ = ["validation"]


def validation(material: Material, /) -> tuple[Section, ...]:
    """Return the report of the mutation battery and that of the trace's own validation.

    :implements: SRS-EVID-029, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    battery = material.others["battery"]
    about = facts(
        Text("Mutation battery of the evidence", "证据的变异测试"),
        (Text("Tool", "工具"), battery.field("/tool")),
        (Text("Time", "时间"), battery.field("/time")),
        (Text("Changes made", "更改数"), battery.field("/mutations")),
        (Text("Changes named", "被指出的更改数"), battery.field("/detected")),
        (Text("False alarms on an unchanged rebuild", "未更改重建的误报数"), battery.field("/false_alarms")),
    )
    results = battery.content.get("results", []) if isinstance(battery.content, dict) else []
    names = ("name", "stage", "detected", "named")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        tuple(quoted(battery.field(f"/results/{number}/{name}")) for name in names) for number in range(len(results))
    )
    columns = (Text("Change", "更改"), Text("Made to", "对象"), Text("Named", "被指出"), Text("As", "表述"))
    table = Table(Text("Each change", "各项更改"), columns, rows, weights=(4, 2, 1, 7))
    return (
        Section(Text("Mutation battery", "变异测试"), (about, table)),
        Section(Text("Validation of the trace", "追溯工具的确认"), _seeded(material)),
    )


def _seeded(material: Material, /) -> tuple[Table, Table]:
    record = material.others["tool"]
    content = record.content if isinstance(record.content, dict) else {}
    defects, alarms = content.get("defects", []), content.get("false_alarms", [])
    inputs = (record.source_id,)

    def counted(name: str, note: str, number: int, /) -> Field:
        return material.compute(name, note, number, inputs=inputs) if content else record.field("/defects/none")

    about = facts(
        Text("Seeded defects", "植入的缺陷"),
        (Text("Version", "版本"), record.field("/version")),
        (Text("Day", "日期"), record.field("/day")),
        (Text("Defects", "缺陷数"), counted("seeded", "defects in the validation record", len(defects))),
        (
            Text("Found", "被发现数"),
            counted("seeded-found", "defects that were found", sum(bool(each["found"]) for each in defects)),
        ),
        (
            Text("False alarms", "误报数"),
            counted("seeded-alarms", "findings on the unbroken sample project", len(alarms)),
        ),
    )
    names = ("name", "expected", "found", "seen")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        tuple(quoted(record.field(f"/defects/{number}/{name}")) for name in names) for number in range(len(defects))
    )
    columns = (Text("Defect", "缺陷"), Text("Expected", "预期"), Text("Found", "被发现"), Text("Seen", "所见"))
    return about, Table(Text("Each seeded defect", "各项植入缺陷"), columns, rows, weights=(5, 3, 1, 6))
