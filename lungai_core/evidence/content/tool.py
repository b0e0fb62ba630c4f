"""The validation record of the tool itself: what was changed on purpose, and what named it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.content.tables import record_facts, record_table
from lungai_core.evidence.document import Section, facts
from lungai_core.evidence.fields import Text

if TYPE_CHECKING:
    from lungai_core.evidence.document import Table
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
    about = record_facts(
        Text("Mutation battery of the evidence", "证据的变异测试"),
        battery,
        ("/tool", Text("Tool", "工具")),
        ("/time", Text("Time", "时间")),
        ("/mutations", Text("Changes made", "更改数")),
        ("/detected", Text("Changes named", "被指出的更改数")),
        ("/false_alarms", Text("False alarms on an unchanged rebuild", "未更改重建的误报数")),
    )
    table = record_table(
        Text("Each change", "各项更改"),
        battery,
        "/results",
        ("name", Text("Change", "更改"), 4),
        ("stage", Text("Made to", "对象"), 2),
        ("detected", Text("Named", "被指出"), 1),
        ("named", Text("As", "表述"), 7),
    )
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
    table = record_table(
        Text("Each seeded defect", "各项植入缺陷"),
        record,
        "/defects",
        ("name", Text("Defect", "缺陷"), 5),
        ("expected", Text("Expected", "预期"), 3),
        ("found", Text("Found", "被发现"), 1),
        ("seen", Text("Seen", "所见"), 6),
    )
    return about, table
