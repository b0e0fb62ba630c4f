"""Studies: results measured on cases, with their data card, intervals and denominators; refused where these lack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lungai_core.errors import StudyRefusedError
from lungai_core.evidence.document import Nature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Study", "read_study"]

SCHEMA = "lungai-study/1"
_DATA_CARD = ("name", "version", "licence", "split_sha256", "reference_standard", "readers")
_TEXTS = ("study_id", "title_en", "title_zh", "started", "protocol", "match_rule", "artefact", "tool")
_UNITS: Mapping[str, Callable[[list[dict[str, Any]]], int]] = {
    "case": len,
    "lesion": lambda cases: sum(int(case["lesions"]) for case in cases),
    "patient": lambda cases: len({case["patient"] for case in cases}),
}
_ALLOWED = {
    Nature.PHANTOM: frozenset({"bench_report"}),
    Nature.RESEARCH: frozenset({"bench_report", "standalone_perf"}),
    Nature.PATIENT: frozenset({"bench_report", "standalone_perf"}),
}


@dataclass(frozen=True, slots=True)
class Study:
    """One study whose record has been accepted.

    :implements: SRS-EVID-008, SRS-EVID-010, SRS-EVID-011, SDS-EVID-008

    Parameters
    ----------
    study_id
        Letters, digits and underscores: it becomes part of file names.
    nature
        What the cases are.
    artefact
        The document that the results go into.
    protocol
        Path of the protocol in the project.
    started
        When the run began, as the record says.
    content
        The whole record.
    record_bytes
        As read.
    """

    study_id: str
    nature: Nature
    artefact: str
    protocol: str
    started: str
    content: Mapping[str, Any]
    record_bytes: bytes


def read_study(record: bytes, /, *, where: str) -> Study:
    """Read the record of a study, and refuse it if it could mislead.

    :implements: SRS-EVID-008, SRS-EVID-010, SRS-EVID-011, SDS-EVID-008

    Parameters
    ----------
    record
        UTF-8 JSON of the schema ``lungai-study/1``; see the manual.
    where
        Its name, for messages.

    Returns
    -------
    Study
        With label, data card, intervals and reconciled denominators.

    Raises
    ------
    StudyRefusedError
        If phantom or research results would fill a document of clinical results, the data card is incomplete, a
        rate lacks its interval, number or unit, or a denominator does not agree with the list of cases.
    """
    try:
        content = json.loads(record)
        if content["schema"] != SCHEMA:
            raise _refusal(where, "The record is not of this schema.")
        study = Study(
            study_id=content["study_id"],
            nature=Nature(content["nature"]),
            artefact=content["artefact"],
            protocol=content["protocol"],
            started=content["started"],
            content=content,
            record_bytes=record,
        )
        _check(study, where)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(where, f"The study record cannot be read ({type(error).__name__}: {error}).") from error
    return study


def _check(study: Study, where: str, /) -> None:
    content = study.content
    missing = [name for name in _TEXTS if not isinstance(content[name], str) or not content[name]]
    if missing:
        raise _refusal(where, f"The study does not state its {missing[0]}.")
    if datetime.fromisoformat(study.started).tzinfo is None:
        raise _refusal(where, "The start of the study has no offset from UTC.", allowed="ISO 8601 with an offset")
    if not study.study_id.replace("_", "").isalnum() or not study.study_id.isascii():
        raise _refusal(where, "The study's identifier has other signs than letters, digits and underscores.")
    allowed = _ALLOWED.get(study.nature, frozenset())
    if study.artefact not in allowed:
        what = f"A study on {study.nature} cases may not fill the document {study.artefact}."
        raise _refusal(where, what, allowed=", ".join(sorted(allowed)) or "no document")
    card = content["data"]
    lacking = [name for name in _DATA_CARD if not card.get(name)]
    if lacking:
        raise _refusal(where, f"The card of the data set lacks {lacking[0]}.", allowed=", ".join(_DATA_CARD))
    for metric in content["metrics"]:
        _check_metric(metric, content["cases"], where)


def _check_metric(metric: dict[str, Any], cases: list[dict[str, Any]], where: str, /) -> None:
    name = metric["name_en"]
    for part in ("value", "unit", "n", "n_unit", "ci_low", "ci_high", "ci_method", "name_zh"):
        if metric.get(part) in {None, ""}:
            raise _refusal(f"{where}, {name}", f"The metric lacks {part}: every rate stands with interval, n and unit.")
    if not metric["ci_low"] <= metric["value"] <= metric["ci_high"]:
        raise _refusal(f"{where}, {name}", "The value lies outside its own interval.")
    wanted = metric.get("cases")
    counted = _UNITS[metric["n_unit"]]([case for case in cases if wanted is None or case["id"] in wanted])
    if counted != metric["n"]:
        what = f"The denominator is {metric['n']} and the list of cases gives {counted} ({metric['n_unit']})."
        raise _refusal(f"{where}, {name}", what, allowed="denominators that agree with the list of cases")


def _refusal(where: str, what: str, /, *, allowed: str = f"records of the schema {SCHEMA}") -> StudyRefusedError:
    return StudyRefusedError(
        what, where=where, allowed=allowed, remedy="Correct the record at its origin; the tool changes no result."
    )
