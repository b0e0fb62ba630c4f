"""Own-evidence coverage: of the code that implements an item, what its own passing tests executed.

Plain coverage counts a line that any test ran, be it a failing one or one that verifies something else. Here a
statement or branch counts for an item only if a passing test that verifies the item executed it, in its call phase. The
contexts of coverage.py (``pytest --cov --cov-branch --cov-context=test``) say which test that was.
"""

from __future__ import annotations

import ast
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lungai_core.errors import CoverageContextError, MissingDependencyError
from lungai_core.files import sha256_file
from lungai_core.trace.code import ObjectKind
from lungai_core.trace.record import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from coverage.parser import PythonParser

    from lungai_core.trace.code import CodeObject
    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.record import RunRecord

__all__ = ["ItemCoverage", "ObjectCoverage", "OwnCoverage", "measure_own_coverage"]

# The cores of coverage.py that see every test that runs a line; "SysMonitor" sees only the first.
_CORES_WITH_CONTEXTS = frozenset({"CTracer", "PyTracer"})
_SCHEMA_VERSION = 7
_CALL = "|run"


@dataclass(frozen=True, slots=True)
class ItemCoverage:
    """How much of the code that implements an item its own passing tests executed.

    :implements: SRS-TRACE-013, SDS-TRACE-014

    Parameters
    ----------
    item_id
        The item.
    statements, own_statements, any_statements
        In the bodies of its code: all, executed by its own passing tests, executed by any test.
    branches, own_branches, any_branches
        The same for branches.
    missing
        ``path:line`` of the statements that its own passing tests did not execute.
    """

    item_id: str
    statements: int
    own_statements: int
    any_statements: int
    branches: int
    own_branches: int
    any_branches: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectCoverage:
    """An object of the code that the figures of the items do not account for.

    :implements: SRS-TRACE-013, SDS-TRACE-014

    Parameters
    ----------
    name, place
        What, and ``path:line``.
    statements, executed
        In its body: all, and executed by any test.
    """

    name: str
    place: str
    statements: int
    executed: int


@dataclass(frozen=True, slots=True)
class OwnCoverage:
    """Own-evidence coverage of a project's items in one run.

    :implements: SRS-TRACE-013, SDS-TRACE-014

    Parameters
    ----------
    items
        Items that tests verify and whose code has at least one statement, in the order of the documents.
    unlinked
        Objects that tests executed and that implement nothing.
    foreign
        Objects that implement an item and were reached only by tests that do not verify any item of theirs.
    compound_conditions
        Decisions with ``and`` or ``or`` in linked code. Branch coverage sees each as one: MC/DC is not measured.
    """

    items: tuple[ItemCoverage, ...]
    unlinked: tuple[ObjectCoverage, ...]
    foreign: tuple[ObjectCoverage, ...]
    compound_conditions: int
    by_item: Mapping[str, ItemCoverage] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_item", {each.item_id: each for each in self.items})

    @property
    def unexercised(self) -> frozenset[str]:
        """Items none of whose code was executed by a passing test of their own."""
        return frozenset(each.item_id for each in self.items if each.own_statements == 0)


def measure_own_coverage(graph: TraceGraph, record: RunRecord, data_file: Path, /) -> OwnCoverage:
    """Compute own-evidence coverage from a run record and the coverage data of the same run.

    :implements: SRS-TRACE-013, SDS-TRACE-014

    Parameters
    ----------
    graph, record
        The trace as the files stand, and the run.
    data_file
        The combined data file of coverage.py.

    Raises
    ------
    CoverageContextError
        If the record does not name this file, or the coverage core cannot tell which tests ran a line.
    MissingDependencyError
        If coverage.py is not installed.
    """
    _refuse_unfit(record, data_file)
    hits = _read_hits(graph, data_file)
    own = _own_contexts(record, hits)
    files = {path: _File(graph, path, hits) for path in {each.place.path for each in graph.code.objects}}
    bodies = [(each, files[each.place.path].body(each)) for each in graph.code.objects]
    by_name = {each.name: body for each, body in bodies}
    items = tuple(
        _item_coverage(item.item_id, [by_name[each.name] for each in graph.code_of(item.item_id)], own)
        for item in graph.items.items
        if graph.config.kind(item.kind).verified
        and any(by_name[each.name].lines for each in graph.code_of(item.item_id))
    )
    linked = _linked_names(graph)
    outer = [(each, body) for each, body in bodies if each.kind in {ObjectKind.FUNCTION, ObjectKind.CLASS}]
    return OwnCoverage(
        items=items,
        unlinked=tuple(
            _object_coverage(each, body) for each, body in outer if each.name not in linked and body.executed()
        ),
        foreign=tuple(
            _object_coverage(each, body)
            for each, body in outer
            if each.implements
            and body.executed()
            and not any(body.executed(own.get(item_id, frozenset())) for item_id in each.implements)
        ),
        compound_conditions=sum(body.conditions for each, body in outer if each.name in linked),
    )


@dataclass(frozen=True, slots=True)
class _Hits:
    """What the data file says: which contexts went from which line to which, by file."""

    arcs: Mapping[str, Mapping[tuple[int, int], frozenset[int]]]
    context_ids: Mapping[str, int]
    has_arcs: bool


class _File:
    """One source file, with its statements, branches and the contexts that reached them."""

    def __init__(self, graph: TraceGraph, path: str, hits: _Hits, /) -> None:
        source = (graph.config.root / path).read_text(encoding="utf-8")
        parser = _parser(source, path)
        self.path = path
        self.functions = tuple(_functions(source))
        self.statements = parser.statements
        self.reached: dict[int, set[int]] = defaultdict(set)
        self.exits: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        for (start, end), contexts in hits.arcs.get(path, {}).items():
            first, last = parser.first_line(start), parser.first_line(end)
            if start > 0:
                self.reached[first] |= contexts
            if end > 0:
                self.reached[last] |= contexts
            if start > 0 and first != last:
                self.exits[first][last] |= contexts
        counts = parser.exit_counts() if hits.has_arcs else {}
        self.branches = {line: count for line, count in counts.items() if count > 1}

    def body(self, each: CodeObject, /) -> _Body:
        """Statements inside functions only: a def line runs at import and proves nothing."""
        if each.kind is ObjectKind.MODULE:
            return _Body(self, [], 0)
        inside = [function for function in self.functions if each.place.line <= function.line <= each.end_line]
        lines = {line for function in inside for line in range(function.first, function.last + 1)}
        return _Body(self, sorted(lines & self.statements), sum(function.conditions for function in inside))


@dataclass(frozen=True, slots=True)
class _Function:
    """Where a function begins, where its body does and ends, and how many ``and`` and ``or`` it decides by."""

    line: int
    first: int
    last: int
    conditions: int


def _functions(source: str, /) -> Iterator[_Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            conditions = sum(isinstance(part, ast.BoolOp) for part in ast.walk(node))
            yield _Function(node.lineno, node.body[0].lineno, node.end_lineno or node.lineno, conditions)


@dataclass(frozen=True, slots=True)
class _Body:
    """The statements of one object."""

    file: _File
    lines: list[int]
    conditions: int

    def executed(self, contexts: frozenset[int] | None = None, /) -> set[int]:
        reached = self.file.reached
        if contexts is None:
            return {line for line in self.lines if reached.get(line)}
        return {line for line in self.lines if not contexts.isdisjoint(reached.get(line, ()))}

    def branches(self, contexts: frozenset[int] | None = None, /) -> int:
        taken = 0
        for line in self.lines:
            if line in self.file.branches:
                exits = self.file.exits.get(line, {}).values()
                seen = sum(contexts is None or not contexts.isdisjoint(reached) for reached in exits)
                taken += min(seen, self.file.branches[line])
        return taken

    @property
    def possible_branches(self) -> int:
        return sum(self.file.branches.get(line, 0) for line in self.lines)


def _item_coverage(item_id: str, bodies: list[_Body], own: Mapping[str, frozenset[int]], /) -> ItemCoverage:
    contexts = own.get(item_id, frozenset())
    lines: dict[str, set[int]] = defaultdict(set)  # a class and its method may both be linked: each line counts once
    for body in bodies:
        lines[body.file.path].update(body.lines)
    files = {body.file.path: body.file for body in bodies}
    unique = [_Body(files[path], sorted(found), 0) for path, found in lines.items()]
    executed = [body.executed(contexts) for body in unique]
    return ItemCoverage(
        item_id=item_id,
        statements=sum(len(body.lines) for body in unique),
        own_statements=sum(map(len, executed)),
        any_statements=sum(len(body.executed()) for body in unique),
        branches=sum(body.possible_branches for body in unique),
        own_branches=sum(body.branches(contexts) for body in unique),
        any_branches=sum(body.branches() for body in unique),
        missing=tuple(
            f"{body.file.path}:{line}"
            for body, seen in zip(unique, executed, strict=True)
            for line in body.lines
            if line not in seen
        ),
    )


def _object_coverage(each: CodeObject, body: _Body, /) -> ObjectCoverage:
    return ObjectCoverage(each.name, str(each.place), len(body.lines), len(body.executed()))


def _linked_names(graph: TraceGraph, /) -> frozenset[str]:
    """Objects that implement something, with the classes of linked methods and the whole of linked modules."""
    names: set[str] = set()
    modules = {each.name for each in graph.code.objects if each.implements and each.kind is ObjectKind.MODULE}
    for each in graph.code.objects:
        if each.implements or each.name.rpartition(".")[0] in modules:
            names.add(each.name)
            if each.kind is ObjectKind.METHOD:
                names.add(each.name.rpartition(".")[0])
    return frozenset(names)


def _own_contexts(record: RunRecord, hits: _Hits, /) -> Mapping[str, frozenset[int]]:
    own: dict[str, set[int]] = defaultdict(set)
    for result in record.results:
        context = hits.context_ids.get(result.node_id + _CALL)
        if result.outcome is Outcome.PASSED and context is not None:
            for item_id in result.verifies:
                own[item_id].add(context)
    return {item_id: frozenset(contexts) for item_id, contexts in own.items()}


def _read_hits(graph: TraceGraph, data_file: Path, /) -> _Hits:
    root = graph.config.root
    arcs: dict[str, dict[tuple[int, int], set[int]]] = defaultdict(lambda: defaultdict(set))
    with closing(sqlite3.connect(data_file)) as database:
        try:
            (version,) = database.execute("select version from coverage_schema").fetchone()
            files = dict(database.execute("select id, path from file"))
            contexts = dict(database.execute("select context, id from context"))
            rows = list(database.execute("select file_id, context_id, fromno, tono from arc"))
        except sqlite3.DatabaseError as error:
            raise _refusal("The coverage data cannot be read.", str(data_file)) from error
    if version != _SCHEMA_VERSION:
        raise _refusal(f"The coverage data are of schema {version}, and {_SCHEMA_VERSION} is known.", str(data_file))
    names = {number: _relative(path, root) for number, path in files.items()}
    called = {number for context, number in contexts.items() if context.endswith(_CALL)}
    if not called:
        raise _refusal("The coverage data name no test.", str(data_file))
    for file_id, context, start, end in rows:
        if context in called:
            arcs[names[file_id]][start, end].add(context)
    frozen = {path: {arc: frozenset(ids) for arc, ids in found.items()} for path, found in arcs.items()}
    return _Hits(frozen, contexts, has_arcs=bool(rows))


def _relative(path: str, root: Path, /) -> str:
    prefix = f"{root.as_posix()}/"
    return path.replace("\\", "/").removeprefix(prefix)


def _refuse_unfit(record: RunRecord, data_file: Path, /) -> None:
    if not data_file.is_file():
        raise _refusal("There are no coverage data.", str(data_file))
    if record.coverage_core not in _CORES_WITH_CONTEXTS:
        core = record.coverage_core or "none"
        raise _refusal(f"The run measured coverage with the core {core}, which names one test a line.", str(data_file))
    if sha256_file(data_file) != record.coverage_sha256:
        raise _refusal("The coverage data are not those of the recorded run.", str(data_file))


def _parser(source: str, path: str, /) -> PythonParser:
    try:
        from coverage.parser import PythonParser  # noqa: PLC0415 - an optional package
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "Own-evidence coverage needs coverage.py.", remedy='pip install "lungai-core[evidence]"'
        ) from error
    parser = PythonParser(text=source, filename=path, exclude=r"#\s*(pragma|PRAGMA)[:\s]?\s*(no|NO)\s*(cover|COVER)")
    parser.parse_source()
    return parser


def _refusal(what: str, where: str, /) -> CoverageContextError:
    return CoverageContextError(
        what,
        where=where,
        allowed="data of the recorded run, with branches, by the core ctrace or pytrace, with a context for each test",
        remedy="Run COVERAGE_CORE=ctrace pytest --trace-record --cov --cov-branch --cov-context=test, and try again.",
    )
