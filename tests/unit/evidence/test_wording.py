from __future__ import annotations

import pytest

from lungai_core.errors import WordingError
from lungai_core.evidence.document import Document, Drawing, Layer, Prose, Quote, Section, Table
from lungai_core.evidence.fields import Field, FieldState, Text, declared, derived, measured, quoted, same
from lungai_core.evidence.wording import check_wording, claims_in, figures_in, numbers_in


def document(*blocks):
    return Document("srs", "040_X", same("X"), (Section(same("First"), tuple(blocks)),))


CLAIMS = (
    "complies", "compliant", "conforms", "approved", "cleared", "certified", "safe", "effective",
    "substantially equivalent", "符合", "获批", "安全有效", "实质等同",
)  # fmt: skip


@pytest.mark.verifies("SRS-EVID-006", "RC-EVID-001")
@pytest.mark.parametrize("word", CLAIMS)
def test_each_forbidden_word_in_a_declared_text_stops_the_build(word):
    with pytest.raises(WordingError, match=word):
        check_wording(document(Quote(declared(f"This component is {word} for use", source="D-001"))))


@pytest.mark.verifies("SRS-EVID-006")
@pytest.mark.parametrize("word", CLAIMS)
def test_each_forbidden_word_in_a_sentence_of_the_tool_or_a_table_stops_the_build(word):
    text = Text(f"It is {word} here", f"此处 {word} 该")
    table = Table(same("t"), (same("c"),), ((derived(text, sources=("F-001",)),),))
    for block in (Prose(text), table, Drawing(text, (Layer(("a",)),), declared("x", source="D-001"))):
        with pytest.raises(WordingError):
            check_wording(document(block))


@pytest.mark.verifies("SRS-EVID-006")
@pytest.mark.parametrize(
    "text", ["effect on safety and effectiveness", "unsafe input", "safety class", "clear", "approval"]
)
def test_words_that_only_resemble_claims_are_let_through(text):
    assert claims_in(text) == ()


@pytest.mark.verifies("SRS-EVID-006", "SRS-EVID-018")
def test_a_manufacturer_may_claim_and_a_name_or_quoted_message_is_no_claim():
    signed = Field(FieldState.MANUFACTURER, same("cleared as K123456"), ("M-001",))
    name = measured("tests/test_a.py::test_b[safe]", source="M-001", pointer="/a")
    message = quoted(derived("says K123456 is effective", sources=("F-001",)))
    check_wording(document(Quote(signed), Quote(name), Quote(message)))


@pytest.mark.verifies("SRS-EVID-007", "RC-EVID-001")
@pytest.mark.parametrize(
    "number",
    ["K203320", "DEN180005", "NCT05123456", "ChiCTR2000012345", "国械注准20243540678", "(01)00812345678906"],
)
def test_each_kind_of_registration_number_in_a_tracked_text_stops_the_build(number):
    assert numbers_in(number) == (number,)
    with pytest.raises(WordingError, match="registration"):
        check_wording(document(Quote(declared(f"predicate {number}", source="D-001"))))


@pytest.mark.verifies("SRS-EVID-002")
@pytest.mark.parametrize("text", ["12 tests passed", "coverage of 92 %", "共 5 项", "between 3 and 4"])
def test_a_figure_in_a_sentence_of_the_tool_stops_the_build(text):
    with pytest.raises(WordingError, match="not measured"):
        check_wording(document(Prose(Text(text, text))))


@pytest.mark.verifies("SRS-EVID-002")
@pytest.mark.parametrize(
    "text",
    [
        "IEC 62304:2006+A1:2015, 5.7.5",
        "ISO 14971 7.2",
        "21 CFR 807.92(a)(6)",
        "510(k)",
        "PDF/A-2b",
        "GB/T 25000.51",
        "YY/T 0664-2020",
    ],
)
def test_figures_in_names_of_standards_are_let_through(text):
    assert figures_in(text) == ()


@pytest.mark.verifies("SRS-EVID-002")
def test_a_table_whose_rows_do_not_fit_its_columns_cannot_be_made():
    with pytest.raises(ValueError, match="2 columns"):
        Table(same("t"), (same("a"), same("b")), ((same("x"),),))
    with pytest.raises(ValueError, match="weights"):
        Table(same("t"), (same("a"), same("b")), (), weights=(1,))
