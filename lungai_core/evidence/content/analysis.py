"""What tools say about the code: coverage of the recorded run, and static analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.content.tables import checks_table, record_facts
from lungai_core.evidence.document import Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, same

if TYPE_CHECKING:
    from lungai_core.evidence.document import Cell
    from lungai_core.evidence.material import Material

__all__ = ["coverage", "static_analysis"]

_COVERAGE = (
    ("percent_covered", Text("Covered, statements and branches together (%)", "语句与分支合计覆盖率(%)")),
    ("num_statements", Text("Statements", "语句数")),
    ("covered_lines", Text("Statements executed", "已执行语句数")),
    ("num_branches", Text("Branches", "分支数")),
    ("covered_branches", Text("Branches taken", "已执行分支数")),
    ("excluded_lines", Text("Statements excluded", "排除的语句数")),
)


def coverage(material: Material, /) -> tuple[Section, ...]:
    """Return statement and branch coverage, per file, as coverage.py recorded them.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    record = material.others["coverage"]
    total = record_facts(Text("Coverage", "覆盖率"), record, *((f"/totals/{key}", title) for key, title in _COVERAGE))
    files = sorted(record.content.get("files", {})) if isinstance(record.content, dict) else []
    shown = _COVERAGE[:5]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (same(path), *(record.field(f"/files/{path.replace('/', '~1')}/summary/{key}") for key, _ in shown))
        for path in files
    )
    columns = (Text("File", "文件"), *(title for _, title in shown))
    table = Table(Text("By file", "按文件"), columns, rows, weights=(8, 3, 2, 2, 2, 2))
    gap = Prose(
        Text(
            "Condition and path coverage are not measured by the tool; no figure is given for them.",
            "工具不测量条件覆盖和路径覆盖,故不给出相应数值。",
        )
    )
    return (Section(Text("Coverage of the recorded run", "所记录运行的覆盖率"), (total, table, gap)),)


def static_analysis(material: Material, /) -> tuple[Section, ...]:
    """Return what the static tools found, with tool, version and command.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    record, title = material.others["static"], Text("Static analysis", "静态分析")
    table = checks_table(record)
    if not table.rows:
        table = facts(title, (Text("Findings", "发现数"), record.field("/checks/0/findings")))
        return (Section(title, (table,)),)
    return (Section(title, (table,), answers=("CY-11.12",)),)
