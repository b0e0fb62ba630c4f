from __future__ import annotations

import pytest

from lungai_core.errors import ReportPartsError
from lungai_core.report.document import CaseDocument


@pytest.mark.verifies("SRS-REPORT-008", "RC-REPORT-005")
def test_images_of_another_series_or_grid_are_refused(make, report, card):
    other = make["volume"](shape=(61, 90, 90))
    with pytest.raises(ReportPartsError, match="LAI-REPORT-002") as caught:
        CaseDocument(report, other, card)
    assert caught.value.where == "volume"
    renamed = report.model_copy(update={"input": report.input.model_copy(update={"series_instance_uid": "1.2.3.4.9"})})
    with pytest.raises(ReportPartsError):
        CaseDocument(renamed, make["volume"](), card)


@pytest.mark.verifies("SRS-REPORT-008", "RC-REPORT-005")
def test_a_card_of_another_model_or_state_of_training_is_refused(report, volume, card, untrained_card):
    for wrong in (untrained_card, card.model_copy(update={"model_version": "2.0.0"})):
        with pytest.raises(ReportPartsError) as caught:
            CaseDocument(report, volume, wrong)
        assert caught.value.where == "card"


@pytest.mark.verifies("SRS-REPORT-008")
def test_nodules_need_their_images_and_a_refused_series_has_none(report, refused, volume, card, untrained_card):
    with pytest.raises(ReportPartsError):
        CaseDocument(report, None, card)
    with pytest.raises(ReportPartsError):
        CaseDocument(refused, volume, untrained_card)
    assert CaseDocument(refused, None, untrained_card).volume is None
