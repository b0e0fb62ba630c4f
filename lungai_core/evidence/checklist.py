"""A project's security checklist: each question answered by tests, by why it does not apply, or left open."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.fields import Text, same

__all__ = ["Question", "read_checklist"]

_NOTHING = same("")
_ANSWERS = ("tests", "not_applicable", "manufacturer")


@dataclass(frozen=True, slots=True)
class Question:
    """One row of a checklist, with exactly one kind of answer.

    :implements: SRS-EVID-038, SDS-EVID-026

    Parameters
    ----------
    question_id
        Unique in the list.
    text
        What is asked, in own words.
    tests
        Node identifiers of tests, without parameters.
    not_applicable
        Why it does not apply; empty otherwise.
    manufacturer
        Whether only the manufacturer of the device can answer.
    """

    question_id: str
    text: Text
    tests: tuple[str, ...] = ()
    not_applicable: Text = _NOTHING
    manufacturer: bool = False


def read_checklist(content: bytes, /, *, where: str) -> tuple[Question, ...]:
    """Read a checklist.

    :implements: SRS-EVID-038, SDS-EVID-026

    Parameters
    ----------
    content
        TOML: an array ``question`` of tables with ``id``, ``en``, ``zh`` and one of ``tests``, ``not_applicable`` (with
        ``en`` and ``zh``) and ``manufacturer = true``.
    where
        Its name, for messages.

    Raises
    ------
    EvidenceInputError
        If it is not TOML, a question lacks a text, has no or several answers, or two share an identifier.
    """
    try:
        questions = tuple(_question(each, where) for each in tomllib.loads(content.decode())["question"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(f"The security checklist cannot be read ({type(error).__name__}: {error}).", where) from error
    names = [each.question_id for each in questions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _refusal("Two questions share an identifier.", f"{where}, {twice[0]}")
    return questions


def _question(each: dict[str, Any], where: str, /) -> Question:
    given = [name for name in _ANSWERS if each.get(name)]
    if len(given) != 1:
        raise _refusal(f"A question has {len(given)} answers.", f"{where}, {each['id']}")
    reason = each.get("not_applicable")
    return Question(
        question_id=str(each["id"]),
        text=Text(str(each["en"]), str(each["zh"])),
        tests=tuple(each.get("tests", ())),
        not_applicable=Text(str(reason["en"]), str(reason["zh"])) if reason else _NOTHING,
        manufacturer=each.get("manufacturer") is True,
    )


def _refusal(what: str, where: str, /) -> EvidenceInputError:
    return EvidenceInputError(
        what,
        where=where,
        allowed="questions with id, en, zh and exactly one of tests, not_applicable, manufacturer",
        remedy="Correct the checklist that [tool.lungai_evidence] names.",
    )
