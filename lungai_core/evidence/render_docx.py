"""Documents as DOCX that Word opens and people edit; the same bytes from the same document."""

from __future__ import annotations

import importlib
import io
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape  # nosec B406  # it writes XML and reads none

from lungai_core.errors import MissingDependencyError
from lungai_core.evidence.document import NOTICE, Drawing, Prose, Quote
from lungai_core.evidence.fields import Language
from lungai_core.evidence.layout import (
    PAGE,
    STATE_NOTE,
    Mark,
    breakable,
    columns_of,
    numbered,
    rows_of,
    table_title,
    title_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lungai_core.evidence.document import Block, Document, Table
    from lungai_core.evidence.layout import Edition

__all__ = ["docx_bytes", "fixed_zip"]

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_FILLS = {Mark.MISSING: "FBE3E0", Mark.OPEN: "FFF3C4", Mark.BAD: "FBE3E0"}
_LATIN, _CHINESE = "Arial", "Microsoft YaHei"
_TEXT_WIDTH_TWIPS = {False: 9866, True: 14796}  # A4 less margins of 18 mm
_ZERO_WIDTH_SPACE = "\u200b"
# DOS time begins in 1980; a fixed time keeps the archive's bytes the same.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def docx_bytes(
    document: Document, /, *, language: Language, edition: Edition, picture: Callable[[Drawing], bytes]
) -> bytes:
    """Return a document as DOCX.

    :implements: SRS-EVID-019, SRS-EVID-021, SDS-EVID-013

    Parameters
    ----------
    document, language, edition
        What, in which words, and what stands on every page.
    picture
        Gives a drawing as PNG.

    Raises
    ------
    MissingDependencyError
        If ``python-docx`` is not installed.
    """
    writer = _Writer(document, language, edition)
    for block in (NOTICE.en, NOTICE.zh):
        writer.paragraph(block, _Look(size=9, fill="EEF3F8"))
    writer.paragraph(STATE_NOTE.in_language(language), _Look(size=7.5, colour="5B6B7B"))
    for heading, level, section in numbered(document.sections, language):
        writer.heading(heading, level)
        for each in section.blocks:
            writer.block(each, picture)
    return writer.bytes()


def fixed_zip(content: bytes, /) -> bytes:
    """Return a zip archive with its members in order of name and with fixed times.

    :implements: SRS-EVID-021, SDS-EVID-013

    Parameters
    ----------
    content
        A zip archive, such as an Office file.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        # Readers of Office files want the list of types first; the rest stands in order of name.
        for name in sorted(source.namelist(), key=lambda each: (each != "[Content_Types].xml", each)):
            entry = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            entry.create_system = 3
            target.writestr(entry, source.read(name))
    return out.getvalue()


class _Writer:
    def __init__(self, document: Document, language: Language, edition: Edition) -> None:
        try:
            self.library: Any = importlib.import_module("docx")
            self.oxml: Any = importlib.import_module("docx.oxml")
            self.shared: Any = importlib.import_module("docx.shared")
        except ImportError as error:
            raise MissingDependencyError(
                "The DOCX renderer is not installed.",
                where="python-docx",
                remedy='Run `pip install "lungai-core[evidence]"`.',
            ) from error
        self.language = language
        self.width = _TEXT_WIDTH_TWIPS[document.landscape]
        self.docx = self.library.Document()
        self._properties(document, edition)
        self._page(document, edition)
        self._styles()
        self.paragraph(title_of(document, language), _Look(size=20, bold=True, colour="1F3A5F", style="Title"))
        if document.draft_of.en:
            self.paragraph(document.draft_of.in_language(language), _Look(size=9.5, bold=True))

    def paragraph(self, text: str, look: _Look, /) -> None:
        self._raw(_paragraph(text, look))

    def heading(self, text: str, level: int, /) -> None:
        self.paragraph(text, _Look(size=14 if level == 1 else 11, colour="1F3A5F", bold=True, style=f"Heading{level}"))

    def block(self, block: Block, picture: Callable[[Drawing], bytes], /) -> None:
        if isinstance(block, Prose):
            self.paragraph(block.text.in_language(self.language), _Look())
        elif isinstance(block, Quote):
            words = breakable(block.value.text.in_language(self.language), _ZERO_WIDTH_SPACE)
            style = {"bullet": "ListBullet"}.get(block.style, "Normal")
            fill = "F5F5F5" if block.style == "code" else ""
            self.paragraph(words, _Look(style=style, fill=fill, note=" ".join(block.value.sources)))
        elif isinstance(block, Drawing):
            self.docx.add_picture(io.BytesIO(picture(block)), width=self.shared.Mm(170))
            self.paragraph(block.title.in_language(self.language), _Look(size=8))
        else:
            self._table(block)

    def bytes(self) -> bytes:
        out = io.BytesIO()
        self.docx.save(out)
        return fixed_zip(out.getvalue())

    def _raw(self, xml: str, /) -> None:
        body = self.docx.element.body
        body.insert(len(body) - 1, self.oxml.parse_xml(xml))

    def _properties(self, document: Document, edition: Edition, /) -> None:
        core = self.docx.core_properties
        core.title = title_of(document, self.language)
        core.author = core.last_modified_by = edition.component
        core.created = core.modified = datetime.fromisoformat(edition.time).replace(tzinfo=None)
        core.comments, core.language, core.revision = "", str(self.language), 1

    def _page(self, document: Document, edition: Edition, /) -> None:
        section, millimetres = self.docx.sections[0], self.shared.Mm
        width, height = (297, 210) if document.landscape else (210, 297)
        section.page_width, section.page_height = millimetres(width), millimetres(height)
        if document.landscape:
            section.orientation = importlib.import_module("docx.enum.section").WD_ORIENT.LANDSCAPE
        section.left_margin = section.right_margin = millimetres(18)
        section.top_margin, section.bottom_margin = millimetres(24), millimetres(20)
        self._edge(section.header, f"{document.stem}\t{edition.line}", pages=False)
        self._edge(section.footer, f"{edition.time}\t{PAGE.in_language(self.language)} ", pages=True)

    def _edge(self, edge: Any, text: str, /, *, pages: bool) -> None:  # noqa: ANN401  python-docx ships no types
        paragraph = edge.paragraphs[0]._p  # noqa: SLF001  python-docx has no public way to its XML
        stop = (
            '<w:tabs><w:tab w:val="clear" w:pos="4320"/><w:tab w:val="clear" w:pos="8640"/>'
            f'<w:tab w:val="right" w:pos="{self.width}"/></w:tabs>'
        )
        left, right = text.split("\t")
        runs = _run(left, size=7.5, colour="5B6B7B") + "<w:r><w:tab/></w:r>" + _run(right, size=7.5, colour="5B6B7B")
        if pages:
            runs += _page_field("PAGE") + _run(" / ", size=7.5, colour="5B6B7B") + _page_field("NUMPAGES")
        new = self.oxml.parse_xml(f'<w:p xmlns:w="{_W}"><w:pPr>{stop}</w:pPr>{runs}</w:p>')
        paragraph.getparent().replace(paragraph, new)

    def _styles(self) -> None:
        qualified: Any = importlib.import_module("docx.oxml.ns").qn
        for name in ("Normal", "Title", "Heading 1", "Heading 2", "List Bullet"):
            style = self.docx.styles[name]
            style.font.name = _LATIN
            fonts = style.element.rPr.rFonts
            for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
                fonts.attrib.pop(qualified(attribute), None)
            fonts.set(qualified("w:eastAsia"), _CHINESE)
        self.docx.styles["Normal"].font.size = self.shared.Pt(9.5)
        # Without a language of the Chinese text, readers may set traditional forms of punctuation.
        for language in self.docx.styles.element.iter(qualified("w:lang")):
            language.set(qualified("w:eastAsia"), "zh-CN")

    def _table(self, table: Table, /) -> None:
        title = table_title(table, self.language)
        if title:
            self.paragraph(title, _Look(size=9, bold=True, keep=True))
        columns = columns_of(table, self.language)
        if not table.rows:
            self.paragraph("No rows." if self.language is Language.EN else "无记录。", _Look(size=8.5))
            return
        widths = [round(share * self.width) for _, share in columns]
        out = io.StringIO()
        out.write(
            f'<w:tbl xmlns:w="{_W}"><w:tblPr><w:tblW w:w="{self.width}" w:type="dxa"/>{_BORDERS}'
            '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="70" w:type="dxa"/><w:right w:w="70" w:type="dxa"/>'
            "</w:tblCellMar></w:tblPr><w:tblGrid>"
        )
        out.write("".join(f'<w:gridCol w:w="{width}"/>' for width in widths))
        out.write("</w:tblGrid><w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>")
        for (name, _), width in zip(columns, widths, strict=True):
            out.write(_cell(name, width, fill="1F3A5F", colour="FFFFFF", bold=True))
        out.write("</w:tr>")
        for *cells, (sources, _) in rows_of(table, self.language):
            out.write("<w:tr><w:trPr><w:cantSplit/></w:trPr>")
            for (text, mark), width in zip(cells, widths[:-1], strict=True):
                out.write(_cell(text, width, fill=_FILLS.get(mark, ""), bold=mark == Mark.MISSING))
            out.write(_cell(sources, widths[-1], size=6, colour="5B6B7B") + "</w:tr>")
        out.write("</w:tbl>")
        self._raw(out.getvalue())
        self.paragraph("", _Look(size=4))


_BORDERS = (
    "<w:tblBorders>"
    + "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="B8C4D0"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    + "</w:tblBorders>"
)


def _cell(text: str, width: int, /, *, fill: str = "", size: float = 8, colour: str = "", bold: bool = False) -> str:
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    words = _run(breakable(text, _ZERO_WIDTH_SPACE), size=size, colour=colour, bold=bold)
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr>'
        f'<w:p><w:pPr><w:spacing w:before="20" w:after="20"/></w:pPr>{words}</w:p></w:tc>'
    )


@dataclass(frozen=True, slots=True)
class _Look:
    size: float = 9.5
    colour: str = ""
    bold: bool = False
    style: str = "Normal"
    fill: str = ""
    note: str = ""
    keep: bool = False


def _paragraph(text: str, look: _Look, /) -> str:
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{look.fill}"/>' if look.fill else ""
    together = "<w:keepNext/>" if look.keep else ""
    runs = _run(text, size=look.size, colour=look.colour, bold=look.bold)
    if look.note:
        runs += _run(f" {look.note}", size=6, colour="5B6B7B")
    return (
        f'<w:p xmlns:w="{_W}"><w:pPr><w:pStyle w:val="{look.style}"/>{together}{shade}'
        f'<w:spacing w:before="60" w:after="60"/></w:pPr>{runs}</w:p>'
    )


def _run(text: str, /, *, size: float = 9.5, colour: str = "", bold: bool = False) -> str:
    look = (
        f'<w:rFonts w:ascii="{_LATIN}" w:hAnsi="{_LATIN}" w:eastAsia="{_CHINESE}" w:hint="eastAsia"/>'
        + ("<w:b/>" if bold else "")
        + (f'<w:color w:val="{colour}"/>' if colour else "")
        + f'<w:sz w:val="{round(size * 2)}"/>'
    )
    clean = "".join(sign if sign >= " " or sign == "\n" else " " for sign in text)
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in clean.split("\n"))
    return f"<w:r><w:rPr>{look}</w:rPr>{lines}</w:r>"


def _page_field(name: str, /) -> str:
    run = _run("1", size=7.5, colour="5B6B7B")
    return f'<w:fldSimple w:instr=" {name} ">{run}</w:fldSimple>'
