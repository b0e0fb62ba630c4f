"""Items in Markdown: a heading with an ID, a fenced toml block, English prose, Chinese in a block quote."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Finding, Place, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig

__all__ = ["Item", "ItemSet", "join_items", "load_items", "parse_items"]

_HEADING = re.compile(r"#{2,4}[ \t]+(\S+)[ \t]+·[ \t]+(.*\S)")
_LOOKS_LIKE_ITEM = re.compile(r"#{2,4}[ \t]+([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d+)\b")
_PLAIN_TEXT = re.compile(r'([a-z][a-z0-9_]*) = "([^"\\]*)"')
_PLAIN_LIST = re.compile(r'([a-z][a-z0-9_]*) = \[((?:"[^"\\]*"(?:, ?"[^"\\]*")*)?)\]')
_ZH = re.compile(r">\s*\*\*zh\*\*\s*")
_RATIONALE = "**Rationale"
_TYPED_KEYS: dict[str, type] = {"parents": tuple, "implemented_by": tuple, "method": str, "status": str}


@dataclass(frozen=True, slots=True)
class Item:
    """A need, requirement, design element, hazard, control or protocol.

    :implements: SRS-TRACE-001, SDS-TRACE-001

    Parameters
    ----------
    item_id, kind, title
        Its identifier, the name of its kind, and its heading.
    text, text_zh, rationale
        The normative English text, its Chinese text, and prose that is not normative.
    parents
        The IDs it links up to, in the order written.
    method
        How it is verified: ``test``, ``analysis``, ``inspection`` or ``demonstration``; empty where not stated.
    implemented_by
        Files that implement it and have no docstring, such as configuration.
    status
        Such as ``approved`` or ``obsolete``; an obsolete item is listed and needs nothing.
    fields
        All other keys of its toml block, as name and text.
    place, end_line
        Its heading, and the last line of its section.
    """

    item_id: str
    kind: str
    title: str
    text: str
    text_zh: str
    rationale: str
    parents: tuple[str, ...]
    method: str
    status: str
    implemented_by: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    place: Place
    end_line: int

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the normative content: title, text, method and fields, with white space made one blank."""
        return _digest([_one_line(self.title), _one_line(self.text), self.method, *map(list, self.fields)])

    @property
    def fingerprint_zh(self) -> str:
        """SHA-256 of the Chinese text, with white space made one blank."""
        return _digest([_one_line(self.text_zh)])

    @property
    def in_force(self) -> bool:
        """Whether the item asks for anything; an obsolete one is kept for the record only."""
        return self.status != "obsolete"


@dataclass(frozen=True, slots=True)
class ItemSet:
    """All items of a project, and what was wrong with the files they came from.

    :implements: SRS-TRACE-001, SDS-TRACE-001

    Parameters
    ----------
    items
        In the order of files and headings; of a repeated ID the first.
    problems
        Findings of reading, such as repeated IDs and broken toml blocks.
    """

    items: tuple[Item, ...]
    problems: tuple[Finding, ...] = ()
    by_id: Mapping[str, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {item.item_id: item for item in self.items})

    def of_kind(self, kind: str, /) -> tuple[Item, ...]:
        """Return the items of one kind, in order.

        :implements: SRS-TRACE-001, SDS-TRACE-001
        """
        return tuple(item for item in self.items if item.kind == kind)


def load_items(config: TraceConfig, /) -> ItemSet:
    """Read the items of all Markdown files under the configured folders.

    :implements: SRS-TRACE-001, SDS-TRACE-001

    Parameters
    ----------
    config
        Where to look and what an ID looks like.

    Returns
    -------
    ItemSet
        Every item once; repeated IDs and broken blocks are findings, not exceptions.
    """
    items: list[Item] = []
    problems: list[Finding] = []
    for path in _markdown_files(config):
        text = path.read_text(encoding="utf-8")
        found, wrong = parse_items(text, path=path.relative_to(config.root).as_posix(), config=config)
        items += found
        problems += wrong
    return join_items(ItemSet((), tuple(problems)), items)


def join_items(items: ItemSet, more: Iterable[Item], /) -> ItemSet:
    """Add items of another source to a set; a repeated ID is a finding.

    :implements: SRS-TRACE-001, SDS-TRACE-001

    Parameters
    ----------
    items, more
        The set, and what is added after its last item.
    """
    joined = dict(items.by_id)
    problems = list(items.problems)
    for item in more:
        if item.item_id in joined:
            message = f"{item.item_id} is written twice; the first stands at {joined[item.item_id].place}."
            problems.append(Finding(Rule.DUPLICATE_ITEM, item.place, item.item_id, message))
        else:
            joined[item.item_id] = item
    return ItemSet(tuple(joined.values()), tuple(problems))


def parse_items(text: str, /, *, path: str, config: TraceConfig) -> tuple[tuple[Item, ...], tuple[Finding, ...]]:
    """Read the items of one Markdown text.

    :implements: SRS-TRACE-001, SDS-TRACE-001

    Parameters
    ----------
    text
        The document.
    path
        Its name, for places.
    config
        What an ID looks like.

    Returns
    -------
    tuple
        The items in order, and the findings of reading.
    """
    lines = text.split("\n")
    items: list[Item] = []
    problems: list[Finding] = []
    headings = _headings(lines)
    ends = [*headings, len(lines)][1:]
    for start, end in zip(headings, ends, strict=True):
        place = Place(path, start + 1)
        match = _HEADING.match(lines[start])
        if match is None:
            looks = _LOOKS_LIKE_ITEM.match(lines[start])
            if looks is not None:
                message = f"The heading of {looks[1]} lacks ` · ` between ID and title."
                problems.append(Finding(Rule.BAD_ITEM_ID, place, looks[1], message))
            continue
        item_id, title = match.groups()
        kind = config.kind_of(item_id)
        if kind is None:
            message = f"{item_id} is an ID of no configured kind."
            problems.append(Finding(Rule.BAD_ITEM_ID, place, item_id, message))
            continue
        section = _Section(lines, start + 1, end)
        metadata = _metadata(section.metadata, problems, place, item_id)
        items.append(_item(item_id, kind.name, title, section, metadata, place))
    return tuple(items), tuple(problems)


def _headings(lines: list[str], /) -> list[int]:
    found: list[int] = []
    fence = ""
    for number, line in enumerate(lines):
        if fence:
            if line.startswith(fence):
                fence = ""
        elif line.startswith(("```", "~~~")):
            fence = line[:3]
        elif (line.startswith("##") and line.lstrip("#").startswith((" ", "\t"))) or line.startswith("# "):
            found.append(number)
    return found


class _Section:
    """The lines under one heading, sorted into metadata, English, Chinese and rationale."""

    def __init__(self, lines: list[str], start: int, end: int) -> None:
        self.metadata: list[str] | None = None
        self.english: list[str] = []
        self.chinese: list[str] = []
        self.rationale: list[str] = []
        self.end = start
        self._prose = self.english
        self._inside = ""  # "", or what the last line left open: "toml", "fence", "comment", "zh"
        for number in range(start, end):
            if lines[number]:
                self.end = number + 1
            self._take(lines[number])

    def _take(self, line: str, /) -> None:
        if self._inside in {"toml", "fence", "comment"}:
            self._go_on(line)
        elif line.startswith("<!--"):
            self._inside = "" if "-->" in line else "comment"
        elif line.startswith("```"):
            self._open_fence(line)
        elif line.startswith(">"):
            self._quote(line)
        else:
            self._inside = ""
            if line.startswith(_RATIONALE):
                self._prose = self.rationale
            self._prose.append(line)

    def _go_on(self, line: str, /) -> None:
        if self._inside == "comment":
            self._inside = "" if "-->" in line else "comment"
            return
        closes = line.startswith("```")
        if self._inside == "fence":
            self._prose.append(line)
        elif not closes and self.metadata is not None:
            self.metadata.append(line)
        if closes:
            self._inside = ""

    def _open_fence(self, line: str, /) -> None:
        if line.rstrip() == "```toml" and self.metadata is None and not any(self.english):
            self.metadata, self._inside = [], "toml"
        else:
            self._inside = "fence"
            self._prose.append(line)

    def _quote(self, line: str, /) -> None:
        opening = _ZH.match(line)
        if opening is not None:
            self._inside = "zh"
            self.chinese.append(line[opening.end() :])
            self._prose = self.rationale
        elif self._inside == "zh":
            self.chinese.append(line[1:].strip())
        else:
            self._prose.append(line)


def _metadata(
    block: list[str] | None, problems: list[Finding], place: Place, item_id: str, /
) -> Mapping[str, str | tuple[str, ...]]:
    if block is None:
        return {}
    values: dict[str, str | tuple[str, ...]] = {}
    for line in block:
        if not line:
            continue
        plain = _PLAIN_TEXT.fullmatch(line)
        if plain is not None and plain[1] not in values:
            values[plain[1]] = plain[2]
            continue
        plain = _PLAIN_LIST.fullmatch(line)
        if plain is None or plain[1] in values:
            return _full_toml(block, problems, place, item_id)
        values[plain[1]] = tuple(plain[2].split('"')[1::2])
    return _checked(values, problems, place, item_id)


def _full_toml(
    block: list[str], problems: list[Finding], place: Place, item_id: str, /
) -> Mapping[str, str | tuple[str, ...]]:
    # tomllib is exact and slow; the plain lines above are a subset of TOML that covers nearly every item.
    try:
        table = tomllib.loads("\n".join(block))
    except tomllib.TOMLDecodeError as error:
        message = f"The toml block of {item_id} cannot be read: {error}."
        problems.append(Finding(Rule.BAD_METADATA, place, item_id, message))
        return {}
    values: dict[str, str | tuple[str, ...]] = {}
    for key, value in table.items():
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            values[key] = tuple(value)
        elif isinstance(value, str):
            values[key] = value
        elif key in _TYPED_KEYS:
            problems.append(_wrong_type(key, place, item_id))
        else:
            values[key] = json.dumps(value, default=str, sort_keys=True)
    return _checked(values, problems, place, item_id)


def _checked(
    values: dict[str, str | tuple[str, ...]], problems: list[Finding], place: Place, item_id: str, /
) -> Mapping[str, str | tuple[str, ...]]:
    for key, wanted in _TYPED_KEYS.items():
        if key in values and not isinstance(values[key], wanted):
            problems.append(_wrong_type(key, place, item_id))
            del values[key]
    return values


def _wrong_type(key: str, place: Place, item_id: str, /) -> Finding:
    kind = "a list of strings" if _TYPED_KEYS[key] is tuple else "a string"
    return Finding(Rule.BAD_METADATA, place, item_id, f"`{key}` of {item_id} is not {kind}.")


def _item(
    item_id: str,
    kind: str,
    title: str,
    section: _Section,
    metadata: Mapping[str, str | tuple[str, ...]],
    place: Place,
) -> Item:
    return Item(
        item_id=item_id,
        kind=kind,
        title=title,
        text="\n".join(section.english).strip(),
        text_zh="\n".join(section.chinese).strip(),
        rationale="\n".join(section.rationale).strip(),
        parents=tuple(metadata.get("parents", ())),
        method=str(metadata.get("method", "")),
        status=str(metadata.get("status", "")),
        implemented_by=tuple(metadata.get("implemented_by", ())),
        fields=tuple(
            (key, value if isinstance(value, str) else ", ".join(value))
            for key, value in sorted(metadata.items())
            if key not in _TYPED_KEYS
        ),
        place=place,
        end_line=section.end,
    )


def _markdown_files(config: TraceConfig, /) -> Iterable[Path]:
    for folder in config.items:
        base = config.root / folder
        yield from [base] if base.is_file() else sorted(base.rglob("*.md"))


def _one_line(text: str, /) -> str:
    return " ".join(text.split())


def _digest(content: object, /) -> str:
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
