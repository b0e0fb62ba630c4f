"""The host project's ``[tool.lungai_trace]``: which folders, which kinds of items, which links are required."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungai_core.errors import TraceConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["KindRule", "TraceConfig", "read_config"]

_VAGUE_WORDS = ("some", "sufficient", "sufficiently", "appropriate", "appropriately", "etc.", "fast", "user-friendly")
_LISTS = ("packages", "tests", "items", "out_of_scope", "vague_words", "hooks")
_TEXTS = ("output", "lock", "gaps", "records")
_SWITCHES = ("chinese",)
_KIND_LISTS = ("parents", "children")
_KIND_TEXTS = ("title", "title_zh", "id")
_KIND_SWITCHES = ("verified", "implemented", "shall")


@dataclass(frozen=True, slots=True)
class KindRule:
    """What an item of one kind is called, and which links it must have.

    :implements: SRS-TRACE-001, SDS-TRACE-002

    Parameters
    ----------
    name, title, title_zh
        The key in ``[tool.lungai_trace.kinds]`` and what people read.
    pattern
        The whole ID.
    parents
        Kinds of which at least one item must be named in ``parents``; empty for the uppermost kinds.
    children
        Kinds of which at least one item must name this one; empty where none is required.
    verified
        An item needs evidence: a test, or a signed record of another method.
    implemented
        An item needs code that names it.
    shall
        The text is held to the wording rules of requirements.
    """

    name: str
    title: str
    title_zh: str
    pattern: re.Pattern[str]
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    verified: bool = False
    implemented: bool = False
    shall: bool = False


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """Where a project keeps its items, code and tests, and the rules for them.

    :implements: SRS-TRACE-001, SDS-TRACE-002

    Parameters
    ----------
    root
        The folder of ``pyproject.toml``; all other paths are relative to it.
    project
        The project's name.
    packages, tests, items
        Folders of code, tests and Markdown items.
    kinds
        The kinds of items, uppermost first.
    output
        Folder of run records and matrices.
    lock, gaps, records
        The file of reviewed links, the file of accepted gaps, the folder of signed records.
    out_of_scope
        Test paths that an ordinary run leaves out on purpose, such as tests that need a GPU. Their tests stay known,
        and an item that rests on them is not verified by a run without them.
    chinese
        Each item needs a Chinese text.
    vague_words
        Words that a requirement must not contain.
    hooks
        Modules of the host with hooks; see :mod:`lungai_core.trace.hooks`.
    """

    root: Path
    project: str
    packages: tuple[str, ...]
    tests: tuple[str, ...]
    items: tuple[str, ...]
    kinds: tuple[KindRule, ...]
    output: str = "build/trace"
    lock: str = "trace.lock"
    gaps: str = "trace.gaps"
    records: str = "verification/records"
    out_of_scope: tuple[str, ...] = ()
    chinese: bool = False
    vague_words: tuple[str, ...] = _VAGUE_WORDS
    hooks: tuple[str, ...] = ()

    def kind_of(self, item_id: str, /) -> KindRule | None:
        """Return the kind whose pattern matches the whole ID.

        :implements: SRS-TRACE-001, SDS-TRACE-002
        """
        return next((kind for kind in self.kinds if kind.pattern.fullmatch(item_id)), None)

    def kind(self, name: str, /) -> KindRule:
        """Return the kind of this name; the configuration has been checked to hold it.

        :implements: SRS-TRACE-001, SDS-TRACE-002
        """
        return next(kind for kind in self.kinds if kind.name == name)

    @property
    def output_folder(self) -> Path:
        """The folder of run records and matrices, as a path."""
        return self.root / self.output


def read_config(root: Path, /) -> TraceConfig:
    """Read ``[tool.lungai_trace]`` of a project.

    :implements: SRS-TRACE-001, SDS-TRACE-002

    Parameters
    ----------
    root
        The folder that holds ``pyproject.toml``.

    Raises
    ------
    TraceConfigError
        If the file or the table is absent, names an unknown key, or contradicts itself.
    """
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise _refusal(path, f"The project file cannot be read ({error}).") from error
    table = document.get("tool", {}).get("lungai_trace")
    if not isinstance(table, dict):
        raise _refusal(path, "The project file has no table [tool.lungai_trace].")
    kinds = table.get("kinds", {})
    if not isinstance(kinds, dict) or not kinds:
        raise _refusal(path, "[tool.lungai_trace.kinds] names no kind of item.")
    settings: dict[str, Any] = {key: value for key, value in table.items() if key != "kinds"}
    _check_types(settings, path, where="[tool.lungai_trace]", lists=_LISTS, texts=_TEXTS, switches=_SWITCHES)
    rules = tuple(_kind(name, rule, path) for name, rule in kinds.items())
    _check_kind_names(rules, path)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    for key in ("packages", "tests", "items"):
        values.setdefault(key, ())
        for folder in values[key]:
            if not (root / folder).exists():
                raise _refusal(path, f"[tool.lungai_trace] {key} names {folder!r}, which does not exist.")
    project = document.get("project", {}).get("name", root.name)
    return TraceConfig(root=root, project=str(project), kinds=rules, **values)


def _kind(name: str, rule: object, path: Path, /) -> KindRule:
    where = f"[tool.lungai_trace.kinds.{name}]"
    if not isinstance(rule, dict) or "id" not in rule:
        raise _refusal(path, f"{where} has no `id` pattern.")
    _check_types(rule, path, where=where, lists=_KIND_LISTS, texts=_KIND_TEXTS, switches=_KIND_SWITCHES)
    try:
        pattern = re.compile(rule["id"])
    except re.error as error:
        raise _refusal(path, f"{where} id is no regular expression ({error}).") from error
    title = str(rule.get("title", name))
    return KindRule(
        name=name,
        title=title,
        title_zh=str(rule.get("title_zh", title)),
        pattern=pattern,
        parents=tuple(rule.get("parents", ())),
        children=tuple(rule.get("children", ())),
        verified=rule.get("verified", False),
        implemented=rule.get("implemented", False),
        shall=rule.get("shall", False),
    )


def _check_types(
    table: Mapping[str, object],
    path: Path,
    /,
    *,
    where: str,
    lists: tuple[str, ...],
    texts: tuple[str, ...],
    switches: tuple[str, ...],
) -> None:
    for key, value in table.items():
        if key in lists:
            good = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        elif key in texts:
            good = isinstance(value, str) and bool(value)
        elif key in switches:
            good = isinstance(value, bool)
        else:
            raise _refusal(
                path, f"{where} has the unknown key {key!r}.", allowed=", ".join((*lists, *texts, *switches))
            )
        if not good:
            raise _refusal(path, f"{where} {key} has a value of the wrong type.")


def _check_kind_names(rules: tuple[KindRule, ...], path: Path, /) -> None:
    known = {rule.name for rule in rules}
    for rule in rules:
        for name in (*rule.parents, *rule.children):
            if name not in known:
                raise _refusal(path, f"[tool.lungai_trace.kinds.{rule.name}] names the unknown kind {name!r}.")


def _refusal(
    path: Path, what: str, /, *, allowed: str = "the table described in docs/reference/trace.md"
) -> TraceConfigError:
    return TraceConfigError(
        what,
        where=str(path),
        allowed=allowed,
        remedy="Mend the table, or write a first one with `lungai trace init`.",
    )
