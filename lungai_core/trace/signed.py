"""Signed records: evidence of analysis, inspection and demonstration, which no test run can give."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Finding, Place, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lungai_core.trace.graph import TraceGraph

__all__ = ["SignedRecord", "SignedRecords", "check_signed", "read_signed", "signed_state"]

_KEYS = frozenset({"item", "method", "outcome", "signed_by", "signed_on", "text_sha256", "statement"})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """What a person found, and signed for, on the text of an item as it then was.

    :implements: SRS-TRACE-007, SDS-TRACE-013

    Parameters
    ----------
    item, method, outcome
        The item's ID; ``analysis``, ``inspection`` or ``demonstration``; ``pass`` or ``fail``.
    signed_by, signed_on
        A name, and an ISO date.
    text_sha256
        The item's fingerprint; ``lungai trace fingerprint ID`` prints it.
    statement
        What was done and seen.
    place
        Where the record stands.
    """

    item: str
    method: str
    outcome: str
    signed_by: str
    signed_on: str
    text_sha256: str
    statement: str
    place: Place


@dataclass(frozen=True, slots=True)
class SignedRecords:
    """All signed records of a project.

    :implements: SRS-TRACE-007, SDS-TRACE-013

    Parameters
    ----------
    records
        By item ID; of several for one item the last in order of file names.
    problems
        Files that cannot be read.
    """

    records: Mapping[str, SignedRecord]
    problems: tuple[Finding, ...] = ()


def read_signed(folder: Path, root: Path, /) -> SignedRecords:
    """Read the signed records of a project: TOML files, one record each.

    :implements: SRS-TRACE-007, SDS-TRACE-013

    Parameters
    ----------
    folder, root
        Where they stand, and what places are relative to. The folder may be absent.
    """
    records: dict[str, SignedRecord] = {}
    problems: list[Finding] = []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        name = path.relative_to(root).as_posix()
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            table = {"": str(error)}
        wrong = _what_is_wrong(table)
        if wrong:
            problems.append(Finding(Rule.BAD_SIGNED_RECORD, Place(name, 1), name, f"{name}: {wrong}."))
        else:
            records[table["item"]] = SignedRecord(**table, place=Place(name, 1))
    return SignedRecords(records, tuple(problems))


def check_signed(graph: TraceGraph, signed: SignedRecords, /) -> tuple[Finding, ...]:
    """Hold the items of other methods than test to their signed records.

    :implements: SRS-TRACE-007, SDS-TRACE-013

    Parameters
    ----------
    graph, signed
        The project as it stands, and its records.
    """
    findings = list(signed.problems)
    for item in graph.items.items:
        rule = graph.config.kind(item.kind)
        if not rule.verified or item.method in {"", "test"} or not item.in_force:
            continue
        record = signed.records.get(item.item_id)
        if record is None:
            message = f"{item.item_id} has no signed record of its {item.method}."
            findings.append(Finding(Rule.NO_SIGNED_RECORD, item.place, item.item_id, message))
        elif record.text_sha256 != item.fingerprint or record.method != item.method:
            message = f"The record of {item.item_id} was signed on {record.signed_on} for another text or method."
            findings.append(Finding(Rule.OUTDATED_SIGNED_RECORD, record.place, item.item_id, message))
        elif record.outcome == "fail":
            message = f"{item.item_id} failed its {item.method} on {record.signed_on}."
            findings.append(Finding(Rule.FAILED_SIGNED_RECORD, record.place, item.item_id, message))
    known = graph.items.by_id
    for item_id, record in signed.records.items():
        if item_id not in known:
            message = f"The record stands for {item_id}, which does not exist."
            findings.append(Finding(Rule.BAD_SIGNED_RECORD, record.place, item_id, message))
    return tuple(findings)


def signed_state(graph: TraceGraph, signed: SignedRecords, /) -> Mapping[str, Finding | None]:
    """Return for each item with a signed record the finding against it, or nothing where the record stands.

    :implements: SRS-TRACE-007, SDS-TRACE-013

    Parameters
    ----------
    graph, signed
        The project as it stands, and its records.
    """
    against = {each.subject: each for each in check_signed(graph, signed)}
    return {item_id: against.get(item_id) for item_id in signed.records}


def _what_is_wrong(table: Mapping[str, object], /) -> str:
    if table.keys() != _KEYS:
        return f"its keys are not {', '.join(sorted(_KEYS))}"
    if not all(isinstance(value, str) and value for value in table.values()):
        return "a value is empty or no string"
    if table["outcome"] not in {"pass", "fail"}:
        return "its outcome is neither pass nor fail"
    return "" if _DAY.fullmatch(str(table["signed_on"])) else "signed_on is no ISO date"
