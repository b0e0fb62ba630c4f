"""The ratchet: gaps that a project accepted when it began to trace. The list may only shrink."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.trace.findings import Finding, Place, Rule
from lungai_core.trace.lines import record_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig

__all__ = ["AcceptedGaps", "accept_gaps", "apply_gaps", "read_gaps"]

_LINE = re.compile(r"(TRC-\d{3}) (\S.*)")
_HEADER = (
    "# Accepted gaps: rule and subject. Written once by `lungai trace accept`; from then on the list only shrinks.\n"
)


@dataclass(frozen=True, slots=True)
class AcceptedGaps:
    """The gaps that a project lives with for now.

    :implements: SRS-TRACE-012, SDS-TRACE-012

    Parameters
    ----------
    lines
        Line number by rule code and subject.
    problems
        Lines that cannot be read.
    exists
        Whether the file is there; a first :func:`accept_gaps` makes it.
    """

    lines: Mapping[tuple[str, str], int]
    problems: tuple[Finding, ...] = ()
    exists: bool = True


def read_gaps(path: Path, /, *, name: str) -> AcceptedGaps:
    """Read the file of accepted gaps.

    :implements: SRS-TRACE-012, SDS-TRACE-012

    Parameters
    ----------
    path
        The file; it may be absent.
    name
        Its name in findings.
    """
    if not path.exists():
        return AcceptedGaps({}, exists=False)
    lines: dict[tuple[str, str], int] = {}
    problems: list[Finding] = []
    for number, line in record_lines(path):
        match = _LINE.fullmatch(line)
        if match is None:
            message = f"Line {number} of {name} is no accepted gap."
            problems.append(Finding(Rule.BAD_GAP_LINE, Place(name, number), line[:80], message))
        else:
            lines[match[1], match[2]] = number
    return AcceptedGaps(lines, tuple(problems))


def apply_gaps(findings: tuple[Finding, ...], gaps: AcceptedGaps, config: TraceConfig, /) -> tuple[Finding, ...]:
    """Take the accepted gaps out of a list of findings, and add a finding for each gap that is closed by now.

    :implements: SRS-TRACE-012, SDS-TRACE-012

    Parameters
    ----------
    findings
        All findings of the checks.
    gaps, config
        What was accepted, and where that is written.
    """
    left = [each for each in findings if (each.rule.code, each.subject) not in gaps.lines]
    present = {(each.rule.code, each.subject) for each in findings}
    closed = [
        Finding(Rule.CLOSED_GAP, Place(config.gaps, line), f"{code} {subject}", f"{code} {subject} is closed by now.")
        for (code, subject), line in gaps.lines.items()
        if (code, subject) not in present
    ]
    return (*left, *gaps.problems, *closed)


def accept_gaps(findings: tuple[Finding, ...], gaps: AcceptedGaps, config: TraceConfig, /) -> tuple[int, int]:
    """Write the file of accepted gaps: the first time all findings, later only those that were accepted before.

    :implements: SRS-TRACE-012, SDS-TRACE-012

    Parameters
    ----------
    findings
        All findings of the checks.
    gaps, config
        What was accepted so far, and where to write.

    Returns
    -------
    tuple of int
        How many gaps are accepted now, and how many were taken off the list.
    """
    present = {(each.rule.code, each.subject) for each in findings}
    kept = present & gaps.lines.keys() if gaps.exists else present
    text = _HEADER + "".join(sorted(f"{code} {subject}\n" for code, subject in kept))
    write_whole(config.root / config.gaps, text)
    return len(kept), len(gaps.lines) - len(kept) if gaps.exists else 0
