"""Tracked Markdown documents, English and Chinese side by side, as sections of declared values."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungai_core.errors import EvidenceInputError, MissingDependencyError
from lungai_core.evidence.document import Quote, Section, Table
from lungai_core.evidence.fields import Text, declared, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lungai_core.evidence.document import Block

__all__ = ["read_sections"]

_ANSWERS = re.compile(r"<!--\s*answers:\s*(.*?)\s*-->")
_MARKUP = re.compile(r"\*\*|`|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
_SECTION_TAGS = {"h2": 1, "h3": 2}


@dataclass(slots=True)
class _Piece:
    """A heading, paragraph, bullet, code block or table of one language, in the order of the file."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def read_sections(english: str, chinese: str, /, *, sources: tuple[str, str], where: str) -> tuple[Section, ...]:
    """Return a document's sections with both languages joined.

    :implements: SRS-EVID-032, SDS-EVID-017

    Headings of the second and third level become sections; the first level is the title and is left out. A comment
    ``<!-- answers: SW-G.1, SW-G.2 -->`` under a heading names the outline rows that the section answers.

    Parameters
    ----------
    english, chinese
        Two Markdown texts of the same structure.
    sources
        The identifiers of the two files.
    where
        The name of the English file, for messages.

    Raises
    ------
    EvidenceInputError
        If the two texts differ in structure.
    MissingDependencyError
        If ``markdown-it-py`` is not installed.
    """
    first, second = list(_pieces(english)), list(_pieces(chinese))
    kinds = [[(piece.kind, len(piece.rows)) for piece in pieces] for pieces in (first, second)]
    if kinds[0] != kinds[1]:
        position = next(
            (number for number, (one, two) in enumerate(zip(*kinds, strict=False)) if one != two),
            min(map(len, kinds)),
        )
        near = (
            (first + second)[min(position, len(first) + len(second) - 1)].text[:60] if first or second else "the start"
        )
        raise EvidenceInputError(
            "The English and the Chinese document differ in structure.",
            where=f"{where}, block {position + 1}, near: {near}",
            allowed="the same headings, paragraphs, bullets and tables in the same order",
            remedy="Translate what is missing, or remove what is left over.",
        )
    return tuple(_sections(list(zip(first, second, strict=True)), sources[0]))


def _sections(pairs: list[tuple[_Piece, _Piece]], source: str, /) -> Iterator[Section]:
    title: Text | None = None
    level, answers, blocks = 1, (), []  # type: int, tuple[str, ...], list[Block]
    for one, two in pairs:
        if one.kind in _SECTION_TAGS:
            if title is not None:
                yield Section(title, tuple(blocks), answers, level)
            title, level, answers, blocks = Text(one.text, two.text), _SECTION_TAGS[one.kind], (), []
        elif one.kind == "answers":
            answers = (*answers, *re.split(r",\s*", one.text))
        elif title is not None:
            blocks.append(_block(one, two, source))
    if title is not None:
        yield Section(title, tuple(blocks), answers, level)


def _block(one: _Piece, two: _Piece, source: str, /) -> Block:
    if one.kind != "table":
        return Quote(declared(Text(one.text, two.text), source=source), one.kind)
    head, *body = zip(one.rows, two.rows, strict=True)
    columns = tuple(Text(*pair) for pair in zip(*head, strict=True))
    rows = tuple(tuple(declared(Text(*pair), source=source) for pair in zip(*row, strict=True)) for row in body)
    longest = tuple(min(6, 1 + max(len(row[position]) for row in one.rows) // 18) for position in range(len(columns)))
    return Table(same(""), columns, rows, weights=longest)


def _pieces(text: str, /) -> Iterator[_Piece]:
    try:
        parser: Any = importlib.import_module("markdown_it").MarkdownIt("commonmark").enable("table")
        tree: Any = importlib.import_module("markdown_it.tree").SyntaxTreeNode(parser.parse(text))
    except ImportError as error:
        raise MissingDependencyError(
            "The reader of Markdown is not installed.",
            where="markdown-it-py",
            remedy='Run `pip install "lungai-core[evidence]"`.',
        ) from error
    for node in tree.children:
        yield from _READERS.get(node.type, _nothing)(node)


def _heading(node: Any, /) -> Iterator[_Piece]:
    if node.tag in _SECTION_TAGS:
        yield _Piece(node.tag, _words(node))


def _paragraph(node: Any, /) -> Iterator[_Piece]:
    yield _Piece("text", _words(node))


def _list(node: Any, /) -> Iterator[_Piece]:
    for each in node.walk():
        if each.type == "paragraph":
            yield _Piece("bullet", _words(each))


def _code(node: Any, /) -> Iterator[_Piece]:
    yield _Piece("code", node.content.rstrip("\n"))


def _comment(node: Any, /) -> Iterator[_Piece]:
    match = _ANSWERS.search(node.content)
    if match:
        yield _Piece("answers", match[1])


def _table(node: Any, /) -> Iterator[_Piece]:
    rows = tuple(tuple(_words(cell) for cell in row.children) for row in node.walk() if row.type == "tr")
    yield _Piece("table", rows=rows)


def _nothing(_: Any, /) -> Iterator[_Piece]:
    return iter(())


_READERS: Mapping[str, Callable[[Any], Iterator[_Piece]]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "bullet_list": _list,
    "ordered_list": _list,
    "fence": _code,
    "html_block": _comment,
    "table": _table,
}


def _words(node: Any, /) -> str:
    return _plain("".join(child.content for child in node.children))


def _plain(text: str, /) -> str:
    return _MARKUP.sub("", _LINK.sub(r"\1", " ".join(text.split())))
