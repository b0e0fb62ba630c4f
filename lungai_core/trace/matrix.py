"""The trace matrix as a value, and as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.trace.record import NOT_RUN, Outcome, TestResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.trace.findings import Finding
    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.hooks import Waiver
    from lungai_core.trace.items import Item
    from lungai_core.trace.own_coverage import ItemCoverage, ObjectCoverage, OwnCoverage
    from lungai_core.trace.record import RunRecord
    from lungai_core.trace.verdicts import ItemVerdict, Verdicts

__all__ = ["Matrix", "MatrixRow", "build_matrix", "matrix_csv", "matrix_json"]

SCHEMA = "lungai-trace-matrix/1"
NOT_MEASURED = "NOT MEASURED"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One item with everything it is linked to, in both directions.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    item, verdict
        The item, and what the evidence says about it.
    children
        IDs of the items that name it in ``parents``.
    code
        Names of the objects that implement it.
    tests
        Node IDs of the test cases that verify it.
    own
        What its own passing tests executed of its code; nothing where that was not measured.
    """

    item: Item
    verdict: ItemVerdict
    children: tuple[str, ...]
    code: tuple[str, ...]
    tests: tuple[str, ...]
    own: ItemCoverage | None


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A project's trace matrix.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    graph, record, verdicts, findings
        What it was made from.
    rows
        One an item, in the order of the documents.
    results
        Every known test case, sorted by node ID; tests that are in no record are ``not in run``.
    own
        Own-evidence coverage of the run, where it was measured.
    waivers
        Findings that the host's hooks do not count, with their reasons.
    """

    graph: TraceGraph
    record: RunRecord | None
    verdicts: Verdicts
    findings: tuple[Finding, ...]
    rows: tuple[MatrixRow, ...]
    results: tuple[TestResult, ...]
    own: OwnCoverage | None = None
    waivers: tuple[Waiver, ...] = ()


def build_matrix(
    graph: TraceGraph,
    record: RunRecord | None,
    /,
    *,
    verdicts: Verdicts,
    findings: tuple[Finding, ...],
    own: OwnCoverage | None = None,
) -> Matrix:
    """Join trace, run, verdicts and findings into rows.

    :implements: SRS-TRACE-008, SDS-TRACE-009

    Parameters
    ----------
    graph, record
        The trace as the files stand, and a run; a matrix without a run shows what is claimed.
    verdicts, findings
        From :func:`evaluate` and :func:`check`.
    own
        From :func:`measure_own_coverage`, where the run measured coverage with contexts.
    """
    recorded = record.results if record else ()
    seen = {result.test_id for result in recorded}
    absent = (
        TestResult(test.test_id, test.verifies, Outcome.NOT_IN_RUN)
        for test in graph.tests.tests
        if test.test_id not in seen
    )
    results = tuple(sorted((*recorded, *absent), key=lambda result: result.node_id))
    tests_of: dict[str, list[str]] = {}
    for result in results:
        for item_id in result.verifies:
            tests_of.setdefault(item_id, []).append(result.node_id)
    rows = tuple(
        MatrixRow(
            item=item,
            verdict=verdicts.of[item.item_id],
            children=tuple(child.item_id for child in graph.children(item.item_id)),
            code=tuple(each.name for each in graph.code_of(item.item_id)),
            tests=tuple(tests_of.get(item.item_id, ())),
            own=own.by_item.get(item.item_id) if own else None,
        )
        for item in graph.items.items
    )
    return Matrix(graph, record, verdicts, findings, rows, results, own)


def matrix_content(matrix: Matrix, /) -> dict[str, object]:
    """Return the matrix as plain lists and tables, the content of ``matrix.json``.

    :implements: SRS-TRACE-008, SDS-TRACE-009
    """
    graph, record = matrix.graph, matrix.record
    return {
        "schema": SCHEMA,
        "run": _run(record) if record else None,
        "verdicts": {str(verdict): count for verdict, count in matrix.verdicts.counts},
        "kinds": [
            {"name": kind.name, "title": kind.title, "title_zh": kind.title_zh, "verified": kind.verified}
            for kind in graph.config.kinds
        ],
        "items": [_row(row) for row in matrix.rows],
        "code": [
            {
                "name": each.name,
                "kind": str(each.kind),
                "implements": each.implements,
                "path": each.place.path,
                "line": each.place.line,
                "end_line": each.end_line,
            }
            for each in graph.code.objects
            if each.needs_id or each.implements
        ],
        "tests": list(_tests(matrix)),
        "unlinked": _objects(matrix.own.unlinked) if matrix.own else None,
        "foreign": _objects(matrix.own.foreign) if matrix.own else None,
        "compound_conditions": matrix.own.compound_conditions if matrix.own else None,
        "waived": [
            {"code": each.finding.rule.code, "subject": each.finding.subject, "reason": each.reason}
            for each in matrix.waivers
        ],
        "findings": [
            {
                "code": each.rule.code,
                "path": each.place.path,
                "line": each.place.line,
                "subject": each.subject,
                "message": each.message,
                "remedy": each.rule.remedy,
            }
            for each in matrix.findings
        ],
    }


def matrix_json(matrix: Matrix, /) -> str:
    """Return the matrix as JSON of the schema ``lungai-trace-matrix/1``.

    :implements: SRS-TRACE-008, SDS-TRACE-009
    """
    return json.dumps(matrix_content(matrix), ensure_ascii=False, separators=(",", ":")) + "\n"


def matrix_csv(matrix: Matrix, /) -> str:
    """Return the matrix as CSV with a header, one line an item; lists are separated by ``; ``.

    :implements: SRS-TRACE-008, SDS-TRACE-009
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(csv_rows(matrix))
    return text.getvalue()


CSV_COLUMNS = (
    "id", "kind", "title", "text", "text_zh", "parents", "children", "method", "status", "code", "tests",
    "mapped", "run", "passed", "verdict", "reason", "own_statements", "own_branches", "place",
)  # fmt: skip


def csv_rows(matrix: Matrix, /) -> Iterator[tuple[str | int, ...]]:
    """Give the cells of the table, in the order of ``CSV_COLUMNS``.

    :implements: SRS-TRACE-008, SDS-TRACE-009
    """
    for row in matrix.rows:
        item, verdict = row.item, row.verdict
        yield (
            item.item_id, item.kind, item.title, item.text, item.text_zh, "; ".join(item.parents),
            "; ".join(row.children), item.method, item.status, "; ".join(row.code), "; ".join(row.tests),
            verdict.mapped, verdict.run, verdict.passed, str(verdict.verdict), verdict.reason,
            f"{row.own.own_statements}/{row.own.statements}" if row.own else NOT_MEASURED,
            f"{row.own.own_branches}/{row.own.branches}" if row.own else NOT_MEASURED, str(item.place),
        )  # fmt: skip


def _run(record: RunRecord, /) -> dict[str, object]:
    return {
        "commit": record.commit,
        "dirty": len(record.dirty),
        "started": record.started,
        "duration_s": record.duration_s,
        "command": " ".join(record.command),
        "tool": record.tool,
        "tester": record.tester,
        "complete": record.complete,
        "incomplete_because": record.incomplete_because,
        "counts": {str(outcome): count for outcome, count in record.counts},
        "python": record.environment.python,
        "os": record.environment.os,
        "cpu": record.environment.cpu,
        "gpu": record.environment.gpu,
        "gpu_driver": record.environment.gpu_driver,
        "environment_sha256": record.environment.sha256,
        "sources_sha256": record.sources_sha256,
    }


def _row(row: MatrixRow, /) -> dict[str, object]:
    item, verdict = row.item, row.verdict
    return {
        "id": item.item_id,
        "kind": item.kind,
        "title": item.title,
        "text": item.text,
        "text_zh": item.text_zh,
        "rationale": item.rationale,
        "parents": item.parents,
        "children": row.children,
        "method": item.method,
        "status": item.status,
        "fields": item.fields,
        "code": row.code,
        "tests": row.tests,
        "mapped": verdict.mapped,
        "run": verdict.run,
        "passed": verdict.passed,
        "verdict": str(verdict.verdict),
        "reason": verdict.reason,
        "own": _own(row.own) if row.own else None,
        "path": item.place.path,
        "line": item.place.line,
    }


def _own(own: ItemCoverage, /) -> dict[str, object]:
    return {
        "statements": [own.own_statements, own.any_statements, own.statements],
        "branches": [own.own_branches, own.any_branches, own.branches],
        "missing": own.missing,
    }


def _objects(objects: tuple[ObjectCoverage, ...], /) -> list[dict[str, object]]:
    return [
        {"name": each.name, "place": each.place, "statements": each.statements, "executed": each.executed}
        for each in objects
    ]


def _tests(matrix: Matrix, /) -> Iterator[dict[str, object]]:
    functions = matrix.graph.tests.by_id
    for result in matrix.results:
        function = functions.get(result.test_id)
        yield {
            "id": result.node_id,
            "verifies": result.verifies,
            "outcome": str(result.outcome),
            "has_run": result.outcome not in NOT_RUN,
            "attempts": len(result.attempts),
            "seconds": round(sum(attempt.duration_s for attempt in result.attempts), 3),
            "subtests": [result.subtests_passed, result.subtests_failed],
            "message": result.message,
            "path": function.place.path if function else result.node_id.partition("::")[0],
            "line": function.place.line if function else 1,
            "end_line": function.end_line if function else 1,
        }
