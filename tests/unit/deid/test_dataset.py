from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from lungai_core.deid import Option, Profile
from lungai_core.deid.standard import content_rule


def _item(kind, value, scheme="DCM", **values):
    item, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = value, scheme, "Finding"
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", kind, [concept]
    for keyword, found in values.items():
        setattr(item, keyword, found)
    return item


def _report(corpus, *items):
    dataset = corpus.new_object("sr", patient="QXNOBODY")
    dataset.ValueType = "CONTAINER"
    dataset.ContentSequence = list(items)
    return dataset


def _profile(*options):
    return Profile(name="content", options=frozenset({Option.CLEAN_STRUCTURED_CONTENT, *options}))


@pytest.mark.verifies("SRS-DEID-014")
def test_the_table_gives_each_concept_its_code_under_the_chosen_options():
    assert content_rule("121022", "DCM", "TEXT", frozenset()) == "X"
    assert content_rule("121071", "DCM", "TEXT", frozenset()) == "D"
    assert content_rule("121071", "DCM", "TEXT", frozenset({Option.CLEAN_DESCRIPTORS})) == "C"
    assert content_rule("113877", "DCM", "TEXT", frozenset({Option.RETAIN_DEVICE_IDENTITY})) == "K"
    assert content_rule("371524004", "SCT", "COMPOSITE", frozenset({Option.RETAIN_UIDS})) == "K"
    for before in ("SRT", "SNM3", "99SDM"):
        assert content_rule("R-42B89", before, "COMPOSITE", frozenset({Option.RETAIN_UIDS})) == "K"
        assert not content_rule("", before, "TEXT", frozenset())
    assert not content_rule("R-42B89", "SCT", "COMPOSITE", frozenset())
    assert content_rule("113809", "DCM", "DATETIME", frozenset({Option.RETAIN_MODIFIED_DATES})) == "C"
    assert not content_rule("999999", "DCM", "TEXT", frozenset())


@pytest.mark.verifies("SRS-DEID-014", "RC-DEID-001")
def test_items_are_removed_replaced_or_cleaned_by_their_concept(corpus, release):
    report = _report(
        corpus,
        _item("TEXT", "121022", TextValue="QXACCESSION"),
        _item("TEXT", "121071", TextValue="nodule QXFINDER"),
        _item("PNAME", "121008", PersonName="QXOBSERVER^A"),
        _item("UIDREF", "113769", UID="1.2.3.4.5.6.7"),
        _item("TEXT", "888888", TextValue="lung QXOTHER nodule"),
        _item("CONTAINER", "121070", ContentSequence=[_item("TEXT", "121106", TextValue="QXDEEP")]),
    )
    out, copy = release(report, profile=_profile(Option.CLEAN_DESCRIPTORS))
    texts = [item.get("TextValue") for item in copy.ContentSequence]
    assert texts == ["nodule", None, None, "lung nodule", None]
    assert copy.ContentSequence[1].PersonName == "REMOVED"
    assert copy.ContentSequence[2].UID.startswith("2.25.")
    assert copy.ContentSequence[4].ContentSequence[0].TextValue == "REMOVED"
    assert b"QX" not in out


@pytest.mark.verifies("SRS-DEID-014")
def test_a_device_is_kept_where_the_option_says_so(corpus, release):
    report = _report(corpus, _item("TEXT", "113877", TextValue="Scanner seven"))
    assert release(report, profile=_profile(Option.RETAIN_DEVICE_IDENTITY))[1].ContentSequence[0].TextValue == (
        "Scanner seven"
    )
    assert "ContentSequence" not in release(report, profile=_profile())[1]


@pytest.mark.verifies("SRS-DEID-014")
def test_an_item_that_others_refer_to_by_position_is_replaced_and_not_removed(corpus, release):
    pointer = Dataset()
    pointer.RelationshipType, pointer.ReferencedContentItemIdentifier = "INFERRED FROM", [1, 1]
    report = _report(corpus, _item("TEXT", "121022", TextValue="QXACCESSION"), pointer)
    out, copy = release(report, profile=_profile())
    assert copy.ContentSequence[0].TextValue == "REMOVED"
    assert len(copy.ContentSequence) == 2
    assert b"QXACCESSION" not in out


@pytest.mark.verifies("SRS-DEID-014", "SRS-DEID-007")
def test_times_of_irradiation_move_with_the_patient(corpus, release):
    report = _report(corpus, _item("DATETIME", "113809", DateTime="20200311101112"))
    _, copy = release(report, profile=_profile(Option.RETAIN_MODIFIED_DATES))
    moved = copy.ContentSequence[0].DateTime
    assert moved.endswith("101112")
    assert moved < "20190312"
