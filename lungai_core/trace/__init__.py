"""Items, docstring scan, test results, trace graph, checks and matrix, for any Python project.

The names below are loaded when they are first used: pytest imports this package before coverage measurement starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lungai_core.trace.checks import check
    from lungai_core.trace.code import CodeItems, CodeObject, scan_code
    from lungai_core.trace.config import KindRule, TraceConfig, read_config
    from lungai_core.trace.findings import Finding, Place, Rule
    from lungai_core.trace.freshness import inputs_sha256, is_fresh, mark_fresh
    from lungai_core.trace.gaps import AcceptedGaps, accept_gaps, apply_gaps, read_gaps
    from lungai_core.trace.graph import TraceGraph, build_graph, load_graph
    from lungai_core.trace.hooks import AddItems, Hooks, Report, Waive, Waiver, load_hooks
    from lungai_core.trace.html import matrix_html
    from lungai_core.trace.impact import Impact, impact_between
    from lungai_core.trace.inventory import TestFunction, TestInventory, scan_tests
    from lungai_core.trace.items import Item, ItemSet, join_items, load_items
    from lungai_core.trace.lock import (
        LinkState,
        Lock,
        LockedLink,
        check_lock,
        read_lock,
        review,
        suspect_items,
        what_changed,
    )
    from lungai_core.trace.matrix import Matrix, build_matrix, matrix_csv, matrix_json
    from lungai_core.trace.own_coverage import ItemCoverage, ObjectCoverage, OwnCoverage, measure_own_coverage
    from lungai_core.trace.record import (
        Outcome,
        RunRecord,
        TestResult,
        merge_records,
        read_record,
        record_json,
        save_record,
    )
    from lungai_core.trace.scaffold import init_project
    from lungai_core.trace.signed import SignedRecord, SignedRecords, check_signed, read_signed, signed_state
    from lungai_core.trace.validation import (
        DefectResult,
        ToolValidation,
        sample_files,
        validate_tool,
        validation_json,
        validation_markdown,
    )
    from lungai_core.trace.verdicts import ItemVerdict, Verdict, Verdicts, evaluate, stale_because
    from lungai_core.trace.views import (
        accept_present_gaps,
        all_findings,
        check_project,
        full_matrix,
        unverified,
        write_views,
    )

_HOME_OF = {
    "AcceptedGaps": "gaps",
    "AddItems": "hooks",
    "CodeItems": "code",
    "CodeObject": "code",
    "DefectResult": "validation",
    "Finding": "findings",
    "Hooks": "hooks",
    "Impact": "impact",
    "Item": "items",
    "ItemCoverage": "own_coverage",
    "ItemSet": "items",
    "ItemVerdict": "verdicts",
    "KindRule": "config",
    "LinkState": "lock",
    "Lock": "lock",
    "LockedLink": "lock",
    "Matrix": "matrix",
    "ObjectCoverage": "own_coverage",
    "Outcome": "record",
    "OwnCoverage": "own_coverage",
    "Place": "findings",
    "Report": "hooks",
    "Rule": "findings",
    "RunRecord": "record",
    "SignedRecord": "signed",
    "SignedRecords": "signed",
    "TestFunction": "inventory",
    "TestInventory": "inventory",
    "TestResult": "record",
    "ToolValidation": "validation",
    "TraceConfig": "config",
    "TraceGraph": "graph",
    "Verdict": "verdicts",
    "Verdicts": "verdicts",
    "Waive": "hooks",
    "Waiver": "hooks",
    "accept_gaps": "gaps",
    "accept_present_gaps": "views",
    "all_findings": "views",
    "apply_gaps": "gaps",
    "build_graph": "graph",
    "build_matrix": "matrix",
    "check": "checks",
    "check_lock": "lock",
    "check_project": "views",
    "check_signed": "signed",
    "evaluate": "verdicts",
    "full_matrix": "views",
    "impact_between": "impact",
    "init_project": "scaffold",
    "inputs_sha256": "freshness",
    "is_fresh": "freshness",
    "join_items": "items",
    "load_graph": "graph",
    "load_hooks": "hooks",
    "load_items": "items",
    "mark_fresh": "freshness",
    "matrix_csv": "matrix",
    "matrix_html": "html",
    "matrix_json": "matrix",
    "measure_own_coverage": "own_coverage",
    "merge_records": "record",
    "read_config": "config",
    "read_gaps": "gaps",
    "read_lock": "lock",
    "read_record": "record",
    "read_signed": "signed",
    "record_json": "record",
    "review": "lock",
    "sample_files": "validation",
    "save_record": "record",
    "scan_code": "code",
    "scan_tests": "inventory",
    "signed_state": "signed",
    "stale_because": "verdicts",
    "suspect_items": "lock",
    "unverified": "views",
    "validate_tool": "validation",
    "validation_json": "validation",
    "validation_markdown": "validation",
    "what_changed": "lock",
    "write_views": "views",
}

__all__ = [
    "AcceptedGaps",
    "AddItems",
    "CodeItems",
    "CodeObject",
    "DefectResult",
    "Finding",
    "Hooks",
    "Impact",
    "Item",
    "ItemCoverage",
    "ItemSet",
    "ItemVerdict",
    "KindRule",
    "LinkState",
    "Lock",
    "LockedLink",
    "Matrix",
    "ObjectCoverage",
    "Outcome",
    "OwnCoverage",
    "Place",
    "Report",
    "Rule",
    "RunRecord",
    "SignedRecord",
    "SignedRecords",
    "TestFunction",
    "TestInventory",
    "TestResult",
    "ToolValidation",
    "TraceConfig",
    "TraceGraph",
    "Verdict",
    "Verdicts",
    "Waive",
    "Waiver",
    "accept_gaps",
    "accept_present_gaps",
    "all_findings",
    "apply_gaps",
    "build_graph",
    "build_matrix",
    "check",
    "check_lock",
    "check_project",
    "check_signed",
    "evaluate",
    "full_matrix",
    "impact_between",
    "init_project",
    "inputs_sha256",
    "is_fresh",
    "join_items",
    "load_graph",
    "load_hooks",
    "load_items",
    "mark_fresh",
    "matrix_csv",
    "matrix_html",
    "matrix_json",
    "measure_own_coverage",
    "merge_records",
    "read_config",
    "read_gaps",
    "read_lock",
    "read_record",
    "read_signed",
    "record_json",
    "review",
    "sample_files",
    "save_record",
    "scan_code",
    "scan_tests",
    "signed_state",
    "stale_because",
    "suspect_items",
    "unverified",
    "validate_tool",
    "validation_json",
    "validation_markdown",
    "what_changed",
    "write_views",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
