from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.modelpack.card import Figure, ModelCard, render_card

FIGURE = {
    "name": "AUC",
    "value": 0.9,
    "interval_95": (0.85, 0.94),
    "n": 100,
    "unit": "nodules",
    "data": "somewhere",
    "source": "evidence/cv.json",
    "source_sha256": "ab" * 32,
}


@pytest.mark.verifies("SRS-PACK-004", "RC-PACK-003")
def test_an_untrained_model_cannot_carry_a_figure(card):
    with pytest.raises(ValidationError, match="must not carry figures"):
        ModelCard(**{**card.model_dump(), "figures": (FIGURE,)})


@pytest.mark.verifies("SRS-PACK-004")
def test_the_rendering_says_in_both_languages_what_the_model_is_not(card):
    text = render_card(card)
    for words in (
        "Not for clinical use · 不得用于临床",
        "NOT TRAINED · 未训练",
        "NOT MEASURED · 未测量",
        "测试用模型。",
    ):
        assert words in text
    assert render_card(card) == text


@pytest.mark.verifies("SRS-PACK-004")
def test_each_figure_is_rendered_with_its_interval_number_unit_and_source(card):
    figures = (Figure(**FIGURE), Figure(**{**FIGURE, "name": "MAE", "interval_95": None}))
    text = render_card(card.model_copy(update={"trained": True, "figures": figures}))
    assert "| AUC | 0.9 | 0.85 to 0.94 | 100 nodules | somewhere | evidence/cv.json (`abababababab`) |" in text
    assert "| MAE | 0.9 | – |" in text
    assert "**trained · 已训练.**" in text


@pytest.mark.verifies("SRS-PACK-004")
def test_a_card_cannot_claim_clinical_use(card):
    with pytest.raises(ValidationError):
        ModelCard(**{**card.model_dump(), "clinical_use": "for clinical use"})
