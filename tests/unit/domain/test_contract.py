from __future__ import annotations

import pytest
from pydantic import ValidationError

from lungai_core.domain.contract import (
    InputContract,
    InputLimits,
    KernelLimit,
    LimitAction,
    RangeLimit,
    preprocessing_sha256,
)

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


@pytest.mark.verifies("SRS-DOM-007")
def test_limits_survive_a_round_trip_through_json():
    limits = InputLimits(
        slice_spacing_mm=RangeLimit(action=LimitAction.REFUSE, upper=3.0),
        convolution_kernel=KernelLimit(action=LimitAction.FLAG, accepted=("B30f", "STANDARD")),
    )
    assert InputLimits.model_validate_json(limits.model_dump_json()) == limits


@pytest.mark.verifies("SRS-DOM-007")
def test_the_ends_of_a_range_belong_to_it():
    limit = RangeLimit(action=LimitAction.REFUSE, lower=0.5, upper=3.0)
    assert [limit.contains(value) for value in (0.49, 0.5, 3.0, 3.01)] == [False, True, True, False]
    assert RangeLimit(action=LimitAction.FLAG, lower=0.5).contains(99.0)
    assert RangeLimit(action=LimitAction.FLAG, upper=0.5).contains(-99.0)


@pytest.mark.verifies("SRS-DOM-007")
@pytest.mark.parametrize(("lower", "upper"), [(None, None), (2.0, 1.0)])
def test_a_limit_without_an_end_or_with_an_empty_range_is_refused(lower, upper):
    with pytest.raises(ValidationError):
        RangeLimit(action=LimitAction.REFUSE, lower=lower, upper=upper)


@pytest.mark.verifies("SRS-DOM-007")
def test_a_limit_without_an_action_is_refused():
    with pytest.raises(ValidationError):
        InputLimits.model_validate_json('{"slice_spacing_mm": {"upper": 3.0}}')


@pytest.mark.verifies("SRS-DOM-009")
def test_the_preprocessing_hash_changes_with_each_number_and_with_the_algorithm(monkeypatch):
    contract = InputContract(**GOOD)
    expected = preprocessing_sha256(contract)
    assert preprocessing_sha256(InputContract(**GOOD)) == expected
    for change in ({"size_zyx": (96, 96, 64)}, {"upper_hu": 401.0}, {"fill_hu": -1001.0}, {"lower_hu": -999.0}):
        assert preprocessing_sha256(InputContract(**{**GOOD, **change})) != expected
    monkeypatch.setattr("lungai_core.domain.contract.PREPROCESSING_ALGORITHM", "lungai-patch/2")
    assert preprocessing_sha256(contract) != expected
