"""What exactly the software is: versions, sources, components, history, anomalies, release."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lungai_core.evidence.content.components import component_table
from lungai_core.evidence.content.tables import record_facts
from lungai_core.evidence.document import Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, declared, quoted
from lungai_core.evidence.register import Gap

if TYPE_CHECKING:
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material

__all__ = [
    "change_log",
    "configuration_index",
    "description",
    "release_record",
    "source_identity",
    "version_history",
]

_LOG_LENGTH = 60


def description(material: Material, /) -> tuple[Section, ...]:
    """Return the measured part of the software description: identity, platform, languages, size, components.

    :implements: SRS-EVID-027, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    run = material.run
    identity = facts(
        Text("Identity", "标识"),
        (Text("Component", "组件"), declared(material.project.name, source=material.tracked("pyproject.toml"))),
        (Text("Version", "版本"), version(material)),
        (Text("Commit", "提交"), material.git.field("/commit")),
        (Text("Hash of items, code and tests", "条目、代码与测试的哈希"), run.field("/sources_sha256")),
    )
    platform = record_facts(
        Text("Platform of the recorded run", "所记录运行的平台"),
        run,
        ("/environment/python", Text("Python", "Python")),
        ("/environment/os", Text("Operating system", "操作系统")),
        ("/environment/machine", Text("Architecture", "体系结构")),
        ("/environment/cpu", Text("Processor", "处理器")),
        ("/environment/gpu", Text("Graphics processor", "图形处理器")),
        ("/environment/gpu_driver", Text("Graphics driver", "图形驱动")),
    )
    return (
        Section(
            Text("Identity", "标识"), (identity, _consistency(material)), answers=("SW-B.5", "NS-zyrj.1.1", "NC-1.1")
        ),
        Section(Text("Platform", "平台"), (platform,), answers=("SW-B.3", "NS-zyrj.1.5")),
        Section(Text("Size and languages", "规模与语言"), (_size(material),), answers=("NS-zyrj.2.1",)),
        Section(
            Text("Off-the-shelf components", "现成软件"),
            (component_table(material, device_only=True),),
            answers=("SW-B.4",),
        ),
    )


def version(material: Material, /) -> Field:
    """Return the version that the project's metadata state.

    :implements: SRS-EVID-027, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    return declared(material.project.version or "—", source=material.tracked("pyproject.toml"))


def _consistency(material: Material, /) -> Table:
    """One version everywhere, or a row that says where not."""
    project = material.project
    expected, commit = project.version, project.history.commit
    release, model = material.others["release"], material.others["model"]
    stated = (
        (Text("Bill of materials", "软件物料清单"), expected, material.sbom.field("/metadata/component/version")),
        (Text("Package installed in the run", "运行中安装的软件包"), expected, _installed(material)),
        (Text("Release record: version", "发布记录:版本"), expected, release.field("/version")),
        (Text("Release record: commit", "发布记录:提交"), commit, release.field("/commit")),
        (Text("Run record: commit", "运行记录:提交"), commit, material.run.field("/commit")),
        (
            Text("Bill of materials: commit", "软件物料清单:提交"),
            commit,
            material.sbom.field("/metadata/component/properties/0/value"),
        ),
        (Text("Model made for version", "模型所对应的版本"), expected, model.field("/software_version")),
    )
    rows = []
    for where, wanted, found in stated:
        if found.missing:
            verdict = Text("not stated", "未说明")
        elif found.text.en == wanted:
            verdict = Text("agrees", "一致")
        else:
            verdict = Text("DIFFERS", "不一致")
            material.gaps.append(Gap("version", where.en, f"{found.text.en} where {wanted} was expected"))
        inputs = (found.sources[0], material.git.source_id)
        rows.append(
            (
                where,
                found,
                material.compute(
                    f"same:{where.en}", "compared with the project's version or commit", verdict, inputs=inputs
                ),
            )
        )
    columns = (Text("Where", "位置"), Text("Stated", "所述"), Text("Comparison", "比较"))
    return Table(Text("One version everywhere", "版本一致性"), columns, tuple(rows), weights=(3, 5, 2))


def _installed(material: Material, /) -> Field:
    packages = material.project.run.environment.packages
    name = material.project.name.lower().replace("_", "-")
    number = next(
        (each for each, package in enumerate(packages) if package.name.lower().replace("_", "-") == name), None
    )
    return material.run.field(
        "/environment/packages/none" if number is None else f"/environment/packages/{number}/version"
    )


def _size(material: Material, /) -> Table:
    files = material.code.content["files"] if isinstance(material.code.content, dict) else []
    counted = Counter(PurePosixPath(each["path"]).suffix for each in files)
    inputs = (material.code.source_id,)
    lines = sum(each["lines"] for each in files)
    used = sum(each["lines_not_blank_or_comment"] for each in files)
    return facts(
        Text("Size of the product's source", "产品源代码规模"),
        *(
            (
                Text(f"Files *{suffix}", f"文件 *{suffix}"),
                material.compute(f"files{suffix}", f"source files ending in {suffix}", number, inputs=inputs),
            )
            for suffix, number in sorted(counted.items())
        ),
        (Text("Lines", "行数"), material.compute("lines", "lines of all source files", lines, inputs=inputs)),
        (
            Text("Lines that are neither blank nor comment", "非空且非注释行数"),
            material.compute("code-lines", "lines less blank lines and comments", used, inputs=inputs),
        ),
        (
            Text("People, time and effort", "人员、时间与工作量"),
            material.register.ask(
                "sw_description",
                "effort",
                Text("People, time and effort of the development", "开发人员、时间与工作量"),
                clause="NMPA 2022-9 开发概况",
            ),
        ),
    )


def source_identity(material: Material, /) -> tuple[Section, ...]:
    """Return each source file with its hash.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    files = material.code.content["files"] if isinstance(material.code.content, dict) else []
    rows = tuple(
        tuple(material.code.field(f"/files/{number}/{name}") for name in ("path", "lines", "sha256"))
        for number in range(len(files))
    )
    columns = (Text("File", "文件"), Text("Lines", "行数"), Text("SHA-256", "SHA-256"))
    return (
        Section(
            Text("Source files", "源文件"), (Table(Text("Source files", "源文件"), columns, rows, weights=(5, 1, 7)),)
        ),
    )


def version_history(material: Material, /) -> tuple[Section, ...]:
    """Return tagged versions and the version at hand, last row first to be released.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    tags = material.project.history.tags
    rows = [
        (
            material.git.field(f"/tags/{number}/name"),
            material.git.field(f"/tags/{number}/time"),
            material.git.field(f"/tags/{number}/commit"),
            _where_used(material, name),
        )
        for number, (name, _, _) in enumerate(tags)
    ]
    rows.append(
        (
            version(material),
            material.git.field("/time"),
            material.git.field("/commit"),
            _where_used(material, "present"),
        )
    )
    columns = (
        Text("Version", "版本"),
        Text("Date", "日期"),
        Text("Commit", "提交"),
        Text("Status, where used, assessment of the difference", "状态、使用情况与差异评估"),
    )
    table = Table(Text("Versions", "版本"), columns, tuple(rows), weights=(2, 4, 6, 5))
    note = Prose(
        Text(
            "Rows before the last are the tags of the version history; the last row is the version at hand.",
            "除最后一行外,各行为版本历史中的标签;最后一行为当前版本。",
        )
    )
    return (
        Section(Text("Versions", "版本"), (note, table), answers=("SW-I.1", "SW-I.2", "NS-zyrj.2.8")),
        Section(Text("Changes", "变更"), (_log(material),), answers=("SW-I.3",)),
    )


def change_log(material: Material, /) -> tuple[Section, ...]:
    """Return the latest changes as the version history holds them.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    return (Section(Text("Changes", "变更"), (_log(material),)),)


def _log(material: Material, /) -> Table:
    length = min(len(material.project.history.log), _LOG_LENGTH)
    rows = tuple(
        tuple(quoted(material.git.field(f"/log/{number}/{name}")) for name in ("time", "commit", "subject"))
        for number in range(length)
    )
    columns = (Text("Date", "日期"), Text("Commit", "提交"), Text("Change", "变更"))
    return Table(
        Text(
            "Latest changes; the whole list stands in evidence/git/history.json",
            "最近的变更;完整列表见 evidence/git/history.json",
        ),
        columns,
        rows,
        weights=(3, 4, 8),
    )


def _where_used(material: Material, name: str, /) -> Field:
    what = Text(
        f"Status and use of version {name}, effect of its differences", f"版本 {name} 的状态、使用情况与差异影响"
    )
    return material.register.ask("version_history", name, what, clause="FDA software 2023 I")


def configuration_index(material: Material, /) -> tuple[Section, ...]:
    """Return the configuration items: sources, components, tools and records, each identified.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    index = facts(
        Text("Configuration items", "配置项"),
        (Text("Commit", "提交"), material.git.field("/commit")),
        (Text("Time of the commit", "提交时间"), material.git.field("/time")),
        (Text("Hash of items, code and tests", "条目、代码与测试的哈希"), material.run.field("/sources_sha256")),
        (Text("Hash of the environment", "环境的哈希"), material.run.field("/environment/sha256")),
        (
            Text("Command that repeats the run", "重复运行的命令"),
            material.compute(
                "command",
                "words of the command joined",
                " ".join(material.project.run.command),
                inputs=(material.run.source_id,),
            ),
        ),
        (Text("Test tools", "测试工具"), material.run.field("/tool")),
        (Text("Serial number of the bill of materials", "物料清单序列号"), material.sbom.field("/serialNumber")),
        (Text("Hash of the model", "模型的哈希"), material.others["model"].field("/sha256")),
    )
    return (Section(Text("Configuration items", "配置项"), (index,)),)


def release_record(material: Material, /) -> tuple[Section, ...]:
    """Return what the release step recorded.

    :implements: SRS-EVID-003, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    release = material.others["release"]
    table = facts(
        Text("Release", "发布"),
        (Text("Version", "版本"), release.field("/version")),
        (Text("Commit", "提交"), release.field("/commit")),
        (Text("Time", "时间"), release.field("/time")),
        (Text("Hash of the archive", "发布包的哈希"), release.field("/archive_sha256")),
        (
            Text("Decision and signature", "决定与签字"),
            material.register.ask(
                "release_record",
                "decision",
                Text("Release decision and signature", "发布决定与签字"),
                clause="IEC 62304 5.8",
            ),
        ),
    )
    return (Section(Text("Release", "发布"), (table,)),)
