"""Every test that is known to exist, found by reading the test files: a test that did not run is still a test."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from lungai_core.trace.code import python_files, source_fingerprint
from lungai_core.trace.findings import Finding, Place, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lungai_core.trace.config import TraceConfig

__all__ = ["TestFunction", "TestInventory", "scan_tests"]

_FILE_PATTERNS = ("test_*.py", "*_test.py")
_MARKER = "verifies"

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class TestFunction:
    """A test function or method, as it stands in its file.

    :implements: SRS-TRACE-003, SDS-TRACE-005

    Parameters
    ----------
    test_id
        pytest's node ID without parameters, such as ``tests/test_a.py::TestB::test_c``.
    verifies
        The IDs of its markers, of its class and of its module; each once, in the order written.
    in_scope
        Whether an ordinary run is expected to run it.
    place, end_line
        Its first line (that of ``def``) and its last.
    fingerprint
        SHA-256 of its source, its verifies markers left out, with white space made one blank.
    """

    __test__ = False  # pytest: this is no test class

    test_id: str
    verifies: tuple[str, ...]
    in_scope: bool
    place: Place
    end_line: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class TestInventory:
    """All tests that the test files of a project define.

    :implements: SRS-TRACE-003, SDS-TRACE-005

    Parameters
    ----------
    tests
        In the order of files and lines.
    problems
        Files that cannot be parsed, markers that cannot be read, tests that hide one another.
    """

    __test__ = False

    tests: tuple[TestFunction, ...]
    problems: tuple[Finding, ...] = ()
    by_id: Mapping[str, TestFunction] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {test.test_id: test for test in self.tests})


def scan_tests(config: TraceConfig, /) -> TestInventory:
    """Read all test files under the configured folders, without importing them.

    :implements: SRS-TRACE-003, SDS-TRACE-005

    Parameters
    ----------
    config
        Where to look, and which paths an ordinary run leaves out.

    Returns
    -------
    TestInventory
        Functions and methods named ``test…``, in modules, in classes ``Test…`` and in ``unittest`` cases.
    """
    tests: list[TestFunction] = []
    problems: list[Finding] = []
    for folder in config.tests:
        base = config.root / folder
        for path in python_files(base):
            if any(fnmatch(path.name, pattern) for pattern in _FILE_PATTERNS):
                name = path.relative_to(config.root).as_posix()
                in_scope = not any(name == entry or name.startswith(f"{entry}/") for entry in config.out_of_scope)
                scan = _FileScan(name, path.read_text(encoding="utf-8"), in_scope=in_scope)
                tests += scan.tests
                problems += scan.problems
    return TestInventory(tuple(tests), tuple(problems))


class _FileScan:
    """The tests of one file."""

    def __init__(self, path: str, source: str, *, in_scope: bool) -> None:
        self.path = path
        self.in_scope = in_scope
        self.tests: list[TestFunction] = []
        self.problems: list[Finding] = []
        self.aliases: dict[str, tuple[str, ...]] = {}
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            place = Place(path, getattr(error, "lineno", None) or 1)
            self.problems.append(Finding(Rule.UNREADABLE_TEST, place, path, f"{path} is not Python: {error}."))
            return
        self.lines = source.splitlines()
        self._read_aliases(tree.body)
        self._scan(tree.body, prefix=path, inherited=self._assigned(tree.body))

    def _read_aliases(self, body: list[ast.stmt], /) -> None:
        for node in body:
            if isinstance(node, ast.Assign) and _is_marker(node.value):
                ids = self._ids(node.value)
                self.aliases |= {target.id: ids for target in node.targets if isinstance(target, ast.Name)}

    def _assigned(self, body: list[ast.stmt], /) -> tuple[str, ...]:
        for node in body:
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
            ):
                return self._ids(node.value)
        return ()

    def _scan(self, body: list[ast.stmt], /, *, prefix: str, inherited: tuple[str, ...]) -> None:
        seen: dict[str, int] = {}
        for node in _statements(body):
            if isinstance(node, ast.ClassDef) and _holds_tests(node):
                ids = (*inherited, *self._decorator_ids(node), *self._assigned(node.body))
                self._scan(node.body, prefix=f"{prefix}::{node.name}", inherited=ids)
            elif isinstance(node, _Function) and node.name.startswith("test"):
                test_id = f"{prefix}::{node.name}"
                if node.name in seen:
                    message = f"{test_id} hides the test of the same name at line {seen[node.name]}."
                    self.problems.append(Finding(Rule.SHADOWED_TEST, Place(self.path, node.lineno), test_id, message))
                    self.tests = [test for test in self.tests if test.test_id != test_id]
                seen[node.name] = node.lineno
                self.tests.append(self._test(node, test_id, inherited))

    def _test(self, node: _Function, test_id: str, inherited: tuple[str, ...], /) -> TestFunction:
        end = node.end_lineno or node.lineno
        source = self.lines[node.lineno - 1 : end]
        for mark in node.decorator_list:
            if not _is_marker(mark):
                source += self.lines[mark.lineno - 1 : mark.end_lineno]
        return TestFunction(
            test_id=test_id,
            verifies=tuple(dict.fromkeys((*inherited, *self._decorator_ids(node)))),
            in_scope=self.in_scope,
            place=Place(self.path, node.lineno),
            end_line=end,
            fingerprint=source_fingerprint(source),
        )

    def _decorator_ids(self, node: _Function | ast.ClassDef, /) -> tuple[str, ...]:
        return tuple(entry for decorator in node.decorator_list for entry in self._ids(decorator))

    def _ids(self, node: ast.expr, /) -> tuple[str, ...]:
        """IDs of a marker, of an alias, or of markers inside ``pytest.param`` and lists."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, ())
        if not isinstance(node, ast.Call) and not isinstance(node, ast.List | ast.Tuple):
            return ()
        if not _is_marker(node):
            parts = node.elts if not isinstance(node, ast.Call) else [*node.args, *(key.value for key in node.keywords)]
            return tuple(entry for part in parts for entry in self._ids(part))
        found: list[str] = []
        for argument in node.args:  # type: ignore[union-attr]  # _is_marker has seen that this is a call
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                found.append(argument.value)
            else:
                place = Place(self.path, node.lineno)
                message = "An argument of the verifies marker is not a string literal."
                self.problems.append(Finding(Rule.MARKER_NOT_LITERAL, place, str(place), message))
        return tuple(found)


def _is_marker(node: ast.expr, /) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == _MARKER


def _holds_tests(node: ast.ClassDef, /) -> bool:
    bases = (base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases)
    return node.name.startswith("Test") or any(base.endswith("TestCase") for base in bases)


def _statements(body: list[ast.stmt], /) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _statements(node.body)
