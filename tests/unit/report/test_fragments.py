from __future__ import annotations

import re

import pytest

from lungai_core.domain.case_report import InputKind
from lungai_core.report.fragments import (
    header_section,
    model_section,
    nodule_section,
    nodule_table,
    provenance_section,
    summary_section,
)

STILLS = ("data:a", "data:b", "data:c", "data:d")


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-002")
def test_the_page_says_that_it_is_not_for_clinical_use_and_what_the_images_are(make, volume):
    plain = header_section(make["report"](volume, nodules=()))
    phantom = header_section(make["report"](volume, nodules=(), kind=InputKind.PHANTOM))
    assert "NOT FOR CLINICAL USE" in plain
    assert "不得用于临床" in plain
    assert "PHANTOM" not in plain
    assert "GENERATED PHANTOM" in phantom


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-002")
def test_an_untrained_model_is_named_before_any_result(make, volume, card, untrained_card):
    untrained = summary_section(make["report"](volume, nodules=(), trained=False), untrained_card)
    assert untrained.index("NOT TRAINED") < untrained.index("Status")
    assert "NOT TRAINED" not in summary_section(make["report"](volume, nodules=()), card)


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-003")
def test_words_from_a_file_are_escaped(report, refused, card, untrained_card, make, volume):
    text = summary_section(report, card)
    assert "The uncertainty reaches the model&#x27;s limit." in text
    assert "LAI-DOM-003 Outside &amp; away &lt;b&gt;." in text
    assert "LAI-DICOM-001 A slice &lt;is&gt; missing." in summary_section(refused, untrained_card)
    assert "3D DenseNet &lt;small&gt;" in model_section(card)
    assert nodule_table(make["report"](volume, nodules=()), thumbnails=[]) == ""


@pytest.mark.verifies("SRS-REPORT-003")
def test_the_table_has_a_row_a_nodule_with_values_to_sort_by(report):
    table = nodule_table(report, thumbnails=["data:a", "data:b"])
    assert table.count("<tr data-nodule=") == 2
    assert re.findall(r'data-value="(0\.\d)"', table) == ["0.7", "0.1"]
    assert table.count("<th scope=") == 9 + 2


@pytest.mark.verifies("SRS-REPORT-003", "SRS-REPORT-004")
def test_a_nodule_shows_its_measures_and_its_doubts(report):
    full, bare = (
        nodule_section(nodule, number=number, sprite="data:s", stills=STILLS)
        for number, nodule in enumerate(report.nodules)
    )
    for part in ("70.0%", "16.2 mm", "2,144.7 mm³", "40 ± 2 HU", "0.610 ± 0.010 nat", "40.0%", "suspicious"):
        assert part in full
    assert "The mask reaches the border" in full
    assert ' id="nodule-1" aria-labelledby="title-1" hidden' in bare
    assert "nat" not in bare.split("Measures")[1].replace("alternative", "")


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-001")
def test_each_still_carries_the_letters_of_its_four_directions(report):
    section = nodule_section(report.nodules[0], number=0, sprite="data:s", stills=STILLS)
    letters = re.findall(r'<b class="mark (\w+)">(\w)</b>', section)
    assert letters[:4] == [("top", "A"), ("right", "L"), ("bottom", "P"), ("left", "R")]
    assert "".join(letter for _, letter in letters) == "ALPR" + "SLIR" + "SPIA" + "SLIR"


@pytest.mark.verifies("SRS-REPORT-009")
def test_each_picture_and_control_has_a_name_in_both_languages(report):
    section = nodule_section(report.nodules[0], number=0, sprite="data:s", stills=STILLS)
    for tag in ("canvas", "input", 'img class="still"'):
        tags = re.findall(rf"<{tag}[^>]*>", section)
        assert len(tags) >= 3
        assert all("data-label-en=" in each and "data-label-zh=" in each for each in tags)
    assert 'aria-live="polite"' in section


@pytest.mark.verifies("SRS-REPORT-004")
def test_the_card_and_the_origin_of_the_result_are_shown(card, untrained_card, report, refused):
    text = model_section(card)
    for part in ("不得用于临床。", "0.81", "0.7 – 0.9", "120 nodules", "a public set", "1,726,405"):
        assert part in text
    assert "No figure was measured" in model_section(untrained_card)
    assert "0.60" in provenance_section(report)
    assert "c" * 64 in provenance_section(report)
    assert "c" * 64 not in provenance_section(refused)
