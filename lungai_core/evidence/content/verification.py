"""Test plans, protocols and reports: read from the run record and nowhere else."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from lungai_core.evidence.content.words import ID, LEVELS, PARENTS, TEXT, TITLE, level_of
from lungai_core.evidence.document import Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, quoted, same
from lungai_core.evidence.register import Gap
from lungai_core.trace.record import Outcome

if TYPE_CHECKING:
    from lungai_core.evidence.document import Block, Cell
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material
    from lungai_core.trace.items import Item
    from lungai_core.trace.record import TestResult

__all__ = ["independence", "level_report", "plan", "summary", "tester"]

_OUTCOMES_ZH = {
    Outcome.PASSED: "通过",
    Outcome.FAILED: "失败",
    Outcome.ERROR: "准备或清理出错",
    Outcome.SKIPPED: "跳过",
    Outcome.XFAILED: "预期失败",
    Outcome.XPASSED: "意外通过",
    Outcome.XPASSED_STRICT: "意外通过(严格)",
    Outcome.FLAKY: "重试后通过",
    Outcome.CRASHED: "进程崩溃",
    Outcome.TIMEOUT: "超时",
    Outcome.DESELECTED: "未选中",
    Outcome.NOT_RUN: "未运行",
    Outcome.NOT_COLLECTED: "未收集",
    Outcome.NOT_IN_RUN: "不在本次运行中",
}
_RUN_CONFIGURATION = Text("Hardware and software configuration", "硬件与软件配置")


def plan(material: Material, /) -> tuple[Section, ...]:
    """Return the protocols with the time order of protocol, run and release.

    :implements: SRS-EVID-015, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    rows: list[tuple[Cell, ...]] = []
    for item in material.project.matrix.graph.items.of_kind("protocol"):
        _, changed = material.project.history.last_change.get(item.place.path, ("", ""))
        rows.append(
            (
                same(item.item_id),
                material.declared_here(item, item.title),
                material.text_of(item),
                material.declared_here(item, ", ".join(item.parents) or "—"),
                _order(material, item, changed),
            )
        )
    columns = (ID, TITLE, TEXT, PARENTS, Text("Time order", "时间次序"))
    table = Table(Text("Test protocols", "测试规程"), columns, tuple(rows), weights=(3, 4, 12, 6, 4))
    rule = Prose(
        Text(
            "A protocol counts as set beforehand if the file that holds it was last changed before the run began; "
            "otherwise it is marked POST-HOC. No date is typed: the protocol's is that of its commit, the run's stands "
            "in its record.",
            "若规程文件的最后修改早于运行开始,则视为事先制定;否则标记为 POST-HOC(事后)。"
            "日期均非手工填写:规程日期取自其提交,运行日期取自运行记录。",
        )
    )
    return (Section(Text("Protocols", "规程"), (rule, table)),)


def summary(material: Material, /) -> tuple[Section, ...]:
    """Return the verification summary: run, counts per level and outcome, deviations, version tested and released.

    :implements: SRS-EVID-004, SRS-EVID-027, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    failures: tuple[tuple[Cell, ...], ...] = tuple(
        _result_row(material, number, result)
        for number, result in enumerate(material.project.run.results)
        if result.outcome is not Outcome.PASSED
    )
    deviations = Table(
        Text("Every test case that did not pass", "所有未通过的测试用例"),
        _RESULT_COLUMNS,
        failures,
        weights=_RESULT_WEIGHTS,
    )
    return (
        Section(Text("Run", "运行"), (_run_facts(material),), answers=("SW-H.1",)),
        Section(Text("Counts", "计数"), (_outcomes(material), _levels(material)), answers=("SW-H.2",)),
        Section(Text("Deviations", "偏差"), (deviations, _changes(material)), answers=("SW-H.5",)),
        Section(
            Text("Version tested and version released", "测试版本与发布版本"),
            (_versions(material),),
            answers=("SW-H.7",),
        ),
    )


def level_report(material: Material, /, *, level: str) -> tuple[Section, ...]:
    """Return each test case of one level with the seven fields of a test record.

    :implements: SRS-EVID-004, SRS-EVID-013, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    level
        ``unit``, ``integration`` or ``system``.
    """
    rows = tuple(
        _result_row(material, number, result)
        for number, result in enumerate(material.project.run.results)
        if level_of(result.node_id) == level
    )
    name = LEVELS[level]
    title = Text(f"Test cases of the {name.en} level", f"{name.zh}级测试用例")
    note = Prose(
        Text(
            "The facts above apply to each row: version, configuration, tools, date and tester of the test record. The "
            "expected result is what the name of the test says; the observed result is the outcome in the record.",
            "上述事实适用于每一行:测试记录的版本、配置、工具、日期和测试人员。预期结果即测试名称所述,实际结果为记录中的结果。",
        )
    )
    blocks: tuple[Block, ...] = (note, Table(title, _RESULT_COLUMNS, rows, weights=_RESULT_WEIGHTS))
    answers = ("SW-H.3", "NS-zyrj.2.5") if level == "system" else ()
    return (
        Section(Text("Run", "运行"), (_run_facts(material),)),
        Section(title, blocks, answers=answers if rows else ()),
    )


_RESULT_COLUMNS = (
    Text("Test case", "测试用例"),
    Text("Verifies", "验证"),
    Text("Expected", "预期结果"),
    Text("Observed", "实际结果"),
    Text("Anomaly", "异常"),
    Text("Seconds", "秒"),
)
_RESULT_WEIGHTS = (9, 4, 9, 2, 4, 1)


def _result_row(material: Material, number: int, result: TestResult, /) -> tuple[Cell, ...]:
    words = re.sub(r"^test_", "", result.node_id.rpartition("::")[2].partition("[")[0]).replace("_", " ")
    expected = quoted(
        material.compute(
            "expected", "the name of the test, read as a sentence", words, inputs=(material.run.source_id,)
        )
    )
    verifies = material.compute(
        "verifies",
        "the items that the test's marker names",
        ", ".join(result.verifies) or "—",
        inputs=(material.run.source_id,),
    )
    seconds = material.compute(
        "seconds",
        "durations of all attempts of a test case added up, in seconds",
        f"{sum(attempt.duration_s for attempt in result.attempts):.2f}",
        inputs=(material.run.source_id,),
    )
    anomaly: Cell = same("—")
    if result.outcome is not Outcome.PASSED:
        anomaly = quoted(
            material.compute(
                "anomaly",
                "message of the last attempt or of the outcome",
                _message(result),
                inputs=(material.run.source_id,),
            )
        )
    observed = material.run.field(f"/results/{number}/outcome")
    return (quoted(material.run.field(f"/results/{number}/node_id")), verifies, expected, observed, anomaly, seconds)


def _message(result: TestResult, /) -> str:
    messages = [result.message, *(attempt.message for attempt in result.attempts)]
    return next((message for message in reversed(messages) if message), "—")[:300]


def _run_facts(material: Material, /) -> Table:
    run = material.run
    return facts(
        Text("The recorded run", "所记录的运行"),
        (Text("Version of the software tested (commit)", "被测软件版本(提交)"), run.field("/commit")),
        (Text("Uncommitted files", "未提交文件数"), _length(material, "/dirty", len(material.project.run.dirty))),
        (Text("Complete", "是否完整"), run.field("/complete")),
        (Text("Date tested (start, UTC)", "测试日期(开始,UTC)"), run.field("/started")),
        (Text("Duration (s)", "时长(秒)"), run.field("/duration_s")),
        (Text("Test tools", "测试工具"), run.field("/tool")),
        (Text("Python", "Python"), run.field("/environment/python")),
        (Text("Operating system", "操作系统"), run.field("/environment/os")),
        (Text("Processor", "处理器"), run.field("/environment/cpu")),
        (Text("Graphics processor", "图形处理器"), run.field("/environment/gpu")),
        (_RUN_CONFIGURATION, run.field("/environment/sha256")),
        (Text("Hash of items, code and tests", "条目、代码与测试的哈希"), run.field("/sources_sha256")),
        (Text("Identity of the tester", "测试人员身份"), tester(material)),
        (Text("Independence of the tester", "测试人员独立性"), independence(material)),
    )


def tester(material: Material, /) -> Field:
    """Return who tested: from a signed attestation, else left to the manufacturer; never from git or the machine.

    :implements: SRS-EVID-013, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    attested = material.others["attestation"].field("/tester")
    if not attested.missing:
        return attested
    what = Text("Identity of the tester", "测试人员身份")
    return material.register.ask("test_reports", "tester", what, clause="IEC 62304 5.6.7, 5.7.5, 9.8")


def independence(material: Material, /) -> Field:
    """Return whether the attested tester is among the authors of the code.

    :implements: SRS-EVID-013, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    attested = material.others["attestation"].field("/email_sha256")
    if attested.missing:
        what = Text("Independence of the tester from the author", "测试人员与作者的独立性")
        return material.register.ask(
            "test_reports", "independence", what, clause="China 2019-43 2.1.2; IEC 81001-5-1 5.7.5"
        )
    same_person = attested.text.en in material.project.history.authors_sha256
    if same_person:
        material.gaps.append(Gap("independence", "tester", "the attested tester is an author of the code"))
    words = (
        Text("NOT INDEPENDENT: the tester is an author of the code", "不独立:测试人员为代码作者")
        if same_person
        else Text("the tester is not among the authors of the code", "测试人员不在代码作者之中")
    )
    inputs = (material.others["attestation"].source_id, material.git.source_id)
    return material.compute("independence", "tester's address compared with those of the authors", words, inputs=inputs)


def _outcomes(material: Material, /) -> Table:
    rows = tuple(
        (
            Text(outcome.replace("_", " "), f"{_OUTCOMES_ZH[outcome]} ({outcome})"),
            material.run.field(f"/counts/{outcome}"),
        )
        for outcome in Outcome
    )
    total = material.count(
        "recount", "number of results in the run record", material.project.run.results, inputs=(material.run.source_id,)
    )
    return facts(
        Text("Test cases by outcome; only passed counts as passed", "按结果统计测试用例;仅“通过”计为通过"),
        *rows,
        (Text("All known test cases", "全部已知测试用例"), total),
    )


def _levels(material: Material, /) -> Table:
    counted = Counter((level_of(result.node_id), result.outcome) for result in material.project.run.results)
    rows: list[tuple[Cell, ...]] = []
    for level, name in LEVELS.items():
        passed = counted[level, Outcome.PASSED]
        total = sum(number for (each, _), number in counted.items() if each == level)
        cells = tuple(
            material.compute(
                "by-level", "results counted by folder and outcome", number, inputs=(material.run.source_id,)
            )
            for number in (total, passed, total - passed)
        )
        rows.append((name, *cells))
    columns = (
        Text("Level", "级别"),
        Text("Known", "已知"),
        Text("Passed", "通过"),
        Text("Not passed (all other outcomes)", "未通过(其他所有结果)"),
    )
    return Table(Text("Test cases by level", "按级别统计测试用例"), columns, tuple(rows))


def _changes(material: Material, /) -> Table:
    return facts(
        Text("Changes after failures, regression, rationale", "失败后的更改、回归与理由"),
        (
            Text("Re-test", "重新测试"),
            material.compute(
                "regression",
                "a set is built from one run of the whole suite on one commit: every test is repeated on each change",
                Text("the whole suite was run on the version tested", "对被测版本运行了全部测试")
                if material.project.run.complete
                else Text("the run was partial; see the counts", "运行不完整;见计数"),
                inputs=(material.run.source_id,),
            ),
        ),
        (
            Text("Changes made because of failed tests", "因测试失败所做的更改"),
            material.register.ask(
                "test_reports",
                "changes",
                Text("Changes made because of failed tests", "因测试失败所做的更改"),
                clause="FDA software 2023 H",
            ),
        ),
        (
            Text("Rationale for each deviation", "每项偏差的理由"),
            material.register.ask(
                "test_reports",
                "deviations",
                Text("Rationale for each deviation", "每项偏差的理由"),
                clause="FDA software 2023 H",
            ),
        ),
    )


def _versions(material: Material, /) -> Table:
    release = material.others["release"]
    tested, released = material.run.field("/commit"), release.field("/commit")
    if released.missing:
        verdict = Text(
            "no release record; nothing is said about a released version", "无发布记录,不对发布版本作任何说明"
        )
    elif released.text == tested.text:
        verdict = Text("the version tested is the version released", "测试版本即发布版本")
    else:
        verdict = Text("DIFFERENT: assess every change between them", "不同:须评估两者之间的每项变更")
        material.gaps.append(
            Gap("version", "release", f"tested {tested.text.en[:12]}, released {released.text.en[:12]}")
        )
    inputs = (material.run.source_id, release.source_id)
    return facts(
        Text("Tested and released", "测试与发布"),
        (Text("Tested", "测试版本"), tested),
        (Text("Released", "发布版本"), released),
        (
            Text("Comparison", "比较"),
            material.compute("tested-released", "commit of run and release compared", verdict, inputs=inputs),
        ),
    )


def _order(material: Material, item: Item, changed: str, /) -> Field:
    run = datetime.fromisoformat(material.project.run.started)
    release = material.others["release"].field("/time")
    problem = ""
    if not changed:
        verdict = Text("NOT UNDER VERSION CONTROL", "未纳入版本控制")
        problem = "the protocol is not under version control"
    elif datetime.fromisoformat(changed) > run:
        verdict = Text("POST-HOC", "POST-HOC 事后")
        problem = f"changed {changed}, after the run began {material.project.run.started}"
    elif not release.missing and datetime.fromisoformat(release.text.en) < run:
        verdict = Text("POST-HOC", "POST-HOC 事后")
        problem = f"released {release.text.en}, before the run began"
    else:
        verdict = Text(f"protocol {changed} ≤ run", f"规程 {changed} ≤ 运行")
    if problem:
        material.gaps.append(Gap("post-hoc", item.item_id, problem))
    inputs = (material.git.source_id, material.run.source_id)
    return material.compute("time-order", "protocol commit, start of run and release compared", verdict, inputs=inputs)


def _length(material: Material, pointer: str, number: int, /) -> Field:
    return material.compute(
        "length" + pointer, f"entries of {pointer} in the run record", number, inputs=(material.run.source_id,)
    )
