from __future__ import annotations

import pytest

from lungai_core.clinical.roc import roc_data
from lungai_core.clinical.roc_binormal import binormal_auc_variance, binormal_auc_variance_factor
from lungai_core.errors import NotEstimableError

TOPICS = ("auc_variance",)


@pytest.mark.verifies("SRS-CLIN-008")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-005")
def test_a_curve_without_inner_corners_has_no_binormal_fit():
    with pytest.raises(NotEstimableError, match="binormal"):
        binormal_auc_variance(roc_data([3, 4, 1, 2], truth=[1, 1, 0, 0]))


@pytest.mark.verifies("SRS-CLIN-008")
def test_more_controls_lower_the_planned_variance():
    assert binormal_auc_variance_factor(0.8, ratio=2) < binormal_auc_variance_factor(0.8, ratio=1)
