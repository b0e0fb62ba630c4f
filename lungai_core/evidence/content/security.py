"""The measured part of the cybersecurity documents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lungai_core.evidence.checklist import read_checklist
from lungai_core.evidence.content.tables import checks_table, record_facts, record_rows, record_table
from lungai_core.evidence.content.words import ID, PASSED, TEXT, VERDICT, tally_field, verdict_field
from lungai_core.evidence.document import Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, declared, not_measured, quoted, same

if TYPE_CHECKING:
    from lungai_core.evidence.checklist import Question
    from lungai_core.evidence.document import Cell
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material
    from lungai_core.trace.items import Item

__all__ = ["checklist", "metrics", "testing", "traceability", "vulnerabilities"]


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
    about = record_facts(
        Text("Scan", "扫描"),
        record,
        ("/tool", Text("Tool and version", "工具与版本")),
        ("/database", Text("Database", "数据库")),
        ("/database_date", Text("Date of the database", "数据库日期")),
        ("/time", Text("Time of the scan", "扫描时间")),
        ("/components", Text("Components scanned", "扫描组件数")),
        ("/count", Text("Findings", "发现数")),
    )
    found = record.content.get("findings", []) if isinstance(record.content, dict) else []
    measured = record_rows(record, "/findings", ("component", "version", "id", "kev"))
    rows = []
    for row, each in zip(measured, found, strict=True):
        what = Text(f"Safety and security assessment of {each['id']}", f"{each['id']} 的安全评估")
        rows.append((*row, material.register.ask("vuln", str(each["id"]), what, clause="FDA cybersecurity 2026 V.A.4")))
    columns = (
        Text("Component", "组件"),
        Text("Version", "版本"),
        Text("Vulnerability", "漏洞"),
        Text("In CISA KEV", "列入 CISA KEV"),
        Text("Assessment", "评估"),
    )
    table = Table(Text("Findings", "发现"), columns, tuple(rows), weights=(3, 2, 4, 3, 6))
    answers = () if record.content is None else tuple(f"CY-5.{number}" for number in (1, 2, 3, 4, 5, 10))
    return (Section(Text("Known vulnerabilities of components", "组件的已知漏洞"), (about, table), answers=answers),)


def testing(material: Material, /) -> tuple[Section, ...]:
    """Return static security analysis, fuzz counts, and tests of security controls.

    :implements: SRS-EVID-003, SRS-EVID-033, SRS-EVID-040, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    fuzz, static = material.others["fuzz"], material.others["static"]
    campaigns = record_table(
        Text("Malformed and random input", "畸形与随机输入"),
        fuzz,
        "/campaigns",
        ("target", Text("Target", "目标"), 5),
        ("test", Text("Test case", "测试用例"), 8),
        ("inputs", Text("Inputs", "输入数"), 2),
        ("failures", Text("Other failures", "其他失败"), 2),
    )
    about = record_facts(
        Text("Fuzzing", "模糊测试"),
        fuzz,
        ("/tool", Text("Tool and version", "工具与版本")),
        ("/time", Text("Time", "时间")),
        ("/settings", Text("Settings", "设置")),
        ("/inputs", Text("Inputs", "输入数")),
        ("/failures", Text("Inputs that ended in another error than one of the library", "以库外错误结束的输入数")),
    )
    analysis = checks_table(static)
    answers = ("CY-11.12", "CY-11.18", "CY-11.19", "CY-11.20") if analysis.rows else ()
    return (
        Section(
            Text("Malformed input", "异常输入"),
            (about, campaigns),
            answers=() if fuzz.content is None else ("CY-11.5", "CY-11.7"),
        ),
        Section(Text("Static analysis", "静态分析"), (analysis,), answers=answers),
        *checklist(material),
        *traceability(material),
    )


def checklist(material: Material, /) -> tuple[Section, ...]:
    """Return the project's security checklist: each question with tests and their outcomes, a reason, or a placeholder.

    :implements: SRS-EVID-038, SDS-EVID-026

    Parameters
    ----------
    material
        Of the set.
    """
    path = material.project.checklist
    if not path:
        return ()
    source = material.tracked(path)
    questions = read_checklist((material.project.root / path).read_bytes(), where=path)
    rows = tuple(
        (
            same(each.question_id),
            declared(each.text, source=source),
            _answer(material, each, source),
            _state(material, each),
        )
        for each in questions
    )
    columns = (
        ID,
        Text("Question", "问题"),
        Text("Answer: tests, or why it does not apply", "答复:测试,或不适用的理由"),
        Text("Outcome of the tests", "测试结果"),
    )
    table = Table(Text("Security checklist", "安全检查表"), columns, rows, weights=(2, 8, 10, 4))
    return (Section(Text("Security checklist", "安全检查表"), (table,)),)


def _answer(material: Material, question: Question, source: str, /) -> Field:
    if question.manufacturer:
        return material.register.ask("cyber_test", question.question_id, question.text, clause="ASVS")
    answer = same(", ".join(question.tests)) if question.tests else question.not_applicable
    return quoted(declared(answer, source=source))


def _state(material: Material, question: Question, /) -> Cell:
    if not question.tests:
        return same("—")
    outcomes = Counter(
        str(result.outcome)
        for result in material.project.run.results
        if any(result.node_id.partition("[")[0] == test for test in question.tests)
    )
    inputs = (material.run.source_id,)
    words = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    if not words:
        return not_measured(source=material.run.source_id)
    return material.compute("checklist", "outcomes of the test cases that a question names", words, inputs=inputs)


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
