from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from lungai_core.clinical.agreement import (
    ChanceModel,
    Weighting,
    chance_corrected,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1_of_table,
    ratings,
)
from lungai_core.errors import NotEstimableError, StudyDataError

TOPICS = ("cohen_kappa", "fleiss_kappa", "gwet_cac")


@pytest.mark.verifies("SRS-CLIN-010")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-010")
@pytest.mark.parametrize(("weighting", "other"), [("IDENTITY", None), ("LINEAR", "linear"), ("QUADRATIC", "quadratic")])
def test_cohens_kappa_agrees_with_scikit_learn(weighting, other):
    generator = np.random.default_rng(1)
    first = generator.integers(0, 4, size=200)
    second = np.clip(first + generator.integers(-1, 2, size=200), 0, 3)
    table = np.zeros((4, 4), dtype=int)
    np.add.at(table, (first, second), 1)
    ours = cohen_kappa(table, weighting=Weighting[weighting]).interval.estimate
    assert ours == pytest.approx(cohen_kappa_score(first, second, weights=other), abs=1e-12)


@pytest.mark.verifies("SRS-CLIN-010")
def test_fleiss_kappa_agrees_with_statsmodels():
    counts = np.random.default_rng(4).multinomial(6, [0.2, 0.3, 0.5], size=40)
    assert fleiss_kappa(counts) == pytest.approx(statsmodels_fleiss(counts), abs=1e-12)


@pytest.mark.verifies("SRS-CLIN-010")
@pytest.mark.parametrize("model", list(ChanceModel))
@pytest.mark.parametrize("weighting", list(Weighting))
def test_perfect_agreement_is_one_under_every_model(model, weighting):
    data = ratings([[1, 1, 1], [2, 2, 2], [3, 3, 3], [1, 1, 1]])
    result = chance_corrected(data, model=model, weighting=weighting)
    assert result.interval.estimate == pytest.approx(1)
    assert result.observed == pytest.approx(1)


@pytest.mark.verifies("SRS-CLIN-010")
def test_a_single_unit_has_no_standard_error():
    result = chance_corrected(ratings([[1, 2]]), model=ChanceModel.FLEISS)
    assert result.standard_error == 0


@pytest.mark.verifies("SRS-CLIN-010")
@pytest.mark.parametrize(
    ("statistic", "error"),
    [
        (lambda: ratings([1, 2, 3]), StudyDataError),
        (lambda: ratings([[1, None], [None, 2]]), StudyDataError),
        (lambda: chance_corrected(ratings([[1, 1]]), model=ChanceModel.GWET), NotEstimableError),
        (lambda: cohen_kappa([[1, 2, 3], [1, 2, 3]]), StudyDataError),
        (lambda: cohen_kappa([[5, 0], [0, 0]]), NotEstimableError),
        (lambda: fleiss_kappa([[1, 2], [2, 2]]), StudyDataError),
        (lambda: fleiss_kappa([[2, 0], [2, 0]]), NotEstimableError),
        (lambda: gwet_ac1_of_table([[1, -2], [3, 4]]), StudyDataError),
    ],
)
def test_ratings_without_an_answer_are_refused(statistic, error):
    with pytest.raises(error):
        statistic()
