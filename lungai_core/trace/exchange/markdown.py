"""Items as Markdown documents of our own format: what every import ends in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lungai_core.trace.findings import Place
from lungai_core.trace.items import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lungai_core.trace.config import TraceConfig

__all__ = ["items_markdown", "make_item"]


def items_markdown(items: Iterable[Item], /, *, title: str) -> str:
    """Return items as one Markdown document, which :func:`parse_items` reads back without loss.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    items
        In the order in which they shall stand.
    title
        Of the document.
    """
    return f"# {title}\n\n" + "\n".join(_section(item) for item in items)


def make_item(
    config: TraceConfig, item_id: str, /, *, title: str, text: str, parents: Iterable[str], more: Mapping[str, str]
) -> Item:
    """Make an item from what another tool says about it.

    :implements: SRS-TRACE-016, SDS-TRACE-018

    Parameters
    ----------
    config
        Decides the kind by the ID; an ID of no kind gives an item of the kind ``""``, which the checks will find.
    item_id, title, text, parents
        White space in IDs and titles is made one blank.
    more
        ``text_zh``, ``rationale``, ``method``, ``status`` and ``implemented_by``; all else becomes a field.
    """
    kind = config.kind_of(item_id)
    fields = {key: value for key, value in more.items() if key not in _NAMED and value}
    return Item(
        item_id=" ".join(item_id.split()),
        kind=kind.name if kind else "",
        title=" ".join(title.split()) or item_id,
        text=text.strip(),
        text_zh=more.get("text_zh", "").strip(),
        rationale=more.get("rationale", "").strip(),
        parents=tuple(dict.fromkeys(parents)),
        method=more.get("method", ""),
        status=more.get("status", ""),
        implemented_by=tuple(part for part in more.get("implemented_by", "").split(", ") if part),
        fields=tuple(sorted(fields.items())),
        place=Place("", 1),
        end_line=1,
    )


_NAMED = frozenset({"text_zh", "rationale", "method", "status", "implemented_by"})


def _section(item: Item, /) -> str:
    block = []
    if item.parents:
        block.append(f"parents = {json.dumps(list(item.parents), ensure_ascii=False)}")
    if item.implemented_by:
        block.append(f"implemented_by = {json.dumps(list(item.implemented_by), ensure_ascii=False)}")
    for key, value in (("method", item.method), ("status", item.status), *item.fields):
        if value:
            block.append(f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}")
    lines = [f"## {item.item_id} · {item.title}", "", "```toml", *block, "```", "", _quiet(item.text), ""]
    if item.text_zh:
        first, *rest = item.text_zh.split("\n")
        lines += [f"> **zh** {first}", *(f"> {line}" for line in rest), ""]
    if item.rationale:
        marked = item.text_zh or item.rationale.startswith("**Rationale")
        lines += [_quiet(item.rationale if marked else f"**Rationale.** {item.rationale}"), ""]
    return "\n".join(lines)


def _key(key: str, /) -> str:
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else json.dumps(key, ensure_ascii=False)


def _quiet(text: str, /) -> str:
    """Keep prose of another tool from reading as a heading of ours."""
    return "\n".join(f"\\{line}" if line.startswith("#") else line for line in text.split("\n"))
