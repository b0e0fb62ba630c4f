"""Every heading that is asked for, with its answer: filled, NOT MEASURED, placeholder, or not applicable because."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lungai_core.evidence.document import Section, Table
from lungai_core.evidence.fields import Field, Text, not_measured, same
from lungai_core.evidence.regulations import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lungai_core.evidence.document import Cell, Document
    from lungai_core.evidence.material import Material
    from lungai_core.evidence.regulations import Outline, OutlineRow

__all__ = ["Answer", "RowState", "answer_rows", "checklist_csv", "outline_sections", "requested_section"]

DEFAULT_CLASS = "C"  # IEC 62304, 4.3 g: until a class is assigned, class C applies


class RowState(StrEnum):
    """How a heading is answered. There is no silent omission.

    :implements: SRS-EVID-017, SDS-EVID-019
    """

    FILLED = "filled"
    NOT_MEASURED = "NOT MEASURED"
    PLACEHOLDER = "placeholder"
    NOT_APPLICABLE = "not applicable"


_STATES_ZH = {
    RowState.FILLED: "已填写",
    RowState.NOT_MEASURED: "未测量 NOT MEASURED",
    RowState.PLACEHOLDER: "由注册申请人填写",
    RowState.NOT_APPLICABLE: "不适用",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one heading.

    :implements: SRS-EVID-017, SDS-EVID-019

    Parameters
    ----------
    outline, row
        What is asked for.
    state
        How it is answered.
    value
        Where the answer stands, the placeholder, or why it does not apply.
    """

    outline: Outline
    row: OutlineRow
    state: RowState
    value: Field


def answer_rows(material: Material, documents: Mapping[str, Document], /) -> dict[str, Answer]:
    """Answer every row of every outline.

    :implements: SRS-EVID-014, SRS-EVID-017, SRS-EVID-028, SDS-EVID-019

    A row that asks for one content is filled only where a section names it among its answers. A clause or element is
    filled if its document holds a value that is neither a placeholder nor a missing measurement. What only the
    manufacturer can give stays a placeholder unless a section or the signed file answers it.

    Parameters
    ----------
    material
        Of the set.
    documents
        By artefact, as far as they are written.

    Returns
    -------
    dict
        By row identifier.
    """
    sections = {
        row_id: (document, section)
        for document in documents.values()
        for section in document.sections
        for row_id in section.answers
    }
    given = material.register.given
    declared_class = given.values.get("safety_class.class") if given else None
    software_class = declared_class.en.strip() if declared_class else DEFAULT_CLASS
    answers = {}
    for outline in material.regulations.outlines:
        for row in outline.rows:
            reason = row.not_applicable
            if row.classes and software_class not in row.classes:
                reason = f"software safety class {software_class} was declared by the manufacturer"
            answers[row.row_id] = _answer(
                material, (outline, row), documents.get(row.artefact), sections.get(row.row_id), reason
            )
    return answers


def requested_section(answers: Mapping[str, Answer], artefact: str, /) -> Section | None:
    """Return the last section of a document: what is asked for in it, and how it is answered.

    :implements: SRS-EVID-017, SDS-EVID-019

    Parameters
    ----------
    answers
        From :func:`answer_rows`.
    artefact
        Of the document.
    """
    mine = [answer for answer in answers.values() if answer.row.artefact == artefact]
    if not mine:
        return None
    return Section(
        Text("What is asked for here", "本文件所要求的内容"),
        tuple(
            _table(outline, [answer for answer in mine if answer.outline is outline])
            for outline in dict.fromkeys(answer.outline for answer in mine)
        ),
    )


def outline_sections(answers: Mapping[str, Answer], outlines: tuple[Outline, ...], /) -> tuple[Section, ...]:
    """Return whole outlines, a section each.

    :implements: SRS-EVID-017, SRS-EVID-009, SDS-EVID-019

    Parameters
    ----------
    answers
        From :func:`answer_rows`.
    outlines
        Which ones.
    """
    return tuple(
        Section(outline.heading, (_table(outline, [answers[row.row_id] for row in outline.rows]),))
        for outline in outlines
    )


def checklist_csv(answers: Mapping[str, Answer], /) -> str:
    """Return all headings with their answers as CSV.

    :implements: SRS-EVID-017, SDS-EVID-019

    Parameters
    ----------
    answers
        From :func:`answer_rows`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        (
            "outline",
            "edition",
            "status",
            "row",
            "heading_en",
            "heading_zh",
            "document",
            "state",
            "answer_en",
            "answer_zh",
        )
    )
    for answer in answers.values():
        outline, row = answer.outline, answer.row
        writer.writerow(
            (
                outline.outline_id,
                outline.edition,
                outline.status,
                row.row_id,
                row.title.en,
                row.title.zh,
                row.artefact,
                str(answer.state),
                answer.value.text.en,
                answer.value.text.zh,
            )
        )
    return text.getvalue()


def _answer(
    material: Material,
    asked: tuple[Outline, OutlineRow],
    document: Document | None,
    section: tuple[Document, Section] | None,
    reason: str,
) -> Answer:
    outline, row = asked
    if reason:
        value = material.compute(
            f"n/a:{reason}",
            "a reason that the outline data or the declared class give",
            same(reason),
            inputs=(material.data("outlines.json"),),
        )
        return Answer(outline, row, RowState.NOT_APPLICABLE, value)
    whole = row.origin in {Origin.AUTO, Origin.ASSIST} and document is not None and document.has_content
    if section is not None or whole:
        home, place = section if section is not None else (document, None)
        if home is None:
            raise AssertionError
        return Answer(
            outline,
            row,
            RowState.FILLED,
            _where(material, home, place, draft=_TO_REVIEW if row.origin is Origin.ASSIST else same("")),
        )
    if row.origin is Origin.AUTO:
        return Answer(outline, row, RowState.NOT_MEASURED, not_measured(source=_absent(material, row)))
    asked_for = material.register.ask(row.artefact, row.row_id, row.title, clause=outline.heading.en)
    state = RowState.PLACEHOLDER if asked_for.missing else RowState.FILLED
    return Answer(outline, row, state, asked_for)


_TO_REVIEW = Text(" (draft, to be reviewed by a person)", "(草稿,待人工评审)")


def _where(material: Material, document: Document, section: Section | None, /, *, draft: Text) -> Field:
    # What a person has still to review is said where a whole document stands for a clause.
    place = f"{document.stem}, {section.title.en}" if section else f"{document.stem}{draft.en}"
    place_zh = f"{document.stem},{section.title.zh}" if section else f"{document.stem}{draft.zh}"
    return material.compute(
        "answered-in",
        "the section that names the heading, or the document it belongs to",
        Text(place, place_zh),
        inputs=(material.data("artefacts.json"),),
    )


def _absent(material: Material, row: OutlineRow, /) -> str:
    return material.book.absent(
        f"evidence for {row.artefact}", "expected from the records that the document is written from"
    )


def _table(outline: Outline, answers: list[Answer], /) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (same(answer.row.row_id), answer.row.title, Text(str(answer.state), _STATES_ZH[answer.state]), answer.value)
        for answer in answers
    ]
    columns = (
        Text("Row", "条目"),
        Text("Heading (own words)", "标题(非原文)"),
        Text("State", "状态"),
        Text("Answer", "答复"),
    )
    return Table(outline.heading, columns, tuple(rows), weights=(3, 9, 3, 8))
