"""A case report as PDF/A for the file: the same words and values as the page, in one language, with stills."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.report.crops import cut_crop
from lungai_core.report.facts import (
    Weight,
    banners,
    cells,
    closing_lists,
    doubts,
    is_phantom,
    measures,
    model_facts,
    provenance,
    summary,
)
from lungai_core.report.language import ReportLanguage
from lungai_core.report.pictures import MARKS, draw_stills, draw_warm_stills
from lungai_core.report.png import png_data_uri
from lungai_core.report.turntable import render_turntable
from lungai_core.report.wording import PHRASES, Phrase
from lungai_core.typeset import Typesetter, typst_image, typst_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lungai_core.domain.case_report import NoduleResult
    from lungai_core.domain.volume import CtVolume
    from lungai_core.report.document import CaseDocument
    from lungai_core.report.facts import Banner, Fact

__all__ = ["PrintOrder", "report_markup", "write_report_pdf"]

_STILLS = ("axial", "coronal", "sagittal", "front")
_WARM_STILLS = ("axial", "coronal", "sagittal")

_PREAMBLE = """\
#set text(font: %(font)s, size: 9pt, lang: %(lang)s, fallback: false)
#set par(leading: 0.6em, spacing: 0.8em, justify: false)
#set table(stroke: 0.4pt + rgb("#c4ced8"), inset: (x: 4pt, y: 3.5pt), align: left + horizon)
#let head(body) = block(above: 1.4em, below: 0.7em, sticky: true, text(12pt, weight: "bold", body))
#let small(body) = text(7.5pt, fill: rgb("#5a6875"), body)
#let banner(tint, ink, title, ..lines) = block(width: 100%%, fill: tint, inset: 8pt, radius: 3pt, above: 0.7em,
  below: 0.7em, text(fill: ink)[#strong(title) #for line in lines.pos() [#linebreak() #line]])
#let facts(..rows) = table(columns: (auto, 1fr), stroke: none, inset: (x: 0pt, y: 2.2pt), column-gutter: 10pt,
  ..rows.pos())
#let mark(where, letter) = place(where, dx: 0pt, dy: 0pt, pad(2pt, text(7pt, weight: "bold", fill: rgb("#cfe3f5"),
  stroke: 0.2pt + black, letter)))
#let picture(body, title, ..letters) = {
  let sides = (top + center, right + horizon, bottom + center, left + horizon)
  let marks = sides.zip(letters.pos()).map(((side, letter)) => mark(side, letter)).join()
  stack(dir: ttb, spacing: 3pt, block(breakable: false, { body; marks }), small(title))
}
"""
_TINTS = {
    Weight.BAD: 'rgb("#fdecec"), rgb("#9b1c1c")',
    Weight.NOTE: 'rgb("#fff4dc"), rgb("#7a4b00")',
}


@dataclass(frozen=True, slots=True)
class PrintOrder:
    """How a report shall be printed.

    :implements: SRS-REPORT-007, SDS-REPORT-007

    Parameters
    ----------
    language
        English or Chinese.
    written_at
        The date of the document, which PDF/A asks for; the same one gives the same bytes.
    """

    language: ReportLanguage
    written_at: datetime


def write_report_pdf(document: CaseDocument, path: Path, /, *, order: PrintOrder) -> Path:
    """Write ``report.pdf`` as PDF/A-2b.

    :implements: SRS-REPORT-007, SDS-REPORT-007

    Parameters
    ----------
    document
        The result with its images. The same document and order give the same bytes.
    path
        The file to write; it appears whole or not at all.
    order
        Language and date.

    Raises
    ------
    MissingDependencyError
        If Typst is not installed.
    MissingFontError
        If no font with Chinese signs is installed, or a sign of the report has no glyph.
    """
    typesetter = Typesetter()
    markup = report_markup(document, order=order, font=typesetter.font)
    return write_whole(path, typesetter.pdf(markup, where=path.name, time=order.written_at))


def report_markup(document: CaseDocument, /, *, order: PrintOrder, font: str) -> str:
    """Return the printed report as Typst markup. Every word is a string literal, so that no text is read as markup.

    :implements: SRS-REPORT-007, SDS-REPORT-007

    Parameters
    ----------
    document, order
        As for :func:`write_report_pdf`.
    font
        A family with Latin and Chinese signs.
    """
    report, out = document.report, io.StringIO()
    words = _Words(order.language)
    out.write(_PREAMBLE % {"font": typst_string(font), "lang": typst_string(order.language)})
    out.write(_page(words, order.written_at))
    title = PHRASES["title"]
    out.write(f'#text(18pt, weight: "bold", {words.of(title)})\n\n')
    if is_phantom(report):
        out.write(_banner_line(Weight.NOTE, words.of(PHRASES["phantom"]), ()))
    out.writelines(_banner(banner, words) for banner in banners(report, document.card))
    out.write(_facts(summary(report), words))
    if report.nodules:
        out.write(_table(report.nodules, words))
    if document.volume is not None:
        out.writelines(_nodule(nodule, document.volume, words) for nodule in report.nodules)
    out.write(f"#head({words.of(PHRASES['what_model'])})\n")
    card = document.card
    for text in (card.summary, *card.limits):
        out.write(f"- #{words.of(Phrase(text.en, text.zh))}\n")
    out.write(_facts(model_facts(card), words))
    for figure in card.figures:
        interval = "" if figure.interval_95 is None else " ({:g} – {:g})".format(*figure.interval_95)
        line = f"{figure.name}: {figure.value:g}{interval}, n = {figure.n:,} {figure.unit}, {figure.data}"
        out.write(f"- #{typst_string(line)}\n")
    out.write(f"#head({words.of(PHRASES['provenance'])})\n")
    # Times differ between two runs of one case; the file does not.
    out.write(_facts(provenance(report), words))
    return out.getvalue()


class _Words:
    def __init__(self, language: ReportLanguage, /) -> None:
        self._language = language

    def of(self, phrase: Phrase, /) -> str:
        return typst_string(phrase.zh if self._language is ReportLanguage.ZH else phrase.en)


def _page(words: _Words, date: datetime, /) -> str:
    title = words.of(PHRASES["title"])
    return (
        f"#set document(title: {title}, date: datetime(year: {date.year}, month: {date.month}, day: {date.day}))\n"
        '#set page(paper: "a4", margin: (x: 16mm, top: 22mm, bottom: 18mm),\n'
        '  header: block(width: 100%, fill: rgb("#8d1620"), inset: 5pt, align(center, text(8pt, fill: white, '
        f'weight: "bold", {words.of(PHRASES["notice"])}))),\n'
        f"  footer: context small[#{title} #h(1fr) #counter(page).display() / #counter(page).final().first()])\n"
    )


def _banner(banner: Banner, words: _Words, /) -> str:
    return _banner_line(banner.weight, words.of(banner.title), tuple(words.of(line) for line in banner.lines))


def _banner_line(weight: Weight, title: str, lines: tuple[str, ...], /) -> str:
    return f"#banner({_TINTS[weight]}, {', '.join((title, *lines))})\n"


def _facts(facts: Iterable[Fact], words: _Words, /) -> str:
    rows = ", ".join(f"small({words.of(label)}), [#{words.of(value)}]" for label, value in facts)
    return f"#facts({rows})\n"


def _table(nodules: Sequence[NoduleResult], words: _Words, /) -> str:
    columns = [cell.column for cell in cells(nodules[0])] + ["reading"]
    heads = ", ".join(f"small({words.of(PHRASES[column])})" for column in columns)
    rows = []
    for nodule in nodules:
        shown = [typst_string(cell.shown) for cell in cells(nodule)]
        shown.append(words.of(PHRASES["review_short" if nodule.review_required else "no_review"]))
        rows.append(", ".join(f"[#{text}]" for text in shown))
    widths = ", ".join(["auto"] * len(columns))
    listed = ",\n  ".join(rows)
    return f"#head({words.of(PHRASES['nodules'])})\n#table(columns: ({widths}), table.header({heads}),\n  {listed})\n"


def _nodule(nodule: NoduleResult, volume: CtVolume, words: _Words, /) -> str:
    crop = cut_crop(volume, nodule)
    stills = draw_stills(crop, render_turntable(crop))
    pictures = [_picture(still, PHRASES[key], MARKS[key], words) for key, still in zip(_STILLS, stills, strict=True)]
    # Without a map a section with heat would say that there is none.
    if nodule.explanation is not None:
        warm = zip(_WARM_STILLS, draw_warm_stills(crop), strict=True)
        pictures += [_picture(still, PHRASES[f"heat_{key}"], MARKS[key], words) for key, still in warm]
    title = words.of(Phrase(*(f"{word} {nodule.candidate_id}" for word in PHRASES["nodule"])))
    suspicious = words.of(PHRASES["suspicious"]) if nodule.suspicious else '""'
    lists = "".join(
        f"#small({words.of(name)})\n" + "".join(f"- #{words.of(phrase)}\n" for phrase in phrases)
        for name, phrases in closing_lists(nodule)
    )
    return (
        f"#head({title})\n"
        f"#grid(columns: (1fr,) * 4, gutter: 6pt, {', '.join(pictures)})\n"
        f"#small({words.of(PHRASES['crop_note'])})\n\n"
        f"#{words.of(PHRASES['probability'])} #strong({typst_string(f'{nodule.malignancy_probability:.1%}')}) "
        f"#strong({suspicious})\n"
        f"#grid(columns: (1fr, 1fr), gutter: 12pt, [{_facts(measures(nodule), words)}], "
        f"[{_facts(doubts(nodule), words)}])\n"
        f"{lists}"
    )


def _picture(still: NDArray[np.uint8], title: Phrase, letters: str, words: _Words, /) -> str:
    rows, columns = still.shape[:2]
    marks = ", ".join(typst_string(letter) for letter in letters)
    return f"picture({typst_image(png_data_uri(still), size=(columns, rows))}, {words.of(title)}, {marks})"
