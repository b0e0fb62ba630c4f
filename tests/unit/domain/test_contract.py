from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.domain.contract import InputContract

GOOD = {
    "size_zyx": (96, 96, 96),
    "spacing_zyx_mm": (1.0, 1.0, 1.0),
    "lower_hu": -1000.0,
    "upper_hu": 400.0,
    "fill_hu": -1000.0,
}


@pytest.mark.verifies("SRS-DOM-005")
def test_the_extent_is_size_times_spacing():
    contract = InputContract(**{**GOOD, "size_zyx": (96, 64, 32), "spacing_zyx_mm": (1.0, 0.5, 2.0)})
    assert contract.extent_zyx_mm == (96.0, 32.0, 64.0)


@pytest.mark.verifies("SRS-DOM-005", "SRS-DOM-004")
@pytest.mark.parametrize(
    "change",
    [
        {"lower_hu": 400.0},
        {"size_zyx": (0, 96, 96)},
        {"spacing_zyx_mm": (0.0, 1.0, 1.0)},
        {"fill_hu": float("nan")},
        {"fill_hu": "-1000"},
        {"window": 1},
    ],
)
def test_a_contract_that_makes_no_sense_is_refused(change):
    with pytest.raises(ValidationError):
        InputContract(**{**GOOD, **change})


@pytest.mark.verifies("SRS-DOM-004")
def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        InputContract(**GOOD).fill_hu = 0.0
