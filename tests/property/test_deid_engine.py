"""De-identification of generated data sets: any tag, any VR, any depth, any damage."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungai_core.deid import NAMED_PROFILES, Secret
from lungai_core.deid.engine import Engine
from lungai_core.deid.standard import dictionary_entry
from lungai_core.errors import InputRejectedError
from support import deid_corpus as corpus

SECRET = Secret(b"a secret for tests only")
ENGINES = [Engine(profile, SECRET) for profile in NAMED_PROFILES.values()]
LONG = (b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT")
SHORT = (b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UI")
TOKENS = st.text("ABCDEFGHKLMNPQRSTUVWXYZ", min_size=9, max_size=14).map(lambda text: f"QX{text}")


def _element(tag, vr, value):
    value += b" " * (len(value) % 2)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack("<HL", 0, len(value)) if vr in LONG else struct.pack("<H", len(value))) + value


def _with(elements, kind="ct"):
    """The bytes of an object with raw elements put in at their places; it has nothing else at these tags."""
    content = corpus.as_bytes(corpus.new_object(kind, patient="P4711ABC"))
    dataset = corpus.read(content)
    for tag, raw in sorted(elements.items()):
        after = min((element.tag for element in dataset if element.tag > tag), default=None)
        if after is None:
            content += raw
            continue
        vr = dataset[after].VR.encode()
        at = content.index(struct.pack("<HH2s", after >> 16, after & 0xFFFF, vr), 132)
        content = content[:at] + raw + content[at:]
    return content


def _tags():
    even = st.integers(0x0008, 0x0090).map(lambda group: group & ~1)
    odd = st.integers(0x0009, 0x00FF).map(lambda group: group | 1)
    groups = st.one_of(even, odd, st.sampled_from([0x3006, 0x300A, 0x5000, 0x6000, 0x0400, 0x4008]))
    return st.builds(lambda group, number: group << 16 | number, groups, st.integers(1, 0xFFFF))


@pytest.mark.verifies("SRS-DEID-004", "SRS-DEID-008", "RC-DEID-001")
@given(_tags(), st.sampled_from(LONG + SHORT), TOKENS, st.integers(0, 3), st.sampled_from(range(len(ENGINES))))
@settings(max_examples=250, deadline=None)
def test_a_value_at_an_unknown_or_private_tag_never_survives(tag, vr, token, depth, profile):
    if dictionary_entry(tag) is not None or vr == b"SQ":
        return
    raw = _element(tag, vr, token.encode())
    for level in range(depth):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(raw)) + raw
        raw, tag = _element(corpus.NESTS[level], b"SQ", item), corpus.NESTS[level]
    try:
        out = b"".join(ENGINES[profile].release(_with({tag: raw})).pieces)
    except InputRejectedError:
        return
    assert token.encode() not in out


@pytest.mark.verifies("SRS-DEID-008", "RC-DEID-001")
@given(
    st.sampled_from(LONG + SHORT), TOKENS, st.sampled_from([0x00080070, 0x00181210, 0x00180015, 0x00180050, 0x00189306])
)
@settings(max_examples=120, deadline=None)
def test_a_name_of_the_patient_is_found_wherever_it_is_put_again(vr, token, tag):
    if vr == b"SQ":
        return
    dataset = corpus.new_object("ct", patient="P4711ABC")
    dataset.PatientName = f"{token}^Wei"
    content = corpus.as_bytes(dataset)
    at = content.index(struct.pack("<HH2s", 0x0020, 0x000D, b"UI"))
    if tag < 0x00100000:
        at = content.index(struct.pack("<HH2s", 0x0010, 0x0010, b"PN"))
    content = content[:at] + _element(tag, vr, token.encode()) + content[at:]
    try:
        out = b"".join(ENGINES[0].release(content).pieces)
    except InputRejectedError:
        return
    assert token.encode() not in out


@pytest.mark.fuzz("de-identification: damaged files")
@pytest.mark.verifies("SRS-DEID-011")
@given(st.integers(132, 900), st.binary(min_size=1, max_size=6), st.sampled_from(sorted(corpus.KINDS)))
@settings(max_examples=300, deadline=None)
def test_damage_is_refused_or_treated_and_never_another_exception(at, damage, kind):
    dataset = corpus.new_object(kind, patient="P4711ABC")
    corpus.plant(dataset, 0x00104000, "LT", "text", 3)
    content = corpus.as_bytes(dataset)
    content = content[:at] + damage + content[at + len(damage) :]
    try:
        out = b"".join(ENGINES[0].release(content).pieces)
    except InputRejectedError:
        return
    assert b"P4711ABC" not in out


@pytest.mark.verifies("SRS-DEID-011")
@given(st.integers(0, 3), st.integers(0, 3), TOKENS, st.sampled_from(range(len(ENGINES))))
@settings(max_examples=60, deadline=None)
def test_a_second_run_changes_nothing(first, second, token, profile):
    dataset = corpus.new_object("ct", patient=token)
    dataset.StudyDate, dataset.SeriesDescription, dataset.PatientAge = "20200301", f"Chest {token}", "091Y"
    corpus.plant(dataset, 0x00080020, "DA", "20200301", first)
    corpus.plant(dataset, 0x0040A124, "UI", "1.2.3.4", second)
    out = b"".join(ENGINES[profile].release(corpus.as_bytes(dataset)).pieces)
    assert b"".join(ENGINES[profile].release(out).pieces) == out
