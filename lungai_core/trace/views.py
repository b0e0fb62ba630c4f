"""The files that people read, written from a trace and a run record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.trace.checks import check
from lungai_core.trace.html import matrix_html
from lungai_core.trace.matrix import build_matrix, matrix_csv, matrix_json
from lungai_core.trace.verdicts import evaluate, stale_because

if TYPE_CHECKING:
    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.matrix import Matrix
    from lungai_core.trace.record import RunRecord

__all__ = ["full_matrix", "write_views"]


def full_matrix(graph: TraceGraph, record: RunRecord | None, /) -> Matrix:
    """Make the matrix of a project from its files and a run.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    graph
        The trace as the files stand now.
    record
        The run to show; staleness is found out here.
    """
    stale = stale_because(graph, record) if record else ""
    verdicts = evaluate(graph, record, stale=stale)
    return build_matrix(graph, record, verdicts=verdicts, findings=check(graph))


def write_views(graph: TraceGraph, record: RunRecord | None, folder: Path, /) -> Matrix:
    """Write the matrix as JSON, CSV and HTML.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    graph, record
        The trace, and the run to show.
    folder
        Receives ``matrix.json``, ``matrix.csv`` and ``matrix.html``; each appears whole.

    Returns
    -------
    Matrix
        What was written.
    """
    matrix = full_matrix(graph, record)
    write_whole(folder / "matrix.json", matrix_json(matrix))
    write_whole(folder / "matrix.csv", matrix_csv(matrix))
    root_href = Path(os.path.relpath(graph.config.root, folder)).as_posix()
    write_whole(folder / "matrix.html", matrix_html(matrix, root_href=root_href))
    return matrix
