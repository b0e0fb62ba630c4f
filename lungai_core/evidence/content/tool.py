"""The validation record of the tool itself: what was changed on purpose, and what named it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.document import Section, Table, facts
from lungai_core.evidence.fields import Text, quoted

if TYPE_CHECKING:
    from lungai_core.evidence.document import Cell
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
    battery, trace = material.others["battery"], material.others["tool"]
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
    seeded = facts(
        Text("Seeded defects of the trace", "追溯工具的植入缺陷"),
        (Text("Tool", "工具"), trace.field("/tool")),
        (Text("Defects", "缺陷数"), trace.field("/defects")),
        (Text("Found", "被发现数"), trace.field("/found")),
        (Text("False alarms", "误报数"), trace.field("/false_alarms")),
    )
    return (
        Section(Text("Mutation battery", "变异测试"), (about, table)),
        Section(Text("Validation of the trace", "追溯工具的确认"), (seeded,)),
    )
