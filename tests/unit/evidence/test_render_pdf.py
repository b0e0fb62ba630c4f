from __future__ import annotations

import importlib
import io
import re
import zipfile

import docx
import pytest
from openpyxl import load_workbook

from lungai_core.errors import MissingDependencyError, MissingFontError
from lungai_core.evidence import render_docx, render_pdf, render_xlsx, sbom, seal
from lungai_core.evidence.document import Document, Drawing, Layer, Nature, Prose, Quote, Section, Table, facts
from lungai_core.evidence.fields import Language, Text, declared, derived, manufacturer, not_measured, same
from lungai_core.evidence.layout import Edition, breakable, file_name

EDITION = Edition("sample", "1.2.3", "abcdef0123456789", "2026-01-05T09:00:00+00:00")
NASTY = 'quote " back\\slash #let [x] $y$ *b* _i_ <w:t> & \x0b {{ }} `c` @r'


@pytest.fixture(scope="module")
def renderer():
    return render_pdf.PdfRenderer()


@pytest.fixture
def document():
    cells = (
        declared(Text(NASTY, "结节 " + NASTY), source="D-001"),
        not_measured(source="X-001"),
        manufacturer("TBC-x-001"),
        derived("FAILED", sources=("F-001",)),
    )
    table = Table(same("T"), tuple(map(same, "abcd")), (cells,) * 14, nature=Nature.PHANTOM)
    blocks = (
        Prose(Text("A sentence.", "一句话。")),
        Quote(declared(NASTY, source="D-001")),
        Quote(declared("bullet", source="D-001"), "bullet"),
        Quote(declared("a = b\nc", source="D-001"), "code"),
        table,
        Table(same("Empty"), (same("a"),), ()),
        Drawing(same("Floors"), (Layer(("a", "b")), Layer(("c",))), declared("p", source="D-001")),
    )
    sections = (Section(Text("One", "第一"), blocks), *(Section(same(f"S{n}"), ()) for n in range(4)))
    return Document(
        "x", "001_X", Text("Title", "标题"), sections, draft_of=same("draft"), nature=Nature.PHANTOM, landscape=True
    )


@pytest.mark.verifies("SRS-EVID-019", "SRS-EVID-021")
@pytest.mark.parametrize("language", list(Language))
def test_a_pdf_states_its_archive_standard_and_its_bytes_repeat(renderer, document, language):
    first = renderer.pdf(document, language=language, edition=EDITION)
    assert first == render_pdf.PdfRenderer().pdf(document, language=language, edition=EDITION)
    assert first.startswith(b"%PDF-1.7")
    assert re.search(rb"pdfaid:part>2<.*pdfaid:conformance>B<", first, re.DOTALL)
    assert renderer.tool.startswith("typst ")


@pytest.mark.verifies("SRS-EVID-019")
def test_no_text_is_read_as_markup(document):
    markup = render_pdf.typst_markup(document, language=Language.EN, edition=EDITION, font="F")
    assert "#let [x]" in markup.replace('\\"', "")
    assert "\x0b" not in markup


@pytest.mark.verifies("SRS-EVID-019")
def test_a_long_token_may_break_in_the_narrow_column_of_sources():
    table = facts(Text("T", "表"), (Text("Item", "项目"), manufacturer("TBC-nmpa_cyber_report-001")))
    page = Document("a", "001_A", Text("A", "甲"), (Section(Text("S", "节"), (table,)),))
    markup = render_pdf.typst_markup(page, language=Language.ZH, edition=EDITION, font="F")
    assert 'src("TBC-\u200bnmpa_\u200bcyber_\u200breport-\u200b001")' in markup


@pytest.mark.verifies("SRS-EVID-020")
def test_a_machine_without_a_chinese_font_is_told_which_package_to_install():
    with pytest.raises(MissingFontError, match="fonts-noto-cjk"):
        render_pdf.PdfRenderer(families=("No Such Font",))


@pytest.mark.verifies("SRS-EVID-020")
def test_a_sign_without_a_glyph_is_an_error_and_not_an_empty_box(document):
    latin = render_pdf.PdfRenderer(families=("Libertinus Serif",))
    with pytest.raises(MissingFontError, match="could not be displayed"):
        latin.pdf(document, language=Language.ZH, edition=EDITION)


@pytest.mark.verifies("SRS-EVID-019", "SRS-EVID-021")
@pytest.mark.parametrize("language", list(Language))
def test_a_docx_holds_all_words_and_its_bytes_repeat(renderer, document, language):
    def make():
        return render_docx.docx_bytes(
            document, language=language, edition=EDITION, picture=lambda each: renderer.png(each, language=language)
        )

    content = make()
    assert content == make()
    read = docx.Document(io.BytesIO(content))
    words = "\n".join(paragraph.text for paragraph in read.paragraphs)
    assert ("Title" if language is Language.EN else "标题") in words
    assert (
        read.tables[0]
        .rows[1]
        .cells[0]
        .text.replace("\u200b", "")
        .startswith("quote" if language is Language.EN else "结节")
    )
    assert len(read.tables[0].rows) == 15
    assert len(read.inline_shapes) == 1
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist()[0] == "[Content_Types].xml"


@pytest.mark.verifies("SRS-EVID-019", "SRS-EVID-021")
def test_an_xlsx_holds_texts_only_and_its_bytes_repeat(document):
    formula = Table(same("[F]/*?"), (same("a"),), ((declared("=1+1", source="D-001"),),))
    document = Document("x", "001_X", same("T"), (*document.sections, Section(same("Z"), (formula,))))
    content = render_xlsx.xlsx_bytes(document, language=Language.EN, edition=EDITION)
    assert content == render_xlsx.xlsx_bytes(document, language=Language.EN, edition=EDITION)
    book = load_workbook(io.BytesIO(content))
    assert len(book.sheetnames) == 3
    sheet = book[book.sheetnames[2]]
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=1+1", "s")
    assert "not a medical device" in book["Notice"]["A4"].value


@pytest.mark.verifies("SRS-EVID-008", "SRS-EVID-026")
def test_file_names_carry_language_and_kind_of_cases(document):
    assert file_name(document, language=Language.ZH, ending="docx") == "001_X_PHANTOM_zh.docx"


@pytest.mark.verifies("SRS-EVID-019")
def test_long_words_may_be_broken_and_short_ones_stay():
    assert breakable("short words stay", "|") == "short words stay"
    assert breakable("tests/unit/evidence/test_render_pdf.py", "|") == "tests/|unit/|evidence/|test_|render_|pdf.|py"
    assert max(map(len, breakable("x" * 100, "|").split("|"))) == 24
    assert breakable("evaluation.json of agreement", "|", signs=12) == "evaluation.|json of agreement"
    assert breakable("0123456789abc", "|", signs=6) == "012345|6789ab|c"


@pytest.mark.verifies("SRS-EVID-019")
@pytest.mark.parametrize("landscape", [False, True])
def test_no_word_of_a_pdf_is_wider_than_its_column(landscape):
    """A hash, a long number and a long word in a column of a tenth of the page; a wide page leaves them more room."""
    words = [same("9e4d6ea33b55213da4b83701b56eeffa"), same("123456789012345"), same("Uncharacteristically")]
    titles = tuple(same(name) for name in ("Hash", "Number", "Word", "Rest"))
    rows = ((*words, same("short")),)
    table = Table(same("T"), titles, rows, weights=(1, 1, 1, 7))
    document = Document("d", "001_D", same("D"), (Section(same("S"), (table,)),), landscape=landscape)
    markup = render_pdf.typst_markup(document, language=Language.EN, edition=EDITION, font="F")
    width_pt, share = (740, 493)[not landscape], float(re.search(r"columns: \(([\d.]+)%", markup)[1]) / 100
    room = (width_pt * share - 8) / 4.7
    for word in words:
        printed = next(line for line in re.findall(r'"([^"]*)"', markup) if line.replace("\u200b", "") == word.en)
        assert max(map(len, printed.split("\u200b"))) <= room


@pytest.mark.verifies("SRS-EVID-019")
@pytest.mark.parametrize(
    "call",
    [
        lambda _: render_pdf.PdfRenderer(),
        lambda document: render_docx.docx_bytes(document, language=Language.EN, edition=EDITION, picture=lambda _: b""),
        lambda document: render_xlsx.xlsx_bytes(document, language=Language.EN, edition=EDITION),
        lambda _: seal.key_pair(),
        lambda _: sbom.validate_cyclonedx("{}"),
    ],
    ids=["pdf", "docx", "xlsx", "seal", "sbom"],
)
def test_a_missing_renderer_names_the_extra_to_install(monkeypatch, document, call):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[(evidence|pdf)\]"):
        call(document)
