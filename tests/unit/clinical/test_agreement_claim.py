from __future__ import annotations

import pytest

from lungai_core.clinical.agreement import ratings
from lungai_core.clinical.agreement_claim import AgreementClaim, ClaimVerdict, claim_of, judge_agreement
from lungai_core.clinical.krippendorff import Metric, krippendorff_alpha_interval
from lungai_core.clinical.results import Unit
from lungai_core.errors import AgreementClaimError

BARE = AgreementClaim(coefficient="alpha", variable="malignancy", estimate=0.81, threshold=0.8)


@pytest.mark.verifies("SRS-CLIN-011")
def test_alpha_above_a_value_without_metric_unit_and_bound_is_refused():
    with pytest.raises(AgreementClaimError, match="metric, unit, n_units, lower, confidence"):
        judge_agreement(BARE)


@pytest.mark.verifies("SRS-CLIN-011")
@pytest.mark.parametrize(
    ("estimate", "lower", "verdict"),
    [
        (0.85, 0.81, ClaimVerdict.SUPPORTED),
        (0.81, 0.74, ClaimVerdict.NOT_SHOWN),
        (0.75, 0.70, ClaimVerdict.CONTRADICTED),
    ],
)
def test_a_claim_is_judged_by_its_lower_bound(estimate, lower, verdict):
    stated = {
        "estimate": estimate,
        "lower": lower,
        "metric": "nominal",
        "unit": "lesion",
        "n_units": 100,
        "confidence": 0.95,
    }
    assert judge_agreement(BARE.model_copy(update=stated)) is verdict


@pytest.mark.verifies("SRS-CLIN-011")
def test_a_computed_interval_makes_a_complete_claim():
    data = ratings([[1, 1, 2], [2, 2, 2], [1, 1, 1], [3, 3, 3], [2, 3, 2]] * 4)
    interval = krippendorff_alpha_interval(data, metric=Metric.ORDINAL, seed=1, replicates=100)
    claim = claim_of(interval, Metric.ORDINAL, Unit.LESION, 20, "grade", 0.95)
    assert judge_agreement(claim) is ClaimVerdict.CONTRADICTED
