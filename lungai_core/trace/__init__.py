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
    from lungai_core.trace.graph import TraceGraph, build_graph, load_graph
    from lungai_core.trace.html import matrix_html
    from lungai_core.trace.inventory import TestFunction, TestInventory, scan_tests
    from lungai_core.trace.items import Item, ItemSet, load_items
    from lungai_core.trace.matrix import Matrix, build_matrix, matrix_csv, matrix_json
    from lungai_core.trace.record import (
        Outcome,
        RunRecord,
        TestResult,
        merge_records,
        read_record,
        record_json,
        save_record,
    )
    from lungai_core.trace.verdicts import ItemVerdict, Verdict, Verdicts, evaluate, stale_because
    from lungai_core.trace.views import full_matrix, write_views

_HOME_OF = {
    "CodeItems": "code",
    "CodeObject": "code",
    "Finding": "findings",
    "Item": "items",
    "ItemSet": "items",
    "ItemVerdict": "verdicts",
    "KindRule": "config",
    "Matrix": "matrix",
    "Outcome": "record",
    "Place": "findings",
    "Rule": "findings",
    "RunRecord": "record",
    "TestFunction": "inventory",
    "TestInventory": "inventory",
    "TestResult": "record",
    "TraceConfig": "config",
    "TraceGraph": "graph",
    "Verdict": "verdicts",
    "Verdicts": "verdicts",
    "build_graph": "graph",
    "build_matrix": "matrix",
    "check": "checks",
    "evaluate": "verdicts",
    "full_matrix": "views",
    "load_graph": "graph",
    "load_items": "items",
    "matrix_csv": "matrix",
    "matrix_html": "html",
    "matrix_json": "matrix",
    "merge_records": "record",
    "read_config": "config",
    "read_record": "record",
    "record_json": "record",
    "save_record": "record",
    "scan_code": "code",
    "scan_tests": "inventory",
    "stale_because": "verdicts",
    "write_views": "views",
}

__all__ = [
    "CodeItems",
    "CodeObject",
    "Finding",
    "Item",
    "ItemSet",
    "ItemVerdict",
    "KindRule",
    "Matrix",
    "Outcome",
    "Place",
    "Rule",
    "RunRecord",
    "TestFunction",
    "TestInventory",
    "TestResult",
    "TraceConfig",
    "TraceGraph",
    "Verdict",
    "Verdicts",
    "build_graph",
    "build_matrix",
    "check",
    "evaluate",
    "full_matrix",
    "load_graph",
    "load_items",
    "matrix_csv",
    "matrix_html",
    "matrix_json",
    "merge_records",
    "read_config",
    "read_record",
    "record_json",
    "save_record",
    "scan_code",
    "scan_tests",
    "stale_because",
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
