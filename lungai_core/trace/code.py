"""The code, read as text: public objects and the item IDs in their docstrings. Nothing is imported or run."""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Finding, Place, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig

__all__ = ["CodeItems", "CodeObject", "ObjectKind", "python_files", "scan_code", "source_fingerprint"]

_FIELD = re.compile(r"^[ \t]*:implements:[ \t]*(.*)$", re.MULTILINE)
_SEPARATOR = re.compile(r"[,\s]+")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class ObjectKind(StrEnum):
    """What a scanned object is.

    :implements: SRS-TRACE-002, SDS-TRACE-003
    """

    MODULE = "module"
    FUNCTION = "function"
    CLASS = "class"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class CodeObject:
    """A module, function, class or method, with the items it says it implements.

    :implements: SRS-TRACE-002, SDS-TRACE-003

    Parameters
    ----------
    name
        Module and qualified name, such as ``package.module.Class.method``.
    kind
        What it is.
    needs_id
        It is public and stands at module level, so it must carry an ID. Methods answer through their class.
    implements
        The IDs of its ``:implements:`` field, in the order written.
    place, end_line
        Its first line (that of ``def`` or ``class``) and its last.
    fingerprint
        SHA-256 of its signature and docstring, with white space made one blank.
    """

    name: str
    kind: ObjectKind
    needs_id: bool
    implements: tuple[str, ...]
    place: Place
    end_line: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class CodeItems:
    """All scanned objects of a project's packages.

    :implements: SRS-TRACE-002, SDS-TRACE-003

    Parameters
    ----------
    objects
        In the order of files and lines.
    problems
        Files that cannot be parsed.
    """

    objects: tuple[CodeObject, ...]
    problems: tuple[Finding, ...] = ()
    by_name: Mapping[str, CodeObject] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.objects})


def scan_code(config: TraceConfig, /) -> CodeItems:
    """Read the docstrings of all Python files under the configured packages.

    :implements: SRS-TRACE-002, SDS-TRACE-003

    Parameters
    ----------
    config
        Where to look.

    Returns
    -------
    CodeItems
        Modules, their functions and classes, and the methods of classes.
    """
    objects: list[CodeObject] = []
    problems: list[Finding] = []
    for path, module in _modules(config):
        name = path.relative_to(config.root).as_posix()
        source = path.read_text(encoding="utf-8")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            place = Place(name, getattr(error, "lineno", None) or 1)
            problems.append(Finding(Rule.UNREADABLE_CODE, place, name, f"{name} is not Python: {error}."))
            continue
        objects += _objects(tree, source.splitlines(), module, name)
    return CodeItems(tuple(objects), tuple(problems))


def python_files(folder: Path, /) -> Iterator[Path]:
    """Give the Python files under a folder in a fixed order, without hidden folders and caches.

    :implements: SRS-TRACE-002, SDS-TRACE-003
    """
    if folder.is_file():
        yield folder
        return
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") or part == "__pycache__" for part in parts):
            yield path


def source_fingerprint(lines: Iterable[str], /) -> str:
    """Return the SHA-256 of source lines with white space made one blank.

    :implements: SRS-TRACE-002, SDS-TRACE-003
    """
    return hashlib.sha256(" ".join(" ".join(lines).split()).encode()).hexdigest()


def _modules(config: TraceConfig, /) -> Iterator[tuple[Path, str]]:
    for package in config.packages:
        base = config.root / package
        for path in python_files(base):
            parts = path.relative_to(base.parent).with_suffix("").parts
            yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _objects(tree: ast.Module, lines: list[str], module: str, path: str, /) -> Iterator[CodeObject]:
    yield _module(tree, lines, module, path)
    exported = _exported(tree)
    hidden_module = any(part.startswith("_") for part in module.split("."))
    for node in _definitions(tree.body):
        public = node.name in exported if exported is not None else not node.name.startswith("_")
        kind = ObjectKind.CLASS if isinstance(node, ast.ClassDef) else ObjectKind.FUNCTION
        name = f"{module}.{node.name}"
        yield _object(node, name, kind, lines, path, needs_id=public and not hidden_module)
        if isinstance(node, ast.ClassDef):
            for method in _definitions(node.body):
                if not isinstance(method, ast.ClassDef):
                    yield _object(method, f"{name}.{method.name}", ObjectKind.METHOD, lines, path, needs_id=False)


def _module(tree: ast.Module, lines: list[str], module: str, path: str, /) -> CodeObject:
    docstring, head_end = _docstring(tree)
    return CodeObject(
        name=module,
        kind=ObjectKind.MODULE,
        needs_id=False,
        implements=_ids(docstring),
        place=Place(path, 1),
        end_line=max(len(lines), 1),
        fingerprint=source_fingerprint(lines[:head_end]),
    )


def _object(
    node: _Function | ast.ClassDef,
    name: str,
    kind: ObjectKind,
    lines: list[str],
    path: str,
    /,
    *,
    needs_id: bool,
) -> CodeObject:
    docstring, head_end = _docstring(node)
    return CodeObject(
        name=name,
        kind=kind,
        needs_id=needs_id,
        implements=_ids(docstring),
        place=Place(path, node.lineno),
        end_line=node.end_lineno or node.lineno,
        fingerprint=source_fingerprint(lines[node.lineno - 1 : head_end]),
    )


def _docstring(node: _Function | ast.ClassDef | ast.Module, /) -> tuple[str, int]:
    first = node.body[0] if node.body else None
    if first is None:
        return "", 0
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value.value, first.end_lineno or first.lineno
    return "", first.lineno - 1 if isinstance(node, ast.Module) else max(node.lineno, first.lineno - 1)


def _ids(docstring: str, /) -> tuple[str, ...]:
    if ":implements:" not in docstring:
        return ()
    found: list[str] = []
    for match in _FIELD.finditer(docstring):
        text, position = match[1].strip(), match.end()
        while text.endswith(","):  # a list that goes on in the next line
            line, _, _ = docstring[position:].lstrip("\n").partition("\n")
            position = docstring.index(line, position) + len(line)
            if not line.strip():
                break
            text += " " + line.strip()
        found += [entry for entry in _SEPARATOR.split(text) if entry]
    return tuple(found)


def _definitions(body: list[ast.stmt], /) -> Iterator[_Function | ast.ClassDef]:
    for node in body:
        if isinstance(node, _Function | ast.ClassDef):
            if not _is_overload(node):
                yield node
        elif isinstance(node, ast.If):
            yield from _definitions([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _definitions([*node.body, *(line for handler in node.handlers for line in handler.body)])


def _is_overload(node: _Function | ast.ClassDef, /) -> bool:
    names = (
        entry.attr if isinstance(entry, ast.Attribute) else getattr(entry, "id", "") for entry in node.decorator_list
    )
    return "overload" in names


def _exported(tree: ast.Module, /) -> frozenset[str] | None:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = getattr(node, "value", None)
            if isinstance(value, ast.List | ast.Tuple):
                entries = (entry.value for entry in value.elts if isinstance(entry, ast.Constant))
                return frozenset(entry for entry in entries if isinstance(entry, str))
    return None
