"""The measured part of the cybersecurity documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.content.words import ID, PASSED, TEXT, VERDICT, tally_field, verdict_field
from lungai_core.evidence.document import Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, same

if TYPE_CHECKING:
    from lungai_core.evidence.material import Material
    from lungai_core.trace.items import Item

__all__ = ["metrics", "testing", "traceability", "vulnerabilities"]


def traceability(material: Material, /) -> tuple[Section, ...]:
    """Return the chain from security hazards over controls and requirements to test results.

    :implements: SRS-EVID-033, SDS-EVID-018

    A hazard counts as one of security if its severity is ``privacy`` or its fields say ``security = "yes"``.

    Parameters
    ----------
    material
        Of the set.
    """
    graph = material.project.matrix.graph
    rows = []
    for hazard in graph.items.of_kind("hazard"):
        if not _of_security(hazard):
            continue
        for control in graph.children(hazard.item_id):
            implementing = ", ".join(child.item_id for child in graph.children(control.item_id)) or "—"
            rows.append(
                (
                    same(hazard.item_id),
                    material.text_of(hazard),
                    same(control.item_id),
                    material.text_of(control),
                    material.declared_here(control, implementing),
                    tally_field(material, control),
                    verdict_field(material, control),
                )
            )
    columns = (
        ID,
        Text("Threat or hazard", "威胁或危害"),
        Text("Control", "控制"),
        TEXT,
        Text("Requirements", "需求"),
        PASSED,
        VERDICT,
    )
    table = Table(Text("Security controls", "安全控制"), columns, tuple(rows), weights=(3, 7, 3, 7, 4, 3, 4))
    answers = ("CY-7.1", "CY-7.2", "CY-7.4") if rows else ()
    return (Section(Text("From hazard to result", "从危害到结果"), (table,), answers=answers),)


def vulnerabilities(material: Material, /) -> tuple[Section, ...]:
    """Return what a scan against an advisory file found, with its tool, database and date.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    record = material.others["advisories"]
    about = facts(
        Text("Scan", "扫描"),
        (Text("Tool and version", "工具与版本"), record.field("/tool")),
        (Text("Database", "数据库"), record.field("/database")),
        (Text("Date of the database", "数据库日期"), record.field("/database_date")),
        (Text("Time of the scan", "扫描时间"), record.field("/time")),
        (Text("Components scanned", "扫描组件数"), record.field("/components")),
        (Text("Findings", "发现数"), record.field("/count")),
    )
    found = record.content.get("findings", []) if isinstance(record.content, dict) else []
    names = ("component", "version", "id", "kev")
    rows = []
    for number, each in enumerate(found):
        what = Text(f"Safety and security assessment of {each['id']}", f"{each['id']} 的安全评估")
        asked = material.register.ask("vuln", str(each["id"]), what, clause="FDA cybersecurity 2026 V.A.4")
        rows.append((*(record.field(f"/findings/{number}/{name}") for name in names), asked))
    columns = (
        Text("Component", "组件"),
        Text("Version", "版本"),
        Text("Vulnerability", "漏洞"),
        Text("In CISA KEV", "列入 CISA KEV"),
        Text("Assessment", "评估"),
    )
    table = Table(Text("Findings", "发现"), columns, tuple(rows))
    answers = () if record.content is None else tuple(f"CY-5.{number}" for number in (1, 2, 3, 4, 5, 10))
    return (Section(Text("Known vulnerabilities of components", "组件的已知漏洞"), (about, table), answers=answers),)


def testing(material: Material, /) -> tuple[Section, ...]:
    """Return static security analysis, fuzz counts, and tests of security controls.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    fuzz, static = material.others["fuzz"], material.others["static"]
    campaign = facts(
        Text("Fuzzing", "模糊测试"),
        (Text("Tool and version", "工具与版本"), fuzz.field("/tool")),
        (Text("Target", "目标"), fuzz.field("/target")),
        (Text("Settings", "设置"), fuzz.field("/settings")),
        (Text("Inputs", "输入数"), fuzz.field("/inputs")),
        (Text("Refused with an error of the library", "以库的错误拒绝"), fuzz.field("/refused")),
        (Text("Other failures", "其他失败"), fuzz.field("/failures")),
    )
    checks = static.content.get("checks", []) if isinstance(static.content, dict) else []
    names = ("tool", "version", "command", "exit_code", "findings")
    rows = tuple(tuple(static.field(f"/checks/{number}/{name}") for name in names) for number in range(len(checks)))
    columns = (
        Text("Tool", "工具"),
        Text("Version", "版本"),
        Text("Settings (command)", "设置(命令)"),
        Text("Exit code", "退出码"),
        Text("Findings", "发现数"),
    )
    analysis = Table(Text("Static analysis", "静态分析"), columns, rows, weights=(2, 2, 6, 1, 1))
    answers = ("CY-11.12", "CY-11.18", "CY-11.19", "CY-11.20") if rows else ()
    return (
        Section(
            Text("Malformed input", "异常输入"),
            (campaign,),
            answers=() if fuzz.content is None else ("CY-11.5", "CY-11.7"),
        ),
        Section(Text("Static analysis", "静态分析"), (analysis,), answers=answers),
        *traceability(material),
    )


def metrics(material: Material, /) -> tuple[Section, ...]:
    """Return the measures asked for; without a released version there is nothing to measure in the field.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    release = material.others["release"]
    if release.content is not None:
        return ()
    note = Prose(
        Text(
            "There is no released version yet, so no component is in the field and no time to patch can be measured.",
            "尚无发布版本,现场没有运行的组件,无法测量补丁时间。",
        )
    )
    table = facts(Text("Released version", "发布版本"), (Text("Version", "版本"), release.field("/version")))
    return (Section(Text("Measures and metrics", "度量与指标"), (note, table)),)


def _of_security(item: Item, /) -> bool:
    details = dict(item.fields)
    return details.get("severity") == "privacy" or details.get("security") == "yes"
