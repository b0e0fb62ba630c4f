"""Imports from the text formats of StrictDoc, doorstop and Markdown with front matter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lungai_core.errors import ExchangeError
from lungai_core.trace.exchange.markdown import make_item
from lungai_core.trace.exchange.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lungai_core.trace.config import TraceConfig
    from lungai_core.trace.items import Item

__all__ = ["items_from_doorstop", "items_from_front_matter", "items_from_sdoc"]

_SDOC_BLOCK = re.compile(r"^\[(?!/|\[)(\w+)\]$", re.MULTILINE)
_SDOC_FIELD = re.compile(r"^([A-Z][A-Z0-9_ ]*): ?(.*)$")
_SDOC_PARENT = re.compile(r"- TYPE: Parent\s+VALUE: (\S+)")
_SDOC_CONTAINERS = frozenset({"DOCUMENT", "SECTION", "GRAMMAR", "TEXT", "FREETEXT", "DOCUMENT_FROM_FILE"})
_SDOC_LINKS = frozenset({"RELATIONS", "REFS"})
_LEVEL_NAMES = {"title": ("TITLE",), "text": ("STATEMENT", "CONTENT", "DESCRIPTION"), "rationale": ("RATIONALE",)}


def items_from_sdoc(text: str, config: TraceConfig, /) -> tuple[Item, ...]:
    """Read the nodes with a UID from a StrictDoc ``.sdoc`` document.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    text
        The document; ``REFS``/``RELATIONS`` of type Parent become parents.
    config
        Decides the kinds.
    """
    starts = list(_SDOC_BLOCK.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    found = []
    for match, end in zip(starts, ends, strict=True):
        body = text[match.end() : end]
        if match[1] in _SDOC_CONTAINERS or "UID:" not in body:
            continue
        fields = dict(_sdoc_fields(body))
        item_id = fields.pop("UID", "")
        parents = _SDOC_PARENT.findall(body)
        named = {key: _take(fields, names) for key, names in _LEVEL_NAMES.items()}
        more = {
            key.lower().replace(" ", "_"): value for key, value in fields.items() if key not in {"RELATIONS", "REFS"}
        }
        more |= {"rationale": named["rationale"]}
        found.append(make_item(config, item_id, title=named["title"], text=named["text"], parents=parents, more=more))
    return tuple(found)


def items_from_doorstop(folder: Path, config: TraceConfig, /) -> tuple[Item, ...]:
    """Read the items of a doorstop tree: every ``.yml`` beside or below a ``.doorstop.yml``.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    folder
        The root of the tree.
    config
        Decides the kinds.
    """
    found = []
    for marker in sorted(folder.rglob(".doorstop.yml")):
        for path in sorted(marker.parent.glob("*.yml")):
            if path.name == ".doorstop.yml":
                continue
            table = _yaml(path.read_text(encoding="utf-8"), str(path))
            links = table.get("links") or []
            parents = [next(iter(link)) if isinstance(link, dict) else str(link) for link in _entries(links)]
            status = "" if table.get("active", True) else "obsolete"
            text = str(table.get("text") or "")
            title = str(table.get("header") or "") or text.partition("\n")[0][:80]
            known = {"links", "text", "header", "active", "reviewed", "level", "derived", "normative", "ref"}
            more = {key: str(value) for key, value in table.items() if key not in known}
            more["status"] = status
            found.append(make_item(config, path.stem, title=title, text=text, parents=map(str, parents), more=more))
    return tuple(found)


def items_from_front_matter(text: str, config: TraceConfig, /, *, name: str) -> tuple[Item, ...]:
    """Read one item from Markdown with YAML front matter, as Ketryx and doorstop write it.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    text
        The file: ``itemId``, ``itemTitle`` and ``itemFulfills`` (or ``id``, ``title``, ``links``), then the text.
    config
        Decides the kinds.
    name
        Of the file, for messages.
    """
    parts = re.split(r"(?m)^---[ \t]*$", text, maxsplit=2)
    if len(parts) != 3 or parts[0].strip():  # noqa: PLR2004 - before, between and after the two lines
        raise _refusal(name, "The file has no front matter.")
    table = {str(key): value for key, value in _yaml(parts[1], name).items()}
    item_id = _pop(table, "itemId", "id", "uid")
    if not item_id:
        raise _refusal(name, "The front matter has no itemId.")
    title = _pop(table, "itemTitle", "title", "header")
    parents = [
        str(entry) for key in ("itemFulfills", "itemMitigates", "links") for entry in _entries(table.pop(key, None))
    ]
    more = {key: str(value) for key, value in table.items() if value is not None}
    return (make_item(config, item_id, title=title, text=parts[2], parents=parents, more=more),)


def _sdoc_fields(body: str, /) -> Iterator[tuple[str, str]]:
    lines = iter(body.split("\n"))
    for line in lines:
        match = _SDOC_FIELD.match(line)
        if match is None:
            continue
        key, value = match[1], match[2]
        if value.strip() == ">>>":
            text = []
            for inner in lines:
                if inner.strip() == "<<<":
                    break
                text.append(inner)
            value = "\n".join(text)
        yield key, value.strip()


def _take(fields: dict[str, str], names: tuple[str, ...], /) -> str:
    found = [fields.pop(name) for name in names if name in fields]
    return found[0] if found else ""


def _pop(table: dict[str, object], *names: str) -> str:
    found = [str(table.pop(name)) for name in names if table.get(name) is not None]
    return found[0] if found else ""


def _entries(value: object, /) -> list[object]:
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, list) else [value]


def _yaml(text: str, name: str, /) -> Mapping[str, object]:
    yaml = optional_package("yaml")
    try:
        table = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _refusal(name, "The YAML cannot be read.") from error
    if not isinstance(table, dict):
        raise _refusal(name, "The YAML is no table.")
    return table


def _refusal(name: str, what: str, /) -> ExchangeError:
    return ExchangeError(
        what,
        where=name,
        allowed="one item a file: YAML, or YAML front matter and Markdown",
        remedy="Mend the file, or leave it out of the import.",
    )
