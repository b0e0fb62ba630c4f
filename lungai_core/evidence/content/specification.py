"""Needs, requirements, design, architecture and risk: what the project wrote, with the verdict of the trace."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from lungai_core.evidence.content.words import ID, PARENTS, PASSED, TEXT, TITLE, VERDICT, tally_field, verdict_field
from lungai_core.evidence.document import Drawing, Layer, Prose, Section, Table, facts
from lungai_core.evidence.fields import Text, declared, quoted, same

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lungai_core.evidence.document import Cell
    from lungai_core.evidence.fields import Field
    from lungai_core.evidence.material import Material
    from lungai_core.trace.items import Item

__all__ = ["architecture", "design", "requirements", "risk", "trace_matrix", "user_needs"]

_MOST_NAMED = 6
_NONE = same("—")


def user_needs(material: Material, /) -> tuple[Section, ...]:
    """Return the needs and the system requirements.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    return (
        *_items(material, "user_need", Text("User needs", "用户需求")),
        *_items(material, "system", Text("System requirements", "系统需求")),
    )


def requirements(material: Material, /) -> tuple[Section, ...]:
    """Return the software requirements, a section a file, with the rows that they answer.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    how = Section(
        Text("Identification and tracking", "标识与跟踪"),
        (
            Prose(
                Text(
                    "Each requirement has an identifier that is unique in the project and stands in its heading. It "
                    "names what it derives from; tests name it by a marker and code by a field of its documentation. "
                    "A requirement that implements a risk control names that control among its parents.",
                    "每条需求在标题中有项目内唯一的标识,并列出其来源;测试以标记、代码以文档字段引用该标识。实施风险控制的需求将该控制列为来源。",
                )
            ),
        ),
        answers=("SW-D.1", "SW-D.2", "SW-D.3", "NS-zyrj.2.3"),
    )
    return (how, *_items(material, "software", Text("Software requirements", "软件需求")))


def design(material: Material, /) -> tuple[Section, ...]:
    """Return the software design, a section a file, with the code that implements each element.

    :implements: SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    sections: list[Section] = []
    for path, items in _by_file(material, "design"):
        rows = tuple(
            (
                same(item.item_id),
                material.declared_here(item, item.title),
                material.text_of(item),
                material.declared_here(item, ", ".join(item.parents) or "—"),
                _code(material, item),
            )
            for item in items
        )
        columns = (ID, TITLE, TEXT, PARENTS, Text("Implemented by", "实现单元"))
        table = Table(Text("Design elements", "设计元素"), columns, rows, weights=(3, 4, 11, 4, 7))
        sections.append(Section(same(path), (table,), answers=("SW-F.2", "SW-F.3") if not sections else ()))
    return tuple(sections)


def architecture(material: Material, /) -> tuple[Section, ...]:
    """Return the drawing of the floors that the import rules of the project state.

    :implements: SRS-EVID-031, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    text = (material.project.root / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text).get("tool", {}).get("importlinter", {}).get("contracts", [])
    layers: list[str] = next((contract["layers"] for contract in contracts if contract.get("type") == "layers"), [])
    if not layers:
        return ()
    rooms = [tuple(name.strip() for name in layer.split("|")) for layer in layers]
    floors = tuple(
        Layer(names, uses_below=not _forbidden(contracts, names, below))
        for names, below in zip(rooms, [*rooms[1:], ()], strict=True)
    )
    source = declared("pyproject.toml", source=material.tracked("pyproject.toml"))
    title = Text("Floors of the software, the highest first", "软件分层,自上而下")
    legend = Prose(
        Text(
            "A box is a module. An arrow says that a floor may use the floors below; a dash says that another rule "
            "forbids it to use the next. Boxes of one floor do not know each other. The import rules that the drawing "
            "is made from are checked on every change.",
            "方框为模块。箭头表示该层可使用下方各层;短横表示另有规则禁止其使用下一层。同层模块互不依赖。"
            "本图由导入规则生成,每次变更均检查这些规则。",
        )
    )
    return (
        Section(
            Text("Modules and layers", "模块与分层"),
            (legend, Drawing(title, floors, source)),
            answers=("SW-E.1", "SW-E.4", "NS-zyrj.1.3"),
        ),
    )


def risk(material: Material, /) -> tuple[Section, ...]:
    """Return hazards with their controls and the evidence for these; every estimate is left to the manufacturer.

    :implements: SRS-EVID-014, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    graph = material.project.matrix.graph
    hazards = _kind(material, "hazard")
    rows: list[tuple[Cell, ...]] = []
    for item in hazards:
        details = dict(item.fields)
        controls = graph.children(item.item_id)
        rows.append(
            (
                same(item.item_id),
                material.text_of(item),
                material.declared_here(item, details.get("cause", "—")),
                material.declared_here(item, details.get("severity", "—")),
                material.declared_here(item, ", ".join(each.item_id for each in controls) or "—"),
                _estimate(material, item),
            )
        )
    columns = (
        ID,
        Text("Hazardous situation and harm", "危险情况与伤害"),
        Text("Cause", "原因"),
        Text("Severity", "严重度"),
        Text("Controls", "控制措施"),
        Text("Probability, risk before and after, acceptability", "概率、控制前后的风险、可接受性"),
    )
    table = Table(Text("Hazards", "危害"), columns, tuple(rows), weights=(3, 8, 6, 2, 4, 5))
    return (
        Section(
            Text("Risk assessment table", "风险评估表"),
            (table,),
            answers=("SW-C.2", "SW-C.4", "SW-C.5", "SW-C.6", "SW-C.7", "SW-C.8", "SW-C.9", "SW-C.12", "NS-zyrj.2.2"),
        ),
        _controls(material),
    )


def _controls(material: Material, /) -> Section:
    graph = material.project.matrix.graph
    rows = []
    for item in _kind(material, "control"):
        implementing = [child for child in graph.children(item.item_id) if child.kind == "software"]
        design_ids = {below.item_id for child in implementing for below in graph.children(child.item_id)}
        rows.append(
            (
                same(item.item_id),
                material.text_of(item),
                material.declared_here(item, ", ".join(item.parents) or "—"),
                material.declared_here(item, ", ".join(each.item_id for each in implementing) or "—"),
                material.declared_here(item, ", ".join(sorted(design_ids)) or "—"),
                tally_field(material, item),
                verdict_field(material, item),
            )
        )
    columns = (
        ID,
        Text("Control measure", "控制措施"),
        Text("Hazards", "危害"),
        Text("Implemented by requirement", "实施该措施的需求"),
        Text("Design", "设计"),
        PASSED,
        VERDICT,
    )
    table = Table(Text("Risk controls", "风险控制"), columns, tuple(rows), weights=(3, 8, 4, 4, 4, 3, 4))
    return Section(
        Text("Risk controls and their verification", "风险控制及其验证"),
        (table,),
        answers=("SW-C.13", "SW-C.14", "SW-C.15"),
    )


def trace_matrix(material: Material, /) -> tuple[Section, ...]:
    """Return the matrix in both directions, and every finding of the trace as a row.

    :implements: SRS-EVID-005, SRS-EVID-033, SDS-EVID-018

    Parameters
    ----------
    material
        Of the set.
    """
    matrix = material.project.matrix
    counts = tuple(
        (same(str(verdict)), material.matrix.field(f"/verdicts/{verdict.replace('/', '~1')}"))
        for verdict, _ in matrix.verdicts.counts
    )
    sections = [Section(Text("Verdicts", "结论"), (facts(Text("Items by verdict", "按结论统计条目"), *counts),))]
    for kind in matrix.graph.config.kinds:
        rows = tuple(
            (
                same(row.item.item_id),
                material.declared_here(row.item, row.item.title),
                material.declared_here(row.item, ", ".join(row.item.parents) or "—"),
                _joined(material, row.children),
                _joined(material, row.code),
                _joined(material, tuple(dict.fromkeys(_function(test) for test in row.tests))),
                tally_field(material, row.item),
                verdict_field(material, row.item),
            )
            for row in matrix.rows
            if row.item.kind == kind.name
        )
        columns = (
            ID,
            TITLE,
            PARENTS,
            Text("Answered by", "被实现于"),
            Text("Code", "代码"),
            Text("Tests", "测试"),
            PASSED,
            VERDICT,
        )
        title = Text(kind.title, kind.title_zh)
        table = Table(title, columns, rows, weights=(4, 6, 4, 5, 10, 12, 3, 5))
        sections.append(Section(title, (table,), answers=_TRACE_ANSWERS.get(kind.name, ())))
    return (*sections, _units(material), _findings(material))


_TRACE_ANSWERS = {
    "user_need": ("NT-5.1",),
    "system": ("NT-1.1",),
    "control": ("NT-1.2", "NT-2.2", "NT-4.3", "NT-5.2"),
    "software": ("NT-4.2",),
    "design": ("NT-2.1", "NT-3.1", "NT-4.1", "NS-zyrj.2.6"),
}


def _units(material: Material, /) -> Section:
    """Source unit to test case, through the items that both name: the pair that the NMPA asks for."""
    graph = material.project.matrix.graph
    rows = []
    for each in graph.code.objects:
        if not each.needs_id:
            continue
        linked = {test.test_id for item in _with_parents(material, each.implements) for test in graph.tests_of(item)}
        more = len(linked) - _MOST_NAMED
        tests = material.compute(
            "unit-tests",
            "tests that verify the items a source unit implements, or what those derive from",
            ", ".join(sorted(map(_short, linked))[:_MOST_NAMED]) + (f" (+{more})" if more > 0 else "") or "—",
            inputs=(material.matrix.source_id,),
        )
        rows.append((_joined(material, (each.name,)), _joined(material, each.implements), quoted(tests)))
    columns = (Text("Source unit", "源代码单元"), Text("Implements", "实现"), TESTS)
    table = Table(
        Text("Source units and their tests", "源代码单元及其测试用例"), columns, tuple(rows), weights=(6, 4, 10)
    )
    return Section(Text("Source code and tests", "源代码与测试用例"), (table,), answers=("NT-3.2",))


TESTS = Text("Tests", "测试")


def _findings(material: Material, /) -> Section:
    rows = tuple(
        tuple(
            quoted(material.matrix.field(f"/findings/{number}/{name}"))
            for name in ("code", "path", "subject", "message")
        )
        for number in range(len(material.project.matrix.findings))
    )
    columns = (Text("Rule", "规则"), Text("File", "文件"), Text("Subject", "对象"), Text("Finding", "发现"))
    table = Table(Text("Gaps in the trace", "追溯缺口"), columns, rows, weights=(2, 5, 5, 10))
    return Section(Text("Findings", "发现"), (table,))


def _items(material: Material, kind: str, title: Text, /) -> tuple[Section, ...]:
    sections = []
    for path, items in _by_file(material, kind):
        rows = tuple(
            (
                same(item.item_id),
                material.declared_here(item, item.title),
                material.text_of(item),
                material.declared_here(item, ", ".join(item.parents) or "—"),
                tally_field(material, item),
                verdict_field(material, item),
            )
            for item in items
        )
        table = Table(title, (ID, TITLE, TEXT, PARENTS, PASSED, VERDICT), rows, weights=(3, 4, 11, 4, 3, 4))
        sections.append(Section(same(path), (table,)))
    return tuple(sections)


def _kind(material: Material, kind: str, /) -> tuple[Item, ...]:
    return tuple(item for item in material.project.matrix.graph.items.of_kind(kind) if item.in_force)


def _by_file(material: Material, kind: str, /) -> Iterable[tuple[str, list[Item]]]:
    files: dict[str, list[Item]] = defaultdict(list)
    for item in _kind(material, kind):
        files[item.place.path].append(item)
    return files.items()


def _estimate(material: Material, item: Item, /) -> Field:
    what = Text(
        f"Probability, risk before and after control, acceptability and benefit of {item.item_id}",
        f"{item.item_id} 的概率、控制前后的风险、可接受性与受益",
    )
    return material.register.ask("rmf", item.item_id, what, clause="ISO 14971 5.5, 6, 7.3, 7.4")


def _code(material: Material, item: Item, /) -> Field:
    return _joined(material, tuple(each.name for each in material.project.matrix.graph.code_of(item.item_id)))


def _joined(material: Material, names: tuple[str, ...], /) -> Field:
    return quoted(
        material.compute(
            "links",
            "identifiers linked to an item or source unit in the trace",
            ", ".join(names) or "—",
            inputs=(material.matrix.source_id,),
        )
    )


def _with_parents(material: Material, item_ids: tuple[str, ...], /) -> set[str]:
    known = material.project.matrix.graph.items.by_id
    return set(item_ids) | {parent for item_id in item_ids if item_id in known for parent in known[item_id].parents}


def _forbidden(contracts: list[dict[str, Any]], names: tuple[str, ...], below: tuple[str, ...], /) -> bool:
    """Say whether a rule forbids every module of one floor to use a module of the next."""

    def last(modules: list[str], /) -> set[str]:
        return {module.rpartition(".")[2] for module in modules}

    return any(
        set(names) <= last(contract.get("source_modules", []))
        and set(below) & last(contract.get("forbidden_modules", []))
        for contract in contracts
        if contract.get("type") == "forbidden"
    )


def _function(test: str, /) -> str:
    """Return the test function of a case: file and name, without parameters."""
    return _short(test.partition("[")[0])


def _short(test: str, /) -> str:
    path, _, name = test.partition("::")
    return f"{path.rsplit('/', 1)[-1]}::{name}"
