from __future__ import annotations

import datetime as dt
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.deid.values import dummy_of, is_plain, shift_dates, spells_text

BACK = dt.timedelta(days=-400)


@pytest.mark.verifies("SRS-DEID-007")
@pytest.mark.parametrize(
    ("vr", "value", "moved"),
    [
        ("DA", "20200301", "20190126"),
        ("DA", "2020.03.01", "2019.01.26"),
        ("DA", "202003", "201901"),
        ("DA", "2020", "2018"),
        ("DA", "20200301-20200302", "20190126-20190127"),
        ("DA", "-20200301", "-20190126"),
        ("DA", "20200301-", "20190126-"),
        ("DA", r"20200301\20200302", r"20190126\20190127"),
        ("DA", "", ""),
        ("DA", "20200231", None),
        ("DA", "yesterday", None),
        ("DA", "00010101", None),
        ("DT", "20200301101112.123456+0800", "20190126101112.123456+0800"),
        ("DT", "20200301101112-0500", "20190126101112-0500"),
        ("DT", "2020030110", "2019012610"),
        ("DT", "20200301-0500-20200302-0500", "20190126-0500-20190127-0500"),
        ("DT", "202003", "201901"),
    ],
)
def test_each_form_of_a_date_moves_and_keeps_its_form(vr, value, moved):
    assert shift_dates(value, vr=vr, by=BACK) == moved


@pytest.mark.verifies("SRS-DEID-007", "RC-DEID-006")
@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    st.integers(-3649, -365),
)
@settings(max_examples=100, deadline=None)
def test_intervals_are_kept(first, second, days):
    by = dt.timedelta(days=days)
    moved = [
        dt.datetime.strptime(shift_dates(date.strftime("%Y%m%d"), vr="DA", by=by), "%Y%m%d").date()  # noqa: DTZ007  # a DICOM date
        for date in (first, second)
    ]
    assert moved[1] - moved[0] == second - first


@pytest.mark.verifies("SRS-DEID-008")
@pytest.mark.parametrize(
    ("vr", "text", "plain"),
    [
        ("LO", "LightSpeed Plus", True),
        ("LO", "VB30B 07MW18.4", True),
        ("LO", "DOE^JOHN", False),
        ("LO", "john@example.org", False),
        ("LO", "13912345678", False),
        ("LO", "2020-03-01", False),
        ("LO", "see http://pacs", False),
        ("CS", "ORIGINAL\\PRIMARY\\AXIAL", True),
        ("CS", "张三", False),
        ("CS", "A" * 17, False),
        ("DS", "0.703\\0.703", True),
        ("DS", "1.5 mm", False),
        ("DS", "John", False),
        ("IS", "12", True),
        ("IS", "1.2", False),
        ("AS", "045Y", True),
        ("AS", "45 years", False),
        ("TM", "101112.000-1030", True),
        ("TM", "noon", False),
        ("UI", "1.2.840", True),
        ("UI", "1.2.John", False),
        ("DS", "", True),
    ],
)
def test_a_kept_value_holds_nothing_that_its_attribute_does_not_need(vr, text, plain):
    assert is_plain(text, vr=vr) is plain


@pytest.mark.verifies("SRS-DEID-008")
def test_a_code_value_may_be_a_long_number_and_other_text_not():
    assert is_plain("363698007", vr="SH", tag=0x00080100)
    assert not is_plain("363698007", vr="SH", tag=0x00181210)
    assert not is_plain("DOE^JOHN", vr="SH", tag=0x00080100)


@pytest.mark.verifies("SRS-DEID-004")
def test_every_dummy_is_valid_in_its_vr():
    for vr in ("AS", "CS", "DS", "IS", "TM"):
        assert is_plain(dummy_of(vr).decode(), vr=vr)
    for vr in ("DA", "DT"):
        assert shift_dates(dummy_of(vr).decode(), vr=vr, by=dt.timedelta()) == dummy_of(vr).decode()
    assert len(dummy_of("FD")) == 8


@pytest.mark.verifies("SRS-DEID-013")
def test_bytes_that_spell_words_are_told_from_numbers():
    rising = struct.pack("<64H", *range(0x4141, 0x4141 + 64))
    assert spells_text(b"MEIER^HANS  ", shortest=6)
    assert spells_text(bytes(40) + b"PATIENT MEIER HANS" + bytes(40), shortest=6)
    assert not spells_text(bytes(range(64)), shortest=6)
    assert not spells_text(rising, shortest=200)
    assert not spells_text(b"ABC", shortest=6)


@pytest.mark.verifies("SRS-DEID-013")
@pytest.mark.parametrize("number", ["5551234567", "330102198001", "2147483648"])
def test_a_whole_number_beyond_31_bits_is_an_identifier(number):
    assert not is_plain(number, vr="IS")
    assert is_plain("2147400000", vr="IS")
    assert not is_plain(f"1{number}7", vr="DS")
