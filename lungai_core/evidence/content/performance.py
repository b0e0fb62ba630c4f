"""Results measured on cases: standalone and bench performance from accepted studies, the model's own record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from lungai_core.evidence.content.tables import record_facts, record_table
from lungai_core.evidence.document import Nature, Prose, Quote, Section, Table, facts
from lungai_core.evidence.fields import Text, declared, not_measured, same
from lungai_core.evidence.register import Gap
from lungai_core.evidence.sources import resolve

if TYPE_CHECKING:
    from lungai_core.evidence.document import Block, Cell
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
    """Return what the released model's card and contract say, its figures with their source, and what is left open.

    :implements: SRS-EVID-003, SRS-EVID-033, SRS-EVID-041, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    card, contract = material.others["card"], material.others["contract"]
    about = record_facts(
        Text("Model", "模型"),
        card,
        ("/model_name", Text("Name", "名称")),
        ("/model_version", Text("Version", "版本")),
        ("/trained", Text("Is trained", "已训练")),
        ("/clinical_use", Text("Clinical use", "临床使用")),
        ("/architecture", Text("Architecture", "结构")),
        ("/parameters", Text("Parameters", "参数量")),
        ("/weights_origin", Text("Origin of the weights", "权重来源")),
        ("/training_data", Text("Training data", "训练数据")),
        ("/licence", Text("Licence", "许可")),
    )
    inputs = record_facts(
        Text("Input, output, decision", "输入、输出与判定"),
        contract,
        ("/input/size_zyx", Text("Voxels of a patch (z, y, x)", "图像块体素数(z、y、x)")),
        ("/input/spacing_zyx_mm", Text("Spacing (mm)", "间距(mm)")),
        ("/input/lower_hu", Text("Window from (HU)", "窗下限(HU)")),
        ("/input/upper_hu", Text("Window to (HU)", "窗上限(HU)")),
        ("/preprocessing_sha256", Text("Hash of the preprocessing", "预处理的哈希")),
        ("/calibration/slope", Text("Calibration, slope", "校准斜率")),
        ("/calibration/intercept", Text("Calibration, intercept", "校准截距")),
        ("/calibration/chosen/method", Text("Calibration, how chosen", "校准的选择方法")),
        ("/operating_point/probability", Text("Operating point", "工作点")),
        ("/operating_point/chosen/method", Text("Operating point, how chosen", "工作点的选择方法")),
        ("/operating_point/chosen/data", Text("Operating point, on which data", "工作点所用数据")),
    )
    answers = ("AI-5.1", "AI-5.3", "AI-5.4", "AI-5.7", "AI-5.8", "AI-10.1") if card.content else ()
    return (
        Section(Text("Model card", "模型卡"), (*_statements(card), about, inputs, _limits(contract)), answers=answers),
        Section(Text("Figures of the card", "模型卡中的指标"), (_figures(card),), level=2),
        Section(
            Text("Released model, and what is left open", "已发布的模型及待定内容"), (_released(material),), level=2
        ),
    )


def _statements(card: JsonRecord, /) -> tuple[Block, ...]:
    content = card.content if isinstance(card.content, dict) else {}
    texts = [*([content["summary"]] if "summary" in content else []), *content.get("limits", [])]
    return tuple(Quote(declared(Text(str(each["en"]), str(each["zh"])), source=card.source_id)) for each in texts)


def _limits(contract: JsonRecord, /) -> Table:
    limits = resolve(contract.content, "/limits")
    stated = {name: limit for name, limit in limits.items() if limit} if isinstance(limits, dict) else {}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            same(name),
            *(
                same("—") if limit.get(part) is None else contract.field(f"/limits/{name}/{part}")
                for part in ("action", "lower", "upper")
            ),
        )
        for name, limit in sorted(stated.items())
    )
    columns = (Text("Property", "属性"), Text("Outside", "超出时"), Text("From", "下限"), Text("To", "上限"))
    return Table(Text("Limits that the contract sets a series", "契约对序列设定的限值"), columns, rows)


def _figures(card: JsonRecord, /) -> Table:
    table = record_table(
        Text("Figures", "指标"),
        card,
        "/figures",
        ("name", Text("Figure", "指标"), 5),
        ("value", Text("Value", "数值"), 3),
        ("interval_95/0", Text("Interval from", "区间下限"), 3),
        ("interval_95/1", Text("Interval to", "区间上限"), 3),
        ("n", Text("n", "n"), 2),
        ("unit", Text("Counted in", "计数单位"), 3),
        ("data", Text("Data", "数据"), 5),
        ("source", Text("Record", "记录"), 4),
        ("source_sha256", Text("Hash of the record", "记录的哈希"), 7),
        nature=Nature.RESEARCH,
    )
    if table.rows:
        return table
    return facts(Text("Figures", "指标"), (Text("Figures", "指标"), card.field("/figures/0/value")))


def _released(material: Material, /) -> Table:
    record, ask = material.others["model"], material.register.ask
    clause = "FDA AI 2025 draft, app. E"
    left = (
        ("developer", Text("Developer", "开发者")),
        ("intended_use", Text("Intended use", "预期用途")),
        ("monitoring", Text("Monitoring and change policy", "监测与变更策略")),
    )
    pack = record.field("/pack_sha256")
    # Reports name a model by this hash; a release step that has no pack has none.
    whole = () if pack.missing else ((Text("Hash of the pack, as in each report", "模型包的哈希(同各报告)"), pack),)
    return facts(
        Text("Released model", "已发布的模型"),
        (Text("Hash of the model file", "模型文件的哈希"), record.field("/sha256")),
        *whole,
        (Text("Made for version", "所对应的软件版本"), record.field("/software_version")),
        (Text("Date", "日期"), record.field("/time")),
        *((title, ask("model_card", key, title, clause=clause)) for key, title in left),
    )


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
    left_out = record_table(
        Text("Figures that the run holds and that are left out here", "运行中存在而此处略去的指标"),
        record,
        "/left_out",
        ("name", Text("Figure", "指标"), 4),
        ("why", Text("Why", "原因"), 6),
    )
    shown = (_metrics(record, study), _reconciled(), *((left_out,) if left_out.rows else ()))
    return (
        Section(title, (about, _card(material, study)), answers=answers[:1]),
        Section(Text("Results", "结果"), shown, answers=answers[1:], level=2),
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
    if changed and datetime.fromisoformat(changed) <= datetime.fromisoformat(study.started):
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
