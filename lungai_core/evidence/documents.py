"""All documents of a set, from material to sections: what each artefact holds, and the sections that all share."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lungai_core.evidence.content import (
    analysis,
    components,
    configuration,
    performance,
    phantoms,
    security,
    specification,
    tool,
    verification,
)
from lungai_core.evidence.document import Document, Nature, Section, facts, fields_of
from lungai_core.evidence.fields import FieldState, Text, declared, same
from lungai_core.evidence.markdown import read_sections
from lungai_core.evidence.outline import answer_rows, outline_sections, requested_section
from lungai_core.evidence.register import Gap
from lungai_core.evidence.wording import check_wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lungai_core.evidence.material import Material
    from lungai_core.evidence.outline import Answer
    from lungai_core.evidence.regulations import Artefact

__all__ = ["write_documents"]

_WRITERS: Mapping[str, Callable[[Material], tuple[Section, ...]]] = {
    "user_needs": specification.user_needs,
    "srs": specification.requirements,
    "sds": specification.design,
    "sad": specification.architecture,
    "rmf": specification.risk,
    "trace_matrix": specification.trace_matrix,
    "test_plan": verification.plan,
    "test_reports": verification.summary,
    "unit_report": partial(verification.level_report, level="unit"),
    "int_report": lambda material: (
        *verification.level_report(material, level="integration"),
        *phantoms.summary(material),
    ),
    "sys_report": partial(verification.level_report, level="system"),
    "coverage": analysis.coverage,
    "static_analysis": analysis.static_analysis,
    "sw_description": configuration.description,
    "source": configuration.source_identity,
    "version_history": configuration.version_history,
    "change": configuration.change_log,
    "soup": components.soup,
    "sbom": components.bill_of_materials,
    "config_doc": configuration.configuration_index,
    "release_record": configuration.release_record,
    "vuln": security.vulnerabilities,
    "cyber_test": security.testing,
    "cyber_trace": security.traceability,
    "cyber_metrics": security.metrics,
    "standalone_perf": partial(performance.results, artefact="standalone_perf"),
    "bench_report": lambda material: (
        *performance.results(material, artefact="bench_report"),
        *phantoms.report(material),
    ),
    "data_mgmt": performance.data_card,
    "model_card": performance.model_card,
    "tool_validation": tool.validation,
}
_LANDSCAPE = frozenset(
    {"rmf", "trace_matrix", "unit_report", "int_report", "sys_report", "test_reports", "sbom", "soup", "sds", "srs",
     "user_needs", "bench_report", "standalone_perf", "cyber_trace", "cyber_test", "coverage", "source", "test_plan",
     "model_card"}
)  # fmt: skip
# Where outlines stand as a whole, so that a reader finds every heading of an authority in one document.
_WHOLE_OUTLINES = {"standards_list": "common", "ep_checklist": "eu", "mdf_index": "fda", "nmpa_software_report": "nmpa"}


def write_documents(material: Material, /) -> tuple[tuple[Document, ...], Mapping[str, Answer]]:
    """Write every document of the artefact map, and answer every heading.

    :implements: SRS-EVID-001, SRS-EVID-003, SRS-EVID-017, SRS-EVID-033, SDS-EVID-020

    Parameters
    ----------
    material
        Of the set.

    Returns
    -------
    tuple
        The documents in the order of the artefact map, and the answers by row.

    Raises
    ------
    UnprovenValueError
        If a value has no source.
    WordingError
        If a text claims what it may not.
    """
    bodies = {each.artefact_id: _body(material, each) for each in material.regulations.artefacts}
    answers = answer_rows(material, bodies)
    documents = []
    for document in bodies.values():
        authority = _WHOLE_OUTLINES.get(document.artefact)
        wanted = tuple(each for each in material.regulations.outlines if each.authority == authority)
        requested = requested_section(answers, document.artefact)
        sections = (
            *document.sections,
            *outline_sections(answers, wanted),
            *((requested,) if requested else ()),
            _approval(material),
        )
        finished = replace(document, sections=sections, draft_of=_draft(answers, document.artefact))
        material.book.require(fields_of(finished))
        check_wording(finished)
        documents.append(finished)
    material.gaps += _gaps(material, tuple(documents))
    return tuple(documents), answers


def _body(material: Material, artefact: Artefact, /) -> Document:
    writer = _WRITERS.get(artefact.artefact_id)
    written = writer(material) if writer else ()
    natures = {study.nature for study in material.studies if study.artefact == artefact.artefact_id}
    if artefact.artefact_id == "bench_report" and material.others["phantoms"].content is not None:
        natures.add(Nature.PHANTOM)
    # A document with cases of several kinds carries the label of the kind that proves least.
    nature = next(
        (each for each in (Nature.PHANTOM, Nature.RESEARCH, Nature.PATIENT) if each in natures), Nature.SOFTWARE
    )
    return Document(
        artefact=artefact.artefact_id,
        stem=artefact.stem,
        title=artefact.title,
        sections=(_cover(material, artefact), *_tracked(material, artefact.artefact_id), *written),
        nature=nature,
        landscape=artefact.artefact_id in _LANDSCAPE,
    )


def _cover(material: Material, artefact: Artefact, /) -> Section:
    data = material.data("artefacts.json")
    table = facts(
        Text("This document", "本文件"),
        (Text("Component", "组件"), declared(material.project.name, source=material.tracked("pyproject.toml"))),
        (Text("Version", "版本"), configuration.version(material)),
        (Text("Commit", "提交"), material.git.field("/commit")),
        (Text("Date (of the commit)", "日期(提交日期)"), material.git.field("/time")),
        (Text("FDA", "FDA"), declared(f"{artefact.fda}; eSTAR: {artefact.estar}", source=data)),
        (Text("NMPA", "NMPA"), declared(artefact.nmpa, source=data)),
        (Text("EU MDR", "欧盟 MDR"), declared(artefact.mdr, source=data)),
        (Text("IMDRF N9", "IMDRF N9"), declared(artefact.imdrf, source=data)),
        (
            Text("Legal manufacturer, device name", "注册申请人、器械名称"),
            material.register.ask(
                "common",
                "device",
                Text("Legal manufacturer and device name", "注册申请人与器械名称"),
                clause="cover of every document",
            ),
        ),
    )
    return Section(Text("Identification", "标识"), (table,))


def _tracked(material: Material, artefact: str, /) -> tuple[Section, ...]:
    sections: list[Section] = []
    paths = material.project.documents.get(artefact, ())
    for english, chinese in zip(paths[::2], paths[1::2], strict=True):
        root = material.project.root
        sections += read_sections(
            (root / english).read_text(encoding="utf-8"),
            (root / chinese).read_text(encoding="utf-8"),
            sources=(material.tracked(english), material.tracked(chinese)),
            where=english,
        )
    return tuple(sections)


def _approval(material: Material, /) -> Section:
    ask = material.register.ask
    roles = (
        ("author", Text("Written by, date, signature", "编写人、日期、签字")),
        ("reviewer", Text("Reviewed by, date, signature", "审核人、日期、签字")),
        ("approver", Text("Released by, date, signature", "批准人、日期、签字")),
    )
    rows = tuple((what, ask("common", key, what, clause="ISO 13485 4.2.4")) for key, what in roles)
    return Section(Text("Signatures", "签字"), (facts(Text("Signatures", "签字"), *rows),))


def _draft(answers: Mapping[str, Answer], artefact: str, /) -> Text:
    asking = [answer.outline for answer in answers.values() if answer.row.artefact == artefact]
    drafts = list(dict.fromkeys(outline for outline in asking if outline.status == "draft"))
    if not drafts or len(drafts) < len(set(asking)):
        return same("")
    return Text(
        "Asked for by draft guidance alone: " + "; ".join(each.heading.en for each in drafts),
        "仅由指南草案要求:" + "; ".join(each.heading.zh for each in drafts),
    )


def _gaps(material: Material, documents: tuple[Document, ...], /) -> list[Gap]:
    gaps: list[Gap] = []
    for document in documents:
        absent = {
            source
            for each in fields_of(document)
            if each.missing and each.state is FieldState.MEASURED
            for source in each.sources
        }
        for source in sorted(absent):
            record = material.book.sources[source]
            gaps.append(Gap("not-measured", document.stem, record.note or f"a value absent from {record.path}"))
    matrix = material.project.matrix
    gaps += [
        Gap("not-verified", row.item.item_id, f"{row.verdict.verdict}: {row.verdict.reason}")
        for row in matrix.rows
        if str(row.verdict.verdict) not in {"VERIFIED", "n/a"}
    ]
    gaps += [Gap("trace", finding.subject, f"{finding.rule.code} {finding.message}") for finding in matrix.findings]
    return gaps
