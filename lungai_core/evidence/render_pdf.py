"""Documents as PDF/A through Typst, with every glyph present and no clock read."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING

from lungai_core.evidence.document import NOTICE, Drawing, Prose, Quote, Table
from lungai_core.evidence.fields import Language
from lungai_core.evidence.layout import (
    PAGE,
    STATE_NOTE,
    breakable,
    columns_of,
    numbered,
    rows_of,
    table_title,
    title_of,
)
from lungai_core.typeset import CJK_FONTS, Typesetter, typst_string

if TYPE_CHECKING:
    from lungai_core.evidence.document import Block, Document, Layer
    from lungai_core.evidence.layout import Edition

__all__ = ["PdfRenderer", "drawing_markup", "typst_markup"]

_ZERO_WIDTH_SPACE = "\u200b"
# A4 without its margins; the insets of a cell, and about how wide a digit or letter in one is.
_PORTRAIT_PT, _LANDSCAPE_PT, _INSETS_PT, _SIGN_PT, _FEWEST_SIGNS = 493, 740, 8, 4.7, 5

_PREAMBLE = """\
#set text(font: %(font)s, size: 9.5pt, lang: %(lang)s, fallback: false)
#set par(leading: 0.62em, spacing: 0.9em, justify: false)
#set heading(numbering: none)
#show heading.where(level: 1): it => block(above: 1.6em, below: 0.9em, text(14pt, fill: rgb("#1f3a5f"), it.body))
#show heading.where(level: 2): it => block(above: 1.3em, below: 0.7em, text(11pt, fill: rgb("#1f3a5f"), it.body))
#set table(stroke: 0.4pt + rgb("#b8c4d0"), inset: (x: 4pt, y: 3.5pt), align: left + top)
#let th(body) = table.cell(fill: rgb("#1f3a5f"), text(8pt, fill: white, weight: "bold", body))
#let plain(body) = text(8pt, body)
#let missing(body) = table.cell(fill: rgb("#fbe3e0"), text(8pt, weight: "bold", body))
#let open(body) = table.cell(fill: rgb("#fff3c4"), text(8pt, body))
#let bad(body) = table.cell(fill: rgb("#fbe3e0"), text(8pt, body))
#let src(body) = text(6pt, fill: rgb("#5b6b7b"), body)
#let caption(body) = block(above: 1.1em, below: 0.5em, sticky: true, text(9pt, weight: "bold", body))
"""


class PdfRenderer:
    """A printer for all documents of a set.

    :implements: SRS-EVID-019, SRS-EVID-020, SDS-EVID-012

    Raises
    ------
    MissingDependencyError
        If Typst is not installed.
    MissingFontError
        If no font with Chinese glyphs is installed.
    """

    def __init__(self, *, families: tuple[str, ...] = CJK_FONTS) -> None:
        self._typesetter = Typesetter(families=families)
        self.font = self._typesetter.font
        self.tool = self._typesetter.tool

    def pdf(self, document: Document, /, *, language: Language, edition: Edition) -> bytes:
        """Return a document as PDF/A-2b.

        :implements: SRS-EVID-019, SRS-EVID-021, SDS-EVID-012

        Parameters
        ----------
        document, language, edition
            What, in which words, and what stands on every page.

        Raises
        ------
        MissingFontError
            If a sign of the document has no glyph.
        """
        markup = typst_markup(document, language=language, edition=edition, font=self.font)
        return self._typesetter.pdf(markup, where=document.stem, time=datetime.fromisoformat(edition.time))

    def png(self, drawing: Drawing, /, *, language: Language) -> bytes:
        """Return a drawing as PNG, for formats that cannot hold the vector drawing.

        :implements: SRS-EVID-031, SDS-EVID-012

        Parameters
        ----------
        drawing, language
            What and in which words.
        """
        preamble = _PREAMBLE % {"font": typst_string(self.font), "lang": typst_string(language)}
        page = "#set page(width: 170mm, height: auto, margin: 2mm)\n"
        return self._typesetter.png(preamble + page + drawing_markup(drawing.layers), where=drawing.title.en)


def typst_markup(document: Document, /, *, language: Language, edition: Edition, font: str) -> str:
    """Return a document as Typst markup. Every word is a string literal, so that no text is read as markup.

    :implements: SRS-EVID-019, SDS-EVID-012

    Parameters
    ----------
    document, language, edition
        What, in which words, and what stands on every page.
    font
        A family with Latin and Chinese glyphs.
    """
    out = io.StringIO()
    date = datetime.fromisoformat(edition.time)
    title = title_of(document, language)
    out.write(
        f"#set document(title: {typst_string(title)}, author: {typst_string(edition.component)}, "
        f"date: datetime(year: {date.year}, month: {date.month}, day: {date.day}))\n"
    )
    out.write(_PREAMBLE % {"font": typst_string(font), "lang": typst_string(language)})
    page = PAGE.in_language(language)
    out.write(
        f'#set page(paper: "a4", flipped: {str(document.landscape).lower()}, '
        "margin: (x: 18mm, top: 24mm, bottom: 20mm),\n"
        f'  header: text(7.5pt, fill: rgb("#5b6b7b"), grid(columns: (1fr, auto), {_content(document.stem)}, '
        f"{_content(edition.line)})),\n"
        f'  footer: context text(7.5pt, fill: rgb("#5b6b7b"), grid(columns: (1fr, auto), {_content(edition.time)}, '
        f"[#{typst_string(page)} #counter(page).display() / #counter(page).final().first()])))\n"
    )
    out.write(f'#text(20pt, weight: "bold", fill: rgb("#1f3a5f"), {typst_string(title)})\n\n')
    if document.draft_of.en:
        out.write(f'#text(9.5pt, weight: "bold", {typst_string(document.draft_of.in_language(language))})\n\n')
    out.write(
        '#block(width: 100%, fill: rgb("#eef3f8"), stroke: (left: 3pt + rgb("#1f3a5f")), inset: 8pt)['
        f"#{typst_string(NOTICE.en)} \\ #{typst_string(NOTICE.zh)}]\n"
        f'#text(7.5pt, fill: rgb("#5b6b7b"), {typst_string(STATE_NOTE.in_language(language))})\n\n'
    )
    if len(document.sections) > 4:  # noqa: PLR2004  a contents list helps from about two pages on
        out.write("#outline(title: none, depth: 1, indent: 0pt)\n")
    for heading, level, section in numbered(document.sections, language):
        out.write(f"#heading(level: {level}, {typst_string(heading)})\n")
        for block in section.blocks:
            out.write(_block(block, language, _LANDSCAPE_PT if document.landscape else _PORTRAIT_PT))
    return out.getvalue()


def drawing_markup(layers: tuple[Layer, ...], /) -> str:
    """Return floors as Typst markup: one box a name, one row a floor.

    :implements: SRS-EVID-031, SDS-EVID-012

    Parameters
    ----------
    layers
        From top to bottom.
    """
    parts: list[str] = []
    for position, layer in enumerate(layers):
        boxes = ", ".join(
            'box(width: 100%, fill: rgb("#eef3f8"), stroke: 0.6pt + rgb("#1f3a5f"), radius: 2pt, inset: 6pt, '
            f"align(center, text(9pt, {typst_string(name)})))"
            for name in layer.names
        )
        parts.append(f"grid(columns: (1fr,) * {len(layer.names)}, column-gutter: 6pt, {boxes})")
        if position + 1 < len(layers):
            sign = "sym.arrow.b" if layer.uses_below else "sym.dash.en"
            parts.append(f'align(center, text(8pt, fill: rgb("#5b6b7b"), {sign}))')
    return f"#stack(dir: ttb, spacing: 3pt, {', '.join(parts)})\n"


def _block(block: Block, language: Language, width_pt: int, /) -> str:
    if isinstance(block, Prose):
        return f"#{typst_string(block.text.in_language(language))}\n\n"
    if isinstance(block, Quote):
        return _quote(block, language)
    if isinstance(block, Drawing):
        title = f"#align(center, text(8pt, {typst_string(block.title.in_language(language))}))\n\n"
        return f"#block(breakable: false)[\n{drawing_markup(block.layers)}{title}]\n"
    return _table(block, language, width_pt)


def _quote(block: Quote, language: Language, /) -> str:
    words = typst_string(breakable(block.value.text.in_language(language), _ZERO_WIDTH_SPACE))
    source = f"#src({typst_string(' '.join(block.value.sources))})"
    if block.style == "bullet":
        return f"- #{words} {source}\n"
    if block.style == "code":
        return f'#block(fill: rgb("#f5f5f5"), inset: 6pt, width: 100%, text(8pt, {words})) {source}\n\n'
    return f"#{words} {source}\n\n"


def _table(table: Table, language: Language, width_pt: int, /) -> str:
    columns = columns_of(table, language)
    out = io.StringIO()
    title = table_title(table, language)
    if title:
        out.write(f"#caption({typst_string(title)})\n")
    if not table.rows:
        none = "No rows." if language is Language.EN else "无记录。"
        out.write(f"#text(8.5pt, {typst_string(none)})\n\n")
        return out.getvalue()
    shares = ", ".join(f"{share * 100:.2f}%" for _, share in columns)
    room = [max(_FEWEST_SIGNS, int((share * width_pt - _INSETS_PT) / _SIGN_PT)) for _, share in columns]
    heads = ", ".join(
        f"th({typst_string(breakable(name, _ZERO_WIDTH_SPACE, signs=signs))})"
        for (name, _), signs in zip(columns, room, strict=True)
    )
    out.write(f"#table(columns: ({shares}), table.header({heads}),\n")
    for row in rows_of(table, language):
        *cells, (sources, _) = row
        words = ", ".join(
            f"{mark}({typst_string(breakable(text, _ZERO_WIDTH_SPACE, signs=signs))})"
            for (text, mark), signs in zip(cells, room, strict=False)
        )
        out.write(f"  {words}, src({typst_string(breakable(sources, _ZERO_WIDTH_SPACE))}),\n")
    out.write(")\n\n")
    return out.getvalue()


def _content(text: str, /) -> str:
    return f"[#{typst_string(text)}]"
