"""The planted corpus: every row of Table E.1-1 in ten kinds of object at three depths."""

from __future__ import annotations

import json

import pytest

from lungai_core.deid import BASIC, NAMED_PROFILES, Secret
from lungai_core.deid.engine import Engine
from support import deid_corpus as corpus

SECRET = Secret(b"a secret for tests only")
# Attributes that the walk cannot plant as a value of their own: masks, command and directory groups, and those that
# name or shape the object itself, which every object of the corpus has anyway.
_SHAPING = {0x00080018, 0x0020000D, 0x0020000E, 0x00020003, 0x00100010, 0x00100020}
_LETTERS = "ABCDEFGHKLMNPQRSTUVWXYZ"


def _rows(shared_reference):
    table = json.loads((shared_reference / "dicom" / "ps3.15-table-e1-1.json").read_text(encoding="utf-8"))
    for row in table["rows"]:
        text = row["tag"].strip("()").replace(",", "")
        if "gggg" in text:
            continue
        tag = int(text.replace("xx", "00", 1).replace("x", "0"), 16)
        if tag >> 16 > 0x0007 and tag not in _SHAPING:
            yield tag, (row["vr"] or "LO").split(" or ")[0], row


def _token(number: int) -> str:
    word = ""
    for _ in range(7):
        number, place = divmod(number, len(_LETTERS))
        word += _LETTERS[place]
    return f"QX{word}"


def _planted_objects(rows, kind, depth):
    """Objects of one kind with 60 rows each, and the token of each planted value."""
    rows = list(rows)
    for first in range(0, len(rows), 60):
        dataset = corpus.new_object(kind, number=first + 1, patient=f"{_token(first + 999)}")
        tokens = {}
        for offset, (tag, vr, row) in enumerate(rows[first : first + 60]):
            number = (first + offset) * 30 + depth * 10 + len(kind)
            token = _token(number)
            value = token if vr == "SQ" else corpus.value_for(vr, token, number)
            corpus.plant(dataset, tag, vr, value, depth, nest=first)
            if vr not in {"AS", "DS", "IS", "TM", "US", "FD", "FL", "UL", "SS", "SL"}:
                tokens[corpus.token_of(value)] = (tag, row["basic_profile"])
        yield dataset, tokens


@pytest.mark.verifies("SRS-DEID-002", "SRS-DEID-004", "SRS-DEID-008", "RC-DEID-001")
@pytest.mark.parametrize("kind", sorted(corpus.KINDS))
def test_no_row_of_the_table_leaks_at_any_depth(shared_reference, kind):
    engine, leaks, planted = Engine(BASIC, SECRET), [], 0
    for depth in (0, 1, 2):
        for dataset, tokens in _planted_objects(_rows(shared_reference), kind, depth):
            out = b"".join(engine.release(corpus.as_bytes(dataset)).pieces)
            leaks += [(depth, place) for token, place in tokens.items() if token.encode() in out]
            planted += len(tokens)
            assert b"".join(engine.release(out).pieces) == out
    assert planted > 1400
    assert leaks == []


def _types_of(shared_reference):
    found = json.loads((shared_reference / "dicom" / "iod-top-level-types.json").read_text(encoding="utf-8"))
    return found["iods"]


_IODS = {
    "ct": "ct-image",
    "mr": "mr-image",
    "pet": "positron-emission-tomography-image",
    "sr": "comprehensive-sr",
    "rtstruct": "rt-structure-set",
    "rtplan": "rt-plan",
    "seg": "segmentation",
    "gsps": "grayscale-softcopy-presentation-state",
    "pdf": "encapsulated-pdf",
    "ecg": "12-lead-ecg",
}


def _outcome(before, copy, tag):
    if tag not in copy:
        return "gone"
    element = copy[tag]
    if element.is_empty:
        return "empty"
    if element.VR == "SQ":
        return "items"
    if element.VR == "UI":
        return "uid" if str(element.value) != str(before[tag].value) else "kept"
    return "dummy" if element.value != before[tag].value else "kept"


@pytest.mark.verifies("SRS-DEID-004", "RC-DEID-005")
@pytest.mark.parametrize("kind", sorted(corpus.KINDS))
def test_every_row_meets_an_action_that_its_code_and_type_allow(shared_reference, kind):
    types = _types_of(shared_reference)[_IODS[kind]]
    engine, wrong = Engine(BASIC, SECRET), []
    for dataset, _ in _planted_objects(_rows(shared_reference), kind, 0):
        before = corpus.read(corpus.as_bytes(dataset))
        copy = corpus.read(b"".join(engine.release(corpus.as_bytes(dataset)).pieces))
        for tag, _, row in _rows(shared_reference):
            if tag not in before:
                continue
            found = types.get(row["keyword"], "//3").rsplit("/", 1)[1]
            outcome = _outcome(before, copy, tag)
            fine = corpus.allowed(row["basic_profile"], found)
            if "dummy" in fine:
                fine |= {"items", "uid"}
            if outcome not in fine:
                wrong.append((row["tag"], row["keyword"], row["basic_profile"], found, outcome))
    assert wrong == []


@pytest.mark.verifies("SRS-DEID-003", "SRS-DEID-008")
@pytest.mark.parametrize("name", sorted(NAMED_PROFILES))
def test_no_name_or_id_leaks_under_any_named_profile(shared_reference, name):
    engine, leaks = Engine(NAMED_PROFILES[name], SECRET), []
    for depth in (0, 1, 2):
        for dataset, tokens in _planted_objects(_rows(shared_reference), "ct", depth):
            out = b"".join(engine.release(corpus.as_bytes(dataset)).pieces)
            kept = _kept_by_option(NAMED_PROFILES[name], shared_reference)
            leaks += [
                (depth, place) for token, place in tokens.items() if token.encode() in out and place[0] not in kept
            ]
    assert leaks == []


def _kept_by_option(profile, shared_reference):
    chosen = {option.value for option in profile.options}
    return {
        tag
        for tag, _, row in _rows(shared_reference)
        if any(code == "K" for option, code in row["options"].items() if option in chosen)
    }
