"""The files that people read, written from a trace and a run record."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.trace.checks import check
from lungai_core.trace.findings import Finding, Rule
from lungai_core.trace.gaps import accept_gaps, apply_gaps, read_gaps
from lungai_core.trace.hooks import load_hooks, waived
from lungai_core.trace.html import matrix_html
from lungai_core.trace.lock import check_lock, read_lock, suspect_items
from lungai_core.trace.matrix import build_matrix, matrix_csv, matrix_json
from lungai_core.trace.own_coverage import measure_own_coverage
from lungai_core.trace.signed import check_signed, read_signed, signed_state
from lungai_core.trace.verdicts import Verdict, evaluate, stale_because

if TYPE_CHECKING:
    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.gaps import AcceptedGaps
    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.lock import Lock
    from lungai_core.trace.matrix import Matrix
    from lungai_core.trace.record import RunRecord
    from lungai_core.trace.signed import SignedRecords

__all__ = ["accept_present_gaps", "all_findings", "check_project", "full_matrix", "unverified", "write_views"]


def check_project(graph: TraceGraph, /) -> tuple[Finding, ...]:
    """Hold a project to all rules: links and texts, the lock, signed records; accepted gaps taken out.

    :implements: SRS-TRACE-004, SDS-TRACE-004

    Parameters
    ----------
    graph
        From :func:`load_graph`; the lock, the gaps and the signed records are read from its configured places.

    Returns
    -------
    tuple of Finding
        Sorted by file, line and code.
    """
    findings = apply_gaps(all_findings(graph), _gaps(graph.config), graph.config)
    left = set(findings) - {each.finding for each in waived(findings, load_hooks(graph.config))}
    return tuple(sorted(left, key=lambda each: (each.place, each.rule.code, each.subject)))


def all_findings(graph: TraceGraph, /) -> tuple[Finding, ...]:
    """Return the findings of :func:`check_project` before accepted gaps are taken out.

    :implements: SRS-TRACE-004, SDS-TRACE-004
    """
    return (*check(graph), *check_lock(graph, _lock(graph.config)), *check_signed(graph, _signed(graph.config)))


def accept_present_gaps(graph: TraceGraph, /) -> tuple[int, int]:
    """Write the file of accepted gaps; see :func:`accept_gaps`.

    :implements: SRS-TRACE-012, SDS-TRACE-012
    """
    return accept_gaps(all_findings(graph), _gaps(graph.config), graph.config)


def unverified(graph: TraceGraph, record: RunRecord | None, /) -> tuple[Finding, ...]:
    """Return a finding for each item that has a verdict and is not verified.

    :implements: SRS-TRACE-007, SDS-TRACE-008

    Parameters
    ----------
    graph, record
        The trace as the files stand now, and the run that shall prove it.
    """
    good = {Verdict.VERIFIED, Verdict.NOT_APPLICABLE}
    return tuple(
        Finding(
            Rule.NOT_VERIFIED,
            row.item.place,
            row.item.item_id,
            f"{row.item.item_id} is {row.verdict.verdict}: {row.verdict.reason} "
            f"(mapped {row.verdict.mapped}, run {row.verdict.run}, passed {row.verdict.passed}).",
        )
        for row in full_matrix(graph, record).rows
        if row.verdict.verdict not in good
    )


def full_matrix(graph: TraceGraph, record: RunRecord | None, /, *, data_file: Path | None = None) -> Matrix:
    """Make the matrix of a project from its files and a run.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    graph
        The trace as the files stand now.
    record
        The run to show; staleness is found out here.
    data_file
        Coverage data of the same run, for own-evidence coverage; see :func:`measure_own_coverage`.
    """
    own = measure_own_coverage(graph, record, data_file) if record and data_file else None
    verdicts = evaluate(
        graph,
        record,
        stale=stale_because(graph, record) if record else "",
        suspect=suspect_items(graph, _lock(graph.config)),
        signed=signed_state(graph, _signed(graph.config)),
        unexercised=own.unexercised if own else frozenset(),
    )
    waivers = waived(all_findings(graph), load_hooks(graph.config)) if graph.config.hooks else ()
    matrix = build_matrix(graph, record, verdicts=verdicts, findings=check_project(graph), own=own)
    return replace(matrix, waivers=waivers)


def write_views(
    graph: TraceGraph, record: RunRecord | None, folder: Path, /, *, data_file: Path | None = None
) -> Matrix:
    """Write the matrix as JSON, CSV and HTML.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    graph, record
        The trace, and the run to show.
    folder
        Receives ``matrix.json``, ``matrix.csv`` and ``matrix.html``; each appears whole.
    data_file
        Coverage data of the same run, for own-evidence coverage.

    Returns
    -------
    Matrix
        What was written.
    """
    matrix = full_matrix(graph, record, data_file=data_file)
    data = matrix_json(matrix)
    root_href = Path(os.path.relpath(graph.config.root, folder)).as_posix()
    write_whole(folder / "matrix.json", data)
    write_whole(folder / "matrix.csv", matrix_csv(matrix))
    write_whole(folder / "matrix.html", matrix_html(matrix, root_href=root_href, data=data))
    for report in load_hooks(graph.config).report:
        report(matrix, folder)
    return matrix


def _lock(config: TraceConfig, /) -> Lock:
    return read_lock(config.root / config.lock, name=config.lock)


def _gaps(config: TraceConfig, /) -> AcceptedGaps:
    return read_gaps(config.root / config.gaps, name=config.gaps)


def _signed(config: TraceConfig, /) -> SignedRecords:
    return read_signed(config.root / config.records, config.root)
