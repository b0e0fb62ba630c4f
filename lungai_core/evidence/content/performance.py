"""Results measured on cases: standalone and bench performance from accepted studies, the model's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.evidence.document import Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, not_measured
from lungai_core.evidence.register import Gap

if TYPE_CHECKING:
    from lungai_core.evidence.document import Cell
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material
    from lungai_core.evidence.sources import JsonRecord
    from lungai_core.evidence.studies import Study

__all__ = ["data_card", "model_card", "results"]


def results(material: Material, /, *, artefact: str) -> tuple[Section, ...]:
    """Return every study that fills one document: protocol, data, results with interval, number and unit.

    :implements: SRS-EVID-008, SRS-EVID-010, SRS-EVID-011, SRS-EVID-015, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    artefact
        ``standalone_perf`` or ``bench_report``.
    """
    studies = [study for study in material.studies if study.artefact == artefact]
    if studies:
        return tuple(section for study in studies for section in _study(material, study, artefact))
    absent = material.book.absent(
        f"studies/*.json for {artefact}", "expected from a study with a record of lungai-study/1"
    )
    nothing = facts(Text("Results", "结果"), (Text("Performance", "性能"), _nothing(absent)))
    return (Section(Text("Results", "结果"), (nothing,)),)


def data_card(material: Material, /) -> tuple[Section, ...]:
    """Return the card of each data set that a study used.

    :implements: SRS-EVID-010, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    if not material.studies:
        absent = material.book.absent("studies/*.json", "expected from a study with a record of lungai-study/1")
        nothing = facts(Text("Data sets", "数据集"), (Text("Data set", "数据集"), _nothing(absent)))
        return (Section(Text("Data sets", "数据集"), (nothing,)),)
    return tuple(
        Section(Text(f"Data of study {study.study_id}", f"研究 {study.study_id} 的数据"), (_card(material, study),))
        for study in material.studies
    )


def model_card(material: Material, /) -> tuple[Section, ...]:
    """Return what the released model's own record says, and what stands there of its use.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    record = material.others["model"]
    names = (
        ("name", Text("Name", "名称")),
        ("version", Text("Version", "版本")),
        ("sha256", Text("Hash of the model file", "模型文件的哈希")),
        ("time", Text("Date", "日期")),
        ("task", Text("Task and unit of output", "任务与输出单位")),
        ("inputs", Text("Inputs with accepted limits", "输入及接受范围")),
        ("outputs", Text("Outputs with meaning", "输出及含义")),
        ("training_data", Text("Training data", "训练数据")),
        ("operating_point", Text("Operating point and how chosen", "工作点及选择方法")),
        ("known_failures", Text("Known failures", "已知失效")),
        ("out_of_scope", Text("Out-of-scope inputs and what the software does", "超出范围的输入及软件行为")),
        ("software_version", Text("Software version", "软件版本")),
    )
    ask = material.register.ask
    table = facts(
        Text("Model card", "模型卡"),
        *((title, record.field(f"/{key}")) for key, title in names),
        (
            Text("Developer", "开发者"),
            ask("model_card", "developer", Text("Developer", "开发者"), clause="FDA AI 2025 draft, app. E"),
        ),
        (
            Text("Intended use", "预期用途"),
            ask("model_card", "intended_use", Text("Intended use", "预期用途"), clause="FDA AI 2025 draft, app. E"),
        ),
        (
            Text("Monitoring and change policy", "监测与变更策略"),
            ask(
                "model_card",
                "monitoring",
                Text("Monitoring and change policy", "监测与变更策略"),
                clause="FDA AI 2025 draft, app. E",
            ),
        ),
    )
    return (Section(Text("Model card", "模型卡"), (table,)),)


def _study(material: Material, study: Study, artefact: str, /) -> tuple[Section, ...]:
    record = material.study_records[study.study_id]
    order = _order(material, study)
    about = facts(
        Text("Study", "研究"),
        (Text("Study", "研究"), record.field("/study_id")),
        (Text("Kind of cases", "病例类型"), record.field("/nature")),
        (Text("Started", "开始"), record.field("/started")),
        (Text("Protocol", "方案"), record.field("/protocol")),
        (Text("Time order of protocol and run", "方案与运行的时间次序"), order),
        (Text("Match rule, fixed beforehand", "事先确定的匹配规则"), record.field("/match_rule")),
        (Text("Tool", "工具"), record.field("/tool")),
    )
    is_bench = artefact == "bench_report"
    answers = ("QI-2", "QI-5", "QI-6") if is_bench else ("AI-6.1", "AI-6.2", "AI-6.3", "AI-6.7")
    title = Text(str(study.content["title_en"]), str(study.content["title_zh"]))
    return (
        Section(title, (about, _card(material, study)), answers=answers[:1]),
        Section(Text("Results", "结果"), (_metrics(record, study), _reconciled()), answers=answers[1:], level=2),
    )


def _metrics(record: JsonRecord, study: Study, /) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for number, metric in enumerate(study.content["metrics"]):
        path = f"/metrics/{number}"
        rows.append(
            (
                Text(str(metric["name_en"]), str(metric["name_zh"])),
                *(
                    record.field(f"{path}/{key}")
                    for key in ("value", "unit", "ci_low", "ci_high", "ci_method", "n", "n_unit")
                ),
                record.field(f"{path}/criterion"),
            )
        )
    columns = (
        Text("Measure", "指标"),
        Text("Value", "数值"),
        Text("Unit", "单位"),
        Text("Interval from", "区间下限"),
        Text("Interval to", "区间上限"),
        Text("Method of the interval", "区间方法"),
        Text("n", "n"),
        Text("Counted in", "计数单位"),
        Text("Criterion set beforehand", "事先设定的准则"),
    )
    return Table(
        Text("Results", "结果"), columns, tuple(rows), weights=(5, 2, 2, 2, 2, 3, 1, 2, 4), nature=study.nature
    )


def _card(material: Material, study: Study, /) -> Table:
    record = material.study_records[study.study_id]
    names = (
        ("name", Text("Data set", "数据集")),
        ("version", Text("Version", "版本")),
        ("licence", Text("Licence", "许可")),
        ("split_sha256", Text("Hash of the split", "划分的哈希")),
        ("reference_standard", Text("Reference standard, as the data set has it", "参考标准(按数据集)")),
        ("readers", Text("Readers, as the data set has them", "读片者(按数据集)")),
    )
    cases = material.compute(
        f"cases:{study.study_id}", "cases in the study's list", len(study.content["cases"]), inputs=(record.source_id,)
    )
    return facts(
        Text("Data card", "数据卡"),
        *((title, record.field(f"/data/{key}")) for key, title in names),
        (Text("Cases", "病例数"), cases),
    )


def _reconciled() -> Prose:
    return Prose(
        Text(
            "Every denominator was counted again from the list of cases in the study's record and agrees with it.",
            "每个分母均已根据研究记录中的病例清单重新计数,且结果一致。",
        )
    )


def _order(material: Material, study: Study, /) -> Field:
    _, changed = material.project.history.last_change.get(study.protocol, ("", ""))
    if changed and changed <= study.started:
        verdict = Text(f"protocol {changed} ≤ run {study.started}", f"方案 {changed} ≤ 运行 {study.started}")
    else:
        verdict = Text("POST-HOC", "POST-HOC 事后")
        why = f"protocol {study.protocol} was last changed {changed or 'outside of version control'}"
        material.gaps.append(Gap("post-hoc", study.study_id, f"{why}, the run began {study.started}"))
    inputs = (material.git.source_id, material.study_records[study.study_id].source_id)
    return material.compute(
        f"order:{study.study_id}", "commit of the protocol and start of the study compared", verdict, inputs=inputs
    )


def _nothing(absent: str, /) -> Field:

    return not_measured(source=absent)
