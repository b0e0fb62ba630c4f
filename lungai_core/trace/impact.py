"""Impact of a change: from the lines of a git diff to functions, items, tests to run and documents to sign again."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.errors import InvalidArgumentError
from lungai_core.trace.code import ObjectKind
from lungai_core.trace.config import read_config
from lungai_core.trace.graph import load_graph
from lungai_core.trace.surroundings import git_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lungai_core.trace.graph import TraceGraph
    from lungai_core.trace.items import Item

__all__ = ["Impact", "impact_between"]

_FILE = re.compile(r"(?:---|\+\+\+) (?:[ab]/(.*)|/dev/null)")
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*")

_Lines = dict[str, set[int]]


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change touches.

    :implements: SRS-TRACE-015, SDS-TRACE-017

    Parameters
    ----------
    files
        Files with a changed line.
    functions
        Objects of the code with a changed line, before or after.
    changed_items
        Items with a changed line.
    items
        Changed items, items that changed code implements, items below the changed ones, and everything above.
    tests
        Tests to run again: changed ones, and those that verify one of ``items`` at or below the level of the change.
    documents
        Documents to review again: those that hold a changed item or an item directly linked to one, and the signed
        records of changed items.
    untraced
        Changed files that hold neither items nor traced code nor tests, such as configuration.
    """

    files: tuple[str, ...]
    functions: tuple[str, ...]
    changed_items: tuple[str, ...]
    items: tuple[str, ...]
    tests: tuple[str, ...]
    documents: tuple[str, ...]
    untraced: tuple[str, ...]


def impact_between(root: Path, before: str, after: str = "", /) -> Impact:
    """Find out what the change from one commit to another touches.

    :implements: SRS-TRACE-015, SDS-TRACE-017

    Parameters
    ----------
    root
        The project's root, inside a git repository.
    before, after
        Commits in any form that git knows. Without ``after`` the files as they lie in the working tree count.

    Raises
    ------
    InvalidArgumentError
        If git does not know a commit.
    """
    revisions = [before, after] if after else [before]
    for revision in revisions:
        if revision.startswith("-") or git_lines(root, "rev-parse", "--verify", "-q", f"{revision}^{{commit}}") is None:
            raise InvalidArgumentError(
                "git does not know this commit.", where=revision, remedy="Name a commit, branch or tag."
            )
    old_lines, new_lines = _changed_lines(root, revisions)
    with tempfile.TemporaryDirectory() as folder:
        sides = [
            (_graph_at(root, before, Path(folder) / "before"), old_lines),
            (_graph_at(root, after, Path(folder) / "after") if after else load_graph(read_config(root)), new_lines),
        ]
        found = [_Side(graph, lines) for graph, lines in sides if graph is not None]
    return _joined(found, sorted(old_lines.keys() | new_lines.keys()))


class _Side:
    """What one side of the change touches."""

    def __init__(self, graph: TraceGraph, lines: _Lines, /) -> None:
        self.graph = graph
        self.lines = lines
        items = graph.items.items
        self.changed = [item for item in items if self._touched(item.place.path, item.place.line, item.end_line)]
        self.functions = self._functions()
        self.tests = {
            test.test_id
            for test in graph.tests.tests
            if self._touched(test.place.path, test.place.line, test.end_line) or self._file_wide(test.place.path)
        }
        implemented = {
            item_id
            for each in graph.code.objects
            if each.name in self.functions
            for item_id in each.implements
            if item_id in graph.items.by_id
        }
        below = _closure((item.item_id for item in self.changed), self._children)
        self.reach = implemented | below
        retested = {item_id for test in graph.tests.tests if test.test_id in self.tests for item_id in test.verifies}
        known = graph.items.by_id
        start = (item_id for item_id in self.reach | retested if item_id in known)
        self.items = _closure(start, lambda one: (up for up in known[one].parents if up in known))
        tested = _closure(iter(self.reach), self._parents_with_tests)
        self.tests |= {test.test_id for item_id in tested for test in graph.tests_of(item_id)}

    def _children(self, item_id: str, /) -> Iterable[str]:
        return (child.item_id for child in self.graph.children(item_id))

    def _parents_with_tests(self, item_id: str, /) -> Iterable[str]:
        known = self.graph.items.by_id
        parents = known[item_id].parents if item_id in known else ()
        return (up for up in parents if up in known and self.graph.config.kind(known[up].kind).verified)

    def _functions(self) -> set[str]:
        """Objects with a changed line; a change outside of all of them counts for every linked object of the file."""
        touched: set[str] = set()
        by_path: dict[str, list[tuple[str, range, bool]]] = defaultdict(list)
        for each in self.graph.code.objects:
            if each.kind is not ObjectKind.MODULE and each.place.path in self.lines:
                span = range(each.place.line, each.end_line + 1)
                by_path[each.place.path].append((each.name, span, bool(each.implements)))
        linked_classes = {name for entries in by_path.values() for name, _, linked in entries if linked}
        for path, entries in by_path.items():
            for line in self.lines[path]:
                inside = {name for name, span, _ in entries if line in span}
                touched |= inside
                # A private helper or a constant serves somebody in this file; without links all of them are meant.
                if not inside & linked_classes:
                    touched |= {name for name, _, linked in entries if linked}
        modules = {each.place.path: each for each in self.graph.code.objects if each.kind is ObjectKind.MODULE}
        touched |= {modules[path].name for path in self.lines if path in modules and modules[path].implements}
        return touched

    def _touched(self, path: str, first: int, last: int, /) -> bool:
        lines = self.lines.get(path)
        return lines is not None and any(first <= line <= last for line in lines)

    def _file_wide(self, path: str, /) -> bool:
        """Say whether a line outside of all tests of a file, or a conftest above it, concerns each of its tests."""
        shared = [Path(name).parent.as_posix() for name in self.lines if Path(name).name == "conftest.py"]
        if any(path.startswith(f"{folder}/") for folder in shared):
            return True
        spans = [(test.place.line, test.end_line) for test in self.graph.tests.tests if test.place.path == path]
        return any(not any(first <= line <= last for first, last in spans) for line in self.lines.get(path, ()))


def _joined(sides: list[_Side], files: list[str], /) -> Impact:
    changed = {item.item_id for side in sides for item in side.changed}
    items = {item_id for side in sides for item_id in side.items} | changed
    present = sides[-1].graph
    return Impact(
        files=tuple(files),
        functions=tuple(sorted({name for side in sides for name in side.functions})),
        changed_items=tuple(sorted(changed)),
        items=tuple(sorted(items)),
        tests=tuple(sorted({test for side in sides for test in side.tests} & present.tests.by_id.keys())),
        documents=tuple(sorted(_documents(present, changed))),
        untraced=tuple(path for path in files if not any(_is_traced(side.graph, path) for side in sides)),
    )


def _documents(graph: TraceGraph, changed: set[str], /) -> set[str]:
    known: Mapping[str, Item] = graph.items.by_id
    near = set(changed)
    for item_id in changed & known.keys():
        near |= set(known[item_id].parents) | {child.item_id for child in graph.children(item_id)}
    documents = {known[item_id].place.path for item_id in near if item_id in known}
    records = graph.config.root / graph.config.records
    for path in sorted(records.glob("*.toml")) if records.is_dir() else ():
        if any(f'"{item_id}"' in path.read_text(encoding="utf-8") for item_id in changed):
            documents.add(path.relative_to(graph.config.root).as_posix())
    return documents


def _is_traced(graph: TraceGraph, path: str, /) -> bool:
    config = graph.config
    folders = (*config.items, *config.packages, *config.tests)
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _closure(start: Iterable[str], step: Callable[[str], Iterable[str]], /) -> set[str]:
    seen: set[str] = set()
    pending = list(start)
    while pending:
        one = pending.pop()
        if one not in seen:
            seen.add(one)
            pending += step(one)
    return seen


def _changed_lines(root: Path, revisions: list[str], /) -> tuple[_Lines, _Lines]:
    diff = git_lines(root, "diff", "--unified=0", "--no-renames", "--no-color", "--relative", *revisions, "--") or ()
    old: _Lines = {}
    new: _Lines = {}
    old_path = new_path = ""
    in_header = True
    for line in diff:
        hunk = _HUNK.fullmatch(line)
        if line.startswith("diff --git"):
            in_header = True
        elif hunk:
            in_header = False
            first, count, new_first, new_count = (int(part) if part else 1 for part in hunk.groups())
            if old_path:
                old.setdefault(old_path, set()).update(range(first, first + count))
            if new_path:
                new.setdefault(new_path, set()).update(range(new_first, new_first + new_count))
        elif in_header and line.startswith("--- "):
            old_path = _path(line)
        elif in_header and line.startswith("+++ "):
            new_path = _path(line)
    return old, new


def _path(line: str, /) -> str:
    match = _FILE.fullmatch(line.rstrip("\t"))
    return match[1] or "" if match else ""


def _graph_at(root: Path, revision: str, folder: Path, /) -> TraceGraph | None:
    """Load the trace of a commit from an export of its files; nothing where it has no configuration yet."""
    folder.mkdir()
    archive = folder.with_suffix(".tar")
    if git_lines(root, "archive", "--format=tar", f"--output={archive}", revision) is None:
        return None
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    path = folder / "pyproject.toml"
    if not path.exists() or "[tool.lungai_trace" not in path.read_text(encoding="utf-8"):
        return None
    return load_graph(read_config(folder))
