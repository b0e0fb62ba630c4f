"""The integration protocol on phantom cases: each case with what was expected and what was observed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lungai_core.evidence.content.tables import record_facts, record_table
from lungai_core.evidence.content.verification import independence, tester
from lungai_core.evidence.document import Nature, Prose, Section
from lungai_core.evidence.fields import Text

if TYPE_CHECKING:
    from lungai_core.evidence.document import Table
    from lungai_core.evidence.material import Material

__all__ = ["report", "summary"]

_TITLE = Text("Integration protocol on phantom cases", "体模病例集成测试规程")


def report(material: Material, /) -> tuple[Section, ...]:
    """Return the circumstances, the counts and every phantom case with expected and observed values.

    :implements: SRS-EVID-037, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    record = material.others["phantoms"]
    cases = record_table(
        Text("Phantom cases", "体模病例"),
        record,
        "/cases",
        ("case", Text("Case", "病例"), 2),
        ("nodules", Text("True nodules", "真实结节"), 3),
        ("grid", Text("Grid and noise", "网格与噪声"), 4),
        ("situation", Text("Situation", "情形"), 3),
        ("expected", Text("Expected", "预期结果"), 11),
        ("observed", Text("Observed", "实际结果"), 11),
        ("result", Text("Pass or fail", "通过与否"), 2),
        ("anomaly", Text("Anomaly", "异常"), 3),
        nature=Nature.PHANTOM,
    )
    note = Prose(
        Text(
            "Each case is written as DICOM files and sent through the whole software. The masks are those of the "
            "truth, so that a check depends on reading, patches, placing, measures and files and not on what the "
            "network has learned. What the network itself answered is measured apart and judged by nothing.",
            "每个病例均写为 DICOM 文件并通过整个软件。掩膜取自真值,因此各项检查取决于读取、图像块、定位、测量和文件,"
            "而与网络所学无关。网络自身对同一结节的输出另行测量,不作判定。",
        )
    )
    return (
        Section(_TITLE, (note, _circumstances(material), _counts(material))),
        Section(Text("Cases", "病例"), (cases,), answers=("QI-6",) if cases.rows else (), level=2),
    )


def summary(material: Material, /) -> tuple[Section, ...]:
    """Return the counts of the protocol, for the integration test report.

    :implements: SRS-EVID-037, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    note = Prose(
        Text(
            "The cases stand one by one in the bench report, whose file name says that they are phantoms.",
            "各病例逐一列于台架报告,其文件名标明为体模。",
        )
    )
    return (Section(_TITLE, (_counts(material), note)),)


def _counts(material: Material, /) -> Table:
    return record_facts(
        Text("Counts", "计数"),
        material.others["phantoms"],
        ("/counts/cases", Text("Cases", "病例数")),
        ("/counts/passed", Text("Passed", "通过")),
        ("/counts/failed", Text("Failed", "未通过")),
        ("/counts/checks", Text("Comparisons with the truth", "与真值的比较次数")),
        ("/counts/checks_failed", Text("Comparisons that failed", "未通过的比较次数")),
        nature=Nature.PHANTOM,
    )


def _circumstances(material: Material, /) -> Table:
    about = record_facts(
        Text("The run", "运行"),
        material.others["phantoms"],
        ("/tool", Text("Version of the software tested", "被测软件版本")),
        ("/commit", Text("Commit", "提交")),
        ("/uncommitted", Text("Uncommitted files", "未提交文件数")),
        ("/python", Text("Python", "Python")),
        ("/os", Text("Operating system", "操作系统")),
        ("/cpu", Text("Processor", "处理器")),
        ("/environment_sha256", Text("Hash of the environment", "环境的哈希")),
        ("/provider", Text("Where the network ran", "网络运行位置")),
        ("/model_name", Text("Model", "模型")),
        ("/model_version", Text("Version of the model", "模型版本")),
        ("/model_trained", Text("Model is trained", "模型已训练")),
        ("/model_sha256", Text("Hash of the model file", "模型文件的哈希")),
        ("/seed", Text("Seed of the plan", "计划的种子")),
        ("/started", Text("Date tested (start, UTC)", "测试日期(开始,UTC)")),
        ("/cpu_s", Text("Processor time (s)", "处理器时间(秒)")),
    )
    people = (
        (Text("Identity of the tester", "测试人员身份"), tester(material)),
        (Text("Independence of the tester", "测试人员独立性"), independence(material)),
    )
    return replace(about, rows=(*about.rows, *people))
