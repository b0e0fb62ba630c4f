from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from lungai_core.errors import MissingDependencyError, MissingFontError
from lungai_core.typeset import Typesetter, typst_image, typst_string

TIME = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PAGE = "#set text(font: %s, fallback: false)\n#set document(date: datetime(year: 2026, month: 1, day: 5))\n"
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def typesetter():
    pytest.importorskip("typst", reason="extra [pdf]")
    return Typesetter()


@pytest.mark.verifies("SRS-FILE-003")
def test_the_same_markup_gives_the_same_archive_file_with_its_picture(typesetter):
    markup = PAGE % typst_string(typesetter.font) + f"#{typst_string('结节 #let x')} #{typst_image(DOT, size=(1, 1))}\n"
    first = typesetter.pdf(markup, where="x", time=TIME)
    assert first == Typesetter().pdf(markup, where="x", time=TIME)
    assert b"pdfaid:part>2<" in first
    assert b"/Subtype/Image" in first.replace(b" ", b"")
    assert typesetter.png(markup, where="x").startswith(b"\x89PNG")
    assert typesetter.tool.startswith("typst ")


@pytest.mark.verifies("SRS-FILE-003")
def test_text_is_a_string_whatever_it_holds():
    assert typst_string('a "b" \\ #c\n\x0b') == '"a \\"b\\" \\\\ #c\\n "'


@pytest.mark.verifies("SRS-FILE-003")
@pytest.mark.usefixtures("typesetter")
def test_a_missing_sign_font_or_program_is_an_error_with_a_remedy(monkeypatch):
    latin = Typesetter(families=("Libertinus Serif",))
    with pytest.raises(MissingFontError, match="could not be displayed"):
        latin.pdf(PAGE % typst_string(latin.font) + "#" + typst_string("结节"), where="x", time=TIME)
    with pytest.raises(MissingFontError, match="fonts-noto-cjk"):
        Typesetter(families=("No Such Font",))
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[pdf\]"):
        Typesetter()
