from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.roc import (
    AucInterval,
    auc_interval,
    auc_non_inferiority_test,
    compare_auc_paired,
    obuchowski_auc_variance,
    roc_curve,
    roc_data,
)
from lungai_core.errors import NotEstimableError, PatientIdsMissingError, StudyDataError

TOPICS = ("roc_delong_paired", "clustered_auc")


@pytest.mark.verifies("SRS-CLIN-005", "SRS-CLIN-004")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def scores():
    generator = np.random.default_rng(5)
    truth = np.r_[np.ones(40), np.zeros(60)]
    return truth + generator.normal(size=100), truth + generator.normal(size=100) * 1.5, truth


@pytest.mark.verifies("SRS-CLIN-005")
def test_an_interval_of_a_high_auc_stays_below_one():
    truth = [1, 1, 1, 0, 0, 0]
    data = roc_data([0.9, 0.8, 0.4, 0.5, 0.2, 0.1], truth=truth)
    assert auc_interval(data).upper < 1
    assert auc_interval(data, method=AucInterval.WALD).upper == 1


@pytest.mark.verifies("SRS-CLIN-005")
def test_a_perfect_auc_has_no_logit_and_says_so():
    interval = auc_interval(roc_data([3, 4, 1, 2], truth=[1, 1, 0, 0]))
    assert (interval.estimate, interval.lower, interval.method) == (1, 1, AucInterval.WALD.value)


@pytest.mark.verifies("SRS-CLIN-005")
def test_one_class_has_no_auc():
    with pytest.raises(NotEstimableError, match="2 positive, 0 negative"):
        roc_data([1, 2], truth=[1, 1])


@pytest.mark.verifies("SRS-CLIN-005")
def test_one_case_of_a_class_has_no_variance():
    with pytest.raises(NotEstimableError, match="two of each class"):
        auc_interval(roc_data([1, 2, 3], truth=[1, 0, 0]))


@pytest.mark.verifies("SRS-CLIN-005")
@pytest.mark.parametrize(
    ("values", "truth", "what"),
    [
        ([1, float("nan")], [0, 1], "not finite"),
        ([], [], "empty"),
        ([1, 2], [0, 2], "neither 0 nor 1"),
        ([1, 2], [0, 1, 1], "2 and 3 entries"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(values, truth, what):
    with pytest.raises(StudyDataError, match=what):
        roc_data(values, truth=truth)


@pytest.mark.verifies("SRS-CLIN-005")
def test_equal_tests_do_not_differ(scores):
    data = roc_data(scores[0], truth=scores[2])
    result = compare_auc_paired(data, data)
    assert (result.test.statistic, result.test.p_value) == (0, 1)
    shifted = auc_non_inferiority_test(data, data, margin=0.05)
    assert shifted.p_value < 1e-9


@pytest.mark.verifies("SRS-CLIN-005")
def test_non_inferiority_uses_the_variance_of_the_difference(scores):
    first, second = (roc_data(column, truth=scores[2]) for column in scores[:2])
    comparison = compare_auc_paired(first, second)
    test = auc_non_inferiority_test(first, second, margin=0.0)
    assert test.statistic == pytest.approx(comparison.test.statistic)


@pytest.mark.verifies("SRS-CLIN-005")
def test_the_curve_has_both_ends_and_the_area_of_the_auc(scores):
    data = roc_data(np.round(scores[0], 1), truth=scores[2])
    curve = roc_curve(data)
    x, y = curve.false_positive_rate, curve.sensitivity
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) == pytest.approx(data.auc)


@pytest.mark.verifies("SRS-CLIN-004", "RC-CLIN-001")
def test_a_clustered_auc_without_patients_is_refused(scores):
    with pytest.raises(PatientIdsMissingError, match="LAI-CLIN-002"):
        obuchowski_auc_variance(scores[0], truth=scores[2], patient_ids=None)


@pytest.mark.verifies("SRS-CLIN-004")
def test_a_clustered_auc_needs_two_patients_of_each_class():
    with pytest.raises(NotEstimableError, match="between patients"):
        obuchowski_auc_variance([3, 1, 2], truth=[1, 0, 0], patient_ids=["a", "b", "c"])


@pytest.mark.verifies("SRS-CLIN-004")
def test_single_lesions_give_delongs_variance(scores):
    _, variance = obuchowski_auc_variance(scores[0], truth=scores[2], patient_ids=[str(n) for n in range(100)])
    assert variance == pytest.approx(roc_data(scores[0], truth=scores[2]).variance, rel=1e-12)
