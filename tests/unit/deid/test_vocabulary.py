from __future__ import annotations

import pytest

from lungai_core.deid.vocabulary import clean_technical, clean_text, is_term, is_vocabulary


@pytest.mark.verifies("SRS-DEID-008", "SRS-DEID-003")
@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Chest low dose 1.0 mm", "Chest low dose 1.0 mm"),
        ("CT Thorax Zhang San tel 13912345678", "CT Thorax"),
        ("胸部平扫 张三", "胸部平扫"),
        ("王小东肺窗", "肺窗"),
        ("Follow-up of lung nodule, Dr. Huber", "Follow-up of lung nodule, ."),
        ("Huber", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_only_known_words_and_short_numbers_stay(text, cleaned):
    assert clean_text(text, known_values=frozenset()) == cleaned


@pytest.mark.verifies("SRS-DEID-008")
def test_a_known_word_goes_when_the_patient_is_called_so():
    assert clean_text("Chest of Lung", known_values=frozenset({"lung"})) == "Chest of"
    assert clean_text("胸部平扫", known_values=frozenset({"平扫"})) == "胸部"


@pytest.mark.verifies("SRS-DEID-003")
def test_a_profile_may_allow_further_words():
    assert clean_text("Site Alpha", known_values=frozenset(), extra_words=("site", "Alpha")) == "Site Alpha"


@pytest.mark.verifies("SRS-DEID-008")
def test_a_coded_string_is_told_from_a_name():
    assert all(is_term(term) for term in ("HFS", "AXIAL", "HELICAL_CT", "MONOCHROME2", "CT_SOM5 SPI", "TSPINE"))
    assert not is_term("ZHANGSAN")
    assert not is_term("PAT 1234567")
    assert is_vocabulary("Chest, 3 mm")
    assert not is_vocabulary("Chest Huber")
    assert not is_vocabulary("")


@pytest.mark.verifies("SRS-DEID-013")
@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("B30f\\3", "B30f\\3"),
        ("GE MEDICAL SYSTEMS", "GE MEDICAL SYSTEMS"),
        ("syngo CT 2011A", "syngo CT 2011A"),
        ("LightSpeed VCT Huber", "LightSpeed VCT"),
        ("V4.05ER006", "V4.05ER006"),
        ("12.03.1961", ""),
        ("MRN 4711234", ""),
        ("Li Na", ""),
        ("Zhang\\B30f", "\\B30f"),
    ],
)
def test_a_technical_text_keeps_words_of_instruments_and_versions(text, cleaned):
    assert clean_technical(text, known_values=frozenset()) == cleaned


@pytest.mark.verifies("SRS-DEID-013")
def test_a_coded_string_of_the_patient_is_no_term():
    assert is_term("LI", known_values=frozenset())
    assert not is_term("LI", known_values=frozenset({"li"}))
    assert not is_term("LI NA", known_values=frozenset())
    assert is_term("HUBER", extra_words=("huber",))
