from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lungai_core.clinical.monitoring import (
    KsMethod,
    category_drift,
    holm,
    kolmogorov_smirnov,
    maximum_mean_discrepancy,
    population_stability,
)
from lungai_core.errors import StudyDataError

TOPICS = ("drift",)


@pytest.mark.verifies("SRS-CLIN-018")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


@pytest.mark.verifies("SRS-CLIN-018")
def test_the_stability_index_keeps_its_level_where_the_rule_of_thumb_does_not():
    generator = np.random.default_rng(12)
    results = [population_stability(generator.normal(size=3000), generator.normal(size=100)) for _ in range(300)]
    alarms = np.mean([result.test.p_value < 0.05 for result in results])
    thumb = np.mean([result.index > 0.1 for result in results])
    assert 0.02 <= alarms <= 0.08
    assert thumb > 0.2


@pytest.mark.verifies("SRS-CLIN-018")
def test_a_shift_is_found():
    generator = np.random.default_rng(1)
    old, new = generator.normal(size=1000), generator.normal(0.5, 1, size=400)
    result = population_stability(old, new)
    assert result.index > result.null_quantile
    assert kolmogorov_smirnov(old, new).p_value < 1e-6


@pytest.mark.verifies("SRS-CLIN-018")
@pytest.mark.parametrize(("n", "m"), [(20, 20), (30, 47), (200, 150)])
def test_the_exact_kolmogorov_smirnov_p_value_agrees_with_scipy(n, m):
    generator = np.random.default_rng(n + m)
    old, new = generator.normal(size=n), generator.normal(0.3, 1, size=m)
    ours = kolmogorov_smirnov(old, new)
    expected = stats.ks_2samp(old, new, method="exact")
    assert ours.statistic == pytest.approx(expected.statistic)
    assert ours.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.verifies("SRS-CLIN-018")
def test_the_limiting_p_value_is_kolmogorovs():
    old, new = np.arange(40.0), np.arange(40.0) + 8.5
    result = kolmogorov_smirnov(old, new, method=KsMethod.LIMITING)
    assert result.p_value == pytest.approx(stats.kstwobign.sf(result.statistic * np.sqrt(20)))
    assert kolmogorov_smirnov(old, old).p_value == 1
    assert kolmogorov_smirnov(old, old + 100).p_value < 1e-12


@pytest.mark.verifies("SRS-CLIN-018")
def test_the_mean_discrepancy_finds_a_moved_cloud_and_repeats_with_its_seed():
    generator = np.random.default_rng(3)
    here, there = generator.normal(size=(40, 3)), generator.normal(1, 1, size=(30, 3))
    first, again = (maximum_mean_discrepancy(here, there, seed=1, permutations=200) for _ in range(2))
    assert first == again
    assert first.p_value == pytest.approx(1 / 201)
    same = maximum_mean_discrepancy(here, generator.normal(size=(30, 3)), seed=1, permutations=200)
    assert same.p_value > 0.05
    assert maximum_mean_discrepancy(np.zeros((3, 1)), np.zeros((3, 1)), seed=1, permutations=10).p_value == 1


@pytest.mark.verifies("SRS-CLIN-018")
def test_categories_are_compared_by_chi_square():
    ours = category_drift([50, 30, 20], [20, 30, 50])
    expected = stats.chi2_contingency([[50, 30, 20], [20, 30, 50]], correction=False)
    assert ours.p_value == pytest.approx(expected.pvalue)
    assert category_drift([5, 0], [7, 0]).p_value == 1


@pytest.mark.verifies("SRS-CLIN-018")
def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@pytest.mark.verifies("SRS-CLIN-018")
@pytest.mark.parametrize(
    "statistic",
    [
        lambda: population_stability([1.0, 1.0, 1.0], [1.0, 2.0], bins=1),
        lambda: maximum_mean_discrepancy(np.zeros((3, 2)), np.zeros((3, 1)), seed=1),
        lambda: maximum_mean_discrepancy(np.zeros((4000, 1)), np.zeros((4000, 1)), seed=1),
        lambda: category_drift([1, 2], [0, 0]),
    ],
)
def test_samples_that_do_not_fit_are_refused(statistic):
    with pytest.raises(StudyDataError, match="LAI-CLIN-001"):
        statistic()
