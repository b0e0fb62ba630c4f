from __future__ import annotations

from dataclasses import replace

import pytest

from lungai_core.errors import EvidenceInputError, UnprovenValueError
from lungai_core.evidence.fields import (
    NOT_MEASURED,
    Field,
    FieldState,
    Language,
    Text,
    declared,
    derived,
    manufacturer,
    not_measured,
    same,
    shown,
)
from lungai_core.evidence.sources import JsonRecord, SourceBook, parse, resolve


@pytest.mark.verifies("SRS-EVID-001", "RC-EVID-001")
@pytest.mark.parametrize("sources", [(), ("",)])
def test_a_value_without_a_source_is_refused(sources):
    with pytest.raises(UnprovenValueError, match="LAI-EVID-002"):
        Field(FieldState.DECLARED, same("x"), sources)


@pytest.mark.verifies("SRS-EVID-001")
def test_there_are_exactly_four_states():
    assert {str(state) for state in FieldState} == {"measured", "declared", "derived", "manufacturer"}


@pytest.mark.verifies("SRS-EVID-001", "SRS-EVID-018")
def test_each_constructor_gives_its_state_and_language():
    assert declared(Text("a", "甲"), source="D-001").text.in_language(Language.ZH) == "甲"
    assert declared("a", source="D-001").text.in_language(Language.EN) == "a"
    assert derived(3, sources=("F-001",)).text == same("3")
    placeholder = manufacturer("TBC-ifu-001")
    assert placeholder.missing
    assert "TO BE COMPLETED BY MANUFACTURER" in placeholder.text.en
    assert "由注册申请人填写" in placeholder.text.zh


@pytest.mark.verifies("SRS-EVID-003")
@pytest.mark.parametrize("content", [None, {}, {"a": ""}, {"a": None}, {"b": 1}])
def test_an_absent_value_prints_not_measured_and_never_zero(content):
    field = JsonRecord("X-001", content).field("/a")
    assert field.text == NOT_MEASURED
    assert field.missing
    assert field == not_measured(source="X-001")


@pytest.mark.verifies("SRS-EVID-003")
def test_a_measured_zero_is_not_a_missing_measurement():
    field = JsonRecord("M-001", {"a": 0}).field("/a")
    assert (field.text.en, field.missing) == ("0", False)


@pytest.mark.verifies("SRS-EVID-002")
def test_pointers_walk_tables_lists_and_escaped_names():
    content = parse(b'{"a/b": [10, {"c~d": 5}]}', where="x.json")
    assert resolve(content, "/a~1b/1/c~0d") == 5
    assert resolve(content, "/a~1b/7") is None
    assert resolve(content, "/a~1b/x") is None
    assert resolve(content, "") == content


@pytest.mark.verifies("SRS-EVID-002", "RC-EVID-001")
def test_a_measured_value_that_its_record_does_not_hold_stops_the_build():
    book = SourceBook()
    source = book.record("run/record.json", b'{"passed": 4}', tool="pytest 9", time="2026-01-01T00:00:00+00:00")
    book.require(iter([JsonRecord(source, {"passed": 4}).field("/passed")]))
    with pytest.raises(UnprovenValueError, match="cannot be followed"):
        book.require(iter([JsonRecord(source, {"passed": 5}).field("/passed")]))


@pytest.mark.verifies("SRS-EVID-001", "SRS-EVID-022")
def test_a_value_whose_source_record_is_deleted_stops_the_build():
    book = SourceBook()
    book.tracked("a.md", b"text", commit="c", time="t")
    formula = book.formula("count", "counts things", inputs=("D-001",))
    value = derived(3, sources=(formula,))
    book.require(iter([value, manufacturer("TBC-x-001")]))
    del book.sources[formula]
    with pytest.raises(UnprovenValueError):
        book.require(iter([value]))


@pytest.mark.verifies("SRS-EVID-022")
def test_sources_are_numbered_by_kind_and_entered_once():
    book = SourceBook()
    first = book.record("a.json", b"1", tool="t", time="")
    assert book.record("a.json", b"1", tool="t", time="") == first == "M-001"
    assert book.record("b.json", b"2", tool="t", time="") == "M-002"
    assert book.tracked("x.md", b"x", commit="", time="") == "D-001"
    assert book.absent("c.json", "expected") == book.absent("c.json", "expected") == "X-001"
    assert "not under version control" in book.sources["D-001"].note


@pytest.mark.verifies("SRS-EVID-002")
def test_a_record_that_is_not_json_is_refused_by_name():
    with pytest.raises(EvidenceInputError, match=r"coverage\.json"):
        parse(b"{", where="coverage.json")


@pytest.mark.verifies("SRS-EVID-002")
@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.925752508361204, "0.9258"),
        (-2.0263848356190515, "-2.0264"),
        (0.009698996655518433, "0.009699"),
        (3.1e-9, "3.1e-09"),
        (2144.7, "2144.7"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (float("nan"), "nan"),
        (696882, "696882"),
        (True, "True"),
        ("0.925752508361204", "0.925752508361204"),
        ([1.0, 2.0], "[1.0, 2.0]"),
    ],
)
def test_a_number_is_printed_with_four_decimals_and_the_record_keeps_the_rest(value, printed):
    assert shown(value) == printed


@pytest.mark.verifies("SRS-EVID-002")
def test_a_rounded_value_is_found_again_in_its_record():
    book = SourceBook()
    source = book.record("run/x.json", b'{"auc": 0.925752508361204}', tool="t", time="2026-01-05T09:00:00+00:00")
    field = JsonRecord(source, {"auc": 0.925752508361204}).field("/auc")
    assert field.text.en == "0.9258"
    book.require(iter([field]))
    with pytest.raises(UnprovenValueError, match=r"0\.9259 from"):
        book.require(iter([replace(field, text=same("0.9259"))]))
