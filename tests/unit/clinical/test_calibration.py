from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.metrics import brier_score_loss, log_loss

from lungai_core.clinical.calibration import (
    Binning,
    binned_calibration,
    calibration,
    decision_curve,
    hosmer_lemeshow,
    reliability_bins,
)
from lungai_core.errors import NotEstimableError, StudyDataError

TOPICS = ("calibration", "decision_curve")


@pytest.mark.verifies("SRS-CLIN-013")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.fixture
def data():
    generator = np.random.default_rng(7)
    p = generator.uniform(0.02, 0.98, size=300)
    return p, (generator.random(300) < p**1.5).astype(int)


@pytest.mark.verifies("SRS-CLIN-013")
def test_calibration_agrees_with_scikit_learn_and_statsmodels(data):
    p, y = data
    result = calibration(p, truth=y)
    logit = np.log(p / (1 - p))
    fit = sm.GLM(y, sm.add_constant(logit), family=sm.families.Binomial()).fit()
    assert result.brier == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert result.log_loss == pytest.approx(log_loss(y, p), abs=1e-12)
    assert result.fit.slope == pytest.approx(fit.params[1], abs=1e-8)
    assert result.fit.slope_se == pytest.approx(fit.bse[1], abs=1e-6)


@pytest.mark.verifies("SRS-CLIN-013")
def test_bins_hold_every_case_once(data):
    for binning in Binning:
        sizes, mean_p, mean_y = reliability_bins(data[0], truth=data[1], binning=binning)
        assert sizes.sum() == 300
        assert sizes @ mean_p / 300 == pytest.approx(data[0].mean())
        assert sizes @ mean_y / 300 == pytest.approx(data[1].mean())


@pytest.mark.verifies("SRS-CLIN-013")
def test_the_bins_are_part_of_the_result(data):
    assert binned_calibration(data[0], truth=data[1], bins=7).bins == 7


@pytest.mark.verifies("SRS-CLIN-013")
def test_separated_classes_do_not_converge():
    with pytest.raises(NotEstimableError, match="converge"):
        calibration([0.1, 0.2, 0.8, 0.9], truth=[0, 0, 1, 1])


@pytest.mark.verifies("SRS-CLIN-013")
@pytest.mark.parametrize(
    ("statistic", "error"),
    [
        (lambda: calibration([0.1, 0.2], truth=[0, 0]), NotEstimableError),
        (lambda: calibration([0.1, 1.2], truth=[0, 1]), StudyDataError),
        (lambda: hosmer_lemeshow([0.0, 0.5, 1.0, 0.5], truth=[0, 1, 1, 0], groups=3), NotEstimableError),
        (lambda: decision_curve([0.1, 0.6], truth=[0, 1], thresholds=[1.0]), NotEstimableError),
    ],
)
def test_probabilities_without_an_answer_are_refused(statistic, error):
    with pytest.raises(error):
        statistic()
