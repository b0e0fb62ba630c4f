from __future__ import annotations

import pytest

from lungai_core.domain.case_report import InputKind, TextureEstimate
from lungai_core.domain.texture import Texture
from lungai_core.report.facts import (
    NONE,
    Weight,
    banners,
    cells,
    closing_lists,
    doubts,
    is_phantom,
    measures,
    model_facts,
    number,
    provenance,
    summary,
)
from lungai_core.report.wording import TEXTURES, Phrase


@pytest.mark.verifies("SRS-REPORT-004", "RC-REPORT-002")
def test_an_untrained_model_is_the_first_thing_said_and_a_trained_one_is_called_a_research_model(
    make, volume, card, untrained_card
):
    untrained = banners(make["report"](volume, nodules=(), trained=False), untrained_card)
    assert untrained[0].title.en == "This network is NOT TRAINED."
    assert untrained[0].weight is Weight.BAD
    trained = banners(make["report"](volume, nodules=()), card)
    assert "research model" in trained[0].title.en
    assert trained[0].lines[0].zh == "研究模型。"


@pytest.mark.verifies("SRS-REPORT-004")
def test_reasons_failures_refusals_and_empty_cases_are_told(report, refused, make, volume, card, untrained_card):
    said = {banner.title.en: [line.en for line in banner.lines] for banner in banners(report, card)}
    assert said["Candidates without a result"] == ["3 · LAI-DOM-003 Outside & away <b>."]
    assert said["A second human reading is required"] == ["The uncertainty reaches the model's limit."]
    refusal = banners(refused, untrained_card)[1]
    assert refusal.lines[0].en == "LAI-DICOM-001 A slice <is> missing."
    empty = banners(make["report"](volume, nodules=()), card)
    assert any("not a negative finding" in banner.title.en for banner in empty)


@pytest.mark.verifies("SRS-REPORT-003")
def test_a_row_is_sorted_by_its_values_and_shows_them_with_units(report):
    full, bare = (cells(nodule) for nodule in report.nodules)
    assert [cell.column for cell in full] == [cell.column for cell in bare]
    assert {cell.column: cell.shown for cell in full}["volume"] == "2,145 mm³"
    assert {cell.column: (cell.key, cell.shown) for cell in bare}["volume"] == ("", NONE)
    assert number(None, ".1f", " mm") == NONE
    assert number(2.25, ".1f", " mm") == "2.2 mm"


@pytest.mark.verifies("SRS-REPORT-004")
def test_measures_and_doubts_are_there_as_far_as_they_are_known(report):
    full, bare = report.nodules
    values = [fact.value.en for fact in (*measures(full), *doubts(full))]
    for part in ("16.2 mm", "2,144.7 mm³", "40 ± 2 HU", "0.610 ± 0.010 nat", "40.0%"):
        assert part in values
    assert doubts(bare) == closing_lists(bare) == ()
    assert [title.en for title, _ in closing_lists(full)] == ["Why a second reading", "Warnings"]


@pytest.mark.verifies("SRS-INFER-013")
def test_the_texture_is_told_in_both_languages_where_the_model_has_it(make, volume):
    told = make["nodule"](volume, texture=TextureEstimate(texture=Texture.PART_SOLID, probability=0.8))
    assert measures(told)[-1].value == Phrase("part-solid (80%)", "部分实性(80%)")
    assert measures(told)[:-1] == measures(make["nodule"](volume))
    assert set(TEXTURES) == set(Texture)


@pytest.mark.verifies("SRS-REPORT-004")
def test_summary_model_and_origin_are_told(report, refused, card, make, volume):
    assert [fact.value.en for fact in summary(report)][1:3] == ["2 / 3", "1"]
    assert summary(refused)[-1].value.en == NONE
    assert "a public set of 800 nodules" in [fact.value.en for fact in model_facts(card)]
    told = " ".join(fact.value.en for fact in provenance(report))
    for part in ("a" * 64, "c" * 64, "90 × 90 × 60", "CUDAExecutionProvider: no card", "body part", "1.2.3.4"):
        assert part in told
    assert len(provenance(refused)) == 3
    assert is_phantom(make["report"](volume, nodules=(), kind=InputKind.PHANTOM))
    assert not is_phantom(refused)
